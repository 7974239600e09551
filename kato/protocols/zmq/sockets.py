"""The sockets of L{kato.protocols.zmq.interface}, made of txZMQ's.

Importing this installs a reactor, so only who composes the parts imports it, and late.  A context
is made when the first socket is opened: one that was made before C{twistd} forks would not work.
"""

# mypy: allow-untyped-calls, disallow-subclassing-any = False
# (txZMQ is not typed)

import socket
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import zmq
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from txzmq import ZmqConnection, ZmqEndpoint, ZmqEndpointType, ZmqFactory
from zmq.utils.monitor import parse_monitor_message

from kato.codec import MAX_MESSAGE
from kato.protocols.zmq.addresses import Address
from kato.protocols.zmq.curve import KeyPair
from kato.protocols.zmq.guard import EVERYBODY, MEMBERS, Guard
from kato.protocols.zmq.interface import CannotEncrypt, Listening, Received
from kato.protocols.zmq.seldom import Seldom

BURST = 100
"""How many messages of one socket are taken before others have their turn."""

MAX_FRAME = 6 * MAX_MESSAGE
"""A frame of more bytes is not even read, and its sender is disconnected; one that is over the
limit of a message, but not over this, is answered with an error."""

_HIGH_WATER = 10_000
"""How many messages wait for a peer, or from it, before it is told to wait."""

_LINGER = 1_000
"""Milliseconds that the last replies have to go out when a socket is closed."""

_HEARTBEAT = 1_000
_HEARTBEAT_TIMEOUT = 4_000
"""Milliseconds between heartbeats of a connection, and until silence means that it is lost."""

_CONNECT_TIMEOUT = 4_000
"""Milliseconds for a connection to come about."""

_WORDS: Mapping[int, str] = {
    zmq.EVENT_CLOSED: "cannot connect",
    zmq.EVENT_DISCONNECTED: "connection lost",
}
_UNSHAKEN: Mapping[int, str] = {
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: "the other side hung up",
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: "the other side speaks otherwise",
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: "the other side refused our key",
}
_ASKED: Mapping[bool, str] = {
    True: "is --curve the same file on both sides?",
    False: "does it want --curve?",
}
"""What to look for where a handshake fails, with keys and without."""

_DESK = "inproc://zeromq.zap.01"
"""Where libzmq asks who may connect (RFC 27)."""

_PAUSE = 60.0
_MOST = 1_000
"""Seconds for which a handshake that fails is not told again, and with how many others."""

InThread = Callable[[Callable[[], Any]], "Deferred[Any]"]
"""Calls a function off the reactor; fires with what it returns."""


class ZmqSockets:
    """Makes sockets in one context of ZeroMQ."""

    log = Logger()

    def __init__(self, *, reactor: Any, in_thread: InThread, guard: Guard | None = None) -> None:
        """
        @param in_thread: where names of hosts are looked up, and where the end is awaited.
        @param guard: has the keys by which all connections are encrypted, and lets others in;
            C{None}: they are in the clear.
        @raise CannotEncrypt: where its keys are of no use here.
        """
        if guard is not None:
            _judge_keys(guard.pair)
        self._reactor = reactor
        self._in_thread = in_thread
        self._guard = guard
        self._seldom = Seldom(_PAUSE, most=_MOST)
        self._opened: ZmqFactory | None = None

    def _factory(self) -> ZmqFactory:
        """The context; before anything else in it, who may connect is asked for at the desk."""
        if self._opened is None:
            self._opened = ZmqFactory()
            self._opened.reactor = self._reactor
            if self._guard is not None:
                ZmqDesk(self._opened, self._guard)
        return self._opened

    def router(
        self,
        listening: Listening,
        received: Received,
        taken: Callable[[], None] = lambda: None,
        *,
        members_only: bool = False,
    ) -> "ZmqSocket":
        """Open a ROUTER on a bound port."""
        router = ZmqSocket(self._factory(), zmq.ROUTER, received, taken)
        router.set(zmq.ROUTER_MANDATORY, 1)
        router.set(zmq.ROUTER_HANDOVER, 1)
        self._listen(router, listening, MEMBERS if members_only else EVERYBODY)
        return router

    def _listen(self, socket: "ZmqSocket", listening: Listening, domain: bytes) -> None:
        """Go on with a bound port; without a desk, or an answer from it, nobody gets in."""
        socket.set(zmq.TCP_KEEPALIVE, 1)
        if self._guard is not None:
            socket.set(zmq.CURVE_SERVER, 1)
            socket.set(zmq.CURVE_SECRETKEY, self._guard.pair.secret)
            socket.set(zmq.ZAP_DOMAIN, domain)
            socket.set(zmq.ZAP_ENFORCE_DOMAIN, 1)
        socket.take_over(listening)

    def dealer(
        self,
        address: str,
        *,
        received: Received,
        up: Callable[[], None],
        down: Callable[[str], None],
    ) -> "ZmqSocket":
        """Connect a DEALER."""
        dealer = ZmqSocket(self._factory(), zmq.DEALER, received)
        self._connect(dealer, address, up, down)
        return dealer

    def publisher(
        self,
        listening: Listening,
        *,
        grants: Callable[[bytes], bool],
        subscribed: Callable[[bytes, bool], None],
    ) -> "ZmqPublisher":
        """Open an XPUB on a bound port."""
        publisher = ZmqPublisher(self._factory(), grants, subscribed)
        self._listen(publisher, listening, EVERYBODY)
        return publisher

    def subscriber(
        self,
        address: str,
        *,
        received: Received,
        up: Callable[[], None],
        down: Callable[[str], None],
    ) -> "ZmqSubscriber":
        """Connect a SUB."""
        subscriber = ZmqSubscriber(self._factory(), zmq.SUB, received)
        self._connect(subscriber, address, up, down)
        return subscriber

    def _connect(
        self,
        connecting: "ZmqSocket",
        address: str,
        up: Callable[[], None],
        down: Callable[[str], None],
    ) -> None:
        connecting.set(zmq.LINGER, 0)
        connecting.set(zmq.MAXMSGSIZE, -1)  # a service tells as much as it was asked for
        connecting.set(zmq.RECONNECT_IVL, -1)
        connecting.set(zmq.CONNECT_TIMEOUT, _CONNECT_TIMEOUT)
        connecting.set(zmq.HANDSHAKE_IVL, _CONNECT_TIMEOUT)
        connecting.set(zmq.HEARTBEAT_IVL, _HEARTBEAT)
        connecting.set(zmq.HEARTBEAT_TIMEOUT, _HEARTBEAT_TIMEOUT)
        if self._guard is not None:
            connecting.set(zmq.CURVE_SERVERKEY, self._guard.pair.public)
            connecting.set(zmq.CURVE_PUBLICKEY, self._guard.pair.public)
            connecting.set(zmq.CURVE_SECRETKEY, self._guard.pair.secret)
        connecting.watch(up, down, partial(self._unshaken, address))
        where = Address.parse(address)
        found = self._in_thread(partial(_resolved, where))
        found.addCallbacks(connecting.connect, connecting.lost)

    def _unshaken(self, address: str, why: str) -> None:
        """A handshake failed: whoever runs this has most probably to do something."""
        if self._seldom.is_due(address, now=self._reactor.seconds()):
            self.log.error(
                "no handshake with {address}: {why}; {question}",
                address=address,
                why=why,
                question=_ASKED[self._guard is not None],
            )

    def close(self) -> "Deferred[None]":
        """Close all sockets; fires when what they had to send is sent, or given up."""
        factory, self._opened = self._opened, None
        if factory is None:
            return self._in_thread(lambda: None)
        for each in list(factory.connections):
            if not isinstance(each, _Monitor):
                each.close()
        return self._in_thread(factory.context.term)


