"""A store that lives as long as the process, for C{--storage memory:} and for tests."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, execute, fail, succeed
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

_K = TypeVar("_K")
_V = TypeVar("_V")


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
    index: bytes | None = None

    def apply(self, changes: Changes) -> None:
        if changes.touches_models:
            self.index = None
        self._forget(changes)
        _drop(self.models, changes.deleted_models)
        for window in changes.dropped_events:
            _drop(self.events, range(*window))
        self._write(changes)

    def _forget(self, changes: Changes) -> None:
        if changes.forgets_memory:
            self.models.clear()
            self.vectors.clear()
        if changes.forgets_pending:
            _drop(self.vectors, [each.symbol for each in self.vectors.values() if not each.learned])
        _drop_before(self.observations, changes.oldest_observation)
        _drop_before(self.requests, changes.oldest_request)

    def _write(self, changes: Changes) -> None:
        self.state = changes.state
        if changes.percept is not None:
            self.percept = changes.percept
        self.models.update((model.name, model) for model in changes.models)
        self.vectors.update((vector.symbol, vector) for vector in changes.vectors)
        self.events.update((event.number, event) for event in changes.events)
        self.observations.update((answer.ordinal, answer) for answer in changes.observations)
        self.requests.update((answer.ordinal, answer) for answer in changes.requests)

    def snapshot(self, processor: str) -> Snapshot:
        return Snapshot(
            processor,
            self.state,
            self.percept,
            _in_order(self.events),
            tuple(self.vectors.values()),
            _in_order(self.observations),
            _in_order(self.requests),
            iter(self.models.values()),
            self.index,
        )


def _with_models(change: Changes | Deletion) -> Changes | Deletion:
    """The same with its models read, so that nothing can fail once something is kept."""
    if isinstance(change, Deletion):
        return change
    return replace(change, models=tuple(change.models))


def _drop(kept: dict[_K, Any], keys: Iterable[_K]) -> None:
    for key in keys:
        kept.pop(key, None)


def _drop_before(answers: dict[int, Remembered], oldest: int) -> None:
    """Ordinals rise, so the lowest is the one that was put in first."""
    while answers and (first := next(iter(answers))) < oldest:
        del answers[first]


def _in_order(numbered: dict[int, _V]) -> tuple[_V, ...]:
    return tuple(numbered[number] for number in sorted(numbered))


@implementer(IStore)
class MemoryStore:
    """Provides L{IStore}; what it keeps is gone with it."""

    def __init__(self) -> None:
        self._stored: dict[str, _Stored] = {}
        self._deletions: dict[int, Deletion] = {}
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
        loaded: Deferred[Any] = execute(restore, stored.snapshot(processor))
        return loaded

    def deletions(self) -> "Deferred[Sequence[Deletion]]":
        """The last deletions that carried a request id, oldest first."""
        return succeed(_in_order(self._deletions))

    def commit(self, changes: Sequence[Changes | Deletion]) -> "Deferred[None]":
        """Keep all of C{changes}, in order."""
        try:
            read = [_with_models(each) for each in changes]
        except Exception as error:
            return fail(error)
        for each in read:
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
            self._deletions[deletion.request.ordinal] = deletion
            if len(self._deletions) > MAX_DELETIONS:
                del self._deletions[min(self._deletions)]

    def keep_index(self, processor: str, index: bytes) -> "Deferred[bool]":
        """Keep what is made of the models of a processor as they are now."""
        stored = self._stored.get(processor)
        if stored is not None:
            stored.index = index
        return succeed(stored is not None)

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
