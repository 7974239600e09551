"""Requests that were answered: in the log, and counted."""

import json

from twisted.internet.task import Clock
from twisted.logger import LogEvent, LogLevel
from twisted.trial.unittest import SynchronousTestCase

from kato.errors import InternalError, Timeout
from kato.ledger import GATHERED, Answered, Ledger, defect_of, outcome_of
from tests.rest.talking import logged


def answered(
    request_id: str = "r1",
    *,
    operation: str | None = "observe",
    outcome: str = "okay",
    key: str | None = None,
    quiet: bool = False,
    defect: str | None = None,
) -> Answered:
    """A request that took a quarter of a second."""
    return Answered(operation, "zmq", outcome, "p1", request_id, key, 1.0, 1.25, quiet, defect)


class LedgerTests(SynchronousTestCase):
    """L{Ledger}."""

    def setUp(self) -> None:
        self.events = logged(self)
        self.clock = Clock()
        self.ledger = Ledger(clock=self.clock)

    def told(self) -> list[LogEvent]:
        return [each for each in self.events if "lines" in each]

    def test_gathered(self) -> None:
        """Many requests are written at once, in order, a moment later."""
        for name in ("a", "b", "c"):
            self.ledger.tell(answered(name))
        self.assertEqual(self.told(), [])
        self.clock.advance(GATHERED)
        [event] = self.told()
        self.assertEqual([each.request_id for each in event["lines"]], ["a", "b", "c"])
        self.assertEqual(event["log_level"], LogLevel.info)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_quiet(self) -> None:
        """What programs ask every few seconds is told to who debugs alone, and counted as all
        else."""
        self.ledger.tell(answered("probe", quiet=True))
        self.ledger.tell(answered("work"))
        self.ledger.write()
        told = {
            each["log_level"]: [one.request_id for one in each["lines"]] for each in self.told()
        }
        self.assertEqual(told, {LogLevel.info: ["work"], LogLevel.debug: ["probe"]})
        [histogram] = self.ledger.counts.answered.values()
        self.assertEqual(histogram.count, 2)

    def test_counted_at_once(self) -> None:
        """Whoever looks at the counters finds all requests in them, written or not."""
        self.ledger.tell(answered(operation=None, outcome="FORBIDDEN"))
        self.assertEqual(self.ledger.counts.refused, {("zmq", "FORBIDDEN"): 1})
        self.assertEqual(len(self.told()), 1)

    def test_closed(self) -> None:
        """Closed, it has written all, leaves nothing behind, and what comes is written at once."""
        self.ledger.tell(answered("a"))
        self.ledger.close()
        self.ledger.tell(answered("b"))
        self.assertEqual([len(each["lines"]) for each in self.told()], [1, 1])
        self.assertEqual(self.clock.getDelayedCalls(), [])


class LineTests(SynchronousTestCase):
    """A line of the log."""

    def test_fields(self) -> None:
        """As JSON it has all that is known of a request, and nothing of what is not."""
        told = answered(key="dashboards").as_dict()
        json.dumps(told)
        self.assertEqual(
            told,
            {
                "transport": "zmq",
                "operation": "observe",
                "processor": "p1",
                "outcome": "okay",
                "key": "dashboards",
                "milliseconds": 250.0,
                "request_id": "r1",
            },
        )
        refused = answered(operation=None, outcome="INVALID_REQUEST").as_dict()
        self.assertEqual(refused.keys() & {"operation", "key", "defect"}, set())

    def test_people(self) -> None:
        """For people it is one short line."""
        self.assertEqual(str(answered()), "zmq observe p1 okay 250.000 ms r1")
        refused = Answered(None, "zmq", "INVALID_REQUEST", None, "r2", None, 1.0, 1.0)
        self.assertEqual(str(refused), "zmq - - INVALID_REQUEST 0.000 ms r2")

    def test_outcome(self) -> None:
        """What became of a request is okay, or an error code; of a defect, what the client was told
        of it, which leads to the traceback."""
        defect = InternalError("internal error, logged under 4f")
        self.assertEqual(outcome_of(None), "okay")
        self.assertEqual(
            (outcome_of(Timeout("late")), defect_of(Timeout("late"))), ("TIMEOUT", None)
        )
        self.assertEqual(defect_of(defect), "internal error, logged under 4f")
        self.assertIn("4f", str(answered(defect=defect_of(defect)).as_dict()["defect"]))
