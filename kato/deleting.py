"""Processors are deleted, once each: a deletion that comes again is answered the same (SPEC 8)."""

from collections.abc import Iterable
from functools import partial

from twisted.python.failure import Failure

from kato.changes import Deletion, Remembered
from kato.commands import Command, Reply
from kato.deletions import DeletedProcessors
from kato.engine import Processor
from kato.errors import ProcessorNotFound
from kato.fields import shown
from kato.ground import Ground
from kato.slots import Ask, Slot
from kato.threads import InThread

_LONG_FAREWELL = 1_000
"""An engine with more models than this is let go of in a thread: freeing it takes a while."""


class Deleting:
    """Deletes processors."""

    def __init__(self, ground: Ground, in_thread: InThread) -> None:
        """@param in_thread: calls a function off the reactor."""
        self._slots = ground.slots
        self._tenure = ground.tenure
        self._audit = ground.audit
        self._commits = ground.commits
        self._publishing = ground.publishing
        self._free = ground.free
        self._in_thread = in_thread
        self._known = DeletedProcessors()

    def load(self, deletions: Iterable[Deletion]) -> None:
        """Take in what the store has of deletions, oldest first."""
        self._known.load(deletions)

    def delete(self, slot: Slot, ask: Ask) -> None:
        """Delete a processor, and answer when that is durable.

        @raise ProcessorNotFound: where there is none.
        """
        command = ask.command
        known = self._known.find(command)
        if known is not None:
            told = partial(ask.settle, _deleted_before(command, known))
            slot.telling.add(self._commits.pending(slot.id), told, ask.settle)
        elif self._tenure.shared and command.request_id is not None and not ask.known_new:
            self._recall(slot, ask)
        elif slot.engine is None:
            raise ProcessorNotFound(f"processor: there is no {shown(slot.id)}")
        else:
            self._audit.deleting(ask, slot.engine)
            self._delete(slot, ask, slot.engine.interval)

    def _delete(self, slot: Slot, ask: Ask, interval: int) -> None:
        self._throw_away(slot)
        request = self._known.remember(ask.command, interval, ask.time)
        reply = _deleted(ask.command, interval, ask.time)
        durable = self._commits.delete(Deletion(slot.id, request))
        durable.addErrback(self._undelete, slot.id, request)
        slot.held_back = self._tenure.shared
        tell = partial(self._tell, slot, ask, reply)
        slot.telling.add(durable, tell, partial(self._not_deleted, slot, ask))

    def _throw_away(self, slot: Slot) -> None:
        """Nobody else holds the engine: where it is large, it is freed in a thread."""
        engine, slot.engine = slot.engine, None
        slot.dirty, slot.owed_since = False, None
        if engine is not None and engine.models > _LONG_FAREWELL:
            self._in_thread(partial(_farewell, [engine]))

    def _undelete(self, failure: Failure, processor: str, request: Remembered | None) -> Failure:
        if request is not None:
            self._known.forget(processor, request)
        return failure

    def _tell(self, slot: Slot, ask: Ask, reply: Reply) -> None:
        self._publishing.tell_deleted(slot, reply.time_stamp)
        self._audit.deleted(slot.id)
        ask.settle(reply)
        self._tenure.forget(slot.id, deleted=True)
        self._over(slot)

    def _not_deleted(self, slot: Slot, ask: Ask, failure: Failure) -> None:
        ask.settle(failure)
        self._over(slot)

    def _over(self, slot: Slot) -> None:
        if slot.held_back:
            self._go_on(None, slot)
        else:
            self._slots.tidy(slot)

    def _go_on(self, _: None, slot: Slot) -> None:
        slot.held_back = False
        self._free(slot)

    # Where another service may have carried it out

    def _recall(self, slot: Slot, ask: Ask) -> None:
        """Find out whether another service has carried out a deletion before."""
        assert ask.command.request_id is not None
        slot.held_back = True
        recalled = self._tenure.deletion(slot.id, ask.command.request_id)
        done = recalled.addCallback(self._recalled, slot, ask).addErrback(ask.settle)
        done.addCallback(self._go_on, slot)

    def _recalled(self, known: Remembered | None, slot: Slot, ask: Ask) -> None:
        if known is None:
            ask.known_new, ask.begun = True, False
            slot.queue.appendleft(ask)
        else:
            ask.settle(_deleted_before(ask.command, known))

    def answer_missing(self, slot: Slot, ask: Ask, missing: Failure) -> None:
        """Answer a deletion of what is nowhere: as the first time, where it was carried out before,
        else with C{missing}."""
        if ask.command.request_id is None:
            ask.settle(missing)
            return

        def recalled(known: Remembered | None) -> None:
            if known is None:
                ask.settle(missing)
            else:
                ask.settle(_deleted_before(ask.command, known))

        ask.begun = True
        looked = self._tenure.deletion(slot.id, ask.command.request_id)
        looked.addCallback(recalled).addErrback(ask.settle)


def _deleted(command: Command, interval: int, time_stamp: float) -> Reply:
    return Reply(command.row.message, time_stamp, processor=command.processor, interval=interval)


def _deleted_before(command: Command, known: Remembered) -> Reply:
    """The answer that was given the first time."""
    return _deleted(command, known.interval, known.time_stamp)


def _farewell(engines: list[Processor]) -> None:
    """Free what only this list still holds."""
    engines.clear()
