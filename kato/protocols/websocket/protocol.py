"""A WebSocket as Autobahn drives it (SPEC 9, RFC 6455)."""

# mypy: allow-untyped-calls, disable-error-code="misc"
# (Autobahn's own methods are typed in part, and two of its classes differ in attributes of theirs)

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.compress import PerMessageDeflateOfferAccept
from twisted.internet.interfaces import IPushProducer, IReactorTime
from zope.interface import implementer

from kato.errors import TooManyRequests
from kato.intake import Intake, Share
from kato.protocols.websocket.handshake import Handshake
from kato.protocols.websocket.hearing import Hearing
from kato.protocols.websocket.inflating import Inflating
from kato.protocols.websocket.pulse import Pulse
from kato.protocols.websocket.turns import Turns
from kato.protocols.websocket.utf8 import Utf8

CLOSE_PATIENCE = 10
"""Seconds that a client has to read why it is closed."""

UNSUPPORTED_DATA = 1003
TRY_LATER = 1013

STEPS = 64
"""So many times is read what came on a connection, of a frame its head and then its payload, before
others have their turn."""

INFLATED = 16
"""For so many of them counts a whole step of inflating: of 64 KiB, for a tenth of a millisecond."""

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
        self.turns = Turns(clock)
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
    utf8validator: Any  # is one of ours
    _perMessageCompress: Any  # as well
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
        self._held: dict[Share, int] = {}
        """How many bytes of a message are there, with those that came before the key was told."""
        self._steps = STEPS
        self._waits_its_turn = False
        self._inflating: Inflating | None = None
        self._unanswered: bytes | None = None
        """The last ping that was not answered yet, since nothing is read by who sent it."""

    @property
    def deflates(self) -> bool:
        """Whether messages may be sent compressed."""
        return self._perMessageCompress is not None

    def connectionMade(self) -> None:
        """Have the handshake answered, which was judged before."""
        super().connectionMade()
        self.utf8validator = Utf8()
        self.dataReceived(self.handshake.head())

    def onConnect(self, request: object) -> str | None:
        """Agree to what was judged before."""
        return self.handshake.protocol

    def onOpen(self) -> None:
        """Begin; from now on the connection says how much it takes."""
        self.registerProducer(self, True)
        if self.deflates:
            self._perMessageCompress = self._inflating = Inflating()
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
        if not self._waits_its_turn:
            self._steps = STEPS
        super().dataReceived(data)

    def processData(self) -> bool:
        """Read a frame's head, or of its payload what is there, or inflate a step of it; so often
        only in one turn."""
        if self._steps <= 0:
            self._wait()
            return False
        self._steps -= 1
        reads_on = bool(super().processData())
        return reads_on or (self._inflating is not None and self._inflating.has_more)

    def onFrameData(self, payload: bytes) -> bool | None:
        """Take a piece of a frame.  Of what is compressed the first step is inflated; while there
        is more the frame is not at its end, and is given nothing until all of it is."""
        goes_on: bool | None = super().onFrameData(payload)
        inflating = self._inflating
        if inflating is None:
            return goes_on
        if self.state != self.STATE_OPEN:
            inflating.give_up()
        self._steps -= int(INFLATED * inflating.spent())
        return False if inflating.has_more else goes_on

    def _wait(self) -> None:
        """Read on when others had their turn."""
        if not self._waits_its_turn:
            self._waits_its_turn = True
            self.factory.turns.wait(self._go_on)
            self._read_or_not()

    def _go_on(self) -> None:
        self._waits_its_turn = False
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
        unread = self._waits_its_turn or not self._reads
        return unread and self._session is not None and self._session.sending.flows

    def onPing(self, payload: bytes) -> None:
        """Answer, where the client reads; of several pings the last one is enough (RFC 6455,
        5.5.3)."""
        if self._session is None or self._session.sending.flows:
            super().onPing(payload)
        else:
            self._unanswered = payload

    def onMessageFrameData(self, payload: bytes) -> None:
        """Keep a piece of a message, where there is room for it."""
        if not payload or self._session is None or self.state != self.STATE_OPEN:
            return
        share = self._session.share
        try:
            self.factory.intake.hold(len(payload), share, sum(self._held.values()))
        except TooManyRequests:
            self._session.close(TRY_LATER, "too many bytes of requests wait to be read")
        else:
            self._held[share] = self._held.get(share, 0) + len(payload)
            super().onMessageFrameData(payload)

    def _release(self) -> None:
        for share, size in self._held.items():
            self.factory.intake.release(size, share)
        self._held.clear()

    def onMessageEnd(self) -> None:
        """Hear a message, in the pieces in which it came."""
        pieces, self.message_data = self.message_data, []
        self._release()
        if self._session is None or self.state != self.STATE_OPEN:
            return
        expects_binary = self.handshake.codec.binary
        if self.message_is_binary is expects_binary:
            self._session.received(pieces, self.message_data_total_length)
        else:
            kinds = ("binary", "text") if expects_binary else ("text", "binary")
            self._session.close(UNSUPPORTED_DATA, "expected {} frames, got a {} one".format(*kinds))

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """The connection is over, or about to be."""
        self._release()
        self._leave_nothing()
        if self._pulse is not None:
            self._pulse.stop()
        session, self._session = self._session, None
        if session is not None:
            session.ended()
            self._closed(self)

    def _leave_nothing(self) -> None:
        """What was read of a message is freed now, not when somebody looks for circles."""
        self.factory.turns.leave(self._go_on)
        self.data = b""
        self.frame_data: list[bytes] = []
        self.message_data: list[bytes] = []
        if self._inflating is not None:
            self._inflating.give_up()

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
        if self._reads and not self._waits_its_turn:
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
