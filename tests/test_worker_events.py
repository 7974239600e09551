"""What the worker tells those who listen: what is durable, in order, and nothing that is void."""

from typing import Any

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from kato import foresight, turn, turns
from kato.commands import Command
from kato.errors import ProcessorNotFound, StorageUnavailable
from kato.events import (
    LEARNING,
    MEMORY,
    OBSERVATIONS,
    PREDICTIONS,
    PROCESSORS,
    STATUS,
    TOPICS,
    TOPICS_OF_ALL,
    Subscribed,
    Wish,
)
from kato.storage.memory import MemoryStore
from kato.worker import Worker
from tests import subscribing
from tests.doubles import HeldStore, Threads, at_once
from tests.listening import Ear
from tests.test_worker import WorkerCase, observation


class WorkerContract(subscribing.SubscribeContract):
    """The contract, kept by L{Worker}."""

    def provide(self) -> Worker:
        self.clock = Clock()
        store = MemoryStore()
        store.open()
        self.worker = Worker(store, clock=self.clock, in_thread=at_once)
        self.successResultOf(Deferred.fromCoroutine(self.worker.start()))
        return self.worker

    def settle(self) -> None:
        while any(each.getTime() <= self.clock.seconds() for each in self.clock.getDelayedCalls()):
            self.clock.advance(0)

    def lose_history(self, processor: str) -> None:
        self.worker.hub.renew(processor, self.clock.seconds())


def _one() -> "Deferred[list[str]]":
    return succeed(["p1"])


class EventCase(WorkerCase):
    """A L{Worker} whose store waits for the test, with somebody who listens."""

    def listen(self, *topics: str, processor: str | None = "p1") -> Ear:
        ear = Ear()
        self.successResultOf(ear.follow(self.subscribe(ear, *topics, processor=processor)))
        return ear

    def subscribe(
        self, ear: Ear, *topics: str, processor: str | None = "p1"
    ) -> "Deferred[Subscribed]":
        known = TOPICS if processor else TOPICS_OF_ALL
        return self.worker.subscribe(Wish(processor, frozenset(topics) or known), ear)

    def turn_over(self) -> None:
        """The reactor's next turn."""
        self.clock.advance(0)


class DurabilityTests(EventCase):
    """When events are told."""

    def setUp(self) -> None:
        super().setUp()
        self.answer("create_processor")

    def test_not_durable(self) -> None:
        """An observation that need not be durable is told at once, before it is answered."""
        ear = self.listen(OBSERVATIONS)
        told: list[int] = []
        asked = self.ask("observe", observation("a"))
        asked.addCallback(lambda _: told.append(len(ear.told)))
        self.assertEqual(told, [1])

    def test_durable(self) -> None:
        """A learning is told when it is durable, before it is answered."""
        ear = self.listen(LEARNING)
        self.observe("ab", "c")
        told: list[int] = []
        self.ask("learn").addCallback(lambda _: told.append(len(ear.told)))
        self.assertEqual((ear.told, told), ([], []))
        self.store.release()
        self.assertEqual((len(ear.told), told), (1, [1]))

    def test_order(self) -> None:
        """What was done on top of a learning is told after it, in the order of the turns."""
        ear = self.listen(OBSERVATIONS, LEARNING, MEMORY)
        self.ask("observe", observation("a", "b"))
        for _ in range(2):
            self.ask("learn")
            self.ask("observe", observation("c", "d"))
        self.ask("clear_short_term_memory")
        self.assertEqual(ear.topics, [OBSERVATIONS])
        self.store.release()
        self.assertEqual(ear.topics, [OBSERVATIONS, LEARNING, OBSERVATIONS])
        self.store.release_all()
        self.assertEqual(
            ear.topics, [OBSERVATIONS, LEARNING, OBSERVATIONS, LEARNING, OBSERVATIONS, MEMORY]
        )
        self.assertEqual(ear.offsets, [1, 2, 3, 4, 5, 6])

    def test_asked_from_within(self) -> None:
        """What is asked by who was just answered is told after all that was done before."""
        ear = self.listen(OBSERVATIONS, LEARNING)
        self.observe("ab")
        answers: list[Any] = []

        def ask_more(_: object) -> None:
            self.ask("observe", observation("last")).addCallback(answers.append)

        self.ask("learn").addCallback(ask_more)
        self.ask("observe", observation("first"))
        self.store.release_all()
        words = [each.data["observation"]["strings"] for each in ear.of(OBSERVATIONS)]
        self.assertEqual(words, [["a", "b"], ["first"], ["last"]])
        self.assertEqual(len(answers), 1)

    def test_checkpoint_0(self) -> None:
        """Where every observation must be durable, it is told when it is."""
        self.worker = self.start(checkpoint=0)
        self.answer("create_processor")
        ear = self.listen(OBSERVATIONS)
        self.ask("observe", observation("a"))
        self.assertEqual(ear.told, [])
        self.store.release()
        self.assertEqual(ear.offsets, [1])
        failing = self.ask("observe", observation("a"))
        self.store.fail()
        self.failureResultOf(failing, StorageUnavailable)
        self.assertEqual(ear.topics, [OBSERVATIONS])

    def test_given_up(self) -> None:
        """What was done is told, also where nobody waits for the answer any more."""
        ear = self.listen(LEARNING)
        self.observe("ab")
        asked = self.ask("learn")
        asked.cancel()
        self.failureResultOf(asked)
        self.store.release_all()
        self.assertEqual(ear.topics, [LEARNING])


