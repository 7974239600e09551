"""A store that lives as long as the process, for C{--storage memory:} and for tests."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.defer import Deferred, execute, succeed
from zope.interface import implementer

from kato.changes import (
    Changes,
    Deletion,
    NumberedEvent,
    Percept,
    Remembered,
    Snapshot,
    State,
    StoredVector,
)
from kato.model import Model
from kato.storage.interface import MAX_DELETIONS, IStore


@dataclass(slots=True)
class _Stored:
    """What is kept of one processor."""

    state: State
    percept: Percept = field(default_factory=Percept)
    models: dict[str, Model] = field(default_factory=dict)
    vectors: dict[str, StoredVector] = field(default_factory=dict)
    events: dict[int, NumberedEvent] = field(default_factory=dict)
    observations: dict[int, Remembered] = field(default_factory=dict)
    requests: dict[int, Remembered] = field(default_factory=dict)

    def apply(self, changes: Changes) -> None:
        self.state = changes.state
        if changes.percept is not None:
            self.percept = changes.percept
        if changes.forgets_memory:
            self.models.clear()
            self.vectors.clear()
        if changes.forgets_pending:
            self.vectors = {key: each for key, each in self.vectors.items() if each.learned}
        for name in changes.deleted_models:
            self.models.pop(name, None)
        for window in changes.dropped_events:
            for index in range(*window):
                self.events.pop(index, None)
        self.models.update((model.name, model) for model in changes.models)
        self.vectors.update((vector.symbol, vector) for vector in changes.vectors)
        self.events.update((event.number, event) for event in changes.events)
        _remember(self.observations, changes.observations, changes.oldest_observation)
        _remember(self.requests, changes.requests, changes.oldest_request)


def _remember(kept: dict[int, Remembered], fresh: Sequence[Remembered], oldest: int) -> None:
    kept.update((each.ordinal, each) for each in fresh)
    for ordinal in [each for each in kept if each < oldest]:
        del kept[ordinal]


@implementer(IStore)
class MemoryStore:
    """Provides L{IStore}; what it keeps is gone with it."""

    def __init__(self) -> None:
        self._stored: dict[str, _Stored] = {}
        self._deletions: list[Deletion] = []
        self._commits = 0

    def open(self) -> None:
        """There is nothing to open."""

    def processors(self) -> "Deferred[Sequence[str]]":
        """The ids of all processors that are stored, sorted."""
        return succeed(sorted(self._stored))

    def load(self, processor: str, restore: Callable[[Snapshot], Any]) -> "Deferred[Any]":
        """Call C{restore} with all that is stored of a processor, at once."""
        stored = self._stored.get(processor)
        if stored is None:
            return succeed(None)
        snapshot = Snapshot(
            processor,
            stored.state,
            stored.percept,
            tuple(stored.events.values()),
            tuple(stored.vectors.values()),
            tuple(stored.observations.values()),
            tuple(stored.requests.values()),
            iter(stored.models.values()),
        )
        loaded: Deferred[Any] = execute(restore, snapshot)
        return loaded

    def deletions(self) -> "Deferred[Sequence[Deletion]]":
        """The last deletions that carried a request id, oldest first."""
        return succeed(tuple(self._deletions))

    def commit(self, changes: Sequence[Changes | Deletion]) -> "Deferred[None]":
        """Keep all of C{changes}, in order."""
        for each in changes:
            if isinstance(each, Deletion):
                self._delete(each)
                continue
            stored = self._stored.setdefault(each.processor, _Stored(each.state))
            stored.apply(each)
        self._commits += 1
        return succeed(None)

    def _delete(self, deletion: Deletion) -> None:
        self._stored.pop(deletion.processor, None)
        if deletion.request is not None:
            self._deletions.append(deletion)
            del self._deletions[:-MAX_DELETIONS]

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of this store."""
        return {
            "kind": "memory",
            "commits": self._commits,
            "failures": 0,
            "last_commit_seconds": 0.0,
        }

    def close(self) -> "Deferred[None]":
        """There is nothing to let go of."""
        return succeed(None)
