"""The kinds of sockets that L{kato.protocols.zmq.sockets} opens, made of txZMQ's.

Importing this installs a reactor.
"""

# mypy: allow-untyped-calls, disallow-subclassing-any = False
# (txZMQ is not typed)

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import zmq
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from txzmq import ZmqConnection, ZmqEndpoint, ZmqEndpointType, ZmqFactory
from zmq.utils.monitor import parse_monitor_message

from kato.codec import MAX_MESSAGE
from kato.protocols.zmq.guard import ADMITTED, SUBSCRIBERS
from kato.protocols.zmq.interface import Listening, Received
from kato.protocols.zmq.waiting import WaitingRoom
from kato.seldom import Seldom

BURST = 100
"""How many messages of one socket are taken before others have their turn,"""
BURST_BYTES = 4 * 2**20
"""or how many bytes, or five frames for each of so many messages."""

MAX_FRAMES = 64
"""A message of more frames is thrown away: there is one for each hop on its way, and a few more;"""
MAX_ENVELOPE = 4096
"""and so is one with more bytes before its last frame: they would have to be given back with it."""

_SELDOM = 60.0
"""Seconds for which that is not said again."""

MAX_FRAME = 6 * MAX_MESSAGE
"""A frame of more bytes is not even read, and its sender is disconnected; one that is over the
limit of a message, but not over this, is answered with an error."""

_HIGH_WATER = 10_000
"""How many messages wait for a peer, or from it, before it is told to wait."""

_LINGER = 1_000
"""Milliseconds that the last replies have to go out when a socket is closed."""

_WORDS: Mapping[int, str] = {
    zmq.EVENT_CLOSED: "cannot connect",
    zmq.EVENT_DISCONNECTED: "connection lost",
}
_UNSHAKEN: Mapping[int, str] = {
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: "the other side hung up",
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: "the other side speaks otherwise",
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: "the other side refused our key",
}

_DESK = "inproc://zeromq.zap.01"
"""Where libzmq asks who may connect (RFC 27)."""


class ZmqSocket(ZmqConnection):
    """One socket, read in bursts, whose peers are waited for by nobody."""

    log = Logger()
    highWaterMark = _HIGH_WATER
    reconnectInterval = 0

    def __init__(
        self,
        factory: ZmqFactory,
        kind: int,
        received: Received,
        taken: Callable[[], None] = lambda: None,
    ) -> None:
        self.socketType = kind
        self._received = received
        self._taken = taken
        self._reading = False
        self._seldom = Seldom(_SELDOM, most=1)
        self._again: IDelayedCall | None = None
        self._monitor: ZmqMonitor | None = None
        super().__init__(factory)
        self.set(zmq.LINGER, _LINGER)
        self.set(zmq.MAXMSGSIZE, MAX_FRAME)
        self.set(zmq.IPV6, 1)

    def set(self, option: int, value: int | bytes) -> None:
        """Set an option of ZeroMQ's."""
        self.socket.setsockopt(option, value)

    def take_over(self, listening: Listening) -> None:
        """Go on with a port that is bound."""
        address = listening.address
        self.set(zmq.USE_FD, listening.detach())
        self._join(ZmqEndpointType.bind, address)

    def _join(self, how: str, address: str) -> None:
        self.addEndpoints([ZmqEndpoint(how, address)])
        self._read_soon()

    def watch(
        self,
        up: Callable[[], None],
        down: Callable[[str], None],
        unshaken: Callable[[str], None],
    ) -> None:
        """Tell of the connection that will be made.

        @param unshaken: is told why it could be made, but the handshake failed.
        """
        self._monitor = ZmqMonitor(self.factory, self.socket, up, down, unshaken)

    def connect(self, address: str) -> None:
        """Connect, now that the address is known."""
        if self.factory is not None:
            self._join(ZmqEndpointType.connect, address)

    def lost(self, failure: Failure) -> None:
        """There is no such address."""
        if self._monitor is not None:
            self._monitor.tell_down(f"cannot find the host: {failure.value}")

    def send(self, frames: Sequence[bytes]) -> bool:
        """Hand a message over; C{False}: not now."""
        if self.factory is None:
            return True
        try:
            self.socket.send_multipart(frames, zmq.NOBLOCK)
        except zmq.Again:
            return False
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
        if not self._reading:
            self._look()
        return True

    def _look(self) -> None:
        """See whether messages have come meanwhile, of which ZeroMQ then gives no other sign."""
        if self.factory is not None and self.socket.getsockopt(zmq.EVENTS) & zmq.POLLIN:
            self._read_soon()

    @property
    def _reads_again(self) -> bool:
        """Whether more has come than was taken."""
        return self._again is not None

    def _read_soon(self) -> None:
        """Read when others have had their turn."""
        if self._again is None:
            self._again = self.factory.reactor.callLater(0, self._look_again)

    def _look_again(self) -> None:
        self._again = None
        self.doRead()

    def doRead(self) -> None:
        """Take what has come, as much as is fair; ZeroMQ signals only once that there is some."""
        self._reading = True
        try:
            self._read_burst()
            self._taken()
        finally:
            self._reading = False
        self._look()

    def _read_burst(self) -> None:
        frames_left, bytes_left = 5 * BURST, BURST_BYTES
        for _ in range(BURST):
            if self.factory is None or frames_left < 0 or bytes_left < 0:
                return
            try:
                frames = self._receive()
            except zmq.Again:
                return
            envelope = sum(map(len, frames[:-1]))
            frames_left -= len(frames)
            bytes_left -= envelope + len(frames[-1])
            if len(frames) > MAX_FRAMES or envelope > MAX_ENVELOPE:
                self._throw_away()
            else:
                self._take(frames)

    def _receive(self) -> list[bytes]:
        """The next message.

        @raise zmq.Again: where there is none.
        """
        frames: list[bytes] = self.socket.recv_multipart(zmq.NOBLOCK)
        return frames

    def _throw_away(self) -> None:
        if self._seldom.is_due("thrown away", now=self.factory.reactor.seconds()):
            self.log.warn(
                "messages of more than {frames} frames, or of more than {bytes} bytes before the "
                "last, are thrown away",
                frames=MAX_FRAMES,
                bytes=MAX_ENVELOPE,
            )

    def _take(self, frames: list[bytes]) -> None:
        try:
            self._received(frames)
        except Exception:
            self.log.failure("defect while a message was taken")

    def close(self) -> None:
        """Close, once."""
        if self.factory is None:
            return
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if self._monitor is not None:
            self.socket.disable_monitor()
        self.shutdown()
        if self._monitor is not None:  # while somebody monitors, libzmq waits for who listens
            self._monitor.close()


