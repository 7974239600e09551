"""Bad messages on a ROUTER in memory: each is named, and nothing happens (SPEC 1, 8 and 9)."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kato.dispatch import Dispatch
from kato.protocols.zmq.server import ZmqServer
from kato.storage.memory import MemoryStore
from kato.worker import Worker
from tests.doubles import at_once
from tests.gates import make_gate
from tests.live.speaking import packed, unpacked, zmq_request
from tests.zmq.malformed import MALFORMED
from tests.zmq.memory import MemoryPort, MemorySockets

STATE = (
    "get_status",
    "get_short_term_memory",
    "list_models",
    "get_genes",
    "get_percept_data",
    "get_cognition_data",
)
"""Questions whose answers tell all of a processor."""

HISTORY: tuple[tuple[str, dict[str, Any]], ...] = (
    ("create_processor", {"genes": {"persistence": 7}}),
    ("observe", {"strings": ["a", "b"], "vectors": [[1.0]], "emotives": {"joy": 1}}),
    ("learn", {}),
    ("observe", {"strings": ["a"], "unique_id": "mine", "metadata": {"k": [1]}}),
)
"""What gives a processor a state."""


class MalformedTests(SynchronousTestCase):
    """The table of malformed messages, one after the other."""

    def setUp(self) -> None:
        clock = Clock()
        store = MemoryStore()
        store.open()
        worker = Worker(store, clock=clock, in_thread=at_once)
        self.successResultOf(Deferred.fromCoroutine(worker.start()))
        server = ZmqServer(
            make_gate(Dispatch(worker, clock=clock, timeout=30.0)),
            clock=clock,
            in_thread=at_once,
            sole=worker.sole,
            controls={},
        )
        self.sockets = MemorySockets(clock)
        port = MemoryPort("tcp://127.0.0.1:5555")
        server.open(self.sockets, port)
        self.came: list[list[bytes]] = []
        self.dealer = self.sockets.dealer(
            port.address, received=self.came.append, up=lambda: None, down=self.fail
        )
        self.sockets.pump()

    def send(self, *frames: bytes) -> dict[str, Any]:
        """Send a message; gives the answer, which comes behind the frames before the last."""
        self.dealer.send(frames)
        self.sockets.pump()
        [[*envelope, answer]] = self.came
        self.came.clear()
        self.assertEqual(envelope, list(frames[:-1]))
        return unpacked(answer)

    def ask(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        answer = self.send(packed(zmq_request(operation, params, "p1")))
        self.assertEqual(answer["status"], "okay", answer)
        return answer

    def state(self) -> list[dict[str, Any]]:
        """All that can be told of C{p1}, but for its memory: what is asked may take some, where
        Python matches."""
        answers = [self.ask(operation, {}) for operation in STATE]
        return [{key: each[key] for key in each if key != "memory"} for each in answers]

    def test_enough(self) -> None:
        """There are more than 150 of them."""
        self.assertGreater(len(MALFORMED), 150)

    def test_each_is_named_and_nothing_happens(self) -> None:
        """Each is answered with its code and the field at fault, behind the frames before it; after
        all of them everything is as it was before, and no defect was logged."""
        for operation, params in HISTORY:
            self.ask(operation, params)
        before = self.state()
        for case in MALFORMED:
            for envelope in ([], [b""], [b"7", b"", b"more"]):
                answer = self.send(*envelope, case.frame)
                given = (answer["status"], answer.get("error_code"))
                self.assertEqual(given, ("error", case.error_code), (case.title, answer))
                self.assertIn(case.names, answer["message"], case.title)
                self.assertIn("time_stamp", answer)
        self.assertEqual(self.state(), before)
        self.assertEqual(self.flushLoggedErrors(), [])
