"""Commands take their turns, one at a time for each processor (SPEC 8).

A command waits in its processor's queue, takes its turn on the engine, and is answered once all
that it saw is as durable as it must be.  The turn ends before that, so the next one begins
meanwhile, and both go with one commit.
"""

from collections.abc import Callable
from functools import partial
from time import perf_counter

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from kato.answering import Answering, not_done
from kato.commands import Command, Reply
from kato.deleting import Deleting
from kato.dispatch import AlreadyBegun
from kato.engine import Processor
from kato.engines import Engines
from kato.errors import (
    KatoError,
    LimitReached,
    ProcessorNotFound,
    StorageUnavailable,
    TooManyRequests,
    bare,
)
from kato.fields import shown
from kato.ground import Ground
from kato.lengths import is_long
from kato.loading import Loading
from kato.questions import questions_of
from kato.sharing import Sharing
from kato.slots import Ask, Slot
from kato.timing import TimedTurn, TurnTimes
from kato.turn import Outcome, take_turn


class Turns:
    """Lets commands take their turns."""

    def __init__(
        self,
        ground: Ground,
        engines: Engines,
        *,
        loading: Loading,
        deleting: Deleting,
        sharing: Sharing,
        answering: Answering,
        max_processors: int,
        max_waiting: int,
        make_id: Callable[[], str],
    ) -> None:
        """
        @param max_waiting: how many commands may wait for one processor.
        @param make_id: makes the ids of observations that have none.
        """
        self._slots = ground.slots
        self._tenure = ground.tenure
        self._audit = ground.audit
        self._commits = ground.commits
        self._foresight = ground.publishing.foresight
        self._long_turns = ground.long_turns
        self._clock = ground.clock
        self._engines = engines
        self._loading = loading
        self._deleting = deleting
        self._sharing = sharing
        self._answering = answering
        self._max_processors = max_processors
        self._max_waiting = max_waiting
        self._make_id = make_id
        self.times = TurnTimes()
        """How long turns took."""

    # Waiting

    def ask(self, processor: str, command: Command) -> "Deferred[Reply]":
        """Carry out a command when its processor's turn comes."""
        slot = self._slots.at(processor)
        if len(slot.queue) >= self._max_waiting:
            return fail(
                TooManyRequests(
                    f"{self._max_waiting:,} requests wait for processor {slot.id} already",
                    retry_after=1,
                )
            )
        ask = Ask(command, partial(self._cancelled, slot), self._tenure.seal)
        slot.queue.append(ask)
        self.pump(slot)
        return ask.answer

    def _cancelled(self, slot: Slot, ask: Ask) -> None:
        ask.given_up = True
        if ask.begun:
            ask.answer.errback(AlreadyBegun())
        else:
            slot.queue.remove(ask)
            self._slots.tidy(slot)

    def pump(self, slot: Slot) -> None:
        """Take turns until the queue is empty, or one goes on elsewhere."""
        if not self._slots.is_open or slot.held_back:
            return
        if slot.queue and slot.loading is None:
            self._sharing.bring(slot)
        while slot.queue and not (slot.running or slot.held_back) and slot.loading is None:
            ask = slot.queue.popleft()
            ask.begun, ask.epoch = True, self._tenure.epoch(slot.id)
            ask.time = self._clock.seconds()
            try:
                self._begin(slot, ask)
            except KatoError as error:
                ask.settle(error)
            except Exception:
                ask.settle(Failure())
        self._slots.tidy(slot)

    # Turns

    def _begin(self, slot: Slot, ask: Ask) -> None:
        self._tenure.check()
        command = ask.command
        self._audit.check(command)
        if command.operation == "delete_processor":
            self._deleting.delete(slot, ask)
            return
        created = slot.engine is None
        engine = self._engine(slot, command)
        turn = partial(
            take_turn,
            engine,
            command,
            now=ask.time,
            make_id=self._make_id,
            created=created,
        )
        if is_long(engine, command):
            self._begin_in_thread(turn, slot, ask, engine)
            return
        began = perf_counter()
        outcome = _outcome(turn)
        self.times.on_reactor(command.operation, perf_counter() - began)
        self._end(outcome, slot, ask, engine, slot.generation)

    def _begin_in_thread(
        self, turn: Callable[[], Outcome], slot: Slot, ask: Ask, engine: Processor
    ) -> None:
        if ask.command.row.changes:
            self._commits.drain_now(slot.id)
            slot.changing = True
        slot.running = True
        timed = TimedTurn(turn)
        taken = self._long_turns.take(engine, questions_of(ask.command), timed)
        taken.addBoth(self._ended, timed, slot, ask, engine, slot.generation)

    def _engine(self, slot: Slot, command: Command) -> Processor:
        """The engine of a slot; a new one, not yet in its place, where the command may make it."""
        if slot.engine is not None:
            return slot.engine
        if not command.row.creates:
            raise ProcessorNotFound(f"processor: there is no {shown(slot.id)}")
        if self._slots.taken() >= self._max_processors:
            raise LimitReached(
                f"processor: {shown(slot.id)} would be one more than the "
                f"{self._max_processors} processors allowed"
            )
        made = self._engines.make(slot.id)
        made.revision = self._audit.begun(slot.id)
        return made

    def _ended(
        self,
        result: Outcome | Failure,
        timed: TimedTurn,
        slot: Slot,
        ask: Ask,
        engine: Processor,
        generation: int,
    ) -> None:
        """A turn that was taken in a thread is over."""
        self.times.in_thread(ask.command.operation, timed.seconds)
        slot.running = slot.changing = False
        self._end(result, slot, ask, engine, generation)
        self._foresight.between_turns(slot)
        self.pump(slot)

    def _end(
        self,
        result: Outcome | KatoError | Failure,
        slot: Slot,
        ask: Ask,
        engine: Processor,
        generation: int,
    ) -> None:
        if generation != slot.generation:
            ask.settle(not_done())
        elif isinstance(result, KatoError):
            ask.settle(result)
        elif isinstance(result, Failure):
            if slot.engine is engine and not result.check(KatoError):
                why = StorageUnavailable("a defect came between: not done", retry_after=1)
                self._loading.void(slot.id, why)
            ask.settle(result)
        else:
            created, slot.engine = slot.engine is None, engine
            slot.dirty = slot.dirty or result.changed
            kept = self._audit.carried_out(ask, engine, result, created=created)
            self._answering.answer(slot, ask, result, kept=kept)


def _outcome(turn: Callable[[], Outcome]) -> Outcome | KatoError | Failure:
    try:
        return turn()
    except KatoError as error:
        return bare(error)
    except Exception:
        return Failure()
