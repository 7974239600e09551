"""The sockets of L{kato.protocols.zmq.interface}, opened with what they need.

Importing this installs a reactor, so only who composes the parts imports it, and late.  A context
is made when the first socket is opened: one that was made before C{twistd} forks would not work.
"""

# mypy: allow-untyped-calls, disallow-subclassing-any = False
# (txZMQ is not typed)

import socket
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import zmq
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from txzmq import ZmqFactory

from kato.codec import MAX_MESSAGE
from kato.limits import Limits
from kato.protocols.zmq.addresses import Address
from kato.protocols.zmq.bound_kinds import BoundSocket, ZmqPublisher, ZmqRouter
from kato.protocols.zmq.curve import KeyPair
from kato.protocols.zmq.door import ZmqDoor
from kato.protocols.zmq.guard import EVERYBODY, MEMBERS, SUBSCRIBERS, Guard, welcome
from kato.protocols.zmq.interface import CannotEncrypt, Listening, Received
from kato.protocols.zmq.socket_kinds import ZmqDesk, ZmqMonitor, ZmqSocket, ZmqSubscriber
from kato.protocols.zmq.visitors import Visitors
from kato.protocols.zmq.waiting import WaitingRoom
from kato.seldom import Seldom
from kato.threads import InThread

_FROM_STRANGERS = 16
"""So many messages of one who may be anybody wait to be read: libzmq keeps them, however large each
is."""

_MOST_ASKING = 1_000
_MOST_SUBSCRIBING = 50
"""So many of those who connect to a port may have told no key yet, if not fewer; and libzmq may
hold"""
_REQUESTS_HELD = 5 * MAX_MESSAGE // 2
"""so many bytes of all of them that ask,"""
_SUBSCRIPTIONS_HELD = 2 * 2**20
"""and so many of those that subscribe: of these it makes up to thirty times as many, beside some
kilobytes of each that it has just taken in."""

_HEARTBEAT = 1_000
_HEARTBEAT_TIMEOUT = 4_000
"""Milliseconds between heartbeats of a connection, and until silence means that it is lost."""

_SUBSCRIPTION = 4 * 1024
"""A frame of more bytes is not read where events are published: nobody asks at such length."""

_CONNECT_TIMEOUT = 4_000
"""Milliseconds for a connection to come about, on both sides: who only opens one holds it no longer
than that."""

_ASKED: Mapping[bool, str] = {
    True: "is --curve the same file on both sides?",
    False: "does it want --curve?",
}
"""What to look for where a handshake fails, with keys and without."""

_PAUSE = 60.0
_MOST = 1_000
"""Seconds for which a handshake that fails is not told again, and with how many others."""


class ZmqSockets:
    """Makes sockets in one context of ZeroMQ."""

    log = Logger()

    def __init__(
        self,
        *,
        reactor: Any,
        in_thread: InThread,
        guard: Guard | None = None,
        limits: Limits | None = None,
    ) -> None:
        """
        @param in_thread: where names of hosts are looked up, and where the end is awaited.
        @param guard: has the keys by which all connections are encrypted, and lets others in;
            C{None}: they are in the clear.
        @param limits: how many may connect to each port.
        @raise CannotEncrypt: where its keys are of no use here.
        """
        if guard is not None:
            _judge_keys(guard.pair)
        self._reactor = reactor
        self._in_thread = in_thread
        self._guard = guard
        self._limits = limits or Limits()
        self._seldom = Seldom(_PAUSE, most=_MOST)
        self._opened: ZmqFactory | None = None
        self._room = WaitingRoom()

    def _factory(self) -> ZmqFactory:
        """The context; before anything else in it, who may connect is asked for at the desk."""
        if self._opened is None:
            self._opened = ZmqFactory()
            self._opened.reactor = self._reactor
            ZmqDesk(
                self._opened, welcome if self._guard is None else self._guard.answer, self._room
            )
        return self._opened

    def router(
        self,
        listening: Listening,
        received: Received,
        taken: Callable[[], None] = lambda: None,
        *,
        members_only: bool = False,
    ) -> "ZmqRouter":
        """Open a ROUTER on a bound port."""
        router = ZmqRouter(self._factory(), received, taken)
        router.set(zmq.RCVHWM, _FROM_STRANGERS)
        router.set(zmq.ROUTER_MANDATORY, 1)
        router.set(zmq.ROUTER_HANDOVER, 1)
        domain = MEMBERS if members_only else EVERYBODY
        self._listen(router, listening, domain, guests=_MOST_ASKING, held=_REQUESTS_HELD)
        return router

    def _listen(
        self,
        opened: "BoundSocket",
        listening: Listening,
        domain: bytes,
        *,
        guests: int,
        held: int,
    ) -> None:
        """Go on with a bound port; without a desk, or an answer from it, nobody gets in.

        @param guests: how many there may be, if not fewer.
        @param held: how many bytes of them may be held.
        """
        opened.set(zmq.TCP_KEEPALIVE, 1)
        opened.set(zmq.HANDSHAKE_IVL, _CONNECT_TIMEOUT)
        if self._guard is not None:
            opened.set(zmq.CURVE_SERVER, 1)
            opened.set(zmq.CURVE_SECRETKEY, self._guard.pair.secret)
        if self._guard is not None or domain == SUBSCRIBERS:
            opened.set(zmq.ZAP_DOMAIN, domain)
            opened.set(zmq.ZAP_ENFORCE_DOMAIN, 1)
        visitors = Visitors(
            most=self._limits.connections,
            most_guests=min(self._limits.guests, guests),
            most_held=held,
        )
        opened.open_to(listening, visitors, encrypted=self._guard is not None)

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
        publisher = ZmqPublisher(self._factory(), grants, subscribed, self._room)
        publisher.set(zmq.RCVHWM, _FROM_STRANGERS)
        publisher.set(zmq.MAXMSGSIZE, _SUBSCRIPTION)
        self._listen(
            publisher,
            listening,
            SUBSCRIBERS,
            guests=_MOST_SUBSCRIBING,
            held=_SUBSCRIPTIONS_HELD,
        )
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
            self.log.warn(
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
            if not isinstance(each, ZmqMonitor | ZmqDoor):  # they end with whom they watch
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
