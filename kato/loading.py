"""Processors come from the store to their places, and are thrown away where what is known of them
is void (SPEC 11)."""

from collections import deque
from collections.abc import Collection

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from kato.engines import Engines, Restored
from kato.errors import KatoError, ProcessorUnavailable
from kato.ground import Ground
from kato.indexing import Indexing
from kato.slots import Slot


class Loading:
    """Puts what is durable of processors in their places, in the place of what is not."""

    log = Logger()

    def __init__(self, ground: Ground, engines: Engines, indexing: Indexing) -> None:
        self._store = ground.store
        self._slots = ground.slots
        self._tenure = ground.tenure
        self._audit = ground.audit
        self._commits = ground.commits
        self._publishing = ground.publishing
        self._clock = ground.clock
        self._free = ground.free
        self._engines = engines
        self._indexing = indexing

    # Loading

    def load(self, slot: Slot) -> "Deferred[None]":
        """Put the durable state of a processor in its place; its turns wait for that."""
        slot.stale = True
        loading: Deferred[None] = Deferred()
        slot.loading = loading
        stored = self._store.load(slot.id, self._engines.restore)
        stored.addBoth(self._loaded, slot, loading, slot.generation)
        return loading

    def _loaded(
        self,
        result: Restored | Failure | None,
        slot: Slot,
        loading: "Deferred[None]",
        generation: int,
    ) -> None:
        if generation == slot.generation:
            slot.loading = None
            if isinstance(result, Failure):
                self._not_loaded(result, slot)
            else:
                self._take_place(slot, result)
            self._free(slot)
        loading.callback(None)

    def _take_place(self, slot: Slot, restored: Restored | None) -> None:
        """Before its turns go on: an index is of the models as they were loaded."""
        slot.stale = False
        epoch = self._tenure.epoch(slot.id)
        if epoch is not None:  # else it is loaded again when it is held again
            self._audit.loaded(slot.id, None if restored is None else restored.engine, epoch)
        if restored is None:
            self._publishing.tell_gone(slot, self._clock.seconds())
            return
        slot.announced = True
        slot.engine, slot.indexed = restored.engine, restored.from_index
        if restored.new_index is not None:
            self._indexing.keep(slot, restored.new_index)

    def _not_loaded(self, failure: Failure, slot: Slot) -> None:
        """Who waits is told; who asks later makes it be tried again."""
        self.log.error(
            "processor {processor} cannot be loaded: {error}",
            processor=slot.id,
            error=failure.value,
        )
        waiting, slot.queue = slot.queue, deque()
        for ask in waiting:
            ask.settle(failure)

    # What is void

    def not_kept(self, processors: Collection[str], error: KatoError) -> None:
        """The audit log does not tell what these did: it is void."""
        for processor in processors:
            self.void(processor, error)

    def void(self, processor: str, error: KatoError) -> None:
        """Nobody knows what a processor did since it was durable: who waits for that is told
        C{error}."""
        tell = self._commits.give_up(processor)
        self.roll_back(processor, defect=True)
        tell(error)

    def roll_back(self, processor: str, *, defect: bool = False) -> None:
        """Throw an engine away, and load what is durable before the next turn.

        @param defect: as in L{Publishing.roll_back}.
        """
        slot = self._slots.at(processor)
        slot.generation += 1
        slot.engine = None
        slot.dirty = False
        self._publishing.roll_back(slot, defect=defect)
        if self._tenure.epoch(processor) is None:
            self.let_go(processor)
        else:
            self.load(slot)

    def let_go(self, processor: str) -> None:
        """A processor is not this worker's any more: what is known of it is void, and who waits is
        told whose it is."""
        slot = self._slots.find(processor)
        if slot is None:
            return
        slot.generation += 1
        slot.engine, slot.loading = None, None
        slot.dirty = slot.stale = slot.held_back = False
        slot.owed_since, slot.announced = None, False
        self._publishing.hub.depart(processor)
        self._audit.let_go(processor)
        self._commits.give_up(processor)(ProcessorUnavailable("the processor has moved: not done"))
        self._free(slot)
        self._slots.tidy(slot)
