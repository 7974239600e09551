"""The real sockets, encrypted: who gets in, and who does not."""

import socket
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import zmq
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.logger import capturedLogs
from twisted.trial.unittest import TestCase

from kato.protocols.zmq.addresses import Address, bind
from kato.protocols.zmq.curve import KeyPair, read_key
from kato.protocols.zmq.guard import Guard
from kato.protocols.zmq.interface import CannotEncrypt
from kato.protocols.zmq.socket_kinds import ZmqSocket
from kato.protocols.zmq.sockets import ZmqSockets

CLUSTER = KeyPair(*zmq.curve_keypair())
CLIENT = KeyPair(*zmq.curve_keypair())
STRANGER = KeyPair(*zmq.curve_keypair())

REFUSED = "the other side refused our key"
PATIENCE = 60.0
"""Seconds in which one who is let in has an answer, and one who is not is refused;"""
_LOOK = 0.02
"""who waits for that looks so often, and"""
_MOMENT = 0.3
"""waits so long for an answer that must not come."""

DISAGREES = ("the other side hung up", "the other side speaks otherwise")
"""What is seen of it is a matter of who hears the other one first."""


def _nothing(*_: object) -> None:
    """Nobody wants to know."""


def _in_thread(call: Callable[[], Any]) -> "Deferred[Any]":
    return deferToThread(call)


