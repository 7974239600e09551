"""The real sockets of ZeroMQ, and those in memory: what both promise."""

from collections.abc import Callable
from typing import Any

import zmq
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from kato.protocols.zmq.addresses import Address, bind
from kato.protocols.zmq.interface import CannotBind
from kato.protocols.zmq.socket_kinds import BURST, BURST_BYTES, MAX_ENVELOPE, MAX_FRAMES
from kato.protocols.zmq.sockets import ZmqSockets
from tests.live.ports import HeldPort


def _nothing(*_: object) -> None:
    """Nobody wants to know."""


class SocketTests(TestCase):
    """Sockets on the reactor."""

    timeout = 120

    def setUp(self) -> None:
        from twisted.internet import reactor

        def in_thread(call: Callable[[], Any]) -> "Deferred[Any]":
            return deferToThread(call)

        self.sockets = ZmqSockets(reactor=reactor, in_thread=in_thread)
        self.addCleanup(self.sockets.close)
        self.port = bind(Address("127.0.0.1", 0))

    async def test_many_messages(self) -> None:
        """More messages than one turn takes come, in order, and go back to who sent them."""
        router = self.sockets.router(self.port, lambda frames: self.assertTrue(router.send(frames)))
        number = 5 * BURST
        back: list[bytes] = []
        done: Deferred[None] = Deferred()

        def up() -> None:
            for i in range(number):
                self.assertTrue(dealer.send([b"corr", b"%d" % i]))

        def received(frames: list[bytes]) -> None:
            back.append(frames[1])
            if len(back) == number:
                done.callback(None)

        dealer = self.sockets.dealer(self.port.address, received=received, up=up, down=_nothing)
        await done
        self.assertEqual(back, [b"%d" % i for i in range(number)])

    async def test_many_frames(self) -> None:
        """A message of very many frames, or with a large one before its last, is thrown away, and
        what comes behind it is taken."""
        came: Deferred[list[bytes]] = Deferred()
        self.sockets.router(self.port, came.callback)

        def up() -> None:
            dealer.send([b""] * (MAX_FRAMES + 1))
            dealer.send([b"x" * (MAX_ENVELOPE + 1), b""])
            dealer.send([b"behind"])

        dealer = self.sockets.dealer(self.port.address, received=_nothing, up=up, down=_nothing)
        [_, message] = await came
        self.assertEqual(message, b"behind")

    async def test_large_bursts(self) -> None:
        """Large messages come in order, fewer of them in a turn."""
        came: list[int] = []
        done: Deferred[None] = Deferred()

        def received(frames: list[bytes]) -> None:
            came.append(frames[1][0])
            if len(came) == 10:
                done.callback(None)

        def up() -> None:
            for i in range(10):
                dealer.send([bytes([i]) * (BURST_BYTES // 2)])

        self.sockets.router(self.port, received)
        dealer = self.sockets.dealer(self.port.address, received=_nothing, up=up, down=_nothing)
        await done
        self.assertEqual(came, list(range(10)))

    async def test_refused(self) -> None:
        """Where nobody listens, that is told at once."""
        held = HeldPort()
        self.addCleanup(held.close)
        address = str(Address("127.0.0.1", held.port))
        down: Deferred[str] = Deferred()
        self.sockets.dealer(address, received=_nothing, up=_nothing, down=down.callback)
        self.assertEqual(await down, "cannot connect")

    async def test_unknown_host(self) -> None:
        """A host that has no address is told."""
        down: Deferred[str] = Deferred()
        self.sockets.dealer(
            "tcp://no.invalid:1", received=_nothing, up=_nothing, down=down.callback
        )
        self.assertIn("cannot find the host", await down)

    async def test_lost(self) -> None:
        """A connection that ends is told, once."""
        router = self.sockets.router(self.port, _nothing)
        down: Deferred[str] = Deferred()
        self.sockets.dealer(
            self.port.address, received=_nothing, up=router.close, down=down.callback
        )
        self.assertEqual(await down, "connection lost")

    async def test_gone_peer(self) -> None:
        """What is sent to a peer that is gone is dropped."""
        router = self.sockets.router(self.port, _nothing)
        self.assertTrue(router.send([b"nobody", b"x"]))

    async def test_defect(self) -> None:
        """A defect in who is told a message is logged, and the next message comes."""
        came: Deferred[None] = Deferred()

        def received(frames: list[bytes]) -> None:
            if frames[-1] == b"last":
                came.callback(None)
            else:
                raise RuntimeError("the test says so")

        self.sockets.router(self.port, received)

        def up() -> None:
            dealer.send([b"first"])
            dealer.send([b"last"])

        dealer = self.sockets.dealer(self.port.address, received=_nothing, up=up, down=_nothing)
        await came
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    async def test_published(self) -> None:
        """A message goes to who subscribed to its prefix, and the publisher knows of the first and
        of the last subscription."""
        told: list[tuple[bytes, bool]] = []
        ended: Deferred[None] = Deferred()

        def subscribed(prefix: bytes, yes: bool) -> None:
            told.append((prefix, yes))
            if yes:
                publisher.send([b"b.x", b"0"])
                publisher.send([b"a.x", b"1"])
            else:
                ended.callback(None)

        publisher = self.sockets.publisher(
            self.port, grants=lambda prefix: True, subscribed=subscribed
        )
        came: list[list[bytes]] = []

        def received(frames: list[bytes]) -> None:
            came.append(frames)
            subscriber.unsubscribe(b"a.")

        subscriber = self.sockets.subscriber(
            self.port.address, received=received, up=_nothing, down=_nothing
        )
        subscriber.subscribe(b"a.")
        await ended
        self.assertEqual(came, [[b"a.x", b"1"]])
        self.assertEqual(told, [(b"a.", True), (b"a.", False)])

    async def test_long_subscription(self) -> None:
        """A publisher takes no more of what is sent to it than a subscription can need: whoever
        sends more is cut off, and its message not even read."""
        asked: list[bytes] = []
        self.sockets.publisher(
            self.port, grants=lambda prefix: True, subscribed=lambda prefix, _: asked.append(prefix)
        )
        down: Deferred[str] = Deferred()
        subscriber = self.sockets.subscriber(
            self.port.address, received=_nothing, up=_nothing, down=down.callback
        )
        subscriber.subscribe(bytes(5_000))
        self.assertEqual(await down, "connection lost")
        self.assertEqual(asked, [])

    async def test_closed_twice(self) -> None:
        """A socket that is closed is closed, and takes what is sent for gone."""
        router = self.sockets.router(self.port, _nothing)
        router.close()
        router.close()
        self.assertTrue(router.send([b"x", b"y"]))

    async def test_plain_client(self) -> None:
        """A plain REQ socket of another library's context is answered behind its empty frame."""
        router = self.sockets.router(self.port, lambda frames: self.assertTrue(router.send(frames)))
        answer = await deferToThread(self._ask)
        self.assertEqual(answer, b"hello")

    def _ask(self) -> bytes:
        with zmq.Context() as context, context.socket(zmq.REQ) as client:
            client.connect(self.port.address)
            client.send(b"hello")
            return client.recv()


class AddressTests(TestCase):
    """Addresses, and binding them."""

    def test_written(self) -> None:
        """An address is written with or without its scheme."""
        for written, host, port in (
            ("tcp://127.0.0.1:5555", "127.0.0.1", 5555),
            ("kato-1:5555", "kato-1", 5555),
            ("tcp://*:0", "*", 0),
            ("[::1]:80", "::1", 80),
        ):
            self.assertEqual(Address.parse(written), Address(host, port))
        self.assertEqual(str(Address("::1", 80)), "tcp://[::1]:80")

    def test_none(self) -> None:
        """What is no address is told."""
        for written in (
            "",
            "kato-1",
            "tcp://a:b",
            "udp://a:1",
            "a:70000",
            "a b:1",
            "::1:80",
            "[ a]:1",
        ):
            error = self.assertRaises(ValueError, Address.parse, written)
            self.assertIn("expected tcp://host:port", str(error))

    def test_reach(self) -> None:
        """Loopback is told from what others can reach."""
        self.assertTrue(
            all(Address(each, 1).loopback for each in ("localhost", "::1", "127.9.9.9"))
        )
        self.assertFalse(any(Address(each, 1).loopback for each in ("*", "kato-1", "10.0.0.1")))
        self.assertTrue(all(Address(each, 1).anywhere for each in ("*", "0.0.0.0", "::")))

    def test_in_use(self) -> None:
        """A port that is taken is told in words, with its address."""
        port = bind(Address("127.0.0.1", 0))
        self.addCleanup(port.close)
        error = self.assertRaises(CannotBind, bind, port.where)
        self.assertEqual(str(error), f"{port.address}: Address already in use")
