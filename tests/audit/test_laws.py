"""What a log tells, carried out again, gives what is there, whatever happened."""

from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kato import turns
from kato.commands import Command, Reply
from kato.worker import Worker
from tests.audit.logs import contents, files_in, folder, log_in, replayed, told
from tests.doubles import HeldStore, Threads
from tests.engine.worlds import CHANGES

DEEDS: st.SearchStrategy[Any] = st.one_of(
    CHANGES,
    st.sampled_from(
        [("delete_processor", {}, None), ("delete_processor", {}, "d"), ("get_status", {}, None)]
    ),
)
EVENTS = st.sampled_from(
    [
        *["commit_ends", "thread_runs", "commit_ends", "thread_runs"],
        *["commit_fails", "checkpoint", "kill", "disk_fills", "disk_is_slow", "disk_is_well"],
    ]
)
STEPS = st.lists(
    st.one_of(st.tuples(st.sampled_from("pq"), DEEDS), st.tuples(st.sampled_from("pp"), DEEDS))
    | EVENTS,
    max_size=60,
)

ONCE: tuple[str, Any] = ("p", ("observe", {"strings": ["a"], "unique_id": "once"}, None))
GONE: tuple[str, Any] = ("p", ("delete_processor", {}, None))
GENES: tuple[str, Any] = ("p", ("change_genes", {"genes": {}}, None))


class ReplayLaws(SynchronousTestCase):
    """A worker with a log, a store and a disk that do what hypothesis says."""

    @settings(deadline=None, max_examples=200)
    @given(STEPS, st.booleans(), st.booleans())
    @example([ONCE, ONCE, "disk_fills", "thread_runs"], False, True)
    @example([ONCE, "disk_fills", GONE, "thread_runs", "thread_runs"], False, False)
    @example([GENES, ONCE, "thread_runs", "disk_fills", ONCE, "thread_runs"], False, False)
    def test_history(self, steps: list[Any], reads: bool, slow: bool) -> None:
        """All that is there is what the log tells; and what was answered, the log tells."""
        self.patch(turns, "is_long", lambda processor, command: False)
        self.clock, self.reads = Clock(), reads
        self.clock.advance(1000.0)
        with folder() as self.folder:
            self.start(HeldStore())
            self.files.slow = slow
            for step in steps:
                self.clock.advance(0.7)
                if isinstance(step, str):
                    getattr(self, step)()
                    self.look()
                else:
                    self.ask(*step)
            self.disk_is_well()
            self.settle()
            self.judge(self.folder)

    def start(self, store: HeldStore) -> None:
        self.store, self.threads = store, Threads()
        self.answered: list[Reply] = []
        self.files = files_in(self.folder, clock=self.clock, most=4000)
        self.log = log_in(self.files, self.clock, self.threads, reads=self.reads)
        self.worker = Worker(
            self.store,
            clock=self.clock,
            in_thread=self.threads,
            make_id=lambda: f"made {self.clock.seconds()}",
            audit=self.log,
        )
        started = Deferred.fromCoroutine(self.worker.start())
        self.settle()
        self.successResultOf(started)

    def ask(self, processor: str, step: Any) -> None:
        name, params, request_id = step
        if "model_name" in params:
            slot = self.worker._slots.find(processor)
            engine = None if slot is None else slot.engine
            models = [] if engine is None else engine.list_models(10, None)[0]
            place = params["model_name"]
            known = models[place].name if place < len(models) else "unknown"
            params = {**params, "model_name": known}
        command = Command.parse(name, params, processor, request_id)
        asked = self.worker.ask(command)
        if command.row.changes:
            asked.addCallback(self.answered.append)
        asked.addErrback(lambda _: None)
        self.look()

    def look(self) -> None:
        """Every answer to a change has its line by now; its time tells which."""
        if self.answered:
            times = {each["time"] for each in told(self.folder) if "operation" in each}
            self.assertEqual([each for each in self.answered if each.time_stamp not in times], [])
            self.answered.clear()

    def commit_ends(self) -> None:
        if self.store.held:
            self.store.release()

    def commit_fails(self) -> None:
        if self.store.held:
            self.store.fail()

    def thread_runs(self) -> None:
        if self.threads.waiting:
            self.threads.run()

    def checkpoint(self) -> None:
        self.clock.advance(5.0)

    def kill(self) -> None:
        """What a commit or a thread was about to do, it never does."""
        self.files.close()

        slow = self.files.slow
        self.start(HeldStore(self.store.inner))
        self.files.slow = slow

    def disk_fills(self) -> None:
        self.files.full = True

    def disk_is_slow(self) -> None:
        self.files.slow = True

    def disk_is_well(self) -> None:
        self.files.full = self.files.slow = False

    def settle(self) -> None:
        while self.threads.waiting or self.store.held:
            self.thread_runs()
            self.commit_ends()

    def judge(self, folder: Path) -> None:
        stopped = Deferred.fromCoroutine(self.worker.stop())
        self.settle()
        self.successResultOf(stopped)
        ended = Deferred.fromCoroutine(self.log.end())
        self.settle()
        self.successResultOf(ended)
        self.assertEqual(contents(replayed(folder)), contents(self.store.inner))
