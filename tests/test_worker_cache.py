"""A worker with a cache: what it computed before a restart is found after it."""

from typing import Any

from twisted.internet.defer import Deferred

from kato.codec import encode_json
from kato.commands import Reply
from kato.engine.matchers import provider
from kato.engines import Engines
from kato.errors import StorageUnavailable
from kato.long_turns import LongTurns
from kato.worker import Worker
from tests.caching.memory import MemoryCache
from tests.doubles import at_once
from tests.test_worker import WorkerCase, observation

MANY = 101
"""With so many models, matching in Python is taken in a thread."""


class CacheTests(WorkerCase):
    """One processor with many models, which are matched in Python."""

    def setUp(self) -> None:
        self.cache = MemoryCache()
        super().setUp()
        for number in range(MANY):
            self.observe(["a", "b"], [f"n{number}"])
            self.answer("learn")
        self.observe(["a"], ["b"])

    def start(self, **options: Any) -> Worker:
        turns = LongTurns(at_once, self.cache, worth=0.0)
        engines = Engines(matcher=provider("python", "the test says so"), fingerprinted=True)
        return super().start(long_turns=turns, **{"engines": engines, **options})

    def told(self) -> dict[str, Any]:
        told: dict[str, Any] = self.worker.statistics()["cache"]
        return told

    def predictions(self) -> bytes:
        return encode_json(self.answer("get_predictions")["predictions"])

    def test_restart(self) -> None:
        """A restart finds what was computed before; a change of anything makes it be computed."""
        computed = self.predictions()
        self.answer("learn")
        self.observe(["a"], ["b"])
        self.restart()
        self.assertNotEqual(self.predictions(), computed)
        again = self.predictions()
        self.restart()
        self.assertEqual(self.told()["hits"], 0)
        self.assertEqual(self.predictions(), again)
        self.assertEqual(self.told()["hits"], 1)

    def test_order(self) -> None:
        """While it is looked, what comes later waits: it is answered after, and in order."""
        self.cache.holds = True
        first = self.ask("get_predictions")
        then = self.ask("observe", observation("c"))
        self.assertNoResult(first)
        self.assertNoResult(then)
        self.cache.release()
        events = self.successResultOf(first)
        self.assertEqual(len(events.as_dict()["predictions"]), 100)
        self.assertEqual(len(self.successResultOf(then).as_dict()["short_term_memory"]), 3)

    def test_gone_meanwhile(self) -> None:
        """Of a processor that is put back to what is stored while it is looked, nothing is told."""
        self.cache.holds = True
        asked: Deferred[Reply] = self.ask("get_predictions")
        self.worker.let_go("p1")
        self.cache.release()
        self.failureResultOf(asked, StorageUnavailable)