class EncryptedTests(TestCase):
    """A server of a cluster, and who connects to it."""

    timeout = 120

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.guard = Guard(CLUSTER, {read_key(CLIENT.public): "reports"}, clock=self.reactor)
        self.sockets = self.made(self.guard)
        self.port = bind(Address("127.0.0.1", 0))
        self.addCleanup(self.port.close)
        self.came: list[bytes] = []

    def made(self, guard: Guard | None) -> ZmqSockets:
        sockets = ZmqSockets(reactor=self.reactor, in_thread=_in_thread, guard=guard)
        self.addCleanup(sockets.close)
        return sockets

    def serve(self, *, members_only: bool = False) -> ZmqSocket:
        """Send back all that comes."""

        def received(frames: list[bytes]) -> None:
            self.came.append(frames[-1])
            router.send(frames)

        router = self.sockets.router(self.port, received, members_only=members_only)
        return router

    async def fails(self, sockets: ZmqSockets) -> str:
        """What is logged where a connection fails."""
        down: Deferred[str] = Deferred()
        with capturedLogs() as logs:
            sockets.dealer(self.port.address, received=_nothing, up=_nothing, down=down.callback)
            self.assertEqual(await down, "no handshake")
        [told] = [each["why"] for each in logs if "why" in each and "question" in each]
        return str(told)

    def ask(self, own: KeyPair | None, *, over: Callable[[], bool] = lambda: False) -> bytes | None:
        """What a plain REQ of another library's context is answered; C{None}: nothing.

        @param over: whether who is to refuse it has done so: before that it does not go away.
        """
        with zmq.Context() as context, context.socket(zmq.REQ) as client:
            client.set(zmq.LINGER, 0)
            if own is not None:
                client.set(zmq.CURVE_SERVERKEY, CLUSTER.public)
                client.set(zmq.CURVE_PUBLICKEY, own.public)
                client.set(zmq.CURVE_SECRETKEY, own.secret)
            client.connect(self.port.address)
            client.send(b"hello")
            for _ in range(int(PATIENCE / _LOOK)):
                if over() or client.poll(int(_LOOK * 1000)):
                    break
            return client.recv() if client.poll(int(_MOMENT * 1000)) else None

    def is_refused(self) -> bool:
        """Whether anybody was."""
        return bool(self.guard.statistics()["refused"])

    async def answered(self) -> list[bytes]:
        """What the cluster answers itself."""
        answer: Deferred[list[bytes]] = Deferred()

        def up() -> None:
            dealer.send([b"hello"])

        dealer = self.sockets.dealer(
            self.port.address, received=answer.callback, up=up, down=_nothing
        )
        return await answer

    async def test_member(self) -> None:
        """The cluster speaks to itself, at a registry, too."""
        for members_only in (False, True):
            router = self.serve(members_only=members_only)
            self.assertEqual(await self.answered(), [b"hello"])
            router.close()
            self.port = bind(Address("127.0.0.1", 0))
        self.assertEqual(self.guard.statistics()["admitted"], 2)

    async def test_events(self) -> None:
        """Events come to the cluster, and to nobody in the clear."""
        told: Deferred[list[bytes]] = Deferred()
        asked: list[bytes] = []

        def subscribed(prefix: bytes, begins: bool) -> None:
            asked.append(prefix)
            publisher.send([b"a.x", b"1"])

        publisher = self.sockets.publisher(
            self.port, grants=lambda prefix: True, subscribed=subscribed
        )
        self.assertIn(await self.fails(self.made(None)), DISAGREES)
        subscriber = self.sockets.subscriber(
            self.port.address, received=told.callback, up=_nothing, down=_nothing
        )
        subscriber.subscribe(b"a.")
        self.assertEqual(await told, [b"a.x", b"1"])
        self.assertEqual(asked, [b"a."])

    async def test_client(self) -> None:
        """A client that is known is answered, and no longer once it is not: by its next
        connection."""
        self.serve()
        self.assertEqual(await _in_thread(lambda: self.ask(CLIENT)), b"hello")
        self.guard.admit({})
        self.assertIsNone(await _in_thread(lambda: self.ask(CLIENT, over=self.is_refused)))
        self.assertEqual(self.guard.statistics()["admitted"], 1)
        self.assertGreaterEqual(self.guard.statistics()["refused"], 1)

    async def test_client_at_a_registry(self) -> None:
        """A client is not let in where only the cluster speaks to itself."""
        self.serve(members_only=True)
        self.assertIsNone(await _in_thread(lambda: self.ask(CLIENT, over=self.is_refused)))
        self.assertEqual((self.came, self.guard.statistics()["admitted"]), ([], 0))

    async def test_stranger(self) -> None:
        """A key that nobody knows is refused and counted, and the other side may know why."""
        self.serve()
        self.assertIsNone(await _in_thread(lambda: self.ask(STRANGER, over=self.is_refused)))
        self.assertEqual(self.came, [])
        self.assertGreaterEqual(self.guard.statistics()["refused"], 1)

    async def test_plain(self) -> None:
        """Who does not encrypt is not heard, and nobody else is held up by that."""
        self.serve()
        self.assertIsNone(await _in_thread(lambda: self.ask(None, over=lambda: True)))
        self.assertEqual(await _in_thread(lambda: self.ask(CLIENT)), b"hello")
        self.assertEqual(self.came, [b"hello"])

    async def test_disagreeing(self) -> None:
        """Whoever connects logs that the keys are not the same: other ones, none here, none
        there."""
        self.serve()
        self.assertIn(
            await self.fails(self.made(Guard(STRANGER, {}, clock=self.reactor))), DISAGREES
        )
        self.assertIn(await self.fails(self.made(None)), DISAGREES)
        self.port = bind(Address("127.0.0.1", 0))
        self.made(None).router(self.port, _nothing)
        self.assertIn(await self.fails(self.sockets), DISAGREES)

    async def test_refused(self) -> None:
        """Whoever is refused by its key logs that."""
        self.serve()
        self.guard._known = type(self.guard._known)({}, {})
        self.assertEqual(await self.fails(self.sockets), REFUSED)

    async def test_garbage(self) -> None:
        """Connections that say nothing, half of a greeting or rubbish hold up nobody."""
        self.serve()
        greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00"
        for said in (b"", greeting, b"GET / HTTP/1.1\r\n\r\n", bytes(range(256)) * 64):
            silent = socket.create_connection((self.port.where.host, self.port.where.port))
            self.addCleanup(silent.close)
            silent.sendall(said)
        self.assertEqual(await _in_thread(lambda: self.ask(CLIENT)), b"hello")

    async def test_nobody_at_the_desk(self) -> None:
        """Where nobody says who may connect, nobody may."""
        self.serve()
        factory: Any = self.sockets._factory()
        for each in list(factory.connections):
            if each.endpoints and each.endpoints[0].address.startswith("inproc://zeromq.zap"):
                each.close()
        self.assertIsNone(await _in_thread(lambda: self.ask(CLIENT, over=lambda: True)))
        self.assertEqual(self.came, [])

    async def test_end(self) -> None:
        """All is closed at once, also while a connection waits for its answer."""
        answered: Deferred[None] = Deferred()

        def closing(request: object) -> tuple[bytes, ...]:
            self.sockets.close().chainDeferred(answered)
            raise RuntimeError("it is closed in the middle")

        with patch.object(self.guard, "answer", closing):
            self.serve()
            asked = _in_thread(lambda: self.ask(CLIENT, over=lambda: answered.called))
            await answered
            self.assertIsNone(await asked)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_keys_of_no_use(self) -> None:
        """Halves of two pairs, and a libzmq without CURVE, are told in one line."""
        torn = Guard(KeyPair(CLUSTER.public, CLIENT.secret), {}, clock=self.reactor)
        error = self.assertRaises(CannotEncrypt, self.made, torn)
        self.assertIn("do not belong together", str(error))
        with patch("kato.protocols.zmq.sockets.zmq.has", lambda capability: False):
            error = self.assertRaises(CannotEncrypt, self.made, self.guard)
        self.assertIn("without CURVE", str(error))