class ZmqSubscriber(ZmqSocket):
    """A SUB socket."""

    def subscribe(self, prefix: bytes) -> None:
        """Ask for messages."""
        if self.factory is not None:
            self.socket.subscribe(prefix)

    def unsubscribe(self, prefix: bytes) -> None:
        """Take a subscription back."""
        if self.factory is not None:
            self.socket.unsubscribe(prefix)


class ZmqDesk(ZmqSocket):
    """A ROUTER at which libzmq asks who may connect (RFC 27)."""

    def __init__(
        self,
        factory: ZmqFactory,
        answer: Callable[[Sequence[bytes]], tuple[bytes, ...]],
        room: WaitingRoom,
    ) -> None:
        """
        @param answer: what is said to a question.
        @param room: where those wait who would subscribe, and may.
        """
        self._answer = answer
        self._room = room
        super().__init__(factory, zmq.ROUTER, self._asked)
        self.set(zmq.LINGER, 0)
        self._join(ZmqEndpointType.bind, _DESK)

    def _asked(self, frames: list[bytes]) -> None:
        """Answer behind the two frames that libzmq, as a REQ, has put before its question."""
        envelope, question = frames[:2], frames[2:]
        answer = self._answer(question)
        say = partial(self.send, [*envelope, *answer])
        if SUBSCRIBERS in question[2:3] and answer[2] == ADMITTED:
            self._room.ask(say)
        else:
            say()


class ZmqMonitor(ZmqSocket):
    """Hears what becomes of the one connection of another socket."""

    def __init__(
        self,
        factory: ZmqFactory,
        watched: "zmq.Socket[bytes]",
        up: Callable[[], None],
        down: Callable[[str], None],
        unshaken: Callable[[str], None],
    ) -> None:
        super().__init__(factory, zmq.PAIR, self._heard)
        self._up: Callable[[], None] | None = up
        self._down: Callable[[str], None] | None = down
        self._unshaken = unshaken
        address = f"inproc://monitor-{id(self):x}"
        watched.monitor(address, zmq.EVENT_ALL)
        self._join(ZmqEndpointType.connect, address)

    def _heard(self, frames: list[bytes]) -> None:
        event = parse_monitor_message(frames)["event"]
        if event == zmq.EVENT_HANDSHAKE_SUCCEEDED and self._up is not None:
            up, self._up = self._up, None
            up()
        elif event in _UNSHAKEN:
            self._unshaken(_UNSHAKEN[event])
            self.tell_down("no handshake")
        elif event in _WORDS:
            self.tell_down(_WORDS[event])

    def tell_down(self, why: str) -> None:
        """Tell, once, that there is no connection."""
        down, self._down = self._down, None
        if down is not None and self.factory is not None:
            down(why)