class FailureTests(EventCase):
    """What is told where commits fail."""

    def setUp(self) -> None:
        super().setUp()
        self.answer("create_processor")
        self.observe("ab")
        self.answer("learn")

    def test_nothing_told(self) -> None:
        """A commit that fails tells nothing; the epoch goes on, and its offsets have no gap."""
        ear = self.listen()
        failing = self.ask("learn")
        waiting = self.ask("observe", observation("x"))
        self.store.fail()
        self.failureResultOf(failing, StorageUnavailable)
        self.failureResultOf(waiting, StorageUnavailable)
        self.assertEqual(ear.told, [])
        self.answer("clear_short_term_memory")
        self.assertEqual((ear.topics, ear.offsets), ([MEMORY], [3]))

    def test_void(self) -> None:
        """Where something that was told is void, a new epoch begins."""
        ear = self.listen()
        self.observe("c")
        self.ask("learn").addErrback(lambda _: None)
        self.store.fail()
        self.observe("d")
        self.assertEqual(ear.topics, [OBSERVATIONS, STATUS, OBSERVATIONS])
        self.assertEqual(ear.offsets, [3, 0, 1])
        self.assertEqual(list(ear.told[2].data["short_term_memory"]), [["d"]])

    def test_saved(self) -> None:
        """What a checkpoint has made durable is not void when a later commit fails."""
        ear = self.listen(OBSERVATIONS)
        self.observe("c")
        self.clock.advance(5)
        self.store.release()
        self.ask("learn").addErrback(lambda _: None)
        self.store.fail()
        self.assertEqual(ear.topics, [OBSERVATIONS])

    def test_defect(self) -> None:
        """A defect in the middle of a change begins a new epoch."""
        ear = self.listen(LEARNING)
        slot = self.worker._slots.at("p1")
        assert slot.engine is not None
        self.patch(slot.engine, "learn_and_tell", lambda: 1 / 0)
        self.failureResultOf(self.ask("learn"), ZeroDivisionError)
        self.assertEqual(ear.topics, [STATUS])

    def test_creation(self) -> None:
        """A processor whose creation fails never came, and leaves nothing behind."""
        ear = self.listen(processor=None)
        self.ask("create_processor", processor="p2").addErrback(lambda _: None)
        self.store.fail()
        self.assertEqual(ear.told, [])
        self.assertIsNone(self.worker._slots.find("p2"))

    def test_gone(self) -> None:
        """A processor that came, and is void, has gone."""
        ear = self.listen(processor=None)
        self.answer("observe", observation("a", "b"), processor="p2")
        self.ask("learn", processor="p2").addErrback(lambda _: None)
        self.store.fail()
        self.assertEqual([each.data["change"] for each in ear.told], ["came", "went"])
        self.assertIsNone(self.worker._slots.find("p2"))

    def test_deletion(self) -> None:
        """A processor whose deletion fails is there, and nothing was told."""
        ear, everybody = self.listen(), self.listen(processor=None)
        self.ask("delete_processor").addErrback(lambda _: None)
        self.store.fail()
        self.assertEqual((ear.told, everybody.told), ([], []))
        self.answer("clear_all_memory")
        self.assertEqual(ear.topics, [MEMORY])

    def test_made_again(self) -> None:
        """A processor that is made before the deletion of its predecessor is durable is told after
        it, in an epoch of its own."""
        ear, everybody = self.listen(), self.listen(processor=None)
        self.ask("delete_processor")
        self.ask("observe", observation("a"))
        self.assertEqual(ear.told, [])
        self.store.release_all()
        self.turn_over()
        self.assertEqual(ear.topics, [MEMORY, STATUS, OBSERVATIONS, PREDICTIONS])
        self.assertEqual(ear.told[2].offset, 1)
        self.assertEqual([each.data["change"] for each in everybody.told], ["went", "came"])


