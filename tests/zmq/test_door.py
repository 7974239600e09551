"""The door of a port of ZeroMQ, with real connections: guests that are too much are sent away."""

import os
import socket
from collections.abc import Callable
from contextlib import closing
from typing import Any

from twisted.internet import defer, task
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from kato.limits import Limits
from kato.protocols.zmq import socket_kinds, sockets
from kato.protocols.zmq.addresses import Address, bind
from kato.protocols.zmq.interface import Router, Socket
from kato.protocols.zmq.sockets import ZmqSockets
from kato.protocols.zmq.visitors import Visitor
from kato.protocols.zmq.waiting import WaitingRoom
from kato.protocols.zmq.wires import end, peer_of, traffic

_LOOK = 0.01
_GREETING = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x00NULL" + b"\0" * 48
_LONG = b"x" * 2**18


def _nothing(*_: object) -> None:
    """Nobody wants to know."""


class DoorTests(TestCase):
    """A ROUTER and an XPUB on the reactor, and those who come to them."""

    timeout = 120

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.patch(sockets, "_REQUESTS_HELD", 2**20)
        self.patch(sockets, "_SUBSCRIPTIONS_HELD", 2**14)
        self.port = bind(Address("127.0.0.1", 0))

    def opened(self, **limits: int) -> ZmqSockets:
        def in_thread(call: Callable[[], Any]) -> "Deferred[Any]":
            return deferToThread(call)

        made = ZmqSockets(reactor=self.reactor, in_thread=in_thread, limits=Limits(**limits))
        self.addCleanup(made.close)
        return made

    async def came(self, made: ZmqSockets) -> "tuple[Socket, Deferred[str]]":
        """Connect one more; gives it, and when it is told that its connection was lost."""
        down: Deferred[str] = Deferred()
        up: Deferred[None] = Deferred()
        dealer = made.dealer(
            self.port.address,
            received=_nothing,
            up=lambda: up.callback(None),
            down=down.callback,
        )
        await up
        return dealer, down

    async def until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            await task.deferLater(self.reactor, _LOOK)

    async def test_unread(self) -> None:
        """Of guests of whom more is held than may be, the one with the most is sent away; those
        who have told a key may send as much as they like."""
        made = self.opened()
        taken: list[int] = []
        names: dict[bytes, bytes] = {}

        def received(frames: list[bytes]) -> None:
            names[frames[1]] = frames[0]
            taken.append(len(frames[-1]))
            if frames[1] == b"keyed":
                router.vouch(frames[0])

        router = made.router(self.port, received)
        keyed, keyed_down = await self.came(made)
        other, other_down = await self.came(made)
        keyed.send([b"keyed", b""])
        other.send([b"other", b""])
        await self.until(lambda: len(names) == 2)
        self.assertEqual(self.counts(router), (2, 1, 0))
        with socket.create_connection(("127.0.0.1", self.port.where.port)) as stranger:
            begins = b"\x02" + (2**22).to_bytes(8, "big")  # of a message that does not end
            await deferToThread(self.pour, stranger, _GREETING + begins + _LONG * 8)
            await self.until(lambda: router.visitors()["turned_away"] == 1)
            self.assertEqual(await deferToThread(self.left, stranger), b"")
        keyed.send([b"keyed", _LONG * 16])
        await self.until(lambda: max(taken) == len(_LONG) * 16)
        self.assertEqual(self.counts(router), (2, 1, 1))
        self.assertFalse(keyed_down.called or other_down.called)

    def pour(self, connection: socket.socket, data: bytes) -> None:
        """Send it, as far as it is taken."""
        try:
            connection.sendall(data)
        except OSError:
            return

    def left(self, connection: socket.socket) -> bytes:
        """What comes last; nothing where the connection has ended, in whatever way."""
        connection.settimeout(30)
        data = b"begins"
        try:
            while data:
                data = connection.recv(4096)
        except ConnectionError:
            return b""
        return data

    def counts(self, router: Router) -> tuple[int, int, int]:
        told = router.visitors()
        return told["connections"], told["guests"], told["turned_away"]

    async def test_room(self) -> None:
        """There is room for so many: where all others have told a key, the one who comes is sent
        away, and where they have not, the one who has been there for longest."""
        made = self.opened(connections=2)
        router = made.router(self.port, lambda frames: router.vouch(frames[0]))
        _, first_down = await self.came(made)
        second, second_down = await self.came(made)
        self.assertTrue(await first_down)
        self.assertEqual(self.counts(router), (1, 1, 1))
        second.send([b"key"])
        await self.until(lambda: router.visitors()["guests"] == 0)
        third, _ = await self.came(made)
        third.send([b"key"])
        await self.until(lambda: self.counts(router) == (2, 0, 1))
        with socket.create_connection(("127.0.0.1", self.port.where.port)) as fourth:
            self.assertEqual((await deferToThread(self.left, fourth)), b"")
        self.assertEqual(self.counts(router), (2, 0, 2))
        self.assertFalse(second_down.called)

    async def test_gone(self) -> None:
        """Who goes makes room."""
        made = self.opened()
        router = made.router(self.port, _nothing)
        gone, _ = await self.came(made)
        await self.until(lambda: self.counts(router) == (1, 1, 0))
        gone.close()
        await self.until(lambda: self.counts(router) == (0, 0, 0))

    async def test_subscriptions(self) -> None:
        """Who subscribes to what is not granted is sent away after some kilobytes, and who was
        granted anything is not."""
        made = self.opened()
        asked: list[bytes] = []
        publisher = made.publisher(
            self.port,
            grants=lambda prefix: prefix.startswith(b"secret"),
            subscribed=lambda prefix, begins: asked.append(prefix) if begins else None,
        )
        downs: list[Deferred[str]] = [Deferred(), Deferred()]
        ups: list[Deferred[None]] = [Deferred(), Deferred()]
        keyed, stranger = (
            made.subscriber(
                self.port.address,
                received=_nothing,
                up=lambda up=up: up.callback(None),  # type: ignore[misc]
                down=down.callback,
            )
            for up, down in zip(ups, downs, strict=True)
        )
        await defer.gatherResults(ups)
        keyed.subscribe(b"secret/0")
        await self.until(lambda: asked == [b"secret/0"])
        self.assertEqual(publisher.visitors()["guests"], 1)
        for number in range(2_000):
            keyed.subscribe(b"secret/%d" % number)
            stranger.subscribe(b"guessed/%d" % number)
        self.assertTrue(await downs[1])
        await self.until(lambda: len(asked) == 2_000)
        self.assertEqual(publisher.visitors()["turned_away"], 1)
        self.assertFalse(downs[0].called)

    async def test_waiting(self) -> None:
        """Nobody who would subscribe gets in while there is something that was not read, be it of
        who has gone; whoever asks elsewhere does."""
        room = WatchedRoom()
        made = self.opened()
        self.patch(made, "_room", room)
        made.publisher(self.port, grants=lambda prefix: True, subscribed=_nothing)
        room.told("somebody", is_behind=True)
        up: Deferred[None] = Deferred()
        subscriber = made.subscriber(
            self.port.address, received=_nothing, up=lambda: up.callback(None), down=_nothing
        )
        await self.until(lambda: room.asked == 1)
        self.port = bind(Address("127.0.0.1", 0))
        made.router(self.port, _nothing)
        await self.came(made)
        self.assertFalse(up.called)
        room.told("somebody", is_behind=False)
        await up
        self.patch(socket_kinds, "BURST", 1)
        number = 0
        while True not in room.heard:
            for _ in range(100):
                number += 1
                subscriber.subscribe(b"%d" % number)
            await task.deferLater(self.reactor, _LOOK)
        await self.until(lambda: room.heard[-1] is False)