def _judge_keys(pair: KeyPair) -> None:
    """See that libzmq can encrypt with a pair."""
    if not zmq.has("curve"):
        raise CannotEncrypt("the libzmq that is installed here was built without CURVE")
    if zmq.curve_public(pair.secret) != pair.public:
        raise CannotEncrypt("its public and its secret key do not belong together")


def _resolved(where: Address) -> str:
    """An address of the host that libzmq need not look up, since that would hold up all others."""
    found = socket.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM)
    host, port = min(found, key=lambda each: each[0])[4][:2]
    return str(Address(str(host), int(port)))


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
        self._again: IDelayedCall | None = None
        self._monitor: _Monitor | None = None
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
        self._monitor = _Monitor(self.factory, self.socket, up, down, unshaken)

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
        for _ in range(BURST):
            if self.factory is None:
                return
            try:
                frames = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            self._take(frames)

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


class ZmqPublisher(ZmqSocket):
    """An XPUB socket, which tells every subscription of every peer, and asks whether it holds."""

    def __init__(
        self,
        factory: ZmqFactory,
        grants: Callable[[bytes], bool],
        subscribed: Callable[[bytes, bool], None],
    ) -> None:
        self._grants = grants
        self._subscribed = subscribed
        self._peers: Counter[bytes] = Counter()
        super().__init__(factory, zmq.XPUB, self._heard)
        self.set(zmq.XPUB_MANUAL, 1)

    def _heard(self, frames: list[bytes]) -> None:
        """A peer subscribed or unsubscribed, if by no message then by going away."""
        [frame, *_] = frames
        prefix = frame[1:]
        if frame[:1] == b"\1" and self._grants(prefix):
            self.socket.setsockopt(zmq.SUBSCRIBE, prefix)
            self._peers[prefix] += 1
            if self._peers[prefix] == 1:
                self._subscribed(prefix, True)
        elif frame[:1] == b"\0" and prefix in self._peers:
            self.socket.setsockopt(zmq.UNSUBSCRIBE, prefix)
            self._peers[prefix] -= 1
            if not self._peers[prefix]:
                del self._peers[prefix]
                self._subscribed(prefix, False)


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

    def __init__(self, factory: ZmqFactory, guard: Guard) -> None:
        self._guard = guard
        super().__init__(factory, zmq.ROUTER, self._asked)
        self.set(zmq.LINGER, 0)
        self._join(ZmqEndpointType.bind, _DESK)

    def _asked(self, frames: list[bytes]) -> None:
        """Answer behind the two frames that libzmq, as a REQ, has put before its question."""
        self.send([*frames[:2], *self._guard.answer(frames[2:])])


class _Monitor(ZmqSocket):
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
