"""The worker: turns in order, and answers when what they saw is durable."""

import gc
import json
import weakref
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kato.codec import encode_json
from kato.commands import Command, Reply
from kato.dispatch import AlreadyBegun
from kato.engine.matchers import KINDS, Provider
from kato.engine.matching import Matcher
from kato.engine.python_kept import PythonRanking
from kato.engine.python_matcher import PythonMatcher
from kato.engines import Engines
from kato.errors import (
    Conflict,
    LimitReached,
    ModelNotFound,
    ProcessorNotFound,
    StorageUnavailable,
    TooManyRequests,
)
from kato.genes import Genes
from kato.worker import Worker
from tests.doubles import HeldStore, Threads, at_once


def observation(*strings: str, **rest: Any) -> dict[str, Any]:
    return {"strings": list(strings), **rest}


class WorkerCase(SynchronousTestCase):
    """A L{Worker} whose clock, store and threads the test moves."""

    def setUp(self) -> None:
        self.store = HeldStore()
        self.clock = Clock()
        self.clock.advance(1000.0)
        self.worker = self.start()

    def start(self, **options: Any) -> Worker:
        made = Worker(
            self.store,
            clock=self.clock,
            **{"in_thread": at_once, "make_id": lambda: "made", **options},
        )
        self.successResultOf(Deferred.fromCoroutine(made.start()))
        return made

    def ask(
        self,
        operation: str,
        params: dict[str, Any] | None = None,
        processor: str | None = "p1",
        request_id: str | None = None,
    ) -> "Deferred[Reply]":
        return self.worker.ask(Command.parse(operation, params or {}, processor, request_id))

    def answer(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Ask, let all commits succeed, and give the answer."""
        asked = self.ask(*args, **kwargs)
        self.store.release_all()
        return self.successResultOf(asked).as_dict()

    def observe(self, *events: Sequence[str]) -> None:
        for event in events:
            self.answer("observe", observation(*event))

    def restart(self, **options: Any) -> None:
        """What a kill does: the store keeps what it has, all else is gone."""
        self.store = HeldStore(self.store.inner)
        self.worker = self.start(**options)


def json_of(reply: Reply) -> dict[str, Any]:
    """An answer as it is sent."""
    sent: dict[str, Any] = json.loads(encode_json(reply.as_dict()))
    return sent


class TurnTests(WorkerCase):
    """Who is made, and who is answered when."""

    def test_observe(self) -> None:
        """An observation makes the processor, and is answered before it is durable."""
        asked = self.ask("observe", observation("hello", "world"))
        self.assertEqual(
            self.successResultOf(asked).as_dict(),
            {
                "status": "okay",
                "message": "observed",
                "processor": "p1",
                "interval": 1,
                "time_stamp": 1000.0,
                "unique_id": "made",
                "auto_learned_model": None,
                "short_term_memory": [["hello", "world"]],
            },
        )
        self.assertEqual(self.store.held, [])

    def test_brief(self) -> None:
        """A brief answer tells how long short-term memory is."""
        reply = self.answer("observe", observation("a", brief=True))
        self.assertEqual(reply["events"], 1)
        self.assertNotIn("short_term_memory", reply)

    def test_unknown_processor(self) -> None:
        """What does not make a processor does not find it, and leaves nothing behind."""
        for operation in ("learn", "get_status", "delete_processor", "ping"):
            error = self.failureResultOf(self.ask(operation), ProcessorNotFound).value
            self.assertIn("'p1'", error.message)
        self.assertEqual(self.answer("list_processors", processor=None)["total"], 0)

    def test_failed_creation(self) -> None:
        """A command that cannot be carried out makes no processor."""
        self.worker = self.start(engines=Engines(max_events=2))
        too_many = {"observations": [observation("a")] * 3}
        self.failureResultOf(self.ask("observe_sequence", too_many), LimitReached)
        self.failureResultOf(self.ask("learn"), ProcessorNotFound)

    def test_max_processors(self) -> None:
        """No more processors are made than are allowed; a deleted one makes room."""
        self.worker = self.start(max_processors=2)
        for processor in ("p1", "p2", "p1"):
            self.answer("create_processor", processor=processor)
        refused = self.ask("observe", observation("a"), processor="p3")
        self.assertIn("'p3'", self.failureResultOf(refused, LimitReached).value.message)
        self.answer("delete_processor", processor="p1")
        self.answer("observe", observation("a"), processor="p3")

    def test_default_genes(self) -> None:
        """A new processor has the server's genes, and its own where it was given some."""
        self.worker = self.start(engines=Engines(genes=Genes(max_predictions=7)))
        self.assertTrue(self.answer("create_processor", {"genes": {"persistence": 2}})["created"])
        genes = self.answer("get_genes")["genes"]
        self.assertEqual((genes["max_predictions"], genes["persistence"]), (7, 2))
        self.assertFalse(self.answer("create_processor", {"genes": {"persistence": 3}})["created"])
        self.assertEqual(self.answer("get_gene", {"gene": "persistence"})["value"], 3)

    def test_change_makes_processor(self) -> None:
        """Changing a gene of a processor that does not exist makes it."""
        reply = self.answer("change_gene", {"gene": "sort", "value": False})
        self.assertEqual((reply["old_value"], reply["new_value"]), (True, False))
        self.assertEqual(self.answer("get_status")["models"], 0)

    def test_order(self) -> None:
        """A processor's turns are taken in the order in which they were asked, also behind one
        that goes on in a thread; another processor does not wait."""
        threads = Threads()
        self.worker = self.start(in_thread=threads)
        long = {"observations": [observation("a", "b")] * 101, "learn_at_end": True}
        first = self.ask("observe_sequence", long)
        second = self.ask("observe", observation("x"))
        third = self.ask("get_status")
        self.successResultOf(self.ask("observe", observation("y"), processor="p2"))
        self.assertNoResult(second)
        threads.run()
        self.store.release_all()
        self.assertEqual(self.successResultOf(first).as_dict()["observed"], 101)
        self.assertEqual(self.successResultOf(second).as_dict()["short_term_memory"], [["x"]])
        self.assertEqual(self.successResultOf(third).as_dict()["models"], 1)

    def test_known_answers(self) -> None:
        """Predictions that matching takes long are made, and written, in a thread; asked for again
        with nothing changed they are answered at once, and not written again."""
        threads, written = Threads(), []
        write = PythonRanking.json

        def counted(ranking: PythonRanking, place: int) -> bytes:
            written.append(place)
            return write(ranking, place)

        self.patch(PythonRanking, "json", counted)
        engines = Engines(matcher=Provider("python", PythonMatcher, ""))
        self.worker = self.start(in_thread=threads, engines=engines)
        for number in range(101):
            self.observe(["a", "b", str(number)])
            self.answer("learn")
        self.observe(["a", "b"])
        first = self.ask("get_predictions")
        self.assertNoResult(first)
        threads.run()
        told = self.successResultOf(first).fields["predictions"]
        self.assertEqual((len(told), sorted(written)), (100, list(range(100))))
        for operation in ("get_predictions", "get_cognition_data", "get_predictions"):
            again = self.successResultOf(self.ask(operation))
            self.assertIs(again.fields["predictions"], told)
            self.assertEqual(json_of(again)["predictions"], list(told))
        self.assertEqual((len(written), threads.waiting), (100, []))
        self.observe(["c"])
        self.assertNoResult(self.ask("get_predictions"))

    def test_matcher(self) -> None:
        """Every processor, new or loaded, has its models where the worker was told; the statistics
        tell where that is."""
        for kind in KINDS:
            made: list[Matcher] = []

            def make(made: list[Matcher] = made) -> Matcher:
                made.append(PythonMatcher())
                return made[-1]

            self.restart(engines=Engines(matcher=Provider(kind, make, "the test says so")))
            self.answer("create_processor", processor=f"new-{kind}")
            self.assertEqual(len(made), len(list(self.worker._slots)))
            self.assertEqual(self.worker.statistics()["matcher"], kind)

    def test_cancel_waiting(self) -> None:
        """A command that waits for its turn can be taken back, and is then not carried out."""
        threads = Threads()
        self.worker = self.start(in_thread=threads)
        long = {"observations": [observation("a")] * 101, "brief": True}
        first = self.ask("observe_sequence", long)
        second = self.ask("observe", observation("b"))
        second.cancel()
        self.failureResultOf(second, CancelledError)
        first.cancel()
        self.failureResultOf(first, AlreadyBegun)
        threads.run()
        self.assertEqual(self.answer("get_status")["events"], 101)

    def test_full_queue(self) -> None:
        """More commands than a queue holds are refused, and the others carried out."""
        threads = Threads()
        self.worker = self.start(in_thread=threads, max_waiting=2)
        self.ask("observe_sequence", {"observations": [observation("a")] * 101})
        waiting = [self.ask("ping"), self.ask("ping")]
        error = self.failureResultOf(self.ask("ping"), TooManyRequests).value
        self.assertEqual(error.retry_after, 1)
        threads.run()
        for each in waiting:
            self.successResultOf(each)

    def test_defect(self) -> None:
        """A defect in the middle of a change leaves the processor as it was when last durable."""
        self.observe("a", "b")
        self.answer("learn")
        slot = self.worker._slots.at("p1")
        assert slot.engine is not None
        self.patch(slot.engine, "learn_and_tell", lambda: 1 / 0)
        self.observe("c")
        self.failureResultOf(self.ask("learn"), ZeroDivisionError)
        status = self.answer("get_status")
        self.assertEqual((status["models"], status["events"], status["interval"]), (1, 0, 2))

    def test_refused(self) -> None:
        """What a client did wrong holds on to nothing: an engine that is thrown away after it is
        gone without the collector."""
        self.addCleanup(gc.enable)
        gc.disable()
        self.observe("a")
        asked = self.ask("get_model", {"model_name": "MODEL|none"})
        slot = self.worker._slots.at("p1")
        assert slot.engine is not None
        engine = weakref.ref(slot.engine)
        self.answer("delete_processor")
        self.assertIsNone(engine())
        self.failureResultOf(asked, ModelNotFound)

    def test_defect_between(self) -> None:
        """What gathers for the next commit when a defect throws the engine away is not answered as
        if it were durable; what was being made durable is."""
        self.observe("a", "b")
        self.store.release_all()
        first = self.ask("learn")
        self.ask("observe_sequence", {"observations": [observation("c", "d")]})
        second = self.ask("learn")
        self.assertEqual(len(self.store.held), 1)
        slot = self.worker._slots.at("p1")
        assert slot.engine is not None
        self.patch(slot.engine, "learn_and_tell", lambda: 1 / 0)
        self.store.holds_loads = True
        self.failureResultOf(self.ask("learn"), ZeroDivisionError)
        error = self.failureResultOf(second, StorageUnavailable).value
        self.assertFalse(error.outcome_unknown)
        self.store.release_all()
        self.successResultOf(first)
        self.store.release_loads()
        self.assertEqual(self.answer("get_status")["models"], 1)

    def test_defect_before_others(self) -> None:
        """What is asked behind a defect is done on the engine that is loaded then, and not given up
        with what came before it."""
        self.observe("a", "b")
        self.ask("learn")
        slot = self.worker._slots.at("p1")
        slot.held_back = True
        broken = self.ask("learn")
        behind = self.ask("observe_sequence", {"observations": [observation("c", "d")]})
        learned = self.ask("learn")
        self.store.release_all()
        assert slot.engine is not None
        self.patch(slot.engine, "learn_and_tell", lambda: 1 / 0)
        self.worker.go_on("p1")
        self.failureResultOf(broken, ZeroDivisionError)
        self.store.release_all()
        self.successResultOf(behind)
        self.successResultOf(learned)
        self.assertEqual(self.answer("get_status")["models"], 2)

    def test_list_processors(self) -> None:
        """Processors are listed by id, a page at a time, with what they hold."""
        for processor in ("b", "c", "a"):
            self.answer("observe", observation("x"), processor=processor)
        page = self.answer("list_processors", {"limit": 2}, processor=None)
        line = {"models": 0, "events": 1, "service": "local"}
        self.assertEqual(page["processors"], [{"id": "a", **line}, {"id": "b", **line}])
        self.assertEqual((page["total"], page["next"]), (3, "b"))
        rest = self.answer("list_processors", {"limit": 2, "after": "b"}, processor=None)
        self.assertEqual([each["id"] for each in rest["processors"]], ["c"])
        self.assertIsNone(rest["next"])

    def test_ping(self) -> None:
        """The server answers a ping, and so does a processor, with its interval."""
        self.assertNotIn("processor", self.answer("ping", processor=None))
        self.observe("a")
        self.assertEqual(self.answer("ping")["interval"], 1)

    def test_statistics(self) -> None:
        """What is told of the worker counts processors, and who waits or runs."""
        threads = Threads()
        self.worker = self.start(in_thread=threads)
        self.successResultOf(self.ask("observe", observation("a")))
        self.ask("observe_sequence", {"observations": [observation("a")] * 101})
        self.ask("ping")
        told = self.worker.statistics()
        self.assertEqual((told["processors"], told["waiting"], told["running"]), (1, 1, 1))
        threads.run()


class DurabilityTests(WorkerCase):
    """What must be durable before it is answered."""

    def test_learn_waits(self) -> None:
        """A learn is answered once it is durable, and so is all that saw it."""
        self.observe(["a", "b"])
        learn = self.ask("learn")
        reads = [self.ask("get_status"), self.ask("observe", observation("c"))]
        reads.append(self.ask("list_processors", processor=None))
        self.assertNoResult(learn)
        for each in reads:
            self.assertNoResult(each)
        self.store.release()
        self.successResultOf(learn)
        self.assertEqual(self.successResultOf(reads[0]).as_dict()["models"], 1)
        for each in reads[1:]:
            self.successResultOf(each)

    def test_what_must_be_durable(self) -> None:
        """Each change that SPEC 11 promises waits for its commit; observing and clearing
        short-term memory do not."""
        self.observe(["a", "b"])
        name = self.answer("learn")["model_name"]
        for operation, params in (
            ("create_processor", {}),
            ("change_gene", {"gene": "sort", "value": True}),
            ("change_genes", {"genes": {"max_sequence_length": 1}}),
            ("observe", observation("x", "y")),
            ("update_model", {"model_name": name, "frequency": 3}),
            ("delete_model", {"model_name": name}),
            ("observe_sequence", {"observations": [], "learn_at_end": True}),
            ("clear_all_memory", {}),
            ("delete_processor", {}),
        ):
            asked = self.ask(operation, params)
            self.assertNoResult(asked)
            self.store.release()
            self.successResultOf(asked)
        for operation, params in (
            ("observe", observation("x")),
            ("observe_sequence", {"observations": [observation("x")]}),
            ("clear_short_term_memory", {}),
        ):
            self.successResultOf(self.ask(operation, params))

    def test_group(self) -> None:
        """Learnings that come during a commit share the next one, whole states each."""
        for processor in ("p1", "p2"):
            self.answer("observe", observation("a", "b"), processor=processor)
        first = self.ask("learn")
        self.ask("observe", observation("a", "c"))
        others = [self.ask("learn"), self.ask("learn", processor="p2")]
        self.assertEqual(len(self.store.held), 1)
        self.store.release()
        self.successResultOf(first)
        [(changes, _)] = self.store.held
        self.assertEqual([each.processor for each in changes], ["p1", "p2"])
        self.store.release()
        for each in others:
            self.successResultOf(each)

    def test_checkpoint(self) -> None:
        """What was observed is durable a checkpoint later, and lost if the end comes before."""
        self.observe("a")
        self.clock.advance(5)
        self.store.release_all()
        self.observe("b")
        self.restart()
        reply = self.answer("get_short_term_memory")
        self.assertEqual(reply["short_term_memory"], [["a"]])
        self.assertEqual(reply["interval"], 1)

    def test_checkpoint_saves_only_what_changed(self) -> None:
        """A checkpoint without changes commits nothing."""
        self.observe("a")
        self.clock.advance(5)
        self.store.release_all()
        self.answer("get_status")
        self.clock.advance(5)
        self.assertEqual(self.store.held, [])

    def test_checkpoint_zero(self) -> None:
        """With a checkpoint of 0 every change is durable before it is answered."""
        self.worker = self.start(checkpoint=0)
        asked = self.ask("observe", observation("a"))
        self.assertNoResult(asked)
        self.store.release()
        self.successResultOf(asked)
        self.restart()
        self.assertEqual(self.answer("get_short_term_memory")["short_term_memory"], [["a"]])

    def test_stop(self) -> None:
        """Stopping makes all durable."""
        self.observe("a", "b")
        stopped = Deferred.fromCoroutine(self.worker.stop())
        self.assertNoResult(stopped)
        self.store.release()
        self.successResultOf(stopped)
        self.restart()
        self.assertEqual(self.answer("get_short_term_memory")["interval"], 2)

    def test_failed_commit(self) -> None:
        """A commit that fails puts the processor back to what is durable, and fails all who
        waited; what comes then works on that."""
        self.observe(["a", "b"])
        self.answer("learn")
        self.observe(["c", "d"])
        learn = self.ask("learn")
        saw = [self.ask("get_status"), self.ask("observe", observation("e"))]
        self.store.fail()
        for each in (learn, *saw):
            self.failureResultOf(each, StorageUnavailable)
        status = self.answer("get_status")
        self.assertEqual((status["models"], status["events"], status["interval"]), (1, 0, 1))
        self.observe(["c", "d"])
        self.assertTrue(self.answer("learn")["model_name"])
        self.restart()
        self.assertEqual(self.answer("get_status")["models"], 2)

    def test_failed_commit_of_accuracy(self) -> None:
        """What was counted of forecasts is put back with all else, and survives a restart."""
        self.answer("change_gene", {"gene": "track_accuracy", "value": True})
        for _ in range(2):
            self.observe(["a", "b"])
            self.answer("learn")
        before = self.answer("get_status")["accuracy"]
        self.observe(["a"])
        self.assertNotEqual(self.answer("get_status")["accuracy"], before)
        learn = self.ask("learn")
        self.store.fail()
        self.failureResultOf(learn, StorageUnavailable)
        self.assertEqual(self.answer("get_status")["accuracy"], before)
        self.restart()
        self.assertEqual(self.answer("get_status")["accuracy"], before)

    def test_failed_creation(self) -> None:
        """A processor that was never durable is gone when its first commit fails."""
        created = self.ask("create_processor")
        self.store.fail()
        self.failureResultOf(created, StorageUnavailable)
        self.failureResultOf(self.ask("ping"), ProcessorNotFound)

    def test_turn_on_a_lost_state(self) -> None:
        """A turn that goes on in a thread while its processor is put back is not believed."""
        threads = Threads()
        self.observe(["a", "b"])
        self.answer("learn")
        self.worker = self.start(in_thread=threads)
        self.successResultOf(self.ask("observe", observation("c")))
        learn = self.ask("learn")
        long = self.ask("observe_sequence", {"observations": [observation("z")] * 101})
        self.store.fail()
        threads.run()
        self.failureResultOf(learn, StorageUnavailable)
        self.failureResultOf(long, StorageUnavailable)
        self.assertEqual(self.answer("get_status")["events"], 0)

    def test_learn_before_a_long_change(self) -> None:
        """A learn behind another commit is durable without waiting for the long change after it."""
        threads = Threads()
        self.worker = self.start(in_thread=threads)
        other = self.ask("create_processor", processor="p2")
        self.successResultOf(self.ask("observe", observation("a", "b")))
        learn = self.ask("learn")
        long = self.ask("observe_sequence", {"observations": [observation("z")] * 101})
        self.store.release()
        self.successResultOf(other)
        self.store.release()
        self.successResultOf(learn)
        threads.run()
        self.successResultOf(long)

    def test_cannot_load(self) -> None:
        """While what is durable cannot be read, nobody takes the processor for a new one."""
        self.observe(["a", "b"])
        self.answer("learn")
        learn = self.ask("learn")
        self.store.fails_loads = True
        self.store.fail()
        self.failureResultOf(learn, StorageUnavailable)
        self.failureResultOf(self.ask("observe", observation("x")), StorageUnavailable)
        self.store.fails_loads = False
        self.assertEqual(self.answer("get_status")["models"], 1)

    def test_loading(self) -> None:
        """At the start commands wait for their processor, and the list for all."""
        self.observe(["a", "b"])
        self.answer("learn")
        self.store = HeldStore(self.store.inner)
        self.store.holds_loads = True
        self.worker = Worker(self.store, clock=self.clock, in_thread=at_once)
        started = Deferred.fromCoroutine(self.worker.start())
        status = self.ask("get_status")
        listed = self.ask("list_processors", processor=None)
        self.assertFalse(self.worker.ready)
        for each in (started, status, listed):
            self.assertNoResult(each)
        self.store.release_loads()
        self.successResultOf(started)
        self.assertTrue(self.worker.ready)
        self.assertEqual(self.successResultOf(status).as_dict()["models"], 1)
        self.assertEqual(self.successResultOf(listed).as_dict()["total"], 1)

    def test_before_the_start(self) -> None:
        """Before it is known what is stored, nobody is told that it is not there, and nothing is
        made in its place."""
        self.observe(["a", "b"])
        self.answer("learn", request_id="r1")
        self.answer("create_processor", processor="p2")
        deleted = self.answer("delete_processor", processor="p2", request_id="r2")
        self.worker = Worker(self.store, clock=self.clock, in_thread=at_once)
        asked = [
            self.ask("get_status"),
            self.ask("list_processors", processor=None),
            self.ask("observe", observation("c")),
            self.ask("delete_processor", processor="p2", request_id="r2"),
            self.ask("ping", processor="p3"),
        ]
        self.successResultOf(self.ask("ping", processor=None))
        for each in asked:
            self.assertNoResult(each)
        self.successResultOf(Deferred.fromCoroutine(self.worker.start()))
        self.assertEqual(self.successResultOf(asked[0]).as_dict()["models"], 1)
        self.assertEqual(self.successResultOf(asked[1]).as_dict()["total"], 1)
        self.assertEqual(self.successResultOf(asked[2]).as_dict()["interval"], 2)
        self.assertEqual(self.successResultOf(asked[3]).as_dict(), deleted)
        self.failureResultOf(asked[4], ProcessorNotFound)

    def test_names(self) -> None:
        """A processor is called as the operator says, also one that is stored already."""
        self.answer("create_processor")
        self.assertEqual(self.answer("get_status")["name"], "p1")
        self.restart(engines=Engines(names={"p1": "Weather", "p2": "Sea"}))
        self.assertEqual(self.answer("get_status")["name"], "Weather")
        self.answer("create_processor", processor="p2")
        self.assertEqual(self.answer("get_status", processor="p2")["name"], "Sea")


class RetryTests(WorkerCase):
    """Requests that are sent again (SPEC 8)."""

    def test_request_id(self) -> None:
        """A change with a request id is done once, and answered as the first time, also after a
        restart."""
        self.observe(["a", "b"])
        first = self.answer("learn", request_id="r1")
        self.clock.advance(1)
        self.observe(["c", "d"])
        self.assertEqual(self.answer("learn", request_id="r1"), first)
        self.clock.advance(10)
        self.store.release_all()
        self.restart()
        self.assertEqual(self.answer("learn", request_id="r1"), first)
        self.assertEqual(self.answer("get_status")["models"], 1)
        self.assertEqual(self.answer("get_status")["events"], 1)

    def test_request_id_of_each_change(self) -> None:
        """Every operation that changes something is answered as the first time, with the memory
        as it was then."""
        self.observe(["a", "b"])
        name = self.answer("learn")["model_name"]
        for number, (operation, params) in enumerate(
            (
                ("create_processor", {"genes": {"persistence": 9}}),
                ("observe", observation("c", emotives={"joy": 1})),
                ("observe_sequence", {"observations": [observation("x"), observation("y")]}),
                ("change_gene", {"gene": "sort", "value": False}),
                ("change_genes", {"genes": {"sort": True}}),
                ("update_model", {"model_name": name, "frequency": 5}),
                ("learn", {}),
                ("clear_short_term_memory", {}),
                ("delete_model", {"model_name": name}),
                ("clear_all_memory", {}),
                ("delete_processor", {}),
            )
        ):
            first = self.answer(operation, params, request_id=f"r{number}")
            self.clock.advance(1)
            if operation != "delete_processor":
                self.answer("observe", observation(f"between {number}"))
            self.assertEqual(self.answer(operation, params, request_id=f"r{number}"), first)

    def test_memory_that_an_answer_showed(self) -> None:
        """The memory that an answer showed is kept for when it is asked for again, also when the
        oldest answer that is remembered showed none."""
        self.answer("change_gene", {"gene": "sort", "value": True}, request_id="r0")
        first = self.answer("observe", observation("a"), request_id="r1")
        self.answer("learn", request_id="r2")
        self.answer("observe", observation("b"), request_id="r3")
        self.assertEqual(self.answer("observe", observation("a"), request_id="r1"), first)

    def test_request_id_conflict(self) -> None:
        """A request id that was used for something else is a conflict; how brief the answer is
        does not matter."""
        full = self.answer("observe", observation("a"), request_id="r1")
        brief = self.answer("observe", observation("a", brief=True), request_id="r1")
        self.assertEqual((brief["unique_id"], brief["events"]), (full["unique_id"], 1))
        self.failureResultOf(self.ask("observe", observation("b"), request_id="r1"), Conflict)
        self.failureResultOf(self.ask("learn", request_id="r1"), Conflict)

    def test_failed_request_is_not_remembered(self) -> None:
        """A request that failed changed nothing, and may come again with the same id."""
        self.observe(["a", "b"])
        asked = self.ask("delete_model", {"model_name": "x"}, request_id="r1")
        self.failureResultOf(asked, ModelNotFound)
        self.assertTrue(self.answer("learn", request_id="r1")["model_name"])

    def test_unique_id(self) -> None:
        """An observation that was accepted is answered as the first time, and observed once."""
        first = self.answer("observe", observation("a", unique_id="u1"))
        self.clock.advance(1)
        self.observe("b")
        self.assertEqual(self.answer("observe", observation("a", unique_id="u1")), first)
        self.assertEqual(self.answer("get_status")["events"], 2)
        self.failureResultOf(self.ask("observe", observation("b", unique_id="u1")), Conflict)

    def test_empty_unique_id(self) -> None:
        """The empty string is an id like any other, and is given back."""
        first = self.answer("observe", observation("a", unique_id=""))
        self.assertEqual(first["unique_id"], "")
        self.assertEqual(self.answer("observe", observation("a", unique_id="")), first)

    def test_both_ids(self) -> None:
        """An observation that is sent again under a request id of its own is answered as the first
        time, interval and time included, as often as that request comes."""
        first = self.answer("observe", observation("a", unique_id="u1"))
        self.clock.advance(1)
        self.observe("b")
        for _ in range(2):
            again = self.answer("observe", observation("a", unique_id="u1"), request_id="r1")
            self.assertEqual(again, first)

    def test_unique_id_waits(self) -> None:
        """An observation that is sent again while its learning is being made durable waits for
        that too."""
        self.answer("change_gene", {"gene": "max_sequence_length", "value": 1})
        first = self.ask("observe", observation("a", "b", unique_id="u1"))
        again = self.ask("observe", observation("a", "b", unique_id="u1"))
        self.assertNoResult(again)
        self.store.release()
        self.assertEqual(self.successResultOf(first), self.successResultOf(again))
        self.assertEqual(self.store.held, [])

    def test_deletion(self) -> None:
        """A deletion that is sent again does not delete a successor, also after a restart; the
        successor knows nothing of who went before."""
        self.observe(["a", "b"])
        self.answer("learn", request_id="r0")
        first = self.answer("delete_processor", request_id="r1")
        self.assertEqual(self.answer("delete_processor", request_id="r1"), first)
        self.observe("x")
        self.assertEqual(self.answer("delete_processor", request_id="r1"), first)
        self.assertEqual(self.answer("learn", request_id="r0")["model_name"], "")
        self.restart()
        self.assertEqual(self.answer("delete_processor", request_id="r1"), first)
        self.assertEqual(self.answer("get_status")["models"], 0)

    def test_failed_deletion(self) -> None:
        """A deletion that did not become durable did not happen, and is done when it comes
        again."""
        self.observe(["a", "b"])
        self.answer("learn")
        deletion = self.ask("delete_processor", request_id="r1")
        self.store.fail()
        self.failureResultOf(deletion, StorageUnavailable)
        self.assertEqual(self.answer("get_status")["models"], 1)
        self.answer("delete_processor", request_id="r1")
        self.failureResultOf(self.ask("ping"), ProcessorNotFound)
        self.restart()
        self.failureResultOf(self.ask("ping"), ProcessorNotFound)
