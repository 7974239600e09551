"""What a turn did is told, then answered, once all that it did and saw is as durable as it must be
(SPEC 8, 11)."""

from functools import partial

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from kato.commits import both
from kato.errors import StorageUnavailable
from kato.ground import Ground
from kato.slots import Ask, Slot
from kato.turn import Outcome


class Answering:
    """Tells and answers, for each processor in the order of its turns."""

    def __init__(self, ground: Ground, *, saves_later: bool) -> None:
        """@param saves_later: whether an observation may be answered before it is durable."""
        self._slots = ground.slots
        self._audit = ground.audit
        self._commits = ground.commits
        self._publishing = ground.publishing
        self._saves_later = saves_later

    def answer(self, slot: Slot, ask: Ask, outcome: Outcome, *, kept: bool) -> None:
        """Tell what a turn did, then answer, both once all that it did and saw is durable.

        @param kept: something of it is kept in the audit log, which a commit makes durable, too.
        """
        durable = self._durability(slot, outcome, kept)
        if durable is None and not slot.telling:
            self._tell(slot, slot.generation, ask, outcome)
        else:
            how = self._tell if durable is not None else self._tell_seen
            tell = partial(how, slot, slot.generation, ask, outcome)
            slot.telling.add(durable, tell, partial(self._not_told, slot, ask))

    def _durability(self, slot: Slot, outcome: Outcome, kept: bool) -> "Deferred[None] | None":
        """When all that a turn did and saw is durable; C{None}: it need not be, or is."""
        if outcome.durable or (outcome.changed and not self._saves_later):
            return self._commits.request(slot.id)
        pending = self._commits.pending(slot.id)
        return both(pending, self._audit.pending()) if kept else pending

    def _tell(self, slot: Slot, generation: int, ask: Ask, outcome: Outcome) -> None:
        if outcome.changed and generation == slot.generation:
            durable = outcome.durable or not self._saves_later
            self._publishing.tell(slot, outcome, durable=durable)
        ask.settle(outcome.reply)

    def _tell_seen(self, slot: Slot, generation: int, ask: Ask, outcome: Outcome) -> None:
        """Tell what had only others to wait for, unless they failed: it saw what is void now."""
        if generation == slot.generation:
            self._tell(slot, generation, ask, outcome)
        else:
            ask.settle(not_done())
            self._slots.tidy(slot)

    def _not_told(self, slot: Slot, ask: Ask, failure: Failure) -> None:
        ask.settle(failure)
        self._slots.tidy(slot)


def not_done() -> StorageUnavailable:
    """What a turn is answered that is void."""
    return StorageUnavailable("nothing can be stored now: not done", retry_after=1)
