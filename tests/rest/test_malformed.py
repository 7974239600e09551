"""Bad input on the whole system: each is named, and nothing happens (SPEC 1 and 8)."""

from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kato.gateway import build
from kato.options import Settings
from kato.storage.memory import MemoryStore
from tests.doubles import at_once
from tests.rest.malformed import MALFORMED
from tests.rest.talking import Answer, Wire, get, post, read_answers, request

STATE = [
    "/p1/status",
    "/p1/short-term-memory",
    "/p1/models",
    "/p1/genes",
    "/p1/percept-data",
    "/p1/cognition-data",
    "/processors",
]


class System:
    """A gateway's parts in memory."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_000_000)
        store = MemoryStore()
        store.open()
        self.parts = build(Settings(), store, clock=self.clock, in_thread=at_once)
        self.start = Deferred.fromCoroutine(self.parts.worker.start())

    def ask(self, raw: bytes) -> list[Answer]:
        """Send bytes over a connection of their own; what came back."""
        wire = Wire()
        channel = self.parts.site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 50000))
        assert channel is not None
        channel.makeConnection(wire)
        channel.dataReceived(raw)
        while not wire.value() and self.clock.getDelayedCalls():
            self.clock.advance(0.1)
        return read_answers(wire.value())

    def state(self) -> list[dict[str, Any]]:
        """All that may be told of the processor, and which processors there are."""
        answers = [self.ask(get(path))[0].json for path in STATE]
        return [{key: answer[key] for key in answer if key != "time_stamp"} for answer in answers]


class MalformedTests(SynchronousTestCase):
    """The table of malformed requests, one after the other, on a processor that has a state."""

    def setUp(self) -> None:
        self.system = System()
        self.successResultOf(self.system.start)
        for raw in [
            request("PUT", "/p1", b'{"genes": {"persistence": 7}}'),
            post(
                "/p1/observe", {"strings": ["a", "b"], "vectors": [[1.0]], "emotives": {"joy": 1}}
            ),
            post("/p1/observe", {"strings": ["c"]}),
            post("/p1/learn"),
            post("/p1/observe", {"strings": ["a"], "unique_id": "mine", "metadata": {"k": [1]}}),
        ]:
            [answer] = self.system.ask(raw)
            self.assertLess(answer.status, 300, answer)

    def test_enough(self) -> None:
        """There are more than 150 of them, no two the same."""
        self.assertGreater(len(MALFORMED), 150)
        self.assertEqual(len({case.raw for case in MALFORMED}), len(MALFORMED))

    def test_each_is_named_and_nothing_happens(self) -> None:
        """Each is answered in JSON with its status, its code and the field at fault; after all of
        them everything is as it was before, and no defect was logged."""
        before = self.system.state()
        for case in MALFORMED:
            answers = self.system.ask(case.raw)
            self.assertEqual(len(answers), 1, case.title)
            answer = answers[0]
            got = answer.json
            self.assertEqual(answer.status, case.status, (case.title, got))
            self.assertEqual(answer.headers["content-type"], "application/json")
            self.assertEqual((got["status"], got["error_code"]), ("error", case.error_code))
            self.assertIn(case.names, got["message"], case.title)
            self.assertIn("time_stamp", got)
        self.assertEqual(self.system.state(), before)
        self.assertEqual(self.flushLoggedErrors(), [])
