"""Predictions for those who listen (SPEC 9): computed when a processor has nothing else to do, and
passed over where its memory has moved on by then."""

from collections.abc import Callable
from functools import partial

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from kato.engine import Processor
from kato.events import PREDICTIONS
from kato.happenings import Foreseen
from kato.hub import Hub
from kato.lengths import is_long_to_foresee
from kato.long_turns import LongTurns
from kato.questions import FORESEEN
from kato.slots import Slot
from kato.turn import foresee

PATIENCE = 0.25
"""Seconds that predictions wait for a processor that is never idle; then they take a turn of their
own."""


class Foresight:
    """Has predictions computed, one processor's at a time, and told."""

    log = Logger()

    def __init__(
        self,
        hub: Hub,
        *,
        clock: IReactorTime,
        long_turns: LongTurns,
        tell: Callable[[Slot, Foreseen], None],
        free: Callable[[Slot], None],
    ) -> None:
        """
        @param tell: is given predictions that hold after the last turn that was taken.
        @param free: goes on with the turns of a processor.
        """
        self._hub = hub
        self._clock = clock
        self._long_turns = long_turns
        self._tell = tell
        self._free = free

    def owe(self, slot: Slot) -> None:
        """Something changed: tell those who listen what it lets expect, once all that came with it
        has been done."""
        if slot.owed_since is None and self._hub.wants(slot.id, PREDICTIONS):
            slot.owed_since = self._clock.seconds()
            self._clock.callLater(0, self._when_idle, slot)

    def catch_up(self, slot: Slot, foreseen: int) -> None:
        """Somebody listens again who knows predictions up to an offset: where there was a change
        after it, after which nobody was told any, they are owed."""
        if self._hub.lacks_predictions(slot.id, foreseen):
            self.owe(slot)

    def _when_idle(self, slot: Slot) -> None:
        """A turn that goes on in a thread comes back by L{between_turns}."""
        if not slot.running:
            self._begin(slot)

    def between_turns(self, slot: Slot) -> None:
        """A turn in a thread is over, and another may wait."""
        if slot.owed_since is None or slot.loading is not None:
            return
        if not slot.queue or self._clock.seconds() - slot.owed_since >= PATIENCE:
            self._begin(slot)

    def _begin(self, slot: Slot) -> None:
        if slot.owed_since is None:
            return
        slot.owed_since = None
        engine = slot.engine
        if engine is None or slot.loading is not None or not self._is_wanted(slot, engine):
            return
        if not is_long_to_foresee(engine):
            self._end(_foreseen(engine), slot, slot.generation)
            return
        slot.running = True
        written = self._long_turns.take(engine, FORESEEN, partial(_written, engine))
        written.addBoth(self._ended, slot, slot.generation)

    def _is_wanted(self, slot: Slot, engine: Processor) -> bool:
        return engine.genes.process_predictions and self._hub.wants(slot.id, PREDICTIONS)

    def _ended(self, result: Foreseen | Failure, slot: Slot, generation: int) -> None:
        slot.running = False
        self._end(result, slot, generation)
        self._free(slot)

    def _end(self, result: Foreseen | Failure, slot: Slot, generation: int) -> None:
        if isinstance(result, Failure):
            self.log.failure(
                "defect in the predictions of {processor}", failure=result, processor=slot.id
            )
        elif generation == slot.generation:
            self._tell(slot, result)


def _foreseen(engine: Processor) -> Foreseen | Failure:
    try:
        return foresee(engine)
    except Exception:
        return Failure()


def _written(engine: Processor) -> Foreseen:
    """Compute, and write, which is long as well."""
    foreseen = foresee(engine)
    foreseen.predictions.json()
    return foreseen
