"""A WebSocket as Autobahn drives it (SPEC 9, RFC 6455)."""

# mypy: allow-untyped-calls, disable-error-code="misc"
# (Autobahn's own methods are typed in part, and two of its classes differ in attributes of theirs)

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.compress import PerMessageDeflateOfferAccept
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from zope.interface import implementer

from kato.errors import TooManyRequests
from kato.intake import Intake
from kato.protocols.websocket.handshake import Handshake
from kato.protocols.websocket.hearing import Hearing
from kato.protocols.websocket.pulse import Pulse

CLOSE_PATIENCE = 10
"""Seconds that a client has to read why it is closed."""

UNSUPPORTED_DATA = 1003
TRY_LATER = 1013

STEPS = 64
"""So many times is read what came on a connection, of a frame its head and then its payload, before
others have their turn."""

Opened = Callable[["StreamProtocol"], Hearing[Any]]
"""Makes the session of a connection that is open."""

Closed = Callable[["StreamProtocol"], None]
"""Is told of a connection that is over."""


class StreamFactory(WebSocketServerFactory):
    """Makes the protocol of a connection that was judged and accepted already."""

    def __init__(self, *, clock: IReactorTime, intake: Intake) -> None:
        """@param intake: counts what has come, but is not whole yet."""
        super().__init__(server="KATO", reactor=clock)
        self.clock = clock
        self.intake = intake
        most = intake.limits.message
        self.setProtocolOptions(
            webStatus=False,
            failByDrop=False,
            maxMessagePayloadSize=most,
            maxFramePayloadSize=most,
            closeHandshakeTimeout=CLOSE_PATIENCE,
            perMessageCompressionAccept=partial(accepted, most),
        )

    def make(self, handshake: Handshake, opened: Opened, closed: Closed) -> "StreamProtocol":
        """Make what a connection becomes."""
        protocol = StreamProtocol(handshake, opened, closed)
        protocol.factory = self
        return protocol


def accepted(most: int, offers: Sequence[Any]) -> PerMessageDeflateOfferAccept:
    """The only offer that a handshake of ours hands on."""
    return PerMessageDeflateOfferAccept(offers[0], no_context_takeover=True, max_message_size=most)


