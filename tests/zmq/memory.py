"""A network in memory: the sockets of L{kato.protocols.zmq.interface}, driven by a clock.

What is sent arrives when the clock is advanced, in order, and never from within the call that sent
it.  A test may cut connections, stall them, and close what listens.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import count

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from kato.protocols.zmq.interface import Listening, Received


class MemoryPort:
    """A port that is bound in memory."""

    def __init__(self, address: str) -> None:
        self.address = address

    def detach(self) -> int:
        """There is no descriptor behind it."""
        raise AssertionError("a memory port has no descriptor")

    def close(self) -> None:
        """There is nothing to let go of."""


class Bound:
    """A ROUTER or an XPUB, with those who are connected to it."""

    def __init__(
        self,
        network: "MemorySockets",
        address: str,
        received: Received,
        taken: Callable[[], None],
    ) -> None:
        self.network = network
        self.address = address
        self.received = received
        self.taken = taken
        self.peers: dict[bytes, Connecting] = {}
        self.full = False
        self.vouched: set[bytes] = set()
        network.bound[address] = self

    def send(self, frames: Sequence[bytes]) -> bool:
        """Send to the peer that the first frame names."""
        if self.full:
            return False
        peer = self.peers.get(frames[0])
        if peer is not None:
            self.network.deliver(peer, list(frames[1:]))
        return True

    def vouch(self, peer: bytes) -> None:
        """Know that a peer has told a key."""
        self.vouched.add(peer)

    def visitors(self) -> Mapping[str, int]:
        """How many are connected."""
        guests = len(self.peers.keys() - self.vouched)
        return {"connections": len(self.peers), "guests": guests, "turned_away": 0}

    def close(self) -> None:
        """Close: whoever is connected hears of it."""
        if self.network.bound.get(self.address) is self:
            del self.network.bound[self.address]
        for peer in list(self.peers.values()):
            peer.lose("connection lost")


class Publisher(Bound):
    """An XPUB: a message goes to all who asked for its prefix."""

    def __init__(
        self,
        network: "MemorySockets",
        address: str,
        grants: Callable[[bytes], bool],
        subscribed: Callable[[bytes, bool], None],
    ) -> None:
        super().__init__(network, address, lambda frames: None, lambda: None)
        self.grants = grants
        self.subscribed = subscribed
        self.granted: dict[bytes, list[bytes]] = {}

    def send(self, frames: Sequence[bytes]) -> bool:
        """Send to all who asked for it; to one who stalls it is lost."""
        for peer in list(self.peers.values()):
            prefixes = self.granted.get(peer.identity, [])
            if not peer.stalled and any(frames[0].startswith(each) for each in prefixes):
                self.network.deliver(peer, list(frames))
        return True

    def change(self, identity: bytes, prefix: bytes, begins: bool) -> None:
        """A peer asks for a prefix, or takes that back; we hear of it a little later."""

        def arrive(hops: int) -> None:
            if hops:
                self.network.soon(lambda: arrive(hops - 1))
            else:
                self._change(identity, prefix, begins)

        arrive(self.network.hops)

    def _change(self, identity: bytes, prefix: bytes, begins: bool) -> None:
        before = self._asking(prefix)
        if begins and identity in self.peers and self.grants(prefix):
            self.granted.setdefault(identity, []).append(prefix)
        elif not begins and prefix in self.granted.get(identity, []):
            self.granted[identity].remove(prefix)
        if (before == 0) != (self._asking(prefix) == 0):
            self.subscribed(prefix, begins)

    def _asking(self, prefix: bytes) -> int:
        return sum(prefix in each for each in self.granted.values())


class Connecting:
    """A DEALER or a SUB, which has one peer at most."""

    def __init__(
        self,
        network: "MemorySockets",
        address: str,
        received: Received,
        up: Callable[[], None],
        down: Callable[[str], None],
    ) -> None:
        self.network = network
        self.address = address
        self.received = received
        self.up = up
        self.down = down
        self.identity = b"peer-%d" % next(network.numbers)
        self.peer: Bound | None = None
        self.prefixes: list[bytes] = []
        self.waiting: list[list[bytes]] = []
        self.closed = False
        self.is_down = False
        self.stalled = False
        self.full = False
        network.connecting.append(self)
        network.soon(self._connect)

    def _connect(self) -> None:
        peer = self.network.bound.get(self.address)
        if self.closed or self.is_down or self.address in self.network.silent:
            return
        if peer is None:
            self.lose("cannot connect")
            return
        self.peer = peer
        peer.peers[self.identity] = self
        for prefix in self.prefixes:
            self._change(prefix, True)
        waiting, self.waiting = self.waiting, []
        for frames in waiting:
            self._arrive(frames)
        self.up()

    def send(self, frames: Sequence[bytes]) -> bool:
        """Send to the peer, or once there is one."""
        if self.full:
            return False
        if self.closed or self.is_down:
            return True
        if self.peer is None or self.stalled:
            self.waiting.append(list(frames))
        else:
            self._arrive(list(frames))
        return True

    def _arrive(self, frames: list[bytes]) -> None:
        peer = self.peer

        def arrive() -> None:
            if peer is not None and peer.network.bound.get(peer.address) is peer:
                peer.received([self.identity, *frames])
                peer.taken()

        self.network.soon(arrive)

    def lose(self, why: str) -> None:
        """The connection is lost."""
        if self.peer is not None:
            self.peer.peers.pop(self.identity, None)
            for prefix in self.prefixes:
                self._change(prefix, False)
            self.peer = None
        if not self.is_down and not self.closed:
            self.is_down = True
            self.network.soon(lambda: self.closed or self.down(why))

    def go_on(self) -> None:
        """What was stalled goes on, both ways."""
        self.stalled = False
        waiting, self.waiting = self.waiting, []
        for frames in waiting:
            self._arrive(frames)
        for frames in self.network.held.pop(self.identity, []):
            self.network.deliver(self, frames)

    def close(self) -> None:
        """Close, once."""
        if not self.closed:
            self.lose("closed")
            self.closed = True
            self.network.connecting.remove(self)

    def subscribe(self, prefix: bytes) -> None:
        """Ask for the messages whose first frame begins so."""
        self.prefixes.append(prefix)
        if self.peer is not None:
            self._change(prefix, True)

    def unsubscribe(self, prefix: bytes) -> None:
        """Take a subscription back."""
        self.prefixes.remove(prefix)
        if self.peer is not None:
            self._change(prefix, False)

    def _change(self, prefix: bytes, begins: bool) -> None:
        if isinstance(self.peer, Publisher):
            self.peer.change(self.identity, prefix, begins)


class MemorySockets:
    """The network, which makes the sockets.

    C{silent} are addresses at which a connection never comes about, and nobody says so; C{hops}
    says how long a subscription is on its way.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.numbers = count(1)
        self.bound: dict[str, Bound] = {}
        self.connecting: list[Connecting] = []
        self.silent: set[str] = set()
        self.hops = 1
        self.held: dict[bytes, list[list[bytes]]] = {}

    def soon(self, call: Callable[[], object]) -> None:
        """Call when the clock is advanced next."""
        self.clock.callLater(0, call)

    def pump(self) -> None:
        """Let everything arrive that is on its way now, and what is sent because of it."""
        while any(each.getTime() <= self.clock.seconds() for each in self.clock.getDelayedCalls()):
            self.clock.advance(0)

    def deliver(self, peer: Connecting, frames: list[bytes]) -> None:
        """Bring a message to one who connected."""
        if peer.stalled:
            self.held.setdefault(peer.identity, []).append(frames)
            return
        self.soon(lambda: peer.closed or peer.is_down or peer.received(frames))

    def connections(self, address: str) -> list[Connecting]:
        """The open connections to an address."""
        return [each for each in self.connecting if each.address == address and each.peer]

    def cut(self, address: str) -> None:
        """Lose all connections to an address; what is on its way to who connected is lost."""
        for each in self.connections(address):
            each.lose("connection lost")

    def process(self) -> "MemoryProcess":
        """The sockets of one of several processes on this network."""
        return MemoryProcess(self)

    def close(self) -> "Deferred[None]":
        """Close all sockets."""
        for bound in list(self.bound.values()):
            bound.close()
        for connecting in list(self.connecting):
            connecting.close()
        return succeed(None)

    def router(
        self,
        listening: Listening,
        received: Received,
        taken: Callable[[], None] = lambda: None,
        *,
        members_only: bool = False,
    ) -> Bound:
        """Open a ROUTER."""
        return Bound(self, listening.address, received, taken)

    def publisher(
        self,
        listening: Listening,
        *,
        grants: Callable[[bytes], bool],
        subscribed: Callable[[bytes, bool], None],
    ) -> Publisher:
        """Open an XPUB."""
        return Publisher(self, listening.address, grants, subscribed)

    def dealer(
        self,
        address: str,
        *,
        received: Received,
        up: Callable[[], None],
        down: Callable[[str], None],
    ) -> Connecting:
        """Connect a DEALER."""
        return Connecting(self, address, received, up, down)

    def subscriber(
        self,
        address: str,
        *,
        received: Received,
        up: Callable[[], None],
        down: Callable[[str], None],
    ) -> Connecting:
        """Connect a SUB."""
        return Connecting(self, address, received, up, down)


