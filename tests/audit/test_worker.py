"""A worker with an audit log: what is kept of what it does, and when it answers."""

from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from kato.audit.history import History
from kato.audit.reading import read_log
from kato.commands import Command, Reply
from kato.engines import Engines
from kato.errors import StorageUnavailable
from kato.metrics import Readings
from kato.metrics.sources import read_worker
from kato.origin import Origin
from kato.worker import Worker
from tests.audit.logs import contents, files_in, log_in, replayed, told
from tests.doubles import HeldStore, Threads
from tests.test_worker import WorkerCase, observation


class AuditCase(WorkerCase):
    """A worker whose log's threads run when the test says so."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.reads = False
        super().setUp()
        self.addCleanup(self.let_go)

    def start(self, **options: Any) -> Worker:
        self.threads = Threads()
        self.files = files_in(self.folder, clock=self.clock)
        self.log_kept = log_in(self.files, self.clock, self.threads, reads=self.reads)
        return super().start(**{"audit": self.log_kept, **options})

    def let_go(self) -> None:
        self.files.close()

    def restart(self, **options: Any) -> None:
        self.let_go()
        super().restart(**options)

    def run_threads(self) -> None:
        while self.threads.waiting or self.store.held:
            if self.threads.waiting:
                self.threads.run()
            self.store.release_all()

    def answer(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        asked = self.ask(*args, **kwargs)
        self.run_threads()
        return self.successResultOf(asked).as_dict()

    def kept(self, *fields: str) -> list[tuple[Any, ...]]:
        """These fields of all lines about processors."""
        return [
            tuple(each.get(field) for field in fields)
            for each in told(self.folder)
            if "processor" in each
        ]


class LineTests(AuditCase):
    """What is kept."""

    def test_changes(self) -> None:
        """Every change is one line, with what it came to."""
        self.observe(["a"], ["b"])
        learned = self.answer("learn")["model_name"]
        self.answer("get_status")
        self.answer("clear_short_term_memory")
        self.assertEqual(
            self.kept("operation", "revision", "interval", "events", "params", "result"),
            [
                ("observe", 1, 1, 1, {"strings": ["a"]}, {"unique_id": "made"}),
                ("observe", 2, 2, 2, {"strings": ["b"]}, {"unique_id": "made"}),
                ("learn", 3, 2, 0, {}, {"model_name": learned}),
                ("clear_short_term_memory", 4, 2, 0, {}, {}),
            ],
        )

    def test_creation(self) -> None:
        """The line of a command that creates a processor tells what it was before."""
        self.worker = self.start_anew(engines=Engines(names={"p1": "Ann"}))
        self.answer("change_genes", {"genes": {"persistence": 2}})
        [(created, result)] = self.kept("created", "result")
        self.assertEqual((created["name"], created["genes"]["persistence"]), ("Ann", 5))
        self.assertEqual(result, {"old_values": {"persistence": 5}})

    def start_anew(self, **options: Any) -> Worker:
        self.let_go()
        return self.start(**options)

    def test_origin(self) -> None:
        """A line tells where a request came in, with which key, and its id."""
        command = Command.parse("observe", observation("a"), "p1", "r1")
        self.worker.ask(command.asked(Origin("rest", "ab-1", "reader")))
        origin = {"transport": "rest", "id": "ab-1", "key": "reader"}
        self.assertEqual(self.kept("request_id", "origin"), [("r1", origin)])

    def test_not_twice(self) -> None:
        """What is answered again changes nothing, and is no line; nor is what is refused."""
        for _ in range(2):
            self.answer("observe", observation("a"), request_id="r1")
        self.failureResultOf(self.ask("delete_model", {"model_name": "none"}))
        self.assertEqual(self.kept("revision"), [(1,)])

    def test_reads(self) -> None:
        """What only reads is kept where that is wanted, with the revision that it saw."""
        self.reads = True
        self.worker = self.start_anew()
        self.observe(["a"])
        self.answer("get_predictions")
        self.answer("list_processors", processor=None)
        self.assertEqual(
            self.kept("operation", "revision", "read"),
            [("observe", 1, None), ("get_predictions", 1, True)],
        )
        last = told(self.folder)[-1]
        self.assertEqual((last["operation"], last["read"]), ("list_processors", True))

    def test_sequence(self) -> None:
        """The id that was made for the last observation of a sequence is kept."""
        sequence = {"observations": [observation("a"), observation("b")], "learn_at_end": True}
        self.answer("observe_sequence", sequence)
        [(made, result)] = self.kept("made", "result")
        self.assertEqual((made, result["observed"]), ("made", 2))

    def test_long(self) -> None:
        """What is long is written in a thread, as it would be elsewhere."""
        strings = [f"s{number:03}" for number in range(100)]
        asked = self.ask("observe", observation(*strings, metadata={"a": [1] * 40}))
        self.assertNoResult(asked)
        self.run_threads()
        self.successResultOf(asked)
        [(params,)] = self.kept("params")
        self.assertEqual(params, {"strings": strings, "metadata": {"a": [1] * 40}})


class OrderTests(AuditCase):
    """First the line, then the store, then the answer."""

    def test_written_first(self) -> None:
        """An observation is answered when its line is written."""
        self.files.slow = True
        asked = self.ask("observe", observation("a"))
        self.assertNoResult(asked)
        self.threads.run()
        self.successResultOf(asked)

    def test_after_each_other(self) -> None:
        """A read that is not kept itself does not overtake what it saw."""
        self.files.slow = True
        self.ask("observe", observation("a"))
        seen = self.ask("get_short_term_memory")
        self.assertNoResult(seen)
        self.threads.run()
        self.successResultOf(seen)

    def test_synced_before_the_store(self) -> None:
        """A commit begins when the log is safe."""
        self.observe(["a"], ["b"])
        asked = self.ask("learn")
        self.assertEqual(self.store.held, [])
        self.threads.run()
        self.assertEqual(len(self.store.held), 1)
        self.assertNoResult(asked)
        self.store.release_all()
        self.successResultOf(asked)

    def test_slow_disk(self) -> None:
        """After a slow write lines are written in the thread, for a while, and longer when the next
        one is slow as well."""
        write = type(self.files).append

        def slowly(entries: Any) -> None:
            write(self.files, entries)
            self.clock.rightNow += 0.02

        for seconds in (1.0, 2.0, 4.0):
            self.patch(self.files, "append", slowly)
            self.successResultOf(self.ask("observe", observation("a")))
            self.patch(self.files, "append", lambda entries: write(self.files, entries))
            self.clock.rightNow += seconds - 0.1
            asked = self.ask("observe", observation("b"))
            self.assertNoResult(asked)
            self.threads.run()
            self.successResultOf(asked)
            self.clock.rightNow += 0.1
        self.successResultOf(self.ask("observe", observation("c")))


class FullDiskTests(AuditCase):
    """Nothing is answered C{okay} that the log does not tell of."""

    def test_refused(self) -> None:
        """What cannot be kept is undone, and refused for a moment; then it is tried again."""
        self.answer("observe", observation("a"))
        self.store.release_all()
        self.clock.advance(5.0)
        self.run_threads()
        self.files.full = True
        asked = self.ask("observe", observation("b"))
        self.run_threads()
        error = self.failureResultOf(asked, StorageUnavailable).value
        self.assertEqual(
            error.message, "the audit log cannot be written: No space left on device: not done"
        )
        self.assertEqual(error.retry_after, 1)
        self.failureResultOf(self.ask("observe", observation("b")), StorageUnavailable)
        memory = self.answer("get_short_term_memory")["short_term_memory"]
        self.assertEqual(memory, [["a"]])
        self.files.full = False
        self.failureResultOf(self.ask("observe", observation("b")), StorageUnavailable)
        self.clock.advance(1.0)
        self.answer("observe", observation("c"))
        self.assertEqual(self.kept("revision", "event"), [(1, None), (2, None)])

    def metrics(self) -> dict[str, Any]:
        """What is measured of the log."""
        readings = Readings()
        read_worker(readings, self.worker, most=0, checkpoint=1.0)
        read = {metric.name: [each.value for each in values] for metric, values in readings}
        return {name: value for name, [value, *_] in read.items() if "_audit_" in name}

    def test_measured(self) -> None:
        """Prometheus is told how many lines there are, and how often there was no room for one."""
        self.answer("observe", observation("a"))
        before = self.metrics()
        self.answer("observe", observation("b"))
        self.files.full = True
        asked = self.ask("observe", observation("c"))
        self.run_threads()
        self.failureResultOf(asked, StorageUnavailable)
        after = self.metrics()
        self.assertEqual(after["kato_audit_lines_total"], before["kato_audit_lines_total"] + 1)
        self.assertEqual(before["kato_audit_failures_total"], 0)
        self.assertGreater(after["kato_audit_failures_total"], 0)

    def test_seen_in_vain(self) -> None:
        """Who is told the same again, or what came of it, before it is kept, is refused with it."""
        self.files.slow = True
        asked = [self.ask("observe", observation("a"), request_id="once") for _ in range(2)]
        asked.append(self.ask("get_short_term_memory"))
        self.files.full = True
        self.run_threads()
        for each in asked:
            self.failureResultOf(each, StorageUnavailable)

    def test_errors_of_their_own(self) -> None:
        """Whoever is refused meanwhile gets an error of their own: one for all would keep what each
        of them was about in memory, engines of processors among it."""
        self.files.full = True
        self.ask("observe", observation("a")).addErrback(lambda _: None)
        self.run_threads()
        one, other = (
            self.failureResultOf(self.ask("observe", observation("b")), StorageUnavailable).value
            for _ in range(2)
        )
        self.assertEqual(one.message, other.message)
        self.assertIsNot(one, other)

    def test_statistics(self) -> None:
        """C{/stats} tells where the log ends, and how often it failed."""
        self.observe(["a"])
        head = self.files.head
        told = self.worker.statistics()["audit"]
        self.assertEqual(told, {"lines": head.lines, "head": head.digest, "failures": 0})
        self.files.full = True
        self.ask("observe", observation("b")).addErrback(lambda _: None)
        self.run_threads()
        self.assertEqual(self.worker.statistics()["audit"]["failures"], 2)

    def test_restored_later(self) -> None:
        """That a processor was restored is told before what it does next, if not at once."""
        self.observe(["a"])
        self.clock.advance(5.0)
        self.run_threads()
        self.observe(["b"])
        asked = self.ask("learn")
        self.run_threads_of_log()
        self.files.full = True
        self.store.fail()
        self.failureResultOf(asked, StorageUnavailable)
        self.run_threads()
        self.files.full = False
        self.clock.advance(1.0)
        self.answer("observe", observation("c"))
        self.assertEqual(
            self.kept("revision", "event"),
            [(1, None), (2, None), (3, None), (1, "restored"), (2, None)],
        )

    def test_restored_at_the_end(self) -> None:
        """If there is nothing that it does next, it is told when somebody else does something, or
        when the service ends."""
        for told_by in (self.other_observes, self.log_ends):
            self.observe(["a"])
            self.files.full = True
            asked = self.ask("observe", observation("b"))
            self.run_threads()
            self.failureResultOf(asked, StorageUnavailable)
            self.files.full = False
            self.clock.advance(1.0)
            told_by()
            self.assertIn(("p1", None, "restored"), self.kept("processor", "revision", "event"))
            self.worker = self.start_anew_elsewhere()

    def other_observes(self) -> None:
        self.answer("observe", observation("c"), processor="p2")

    def log_ends(self) -> None:
        ended = Deferred.fromCoroutine(self.log_kept.end())
        self.run_threads()
        self.successResultOf(ended)

    def start_anew_elsewhere(self) -> Worker:
        self.let_go()
        self.folder = Path(self.mktemp())
        self.store = HeldStore()
        return self.start()

    def run_threads_of_log(self) -> None:
        while self.threads.waiting:
            self.threads.run()

    def test_lost(self) -> None:
        """Where nobody knows what a sync has kept, nothing is answered any more."""

        def lost() -> None:
            self.files._lost = OSError(5, "Input/output error")
            raise self.files._lost

        self.patch(self.files, "sync", lost)
        for _ in range(2):
            asked = self.ask("create_processor")
            self.run_threads()
            self.failureResultOf(asked, StorageUnavailable)
            self.clock.advance(1.0)
        self.run_threads()
        self.assertEqual(self.store.inner.statistics()["commits"], 0)


class RestoredTests(AuditCase):
    """What a processor is found to be, wherever the log says anything else."""

    def test_killed(self) -> None:
        """After a kill a processor is as it was stored, and the log tells that."""
        self.observe(["a"])
        self.clock.advance(5.0)
        self.run_threads()
        self.observe(["b"], ["c"])
        self.answer("create_processor", processor="p2")
        self.restart()
        self.assertEqual(
            self.kept("processor", "revision", "interval", "event")[-1:],
            [("p1", 1, 1, "restored")],
        )

    def test_never_stored(self) -> None:
        """A processor that was never stored is not there; the log tells that once."""
        self.observe(["a"])
        self.restart()
        self.restart()
        self.assertEqual(
            self.kept("processor", "revision", "event"), [("p1", 1, None), ("p1", None, "restored")]
        )

    def test_deleted(self) -> None:
        """What was deleted last needs no line when it is not there."""
        self.observe(["a"])
        self.answer("delete_processor")
        self.restart()
        self.assertEqual(self.kept("operation"), [("observe",), ("delete_processor",)])

    def test_failed_commit(self) -> None:
        """A commit that fails is told as what the processor is then."""
        self.answer("create_processor")
        asked = self.ask("observe", observation("a"))
        learned = self.ask("learn")
        self.threads.run()
        self.store.fail()
        self.successResultOf(asked)
        self.failureResultOf(learned, StorageUnavailable)
        self.assertEqual(self.kept("revision", "event")[-1], (1, "restored"))

    def test_adopted(self) -> None:
        """What was there before the log is told to have come from elsewhere: a gap."""
        self.store = HeldStore()
        self.let_go()
        self.worker = WorkerCase.start(self)
        self.observe(["a"])
        self.clock.advance(5.0)
        self.store.release_all()
        self.restart()
        self.assertEqual(self.kept("revision", "interval", "event"), [(1, 1, "adopted")])
        self.observe(["b"])
        history = History()
        for read in read_log(self.folder):
            history.add(0, read.head.lines, read.told)
        self.assertIsNotNone(history.lives()["p1"].gap)

    def test_created_anew(self) -> None:
        """While a deletion may still fail, revisions go on: so what is found after a kill is one of
        the old processor, or of the new one, and nobody takes one for the other."""
        self.answer("create_processor")
        self.observe(["a"], ["b"])
        deleted = self.ask("delete_processor")
        self.run_log()
        asked = self.ask("observe", observation("c"))
        self.assertEqual(self.kept("revision")[-2:], [(4,), (5,)])
        self.assertNoResult(deleted)
        self.assertNoResult(asked)
        self.restart()
        self.assertEqual(self.kept("revision", "event")[-1], (1, "restored"))
        self.observe(["d"])
        self.clock.advance(5.0)
        self.run_threads()
        self.assertEqual(contents(replayed(self.folder)), contents(self.store.inner))

    def run_log(self) -> None:
        while self.threads.waiting:
            self.threads.run()


class NoAuditTests(WorkerCase):
    """A worker without a log."""

    def test_nothing_is_waited_for(self) -> None:
        """Observations are answered at once, learnings when they are stored."""
        self.successResultOf(self.ask("observe", observation("a")))
        asked: Deferred[Reply] = self.ask("learn")
        self.assertNoResult(asked)
        self.store.release_all()
        self.successResultOf(asked)
