"""Events over real sockets."""

from collections.abc import Callable
from random import random
from typing import Any

import zmq
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from kato.commands import Command
from kato.dispatch import Dispatch
from kato.events import MEMORY, OBSERVATIONS, PREDICTIONS, STATUS, TOPICS, Wish
from kato.happenings import Cleared, Seen
from kato.observation import Observation
from kato.protocols.zmq import event_line, events, link
from kato.protocols.zmq.addresses import Address, bind
from kato.protocols.zmq.prefixes import Place
from kato.protocols.zmq.remote import RemoteProcessors
from kato.protocols.zmq.sockets import ZmqSockets
from kato.storage.memory import MemoryStore
from kato.worker import Worker
from kato.zmq_hosting import ZmqPorts, make_publisher, make_server
from tests.gates import make_gate
from tests.listening import Ear

PATIENCE = 60.0
"""Seconds in which a connection comes about, and a question is answered, on a machine that is
busy."""


class EventTests(TestCase):
    """A service and who follows it, on the reactor."""

    timeout = 300

    async def setUp(self) -> None:  # type: ignore[override]
        from twisted.internet import reactor

        self.reactor: Any = reactor
        for module, patience in ((link, "HOPE"), (events, "PATIENCE"), (event_line, "PATIENCE")):
            self.patch(module, patience, PATIENCE)

        def in_thread(call: Callable[[], Any]) -> "Deferred[Any]":
            return deferToThread(call)

        self.in_thread = in_thread
        self.store = MemoryStore()
        self.store.open()
        await self.serve(0, 0)
        self.sockets = ZmqSockets(reactor=reactor, in_thread=in_thread)
        self.remote = RemoteProcessors(
            self.ports.router.address,
            sockets=self.sockets,
            clock=self.reactor,
            in_thread=in_thread,
            random=random,
            api_key=None,
        )

    async def serve(self, router: int, events: int) -> None:
        """Start a service, at the ports that are given."""
        self.ports = ZmqPorts(
            bind(Address("127.0.0.1", router)), bind(Address("127.0.0.1", events))
        )
        clock, in_thread = self.reactor, self.in_thread
        self.worker = Worker(self.store, clock=clock, in_thread=in_thread, checkpoint=0)
        await Deferred.fromCoroutine(self.worker.start())
        self.publisher = make_publisher(self.worker, clock=clock)
        self.server = make_server(
            self.ports,
            make_gate(Dispatch(self.worker, clock=clock, timeout=30)),
            self.worker.sole,
            clock=clock,
            in_thread=in_thread,
            publisher=self.publisher,
            boot="boot",
        )
        self.service_sockets = ZmqSockets(reactor=self.reactor, in_thread=in_thread)
        self.server.open(self.service_sockets, self.ports.router)
        self.publisher.open(self.service_sockets, self.ports.events)

    async def tearDown(self) -> None:  # type: ignore[override]
        await self.remote.close()
        await self.sockets.close()
        await self.stop()

    async def stop(self) -> None:
        """The service ends."""
        self.server.close()
        self.publisher.close()
        await self.service_sockets.close()

    async def ask(self, operation: str, params: dict[str, Any] | None = None) -> None:
        await self.remote.ask(Command.parse(operation, params or {}, "p1"))

    async def listen(self, *topics: str) -> Ear:
        ear = Ear()
        ear.answered(await self.remote.subscribe(Wish("p1", frozenset(topics) or TOPICS), ear))
        return ear

    async def until(self, true: Callable[[], bool]) -> None:
        while not true():
            await deferLater(self.reactor, 0.01, lambda: None)

    async def test_followed(self) -> None:
        """What is done over one connection is told over the other, as it was done."""
        await self.ask("observe", {"strings": ["a"]})
        ear = await self.listen()
        await self.ask("observe", {"strings": ["b"]})
        await self.until(lambda: PREDICTIONS in ear.topics)
        await self.ask("clear_all_memory")
        await self.until(lambda: len(ear.told) == 4)
        self.assertEqual(ear.topics, [OBSERVATIONS, PREDICTIONS, MEMORY, PREDICTIONS])
        self.assertEqual(ear.offsets, [2, 2, 3, 3])
        self.assertEqual(list(ear.told[0].data["short_term_memory"]), [["a"], ["b"]])

    async def test_no_gap(self) -> None:
        """Between the answer and the first event nothing is lost, while the processor goes on."""
        await self.ask("create_processor")
        happened = 0
        goes_on = True
        over: Deferred[None] = Deferred()

        def clear() -> None:
            nonlocal happened
            happened += 1
            self.worker.hub.tell("p1", (Cleared(),), 1.0)
            if goes_on:
                self.reactor.callLater(0, clear)
            else:
                over.callback(None)

        clear()
        ears = [await self.listen(MEMORY, STATUS) for _ in range(10)]
        goes_on = False
        await over
        await self.until(lambda: all(each.offsets[-1:] == [happened] for each in ears))
        for ear in ears:
            assert ear.answer is not None
            self.assertEqual(ear.offsets, list(range(ear.answer.offset + 1, happened + 1)))
        self.assertLess(ears[0].told[0].offset, ears[-1].told[0].offset)

    async def test_flood(self) -> None:
        """Where more is published than fits on the way, what was lost is counted."""
        await self.ask("create_processor")
        ear = await self.listen(OBSERVATIONS)
        seen = Seen(Observation(strings=("a" * 1_000,)), None, [], 0)
        number = 50_000
        for _ in range(number):
            self.worker.hub.tell("p1", (seen,), 1.0)
        await self.until(lambda: ear.offsets[-1:] == [number])
        self.assertEqual(ear.counted(), number)
        self.assertLess(len(ear.told), number)

    async def test_restarted(self) -> None:
        """A service that was stopped and started again is followed again, in a new epoch."""
        await self.ask("create_processor")
        ear = await self.listen(MEMORY, STATUS)
        await self.stop()
        await self.until(lambda: len(ear.told) == 1)
        await self.serve(self.ports.router.where.port, self.ports.events.where.port)
        await self.until(lambda: len(ear.told) == 2)
        await self.ask("clear_all_memory")
        await self.until(lambda: len(ear.told) == 3)
        self.assertEqual([each.data.get("state") for each in ear.told], ["away", "back", None])
        self.assertEqual(ear.told[1].data["recovered"], False)
        self.assertEqual(ear.offsets, [0, 0, 1])

    async def test_strangers(self) -> None:
        """Who does not know the secret gets nothing, and disturbs nobody; who shares a subscription
        keeps it when another one leaves."""
        await self.ask("create_processor")
        place = Place("p1", MEMORY).prefix(self.publisher.secret.encode())
        context = zmq.Context()
        self.addCleanup(context.destroy, 0)
        address = self.ports.events.address

        def connected(*prefixes: bytes) -> "zmq.Socket[bytes]":
            made = context.socket(zmq.SUB)
            made.setsockopt(zmq.RCVTIMEO, 60_000)
            made.connect(address)
            for prefix in prefixes:
                made.subscribe(prefix)
            return made

        stranger = connected(b"", place[:10], b"p1", place[:-1])
        first, second = connected(place), connected(place)
        ear = await self.listen(MEMORY)
        heard = self.publisher._heard
        await self.until(lambda: Place("p1", MEMORY) in heard)
        await self.until(lambda: self.peers(place) == 3)
        await self.ask("clear_all_memory")
        self.assertEqual((await self.in_thread(first.recv_multipart))[0], place)
        first.close(0)
        await self.until(lambda: self.peers(place) == 2)
        await self.ask("clear_all_memory")
        for _ in range(2):
            self.assertEqual((await self.in_thread(second.recv_multipart))[0], place)
        await self.until(lambda: len(ear.told) == 2)
        self.assertEqual(stranger.poll(0), 0)
        second.close(0)
        assert ear.answer is not None
        ear.answer.cancel()
        await self.until(lambda: not heard)

    def peers(self, prefix: bytes) -> int:
        """How many peers have asked for a prefix."""
        socket: Any = self.publisher._socket
        return int(socket._peers[prefix])
