"""What the rest of the house may rely on in a store (SPEC 11)."""

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import Interface

from kato.changes import Changes, Deletion, Snapshot

MAX_DELETIONS = 10_000
"""How many deletions that carried a request id a store keeps."""


class CannotOpen(Exception):
    """The store cannot be used: one line that says which and why."""


class InUse(CannotOpen):
    """Another server uses the store."""


class IStore(Interface):
    """Keeps processors beyond the life of this process.

    Nothing here blocks the reactor once the store is open.  What is asked is done in the order in
    which it was asked: a load that is asked after a commit sees it, whether it was awaited or not.
    """

    def open() -> None:
        """Make the store ready, at once.

        @raise InUse: where it is locked by another server.
        @raise CannotOpen: where it is damaged, out of reach, or made by a newer version.
        """

    def processors() -> "Deferred[Sequence[str]]":
        """The ids of all processors that are stored, sorted."""

    def load(processor: str, restore: Callable[[Snapshot], Any]) -> "Deferred[Any]":
        """Call C{restore}, once, with all that is stored of a processor, in a thread where it has
        to be read; its models stream in as C{restore} iterates them, in no particular order, and
        so do its vectors stand.  The index is there that L{keep_index} kept, if it still fits.
        Fires with what C{restore} returns, or with C{None} where no such processor is stored.

        @raise StorageUnavailable: (the Deferred fails) where it cannot be read.
        """

    def deletions() -> "Deferred[Sequence[Deletion]]":
        """The last L{MAX_DELETIONS} deletions that carried a request id, oldest first.

        @raise StorageUnavailable: (the Deferred fails) where they cannot be read.
        """

    def commit(changes: "Sequence[Changes | Deletion]") -> "Deferred[None]":
        """Keep all of C{changes}, in order, in one transaction; fires once they would survive a
        loss of power.

        @raise StorageUnavailable: (the Deferred fails) where nothing of them was kept, or, with
            C{outcome_unknown}, where nobody can tell.
        """

    def keep_index(processor: str, index: bytes) -> "Deferred[bool]":
        """Keep what was made of all models of a processor, as what was asked before leaves them,
        so that they need not be gone over when it is loaded.  Fires with whether it is kept: a
        store whose models others may change unseen keeps none.

        Once it is kept, a load gives it back to the last bit, until a model of this processor
        is written, deleted or forgotten: from then on it gives none.  It may be lost earlier, so
        nothing may hang on it but time.  Of a processor that is not stored nothing is kept.

        @raise StorageUnavailable: (the Deferred fails) where it is not kept; nothing else suffers.
        """

    def statistics() -> dict[str, Any]:
        """What C{/stats} tells of this store: C{kind}, C{commits}, C{failures},
        C{last_commit_seconds}; where it is files, also their C{bytes} and those that are C{free}
        beside them."""

    def close() -> "Deferred[None]":
        """Finish what is under way and let go of the store; it cannot be used again."""