class WatchedRoom(WaitingRoom):
    """Notes what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.heard: list[bool] = []

    def ask(self, let_in: Callable[[], object]) -> None:
        """Somebody would come in."""
        self.asked += 1
        super().ask(let_in)

    def told(self, reader: object, *, is_behind: bool) -> None:
        """Whether something is left."""
        self.heard.append(is_behind)
        super().told(reader, is_behind=is_behind)


class WireTests(SynchronousTestCase):
    """Connections looked at by their descriptors."""

    def setUp(self) -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)
        self.port = listening.getsockname()[1]
        self.near = socket.create_connection(("127.0.0.1", self.port))
        self.addCleanup(self.near.close)
        self.far, _ = listening.accept()
        self.addCleanup(self.far.close)

    def visitor(self) -> Visitor:
        peer = peer_of(self.far.fileno(), self.port)
        assert peer is not None
        return Visitor(self.far.fileno(), peer)

    def test_peer(self) -> None:
        """The other side is told only of a connection that was made to this port."""
        self.assertEqual(self.visitor().peer, self.near.getsockname())
        self.assertIsNone(peer_of(self.far.fileno(), self.port + 1))
        with open(os.devnull, "rb") as file:
            self.assertIsNone(peer_of(file.fileno(), self.port))
        local, other = socket.socketpair()
        with closing(local), closing(other):
            self.assertIsNone(peer_of(local.fileno(), self.port))
        self.far.close()
        self.assertIsNone(peer_of(self.visitor_of_closed(), self.port))

    def visitor_of_closed(self) -> int:
        with socket.socket() as closed:
            return closed.fileno()

    def test_traffic(self) -> None:
        """What came is counted before it is read, and what went when it has arrived."""
        visitor = self.visitor()
        before = traffic(visitor)
        assert before is not None
        self.near.sendall(b"x" * 1000)
        self.far.sendall(b"y" * 500)
        self.far.recv(1, socket.MSG_PEEK)
        self.near.recv(500)
        after = traffic(visitor)
        assert after is not None
        self.assertEqual((after.came - before.came, after.taken - before.taken), (1000, 500))
        self.assertIsNone(traffic(Visitor(visitor.descriptor, ("127.0.0.1", 1))))

    def test_end(self) -> None:
        """A connection is ended on both sides, and what was not read of it is thrown away; but not
        one that has the descriptor of another."""
        end(Visitor(self.far.fileno(), ("127.0.0.1", 1)))
        self.near.sendall(b"x")
        self.assertEqual(self.far.recv(1), b"x")
        self.near.sendall(b"x" * 1000)
        self.far.recv(1, socket.MSG_PEEK)
        end(self.visitor())
        for each in (self.near, self.far):
            self.assertRaises(ConnectionError, each.recv, 1)
        self.far.close()
        end(Visitor(self.visitor_of_closed(), ("127.0.0.1", 1)))
