"""The worker under commits that succeed and fail at any time: what it keeps and what it says."""

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from kato import engines, indexing, turns
from kato.changes import Changes, Deletion
from kato.commands import Command, Reply
from kato.engine import Processor
from kato.engine.matchers import Provider
from kato.engines import Engines
from kato.errors import KatoError
from kato.genes import Genes
from kato.turn import Outcome, take_turn
from kato.worker import Worker
from tests.doubles import HeldStore, at_once
from tests.engine.dumping import DumpingMatcher
from tests.engine.worlds import CHANGES, everything

READS: st.SearchStrategy[Any] = st.sampled_from(
    [("get_predictions", {}, None), ("get_status", {}, None), ("get_cognition_data", {}, None)]
)
TURNS = st.one_of(CHANGES, CHANGES, READS)
EVENTS = st.sampled_from(
    ["commit_ends", "commit_ends", "commit_fails", "checkpoint", "restart", "stop"]
)
STEPS = st.lists(st.booleans().flatmap(lambda turn: TURNS if turn else EVENTS), max_size=40)


class Told:
    """A command that was asked, with what its answer promises."""

    def __init__(self, command: Command, outcome: Outcome | None, number: int) -> None:
        self.command = command
        self.expected = outcome
        self.number = number
        """How many changes of the history it saw, its own included."""
        self.answers: list[Reply | Failure] = []


class History:
    """All that one processor did and that is not void, in the order of its turns.

    A commit takes all of it when it begins; when it fails, what came after the last one that
    succeeded is void.
    """

    def __init__(self) -> None:
        self.done: list[tuple[Command, float, bool]] = []
        """Commands, when they came, and whether their answers must be durable."""
        self.durable = 0
        self.taken: list[int] = []

    def engine(self) -> Processor:
        """A processor that did just that."""
        engine = Processor("p", genes=Genes(), matcher=DumpingMatcher)
        for command, now, _ in self.done:
            take_turn(engine, command, now=now, make_id=lambda: "made")
        return engine


def lasting(reply: Reply) -> dict[str, Any]:
    """What is told, but for the bytes in use: they hang on how a processor came to be as it is."""
    return {key: value for key, value in reply.as_dict().items() if key != "memory"}


class WatchedStore(HeldStore):
    """A held store that tells when a commit begins."""

    began: Callable[[], None]

    def commit(self, changes: Sequence[Changes | Deletion]) -> "Deferred[None]":
        self.began()
        return super().commit(changes)


class Laws(SynchronousTestCase):
    """One processor, one worker, and a store that does what hypothesis says."""

    def start(self, store: HeldStore | None = None) -> None:
        self.store = WatchedStore(store.inner if store else None)
        self.store.began = lambda: self.history.taken.append(len(self.history.done))
        self.worker = Worker(
            self.store,
            clock=self.clock,
            in_thread=at_once,
            make_id=lambda: "made",
            engines=Engines(matcher=Provider("python", DumpingMatcher, "the test says so")),
        )
        self.successResultOf(Deferred.fromCoroutine(self.worker.start()))

    @settings(deadline=None, max_examples=200)
    @given(STEPS)
    def test_history(self, steps: list[Any]) -> None:
        """The processor is always what its history makes it; what was answered and promised is
        never void; nobody is answered before what he saw is durable, where it must be."""
        self.patch(turns, "is_long", lambda processor, command: False)
        for module in (engines, indexing):
            self.patch(module, "MANY_MODELS", 2)
        self.clock = Clock()
        self.history = History()
        self.waiting: list[Told] = []
        self.start()
        self.ask(("change_genes", {"genes": {}}, None))
        self.end_commit(True)
        for number, step in enumerate(steps):
            self.clock.advance(0.01)
            if isinstance(step, str):
                getattr(self, step)()
            else:
                self.ask(self.named(step, number))
            self.judge()
        while self.store.held:
            self.end_commit(True)
            self.judge()
        self.assertEqual([told for told in self.waiting if not told.answers], [])

    def named(self, step: Any, number: int) -> Any:
        """Models are named by their places."""
        name, params, request_id = step
        if "model_name" in params:
            models, _ = self.history.engine().list_models(10, None)
            place = params["model_name"]
            known = models[place].name if place < len(models) else "unknown"
            params = {**params, "model_name": known}
        return name, params, request_id

    def ask(self, step: Any) -> None:
        name, params, request_id = step
        command = Command.parse(name, params, "p", request_id)
        now = self.clock.seconds()
        try:
            expected = take_turn(self.history.engine(), command, now=now, make_id=lambda: "made")
        except KatoError:
            expected = None
        if expected is not None and command.row.changes:
            self.history.done.append((command, now, expected.durable))
        told = Told(command, expected, len(self.history.done))
        self.waiting.append(told)
        self.worker.ask(command).addBoth(told.answers.append)

    def commit_ends(self) -> None:
        self.end_commit(True)

    def commit_fails(self) -> None:
        self.end_commit(False)

    def checkpoint(self) -> None:
        self.clock.advance(5)

    def end_commit(self, succeeds: bool) -> None:
        if not self.store.held:
            return
        taken = self.history.taken.pop(0)
        if succeeds:
            self.history.durable = taken
            self.store.release()
        else:
            void = self.history.done[self.history.durable :]
            del self.history.done[self.history.durable :]
            self.history.taken.clear()
            self.store.fail()
            self.assert_void_was_not_promised(len(void))

    def restart(self) -> None:
        """The process is killed: who waits hears nothing; what is not durable is void."""
        void = len(self.history.done) - self.history.durable
        del self.history.done[self.history.durable :]
        self.history.taken.clear()
        self.assert_void_was_not_promised(void)
        self.waiting.clear()
        self.store.began = lambda: None  # what the dead process still tries is no concern of ours
        self.start(self.store)

    def stop(self) -> None:
        """The process ends in order, and is started again: everything is durable then, and indexes
        are kept."""
        stopped = Deferred.fromCoroutine(self.worker.stop())
        while self.store.held:
            self.end_commit(True)
        self.successResultOf(stopped)
        self.successResultOf(Deferred.fromCoroutine(self.worker.keep_indexes()))
        self.history.durable = len(self.history.done)
        self.restart()

    def assert_void_was_not_promised(self, void: int) -> None:
        """Of what is void now, nothing durable had been answered before."""
        for told in self.waiting:
            if void and told.number > self.history.durable and self.promised(told):
                self.fail_with(told)

    def promised(self, told: Told) -> bool:
        return bool(
            told.expected is not None
            and told.expected.durable
            and told.answers
            and isinstance(told.answers[0], Reply)
        )

    def fail_with(self, told: Told) -> None:
        raise AssertionError(f"{told.command} was promised, and is void")

    def judge(self) -> None:
        """Hold the worker against the history."""
        slot = self.worker._slots.find("p")
        assert slot is not None and slot.engine is not None
        self.assertEqual(everything(slot.engine), everything(self.history.engine()))
        for told in self.waiting:
            if not told.answers:
                continue
            [answer] = told.answers
            if isinstance(answer, Reply):
                assert told.expected is not None
                self.assertEqual(lasting(answer), lasting(told.expected.reply))
                seen = self.history.done[self.history.durable : told.number]
                self.assertFalse(any(must_be_durable for _, _, must_be_durable in seen))
            else:
                self.assertIsInstance(answer.value, KatoError)
        self.waiting = [told for told in self.waiting if not told.answers or self.promised(told)]
