"""The answers a processor can give again (SPEC 8, retrying safely)."""

from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Any

from kato.changes import Remembered, Window
from kato.errors import Conflict
from kato.fields import shown

CAPACITY = 10_000
"""How many ids of one kind a processor remembers."""


class Recollection:
    """The last L{CAPACITY} ids of one kind, oldest first, each with its answer."""

    __slots__ = ("_answers", "_capacity", "_kind", "_next", "_saved", "_starts")

    def __init__(self, kind: str) -> None:
        """@param kind: what these are ids of, as an error names it."""
        self._kind = kind
        self._capacity = CAPACITY
        self._answers: OrderedDict[str, Remembered] = OrderedDict()
        self._starts: deque[tuple[int, int]] = deque()
        self._next = 0
        self._saved = 0

    def __len__(self) -> int:
        return len(self._answers)

    @property
    def next_ordinal(self) -> int:
        """The ordinal that the next remembered answer gets."""
        return self._next

    @property
    def capacity(self) -> int:
        """How many are remembered at most."""
        return self._capacity

    @property
    def oldest_start(self) -> int | None:
        """Where the oldest window that is still remembered starts."""
        oldest = self.oldest
        while self._starts and (oldest is None or self._starts[0][0] < oldest.ordinal):
            self._starts.popleft()
        return self._starts[0][1] if self._starts else None

    @property
    def oldest(self) -> Remembered | None:
        """The one to be forgotten next."""
        return next(iter(self._answers.values()), None)

    def get(self, key: str) -> Remembered | None:
        """The answer kept under C{key}, whatever it was asked for."""
        return self._answers.get(key)

    def find(self, key: str, digest: str, path: str) -> Remembered | None:
        """The answer kept under C{key} for the request with this C{digest}.

        @raise Conflict: where the id was used for something else.
        """
        known = self._answers.get(key)
        if known is not None and known.digest != digest:
            raise self.conflict(key, path)
        return known

    def conflict(self, key: str, path: str) -> Conflict:
        """Make the error for an id that was used for something else."""
        return Conflict(f"{path}: {shown(key)} was used for another {self._kind}")

    def remember(
        self,
        key: str,
        digest: str,
        fields: dict[str, Any],
        window: Window | None,
        interval: int,
        time_stamp: float,
    ) -> None:
        """Keep an answer under a new id; the oldest is forgotten where there are too many."""
        self._keep(Remembered(self._next, key, digest, fields, window, interval, time_stamp))
        if len(self._answers) > self._capacity:
            self._answers.popitem(last=False)

    def _keep(self, answer: Remembered) -> None:
        self._answers[answer.key] = answer
        self._next = answer.ordinal + 1
        if answer.window is not None:
            self._note_start(answer.ordinal, answer.window.start)

    def _note_start(self, ordinal: int, start: int) -> None:
        """A later answer may show an earlier memory, one that is asked for again: what started no
        earlier and is forgotten sooner need not be looked at any more."""
        while self._starts and self._starts[-1][1] >= start:
            self._starts.pop()
        self._starts.append((ordinal, start))

    def drain(self) -> tuple[tuple[Remembered, ...], int]:
        """What the store does not have yet, and the ordinal below which it shall forget."""
        fresh: list[Remembered] = []
        for answer in reversed(self._answers.values()):
            if answer.ordinal < self._saved:
                break
            fresh.append(answer)
        fresh.reverse()
        self._saved = self._next
        oldest = self.oldest
        return tuple(fresh), oldest.ordinal if oldest else self._next

    @classmethod
    def restore(cls, kind: str, answers: Iterable[Remembered]) -> "Recollection":
        """Build it again from what the store has."""
        recollection = cls(kind)
        for answer in sorted(answers, key=lambda each: each.ordinal):
            recollection._keep(answer)
        recollection._saved = recollection._next
        return recollection
