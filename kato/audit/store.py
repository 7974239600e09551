"""A store in which nothing is kept that the audit log does not tell of (docs/audit.md)."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, DeferredLock
from zope.interface import implementer

from kato.audit.interface import IAudit
from kato.changes import Changes, Deletion, Snapshot
from kato.storage.interface import IStore

_T = TypeVar("_T")


@implementer(IStore)
class AuditedStore:
    """Provides L{IStore}: begins a commit when all that was told to the log so far is safe there.

    What is asked after a commit waits for it to begin, and so sees it, as L{IStore} promises.
    """

    def __init__(self, store: IStore, audit: IAudit) -> None:
        self._store = store
        self._audit = audit
        self._order = DeferredLock()

    def open(self) -> None:
        """Make the store ready."""
        self._store.open()

    def processors(self) -> "Deferred[Sequence[str]]":
        """The ids of all processors that are stored."""
        return self._in_order(self._store.processors)

    def load(self, processor: str, restore: Callable[[Snapshot], Any]) -> "Deferred[Any]":
        """Call C{restore} with all that is stored of a processor."""
        return self._in_order(lambda: self._store.load(processor, restore))

    def deletions(self) -> "Deferred[Sequence[Deletion]]":
        """The last deletions that carried a request id."""
        return self._in_order(self._store.deletions)

    def commit(self, changes: Sequence[Changes | Deletion]) -> "Deferred[None]":
        """Keep all of C{changes}, once the log is safe.

        @raise StorageUnavailable: (the Deferred fails) where it is not: nothing of them was kept.
        """

        async def commit() -> None:
            async with self._order:
                await self._audit.synced()
                kept = self._store.commit(changes)
            await kept

        return Deferred.fromCoroutine(commit())

    def keep_index(self, processor: str, index: bytes) -> "Deferred[bool]":
        """Keep what was made of all models of a processor."""
        return self._in_order(lambda: self._store.keep_index(processor, index))

    def _in_order(self, ask: "Callable[[], Deferred[_T]]") -> "Deferred[_T]":
        if not self._order.locked:
            return ask()

        async def wait_and_ask() -> _T:
            async with self._order:
                asked = ask()
            return await asked

        return Deferred.fromCoroutine(wait_and_ask())

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of this store."""
        told: dict[str, Any] = self._store.statistics()
        return told

    def close(self) -> "Deferred[None]":
        """Let go of the store."""
        closed: Deferred[None] = self._store.close()
        return closed
