"""The worked cases over sockets, against live servers: over HTTP with each way to match, over
ZeroMQ with a plain REQ socket, as documents of GraphQL, and over HTTP through a gateway whose
processors live in two services, also such as keep them in MongoDB."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.conformance import cases, same
from tests.engine.providers import built
from tests.graphql.documents import answered, asked
from tests.live.family import Family, LiveService, zmq_port
from tests.live.server import Connection, LiveServer
from tests.live.speaking import RestSpeaker, Speaker, ZmqSpeaker, lasting
from tests.storage.mongod import new_database

Ask = Callable[[str, dict[str, Any], str], dict[str, Any]]
"""Says an operation with its parameters to a processor, and gives the answer."""


class ConformanceTests(SynchronousTestCase):
    """Servers of different kinds are given the same cases, and answer the same."""

    def setUp(self) -> None:
        self.speakers: list[Speaker] = []

    def add(self, speaker: Speaker) -> None:
        """Speak to this one, too."""
        self.addCleanup(speaker.close)
        self.speakers.append(speaker)

    def storage(self) -> list[str]:
        """A store on a file of its own."""
        return ["--storage", f"sqlite:{self.mktemp()}"]

    def add_server(self, **environment: str) -> None:
        """Start a gateway with processors of its own in this environment."""
        server = LiveServer(*self.storage(), env=environment)
        self.addCleanup(server.stop)
        connection = server.start().connect()
        self.assertEqual(connection.get("/stats")["matcher"], environment["KATO_MATCHER"])
        self.add(RestSpeaker(connection))

    def add_family(self, family: Family) -> None:
        """Start a gateway with services."""
        self.addCleanup(family.stop)
        self.add(family.start().speak())

    def test_python(self) -> None:
        """Every case gives what it must where Python matches, however a process hashes."""
        self.add_server(KATO_MATCHER="python", PYTHONHASHSEED="1")
        self.add_server(KATO_MATCHER="python", PYTHONHASHSEED="2")
        self.go_through()

    def test_native(self) -> None:
        """Every case gives what it must where the kernel matches, to the last byte what it gives
        where Python does."""
        built("native")
        self.add_server(KATO_MATCHER="native", PYTHONHASHSEED="1")
        self.add_server(KATO_MATCHER="python", PYTHONHASHSEED="2")
        self.go_through()

    def test_zmq(self) -> None:
        """Every case gives over ZeroMQ what it must, and what it gives over HTTP; a service and a
        gateway do not differ."""
        service = LiveService(*self.storage()).start()
        self.addCleanup(service.stop)
        self.add(service.speak())
        gateway = LiveServer(*self.storage(), "--zmq", "tcp://127.0.0.1:0").start()
        self.addCleanup(gateway.stop)
        self.add(ZmqSpeaker(zmq_port(gateway)))
        self.add_server(KATO_MATCHER="python")
        self.go_through()

    def test_graphql(self) -> None:
        """Every case gives as documents of GraphQL what it must, through a gateway whose processors
        live in two services."""
        family = Family(self.storage(), self.storage())
        self.addCleanup(family.stop)
        connection = family.start().gateway.connect()
        self.go_through(partial(self.ask_graphql, connection))

    def ask_graphql(
        self, connection: Connection, operation: str, params: dict[str, Any], processor: str
    ) -> dict[str, Any]:
        """Say it as a document; gives what came of it as other transports tell it."""
        _, came = connection.send("POST", "/graphql", asked(operation, params, processor))
        answer = answered(operation, came)
        self.assertEqual(answer["status"], "okay", answer)
        return answer

    def test_told(self) -> None:
        """Every case gives through a gateway that is told which processors two services hold what
        it must, to the last byte what it gives where a gateway has them itself."""
        names = [f"c{number}" for number in range(self.number())]
        services = [self.storage(), self.storage()]
        self.add_family(Family(*services, held=[names[::2], names[1::2]]))
        self.add_server(KATO_MATCHER="python")
        self.go_through()

    def test_announced(self) -> None:
        """Every case gives through a gateway that places processors on two services what it must,
        to the last byte what it gives where a gateway has them itself; both services have some."""
        family = Family(self.storage(), self.storage())
        self.add_family(family)
        self.add_server(KATO_MATCHER="python")
        self.go_through()
        speakers = [member.process.speak() for member in family.members]
        for speaker in speakers:
            self.addCleanup(speaker.close)
        held = [speaker.ask("list_processors")["total"] for speaker in speakers]
        self.assertEqual(sorted(held), [self.number() // 2, (self.number() + 1) // 2])

    def test_mongodb(self) -> None:
        """Every case gives through a gateway whose two services share one MongoDB what it must, to
        the last byte what it gives where a gateway keeps its processors there itself, or in a
        file."""
        shared = ["--storage", new_database()]
        self.add_family(Family(shared, shared))
        gateway = LiveServer(env={"KATO_STORAGE": new_database()})
        self.addCleanup(gateway.stop)
        connection = gateway.start().connect()
        self.assertEqual(connection.get("/stats")["store"]["kind"], "mongodb")
        self.add(RestSpeaker(connection))
        self.add_server(KATO_MATCHER="python")
        self.go_through()

    def number(self) -> int:
        """How many cases there are."""
        return sum(1 for _ in cases())

    def ask(self, operation: str, params: dict[str, Any], processor: str) -> dict[str, Any]:
        """Say it to all; gives the answer, which is the same to the last byte, less the time and
        ids that a server made."""
        first, *others = (
            lasting(each.text(operation, params, processor)) for each in self.speakers
        )
        self.assertEqual([first] * len(others), others)
        answer: dict[str, Any] = json.loads(first)
        self.assertEqual(answer["status"], "okay", answer)
        return answer

    def go_through(self, ask: Ask | None = None) -> None:
        """Do all cases.

        @param ask: says an operation, if not to all L{speakers}.
        """
        ask = ask or self.ask
        count = 0
        for number, case in enumerate(cases()):
            count += 1
            ask("create_processor", {"genes": case["genes"]}, f"c{number}")
            for step in case["steps"]:
                self.step(ask, f"c{number}", case["name"], dict(step))
        self.assertGreater(count, 200)

    def step(self, ask: Ask, processor: str, name: str, step: dict[str, Any]) -> None:
        operation, expected = step.pop("op"), step.pop("expect")
        answer = ask(operation, step, processor)
        given = {key: answer.get(key) for key in expected}
        self.assertTrue(same(given, expected), f"{name}, {operation}: {given} is not {expected}")
