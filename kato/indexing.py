"""Indexes are kept where they are missing, so that a start need not go over many models."""

from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from kato.engines import MANY_MODELS
from kato.slots import Slot
from kato.storage.interface import IStore
from kato.threads import InThread


class Indexing:
    """Has the indexes of processors kept; where that fails, it is told in the log alone."""

    log = Logger()

    def __init__(self, store: IStore, *, in_thread: InThread) -> None:
        """@param in_thread: calls a function off the reactor."""
        self._store = store
        self._in_thread = in_thread
        self._keeping: set[Deferred[Any]] = set()

    def keep(self, slot: Slot, index: bytes) -> "Deferred[Any]":
        """Ask the store to keep an index of the models as all that it was asked before leaves
        them."""
        slot.indexed = True
        keeping: Deferred[Any] = self._store.keep_index(slot.id, index)
        self._keeping.add(keeping)
        keeping.addCallbacks(self._kept, self._not_kept, (slot,), {}, (slot,), {})
        return keeping.addBoth(self._over, keeping)

    def _over(self, result: Failure | None, keeping: "Deferred[Any]") -> Failure | None:
        self._keeping.discard(keeping)
        return result

    def _kept(self, is_kept: bool, slot: Slot) -> None:
        if is_kept:
            self.log.info("processor {processor}: its index is kept", processor=slot.id)

    def _not_kept(self, failure: Failure, slot: Slot) -> Failure | None:
        """Whoever has no time to wait for it is told, nobody else."""
        slot.indexed = False
        self.log.warn(
            "processor {processor}: its index is not kept, the next start takes longer: {error}",
            processor=slot.id,
            error=failure.value,
        )
        return failure if failure.check(CancelledError) else None

    async def keep_missing(
        self,
        slots: Iterable[Slot],
        *,
        at_rest: Callable[[Slot], bool],
        free: Callable[[Slot], None],
    ) -> None:
        """Keep an index of each processor that has many models and none of them, the largest first.

        @param at_rest: whether a processor takes no turn, and is stored as it is; else it is passed
            over.
        @param free: is told of each once its turns may go on.
        """
        for keeping in list(self._keeping):
            await keeping
        missing = [slot for slot in slots if not slot.indexed and _models(slot) >= MANY_MODELS]
        for slot in sorted(missing, key=_models, reverse=True):
            if at_rest(slot):
                await self._keep_missing(slot, free)

    async def _keep_missing(self, slot: Slot, free: Callable[[Slot], None]) -> None:
        """The store is asked before the next turn begins, whose commit is then asked later."""
        assert slot.engine is not None, "it has many models"
        keeping = None
        slot.running = True
        try:
            index = await self._in_thread(slot.engine.index)
            keeping = None if index is None else self.keep(slot, index)
        finally:
            slot.running = False
            free(slot)
        if keeping is not None:
            await keeping


def _models(slot: Slot) -> int:
    return 0 if slot.engine is None else slot.engine.models
