"""The worker keeps indexes, so that a start need not go over many models."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import LogLevel, capturedLogs, formatEvent

from kato import engines, indexing
from kato.changes import Snapshot
from kato.engine.matchers import Provider
from kato.engine.python_matcher import PythonMatcher
from kato.engines import Engines
from kato.errors import StorageUnavailable
from kato.long_turns import LongTurns
from kato.model import Model
from kato.storage.memory import MemoryStore
from kato.worker import Worker
from tests.caching.memory import MemoryCache
from tests.doubles import HeldStore, Threads, at_once
from tests.engine.dumping import DumpingMatcher, OtherDumpingMatcher
from tests.test_worker import WorkerCase, observation


class WatchedStore(HeldStore):
    """A held store that counts the models that are gone over, and the indexes that are kept."""

    def __init__(self, inner: MemoryStore | None = None) -> None:
        super().__init__(inner)
        self.models = 0
        self.kept: list[str] = []

    def load(self, processor: str, restore: Callable[[Snapshot], Any]) -> "Deferred[Any]":
        def counted(models: Any) -> Iterator[Model]:
            for model in models:
                self.models += 1
                yield model

        def watched(snapshot: Snapshot) -> Any:
            return restore(replace(snapshot, models=counted(snapshot.models)))

        return super().load(processor, watched)

    def keep_index(self, processor: str, index: bytes) -> "Deferred[bool]":
        self.kept.append(processor)
        return super().keep_index(processor, index)


class IndexTests(WorkerCase):
    """Two models are many here."""

    store: WatchedStore

    def setUp(self) -> None:
        for module in (engines, indexing):
            self.patch(module, "MANY_MODELS", 2)
        super().setUp()
        self.restart()

    def start(
        self,
        *,
        matcher: Callable[[], Any] = DumpingMatcher,
        long_turns: LongTurns | None = None,
        **options: Any,
    ) -> Worker:
        made = Engines(
            matcher=Provider("python", matcher, "the test says so"),
            fingerprinted=long_turns is not None and long_turns.is_cached,
        )
        return super().start(engines=made, long_turns=long_turns, **options)

    def restart(self, **options: Any) -> None:
        self.store = WatchedStore(self.store.inner)
        self.worker = self.start(**options)

    def learn(self, *symbols: str, processor: str = "p1") -> None:
        """Learn a model of each."""
        for symbol in symbols:
            self.answer("observe", observation(symbol, "x"), processor=processor)
            self.answer("learn", processor=processor)

    def models(self) -> list[dict[str, Any]]:
        models: list[dict[str, Any]] = self.answer("list_models")["models"]
        return models

    def stop(self) -> "Deferred[None]":
        """Stop the worker, as the gateway does."""
        stopped: Deferred[None] = Deferred.fromCoroutine(self.worker.stop())
        self.store.release_all()
        self.successResultOf(stopped)
        return Deferred.fromCoroutine(self.worker.keep_indexes())

    def stopped(self) -> list[str]:
        """Stop the worker; gives whose index was kept by that."""
        self.store.kept.clear()
        self.successResultOf(self.stop())
        return self.store.kept

    # After loading

    def test_after_loading(self) -> None:
        """A start that goes over many models keeps an index, and the next one has no need to."""
        self.learn("a", "b", "c")
        before = self.models()
        self.restart()
        self.assertEqual((self.store.models, self.store.kept), (3, ["p1"]))
        for _ in range(2):
            self.restart()
            self.assertEqual((self.store.models, self.store.kept), (0, []))
            self.assertEqual(self.models(), before)

    def test_without_fingerprint(self) -> None:
        """An index that was kept without a cache is made anew where there is one, once; no models
        are read from the store for that."""
        self.learn("a", "b", "c")
        self.restart()
        for kept in (["p1"], [], []):
            self.restart(long_turns=LongTurns(at_once, MemoryCache()))
            self.assertEqual((self.store.models, self.store.kept), (0, kept))

    def test_few(self) -> None:
        """Of a processor with few models none is kept."""
        self.learn("a")
        self.restart()
        self.assertEqual((self.store.models, self.store.kept), (1, []))
        self.assertEqual(self.stopped(), [])

    def test_learned_after_loading(self) -> None:
        """What is learned right after the start is there after the next one."""
        self.learn("a", "b")
        self.store.holds_loads = True
        self.restart()
        self.learn("c")
        before = self.models()
        self.restart()
        self.assertEqual(self.store.models, 3)
        self.assertEqual(self.models(), before)

    def test_beside_a_commit(self) -> None:
        """An index that is kept while another processor's commit is under way is of the models as
        they were loaded, and lost where the commit changes them."""
        for processor in ("p1", "p2"):
            self.learn("a", "b", processor=processor)
        self.store = WatchedStore(self.store.inner)
        self.store.holds_loads = True
        made = Engines(matcher=Provider("python", DumpingMatcher, "the test says so"))
        self.worker = Worker(self.store, clock=self.clock, in_thread=at_once, engines=made)
        started = Deferred.fromCoroutine(self.worker.start())
        first, second = self.store.held_loads
        self.store.held_loads = [first]
        self.store.release_loads()
        sequence = {"observations": [observation("c", "d")], "learn_at_end": True}
        learn = self.ask("observe_sequence", sequence)
        self.store.held_loads = [second]
        self.store.release_loads()
        self.successResultOf(started)
        self.assertEqual(self.store.kept, ["p1", "p2"])
        self.store.release_all()
        self.successResultOf(learn)
        before = self.models()
        self.restart()
        self.assertEqual((self.store.models, self.store.kept), (3, ["p1"]))
        self.assertEqual(self.models(), before)

    def test_other_matcher(self) -> None:
        """An index of another matcher is not used, which is told, and one of this takes its place;
        a matcher that cannot be dumped leaves it alone."""
        self.learn("a", "b")
        before = self.models()
        self.restart()
        self.restart(matcher=PythonMatcher)
        self.assertEqual((self.store.models, self.store.kept, self.models()), (2, [], before))
        self.assertEqual(self.stopped(), [])
        with capturedLogs() as events:
            self.restart(matcher=OtherDumpingMatcher)
        self.assertIn("of another kind", " ".join(map(formatEvent, events)))
        self.assertEqual((self.store.models, self.store.kept), (2, ["p1"]))
        self.restart(matcher=OtherDumpingMatcher)
        self.assertEqual((self.store.models, self.models()), (0, before))

    def test_put_back(self) -> None:
        """A processor that is put back after a commit that failed is taken from its index."""
        self.learn("a", "b")
        self.restart()
        before = self.models()
        self.restart()
        self.answer("observe", observation("c", "d"))
        learn = self.ask("learn")
        self.store.fail()
        self.failureResultOf(learn, StorageUnavailable)
        self.assertEqual(self.models(), before)
        self.assertEqual((self.store.models, self.stopped()), (0, []))

    # When it stops

    def test_stopping(self) -> None:
        """When it stops, an index is kept where models changed, and of no other processor; the
        largest comes first."""
        self.learn("a", "b", "c", "d", processor="p0")
        self.learn("a", "b")
        self.learn("a", "b", "c", processor="p2")
        self.learn("a", processor="p3")
        self.restart()
        self.learn("c")
        self.learn("d", "e", "f", processor="p2")
        self.answer("observe", observation("x"), processor="p0")
        before = self.models()
        self.assertEqual(self.stopped(), ["p2", "p1"])
        self.restart()
        self.assertEqual(self.store.models, 1)
        self.assertEqual(self.models(), before)

    def test_each_change(self) -> None:
        """Whatever changes a model makes another index necessary, and what does not, does not."""
        self.learn("a", "b", "c")
        name = self.models()[0]["name"]
        for changes_models, operation, params in (
            (False, "observe", observation("a", vectors=[[1.0]], emotives={"joy": 1.0})),
            (True, "learn", {}),
            (False, "change_gene", {"gene": "sort", "value": False}),
            (True, "update_model", {"model_name": name, "frequency": 7}),
            (True, "update_model", {"model_name": name, "emotives": [{"joy": 1.0}]}),
            (False, "clear_short_term_memory", {}),
            (True, "delete_model", {"model_name": name}),
        ):
            self.restart()
            self.assertEqual(self.stopped(), [])
            self.answer(operation, params)
            self.assertEqual(self.stopped(), ["p1"] if changes_models else [], operation)
            before = self.models()
            self.restart()
            self.assertEqual((self.store.models, self.models()), (0, before), operation)

    def test_cleared_and_made_anew(self) -> None:
        """A processor has no index of a memory that was cleared, nor of one that went before."""
        for operation in ("clear_all_memory", "delete_processor"):
            self.learn("a", "b", "c")
            self.restart()
            self.answer(operation)
            self.learn("d", "e")
            before = self.models()
            self.assertEqual(self.stopped(), ["p1"])
            self.restart()
            self.assertEqual((self.store.models, self.models()), (0, before))

    def test_busy(self) -> None:
        """A processor that is in the midst of a turn when there is no more time is passed over."""
        threads = Threads()
        self.learn("a", "b")
        self.restart(in_thread=threads)
        self.learn("c")
        long = {"observations": [observation("y", "z")] * 101, "learn_after_each": True}
        asked = self.ask("observe_sequence", long)
        self.assertEqual(self.stopped(), [])
        threads.run()
        self.store.release_all()
        self.successResultOf(asked)

    def test_not_durable(self) -> None:
        """So is one that is not stored as it is."""
        self.learn("a", "b")
        self.restart()
        self.learn("c")
        self.answer("observe", observation("d", "e"))
        learn = self.ask("learn")
        self.successResultOf(Deferred.fromCoroutine(self.worker.keep_indexes()))
        self.assertEqual(self.store.kept, ["p1"])
        self.store.release_all()
        self.successResultOf(learn)
        self.assertEqual(self.stopped(), ["p1"])

    def test_waits(self) -> None:
        """A command that comes while an index is made of its processor waits for that, and what it
        does is there after the next start."""
        threads = Threads()
        self.learn("a", "b")
        self.restart(in_thread=threads)
        self.learn("c")
        kept = self.stop()
        sequence = {"observations": [observation("d", "e")], "learn_at_end": True}
        learn = self.ask("observe_sequence", sequence)
        status = self.ask("get_status")
        waiting: list[Deferred[Any]] = [kept, learn, status]
        for each in waiting:
            self.assertNoResult(each)
        threads.run()
        self.store.release_all()
        for each in waiting:
            self.successResultOf(each)
        before = self.models()
        self.restart()
        self.assertEqual(self.models(), before)

    def test_made_meanwhile(self) -> None:
        """Stopping waits for indexes that the start still keeps."""
        self.learn("a", "b")
        held: Deferred[None] = Deferred()
        self.store = WatchedStore(self.store.inner)
        self.patch(self.store, "keep_index", lambda processor, index: held)
        self.worker = self.start()
        kept = self.stop()
        self.assertNoResult(kept)
        held.callback(None)
        self.successResultOf(kept)

    def test_given_up(self) -> None:
        """Whoever has no time to wait gives up all that is left to do."""
        threads = Threads()
        for processor in ("p1", "p2"):
            self.learn("a", "b", processor=processor)
        self.restart(in_thread=threads)
        for processor in ("p1", "p2"):
            self.learn("c", processor=processor)
        kept = self.stop()
        kept.cancel()
        self.failureResultOf(kept, CancelledError)
        self.assertEqual(len(threads.waiting), 1)

    def test_given_up_while_kept(self) -> None:
        """So he does while the store keeps one of several."""
        for processor in ("p1", "p2"):
            self.learn("a", "b", processor=processor)
        self.patch(self.store, "keep_index", lambda processor, index: Deferred())
        with capturedLogs() as events:
            kept = self.stop()
            self.assertNoResult(kept)
            kept.cancel()
        self.failureResultOf(kept, CancelledError)
        self.assertEqual(len(events), 1)

    # Trouble

    def test_not_kept(self) -> None:
        """An index that cannot be kept is a warning; everything else goes on, and it is tried again
        when the worker stops, also where nothing has changed."""
        self.learn("a", "b")
        self.store = WatchedStore(self.store.inner)
        self.store.fails_indexes = True
        with capturedLogs() as events:
            self.worker = self.start()
        [event] = [each for each in events if each["log_level"] is LogLevel.warn]
        self.assertIn("p1", formatEvent(event))
        self.assertIn("the test says so", formatEvent(event))
        before = self.models()
        self.store.fails_indexes = False
        self.assertEqual(self.stopped(), ["p1"])
        self.restart()
        self.assertEqual((self.store.models, self.models()), (0, before))