class StartTests(EventCase):
    """Listeners and processors that are being loaded."""

    def test_loading(self) -> None:
        """Who listens to a processor that is being loaded is answered when it is."""
        self.observe("a")
        self.clock.advance(5)
        self.store.release_all()
        self.store = HeldStore(self.store.inner)
        self.store.holds_loads = True
        self.worker = Worker(self.store, clock=self.clock, in_thread=at_once)
        starting = Deferred.fromCoroutine(self.worker.start())
        ear = Ear()
        subscribing = self.subscribe(ear)
        self.assertNoResult(subscribing)
        self.store.release_loads()
        self.successResultOf(starting)
        ear.answered(self.successResultOf(subscribing))
        self.answer("observe", observation("b"))
        self.assertEqual(ear.offsets[:1], [1])

    def test_given_up(self) -> None:
        """Who gives up while processors are being loaded, listening or listing them, disturbs
        nobody."""
        self.observe("a")
        self.clock.advance(5)
        self.store.release_all()
        self.store = HeldStore(self.store.inner)
        self.store.holds_loads = True
        for held in (True, False):
            listed: Deferred[Any] = Deferred()
            self.patch(self.store, "processors", lambda held=held, d=listed: d if held else _one())
            self.worker = Worker(self.store, clock=self.clock, in_thread=at_once)
            starting = Deferred.fromCoroutine(self.worker.start())
            for waiting in (self.subscribe(Ear()), self.ask("list_processors", processor=None)):
                waiting.cancel()
                self.failureResultOf(waiting, CancelledError)
            asked = self.ask("observe", observation("b"))
            listed.callback(["p1"])
            self.assertNoResult(asked)
            self.store.release_loads()
            self.successResultOf(starting)
            self.assertEqual(self.successResultOf(asked).interval, 2)

    def test_cannot_load(self) -> None:
        """Who listens to a processor that cannot be loaded is told so."""
        self.answer("create_processor")
        self.store.fails_loads = True
        self.ask("learn").addErrback(lambda _: None)
        self.store.fail()
        self.failureResultOf(self.subscribe(Ear()), StorageUnavailable)
        self.store.fails_loads = False
        self.listen()

    def test_unknown(self) -> None:
        """Listening to no processor leaves nothing behind."""
        self.failureResultOf(self.subscribe(Ear(), processor="p9"), ProcessorNotFound)
        self.assertIsNone(self.worker._slots.find("p9"))
        self.assertIsNone(self.worker.hub.standing("p9"))

    def test_loaded(self) -> None:
        """Processors that were there before the start did not come just now."""
        self.answer("create_processor")
        self.restart()
        ear = self.listen(processor=None)
        self.answer("observe", observation("a"))
        self.assertEqual(ear.told, [])
        self.answer("delete_processor")
        [event] = ear.told
        self.assertEqual((event.topic, event.data), (PROCESSORS, {"change": "went"}))


