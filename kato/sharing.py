"""Processors come to a worker and leave it, where other services have some, too (SPEC 10)."""

from collections import deque

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from kato.deleting import Deleting
from kato.errors import ProcessorNotFound, StorageUnavailable
from kato.fields import shown
from kato.ground import Ground
from kato.loading import Loading
from kato.saving import Saving
from kato.slots import Slot, beside

_REST = 0.005
"""Seconds after which is looked again whether a processor rests."""


class Sharing:
    """Sees to it that a processor is here when it is asked for, or that who asks is told why not;
    and hands it over."""

    def __init__(
        self, ground: Ground, *, loading: Loading, saving: Saving, deleting: Deleting
    ) -> None:
        self._slots = ground.slots
        self._tenure = ground.tenure
        self._clock = ground.clock
        self._free = ground.free
        self._loading = loading
        self._saving = saving
        self._deleting = deleting

    # Asked for

    def bring(self, slot: Slot) -> None:
        """Begin to bring a processor here for those who wait for it, unless it is."""
        if self._tenure.epoch(slot.id) is None:
            self._seek(slot)
        elif slot.stale:
            self._loading.load(slot)

    def _seek(self, slot: Slot) -> None:
        """Come to hold a processor that is asked for, or tell who asks why not."""
        seeking: Deferred[None] = Deferred()
        slot.loading = seeking
        creates = any(each.command.row.creates for each in slot.queue)
        sought = self._tenure.obtain(slot.id, creates=creates)
        sought.addCallbacks(
            self._obtained, self._not_obtained, (slot, seeking), {}, (slot, seeking, creates)
        )

    def _obtained(self, _: None, slot: Slot, seeking: "Deferred[None]") -> None:
        if slot.loading is seeking:
            self._loading.load(slot)
        seeking.callback(None)

    def _not_obtained(
        self, failure: Failure, slot: Slot, seeking: "Deferred[None]", creates: bool
    ) -> None:
        if slot.loading is seeking and self._tenure.epoch(slot.id) is not None:
            self._obtained(None, slot, seeking)
            return
        seeking.callback(None)
        if slot.loading is not seeking:
            return
        slot.loading = None
        self._tell_missing(slot, failure, creates=creates)
        self._free(slot)
        self._slots.tidy(slot)

    def _tell_missing(self, slot: Slot, failure: Failure, *, creates: bool) -> None:
        """All who wait are told, but those who came meanwhile and may create it; a deletion may
        have been carried out before."""
        missing = failure.check(ProcessorNotFound) is not None
        waiting, slot.queue = slot.queue, deque()
        for ask in waiting:
            if missing and not creates and ask.command.row.creates:
                slot.queue.append(ask)
            elif missing and ask.command.operation == "delete_processor":
                self._deleting.answer_missing(slot, ask, failure)
            else:
                ask.settle(failure)

    async def existing(self, processor: str) -> Slot:
        """The place of a processor, once it is known whether there is one.

        @raise ProcessorNotFound: where there is none.
        @raise KatoError: where nobody can tell, or another service has it.
        """
        slot = self._slots.find(processor)
        if self._tenure.epoch(processor) is None:
            await self._tenure.obtain(processor, creates=False)
            self.take(processor)
            slot = self._slots.find(processor)
        if slot is not None and slot.stale and slot.loading is None:
            self._loading.load(slot)
        while slot is not None and slot.loading is not None:
            await beside(slot.loading)
        if slot is not None and slot.stale:
            raise StorageUnavailable(
                f"processor: {shown(processor)} cannot be loaded now", retry_after=1
            )
        if slot is None or slot.engine is None:
            raise ProcessorNotFound(f"processor: there is no {shown(processor)}")
        return slot

    # Changing hands

    def take(self, processor: str) -> None:
        """A processor is this worker's now: it is loaded, and its turns go on."""
        slot = self._slots.at(processor)
        if slot.engine is None and not slot.stale and slot.loading is None:
            self._loading.load(slot)

    async def rest(self, processor: str) -> None:
        """Have a processor take no more turns; fires when all that it did is durable, and told."""
        slot = self._slots.at(processor)
        slot.held_back = True
        while not self._rests(slot):
            if slot.loading is not None:
                await beside(slot.loading)
            elif slot.dirty and not slot.changing:
                await self._saving.save(slot)
            await deferLater(self._clock, _REST)

    def _rests(self, slot: Slot) -> bool:
        return self._saving.at_rest(slot) and not (slot.dirty or slot.telling)

    def go_on(self, processor: str) -> None:
        """A processor that rests takes turns again."""
        slot = self._slots.at(processor)
        slot.held_back = False
        self._free(slot)