@implementer(IPushProducer)
class StreamProtocol(WebSocketServerProtocol):
    """One connection: the L{Wire<kato.protocols.websocket.sending.Wire>} of a session."""

    factory: StreamFactory
    transport: Any  # one of a socket, or of TLS above it, both of which can be paused

    def __init__(self, handshake: Handshake, opened: Opened, closed: Closed) -> None:
        super().__init__()
        self.handshake = handshake
        self._opened = opened
        self._closed = closed
        self._session: Hearing[Any] | None = None
        self._pulse: Pulse | None = None
        self._is_told_to_close = False
        self._reads = True
        self._held = {False: 0, True: 0}
        """How many bytes of a message are there, with those that came before the key was told."""
        self._steps = STEPS
        self._going_on: IDelayedCall | None = None
        self._unanswered: bytes | None = None
        """The last ping that was not answered yet, since nothing is read by who sent it."""

    @property
    def deflates(self) -> bool:
        """Whether messages may be sent compressed."""
        return self._perMessageCompress is not None

    def connectionMade(self) -> None:
        """Have the handshake answered, which was judged before."""
        super().connectionMade()
        self.dataReceived(self.handshake.head())

    def onConnect(self, request: object) -> str | None:
        """Agree to what was judged before."""
        return self.handshake.protocol

    def onOpen(self) -> None:
        """Begin; from now on the connection says how much it takes."""
        self.registerProducer(self, True)
        self._pulse = Pulse(
            ping=self.sendPing,
            give_up=self._lost,
            excused=self._is_excused,
            clock=self.factory.clock,
        )
        self._session = self._opened(self)

    def dataReceived(self, data: bytes) -> None:
        """Whatever comes is a sign of life."""
        self._felt()
        if self._going_on is None:
            self._steps = STEPS
        super().dataReceived(data)

    def processData(self) -> bool:
        """Read a frame's head, or of its payload what is there; so often only in one turn."""
        if self._steps == 0:
            if self._going_on is None:
                self._going_on = self.factory.clock.callLater(0, self._go_on)
                self._read_or_not()
            return False
        self._steps -= 1
        return bool(super().processData())

    def _go_on(self) -> None:
        """Read on, now that others had their turn."""
        self._going_on = None
        self._steps = STEPS
        self.consumeData()
        self._read_or_not()

    def _felt(self) -> None:
        if self._pulse is not None:
            self._pulse.felt()

    def _lost(self) -> None:
        self.transport.abortConnection()

    def _is_excused(self) -> bool:
        """Whether it is ours that nothing is read, while all that was sent was taken."""
        return not self._reads and self._session is not None and self._session.sending.flows

    def onPing(self, payload: bytes) -> None:
        """Answer, where the client reads; of several pings the last one is enough (RFC 6455,
        5.5.3)."""
        if self._session is None or self._session.sending.flows:
            super().onPing(payload)
        else:
            self._unanswered = payload

    def onMessageFrameData(self, payload: bytes) -> None:
        """Keep a piece of a message, where there is room for it."""
        guest = self._session is not None and self._session.is_guest
        try:
            self.factory.intake.hold(len(payload), guest=guest)
        except TooManyRequests:
            if self._session is not None:
                self._session.close(TRY_LATER, "too many bytes of requests wait to be read")
        else:
            self._held[guest] += len(payload)
            super().onMessageFrameData(payload)

    def _release(self) -> None:
        for guest, size in self._held.items():
            self.factory.intake.release(size, guest=guest)
            self._held[guest] = 0

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Hear a message."""
        self._release()
        if self._session is None or self.state != self.STATE_OPEN:
            return
        expects_binary = self.handshake.codec.binary
        if isBinary is expects_binary:
            self._session.received(payload)
        else:
            kinds = ("binary", "text") if expects_binary else ("text", "binary")
            self._session.close(UNSUPPORTED_DATA, "expected {} frames, got a {} one".format(*kinds))

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """The connection is over, or about to be."""
        self._release()
        if self._going_on is not None:
            self._going_on.cancel()
            self._going_on = None
        if self._pulse is not None:
            self._pulse.stop()
        session, self._session = self._session, None
        if session is not None:
            session.ended()
            self._closed(self)

    def onCloseFrame(self, code: int, reasonRaw: bytes) -> bool | None:
        """The client closes, perhaps by a frame that is none."""
        self._is_told_to_close = self.state == self.STATE_OPEN or self.failedByMe
        try:
            return super().onCloseFrame(code, reasonRaw)
        finally:
            self._is_told_to_close = False

    def dropConnection(self, abort: bool = False) -> None:
        """End the connection; Autobahn takes a malformed closing frame for the answer to the one in
        which it has just said so, which must not be thrown away."""
        super().dropConnection(abort=abort and not self._is_told_to_close)

    # The wire of the session

    def send(self, frame: bytes) -> None:
        """Send a frame; what Autobahn's own ways add is counted in C{/stats} already."""
        if self.state == self.STATE_OPEN:
            self.transport.write(frame)

    def close(self, code: int, reason: str) -> None:
        """Send a closing frame: any of RFC 6455's codes, of which C{sendClose} takes only few."""
        self.read(True)
        self.sendCloseFrame(code=code, reasonUtf8=reason.encode())

    def sendCloseFrame(
        self, code: int | None = None, reasonUtf8: bytes | None = None, isReply: bool = False
    ) -> None:
        """Close, whoever wants to: there is nothing to say behind that."""
        if self._session is not None:
            self._session.ended()
        super().sendCloseFrame(code, reasonUtf8, isReply)

    def read(self, on: bool) -> None:
        """Read on, or let what comes wait at the client's."""
        self._reads = on
        self._read_or_not()

    def _read_or_not(self) -> None:
        if self._reads and self._going_on is None:
            self.transport.resumeProducing()
        else:
            self.transport.pauseProducing()

    def limit(self, size: int) -> None:
        """Take no message of more bytes."""
        self.maxMessagePayloadSize = self.maxFramePayloadSize = size

    # The producer of the transport

    def pauseProducing(self) -> None:
        """The reader has to read first."""
        if self._session is not None:
            self._session.sending.pause()

    def resumeProducing(self) -> None:
        """The reader has read what was sent."""
        self._felt()
        ping, self._unanswered = self._unanswered, None
        if ping is not None:
            self.sendPong(ping)
        if self._session is not None:
            self._session.sending.resume()

    def stopProducing(self) -> None:
        """The connection is gone, which L{onClose} is told as well."""