class ForesightTests(EventCase):
    """When predictions are computed, and told."""

    def setUp(self) -> None:
        super().setUp()
        self.computed = 0
        compute = turn.foresee

        def counted(engine: Any) -> Any:
            self.computed += 1
            return compute(engine)

        self.patch(foresight, "foresee", counted)
        self.answer("create_processor")

    def test_nobody(self) -> None:
        """Where nobody listens to them, no predictions are computed."""
        self.listen(OBSERVATIONS, LEARNING)
        self.observe("a", "b")
        self.turn_over()
        self.assertEqual(self.computed, 0)
        self.assertEqual(self.clock.getDelayedCalls(), [self.worker._saving._loop.call])

    def test_together(self) -> None:
        """What comes in one turn of the reactor is foreseen once."""
        ear = self.listen(PREDICTIONS)
        for word in "abcd":
            self.ask("observe", observation(word))
        self.turn_over()
        self.assertEqual((self.computed, ear.offsets), (1, [4]))
        self.turn_over()
        self.assertEqual(self.computed, 1)

    def test_left(self) -> None:
        """Who has left before they are computed makes nobody compute."""
        ear = self.listen(PREDICTIONS)
        self.ask("observe", observation("a"))
        assert ear.answer is not None
        ear.answer.cancel()
        self.turn_over()
        self.assertEqual(self.computed, 0)

    def test_durable(self) -> None:
        """Predictions that saw what is not durable yet are told once it is, in their place."""
        ear = self.listen(LEARNING, PREDICTIONS)
        self.observe("ab")
        self.ask("learn")
        self.turn_over()
        self.assertEqual(self.computed, 1)
        self.assertEqual(ear.topics, [])
        self.store.release_all()
        self.turn_over()
        self.assertEqual((ear.topics, ear.offsets), ([LEARNING, PREDICTIONS], [2, 2]))

    def test_void(self) -> None:
        """Predictions that saw what is void are not told."""
        ear = self.listen(PREDICTIONS)
        self.observe("ab")
        self.turn_over()
        self.ask("learn").addErrback(lambda _: None)
        self.store.release()
        self.ask("learn").addErrback(lambda _: None)
        self.turn_over()
        self.assertEqual(ear.offsets, [1])
        self.store.fail()
        self.turn_over()
        self.assertEqual(ear.offsets, [1])

    def test_deleted(self) -> None:
        """A processor that is gone by then is not foreseen."""
        ear = self.listen(PREDICTIONS)
        self.ask("observe", observation("a"))
        self.ask("delete_processor")
        self.turn_over()
        self.store.release_all()
        self.turn_over()
        self.assertEqual((self.computed, ear.topics), (0, [STATUS]))

    def test_defect(self) -> None:
        """A defect is logged, and the next change is foreseen."""
        ear = self.listen(PREDICTIONS)
        patched = self.patch(foresight, "foresee", lambda engine: 1 / 0)
        self.observe("a")
        self.turn_over()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        patched.restore()
        self.observe("b")
        self.turn_over()
        self.assertEqual(ear.offsets, [2])


class LongForesightTests(EventCase):
    """Predictions that take so long that they are computed in a thread."""

    def setUp(self) -> None:
        super().setUp()
        self.threads = Threads()
        self.worker = self.start(in_thread=self.threads)
        self.answer("create_processor")
        self.patch(foresight, "is_long_to_foresee", lambda engine: True)

    def test_in_thread(self) -> None:
        """They are computed and written in a thread; commands wait meanwhile, and then go on."""
        ear = self.listen(OBSERVATIONS, PREDICTIONS)
        self.observe("a")
        self.turn_over()
        self.assertEqual(len(self.threads.waiting), 1)
        waiting = self.ask("observe", observation("b"))
        self.assertNoResult(waiting)
        self.threads.run()
        self.successResultOf(waiting)
        self.assertEqual(ear.topics, [OBSERVATIONS, PREDICTIONS, OBSERVATIONS])
        self.assertIsNotNone(ear.told[1].data["predictions"]._json)

    def test_between_turns(self) -> None:
        """Long turns that follow each other are not held up, and the predictions after them come
        at their end."""
        ear = self.listen(PREDICTIONS)
        self.patch_long()
        asked = [self.ask("observe", observation(word)) for word in "abc"]
        for _ in range(3):
            self.turn_over()
            self.threads.run()
        for each in asked:
            self.successResultOf(each)
        self.assertEqual(ear.told, [])
        self.threads.run()
        self.assertEqual(ear.offsets, [3])

    def test_patience(self) -> None:
        """A processor that is never idle is foreseen from time to time."""
        ear = self.listen(PREDICTIONS)
        self.patch_long()
        for word in "abc":
            self.ask("observe", observation(word))
        self.threads.run()
        self.clock.advance(foresight.PATIENCE)
        self.threads.run()
        self.threads.run()
        self.assertEqual(ear.offsets, [2])

    def patch_long(self) -> None:
        self.patch(turns, "is_long", lambda engine, command: True)

    def test_rolled_back(self) -> None:
        """What was computed on an engine that is void by now is not told."""
        ear = self.listen(LEARNING, PREDICTIONS)
        self.observe("ab")
        self.ask("learn").addErrback(lambda _: None)
        self.turn_over()
        self.assertEqual(len(self.threads.waiting), 1)
        self.store.fail()
        self.threads.run()
        self.assertEqual(ear.topics, [STATUS])

    def test_failed_thread(self) -> None:
        """Where the thread fails that is logged, and the processor goes on."""
        self.listen(PREDICTIONS)
        self.observe("a")
        self.turn_over()
        _, done = self.threads.waiting.pop()
        done.errback(Failure(RuntimeError("the test says so")))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.successResultOf(self.worker.ask(Command.parse("ping", {}, "p1")))
