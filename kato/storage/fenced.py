"""A store that several services share, as one worker uses it: all is written under the epochs of
what its service owns (SPEC 11)."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure
from zope.interface import implementer

from kato.changes import Changes, Deletion, Snapshot
from kato.errors import KatoError
from kato.holdings import Fence
from kato.storage.interface import IStore
from kato.storage.shared import Fenced, IShared


class Fences(Protocol):
    """What is owned: L{kato.tenancy.Tenancy}."""

    def fence(self, processors: Iterable[str]) -> Fence:
        """Under which epochs these are written, as far as they are held."""

    def lost(self, processors: Iterable[str]) -> Sequence[str]:
        """Some are held no more."""


@implementer(IStore)
class FencedStore:
    """Provides L{IStore} to who writes what one service owns."""

    def __init__(self, store: IShared, fences: Fences) -> None:
        self._store = store
        self._fences = fences

    def open(self) -> None:
        """Make the store ready."""
        self._store.open()

    def processors(self) -> "Deferred[Sequence[str]]":
        """The ids of all processors that are stored, whosever they are."""
        return self._store.processors()

    def load(self, processor: str, restore: Callable[[Snapshot], Any]) -> "Deferred[Any]":
        """Call C{restore} with all that is stored of a processor."""
        return self._store.load(processor, restore)

    def deletions(self) -> "Deferred[Sequence[Deletion]]":
        """The last deletions that carried a request id."""
        return self._store.deletions()

    def commit(self, changes: Sequence[Changes | Deletion]) -> "Deferred[None]":
        """Keep all of C{changes}, if all of it is still this service's.

        @raise Fenced: (the Deferred fails) where it is not; it is not held then any more.
        """
        processors = {each.processor for each in changes}
        fence = self._fences.fence(processors)
        missing = processors - fence.epochs.keys()
        if missing:
            return fail(Fenced(frozenset(missing)))
        return self._store.commit_under(changes, fence).addErrback(self._failed, processors)

    def _failed(self, failure: Failure, processors: set[str]) -> Failure:
        """What belongs to others is held no more; nor is that of which nobody knows what became of
        it: it may be written yet, until it is held again under another epoch."""
        error = failure.value
        if isinstance(error, Fenced):
            self._fences.lost(error.processors)
        elif not isinstance(error, KatoError) or error.outcome_unknown:
            self._fences.lost(processors)
        return failure

    def keep_index(self, processor: str, index: bytes) -> "Deferred[bool]":
        """Nothing is kept that another service could make wrong meanwhile."""
        return succeed(False)

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of this store."""
        return self._store.statistics()

    def close(self) -> "Deferred[None]":
        """Let go of the store."""
        return self._store.close()