class MemoryProcess:
    """Makes the sockets of one process, which are closed together."""

    def __init__(self, network: MemorySockets) -> None:
        self._network = network
        self._own: list[Bound | Connecting] = []

    def router(
        self,
        listening: Listening,
        received: Received,
        taken: Callable[[], None] = lambda: None,
        *,
        members_only: bool = False,
    ) -> Bound:
        """Open a ROUTER."""
        made = self._network.router(listening, received, taken, members_only=members_only)
        self._own.append(made)
        return made

    def publisher(
        self,
        listening: Listening,
        *,
        grants: Callable[[bytes], bool],
        subscribed: Callable[[bytes, bool], None],
    ) -> Publisher:
        """Open an XPUB."""
        made = self._network.publisher(listening, grants=grants, subscribed=subscribed)
        self._own.append(made)
        return made

    def dealer(
        self,
        address: str,
        *,
        received: Received,
        up: Callable[[], None],
        down: Callable[[str], None],
    ) -> Connecting:
        """Connect a DEALER."""
        made = self._network.dealer(address, received=received, up=up, down=down)
        self._own.append(made)
        return made

    def subscriber(
        self,
        address: str,
        *,
        received: Received,
        up: Callable[[], None],
        down: Callable[[str], None],
    ) -> Connecting:
        """Connect a SUB."""
        made = self._network.subscriber(address, received=received, up=up, down=down)
        self._own.append(made)
        return made

    def close(self) -> "Deferred[None]":
        """Close the sockets of this process."""
        for each in self._own:
            each.close()
        return succeed(None)
