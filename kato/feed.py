"""The history of what happened to one processor, as far as it may be asked for again (SPEC 9).

A feed lives as long as its epoch.  It holds the last 1,000 events of the topics of which nothing
may be missed, and the newest of the others; all of them as happenings, which tell their data when
somebody wants it.  That is half a kilobyte for each at most, so half a megabyte together, and one
short-term memory, which the newest observation shows.
"""

from collections import deque

from kato.events import OBSERVATIONS, PREDICTIONS, Event, Numbers, Position
from kato.happenings import CameOrWent, Foreseen, Happening, Seen, SeenInTurn

HISTORY = 1_000
"""How many events of learning and memory are kept."""

COUNTED = 10_000
"""Of so many predictions the offsets are kept: who missed more is told that it skipped so many."""


_Kept = tuple[Happening, int, int, int, float]
"""A happening with its place in the feed: its offset, its number, how many were kept so far, and
the time."""


class Feed:
    """The events of one processor in one epoch."""

    __slots__ = (
        "_dropped",
        "_foreseen",
        "_foreseen_at",
        "_foretold",
        "_history",
        "_kept",
        "_observed",
        "_seen",
        "epoch",
        "offset",
        "processor",
        "safe",
    )

    def __init__(self, processor: str, epoch: str) -> None:
        """@param epoch: what no other history of this processor was or will be called."""
        self.processor = processor
        self.epoch = epoch
        self.offset = 0
        self.safe = 0
        """All up to this offset is durable, and what is after it perhaps not."""
        self._observed = 0
        self._kept = 0
        self._foretold = 0
        self._history: deque[_Kept] = deque()
        self._dropped = 0
        self._seen: _Kept | None = None
        self._foreseen: _Kept | None = None
        self._foreseen_at: deque[int] = deque()

    @property
    def numbers(self) -> Numbers:
        """How many events of each kind there were."""
        return Numbers(self._kept, self._observed, self._foretold)

    @property
    def foreseen(self) -> int:
        """The offset of the newest predictions; 0: there were none."""
        return self._foreseen[1] if self._foreseen is not None else 0

    def take(self, happening: Happening, now: float) -> _Kept:
        """Take what happened next."""
        self.offset += 1
        kept: _Kept
        if isinstance(happening, Seen):
            self._observed += 1
            kept = self._seen = (happening, self.offset, self._observed, self._kept, now)
            return kept
        self._kept += 1
        kept = (happening, self.offset, self._kept, self._kept, now)
        if len(self._history) >= HISTORY:
            self._dropped = self._history.popleft()[1]
        self._history.append(kept)
        return kept

    def take_in_turn(self, seen: SeenInTurn, now: float) -> None:
        """Take several observations, which nobody wants to be told one by one."""
        count = len(seen.observations)
        self.offset += count
        self._observed += count
        self._seen = (seen.last(), self.offset, self._observed, self._kept, now)

    def foresee(self, foreseen: Foreseen, now: float) -> _Kept:
        """Take predictions that hold after the last change."""
        self._foretold += 1
        self._foreseen = (foreseen, self.offset, self._foretold, self._kept, now)
        if len(self._foreseen_at) >= COUNTED:
            self._foreseen_at.popleft()
        self._foreseen_at.append(self.offset)
        return self._foreseen

    def event(self, kept: _Kept, skipped: int = 0) -> Event:
        """A happening as an event."""
        happening, offset, number, kept_so_far, time_stamp = kept
        return Event(
            happening.topic,
            happening.processor if isinstance(happening, CameOrWent) else self.processor,
            offset,
            time_stamp,
            happening.data(),
            skipped,
            self.epoch,
            number,
            kept_so_far,
        )

    def recovers(self, position: Position | None) -> bool:
        """Whether all that was missed since can be told."""
        return (
            position is not None
            and position.epoch == self.epoch
            and self._dropped <= position.offset <= self.offset
            and max(position.foreseen, position.observed) <= self.offset
        )

    def missed(self, position: Position, topics: frozenset[str]) -> tuple[Event, ...]:
        """What was missed since a position that L{recovers}: every event of which none may be
        missed, and the newest of the others, which say how many were skipped."""
        since = position.offset
        history = [each for each in self._history if each[1] > since]
        told = [self.event(each) for each in history if each[0].topic in topics]
        newest = self._seen
        if newest is not None and newest[1] > position.observed and OBSERVATIONS in topics:
            told.append(self.event(newest, self._unseen(position.observed) - 1))
        if self._foreseen is not None and PREDICTIONS in topics:
            foreseen = sum(each > position.foreseen for each in self._foreseen_at)
            if foreseen:
                told.append(self.event(self._foreseen, foreseen - 1))
        return tuple(sorted(told, key=_offset))  # predictions stay behind the change they follow

    def _unseen(self, offset: int) -> int:
        """How many observations there were since an offset, the newest of them at least: all that
        was not kept.  Those before what is remembered are not counted."""
        offset = max(offset, self._dropped)
        until = offset - self._kept + sum(each[1] > offset for each in self._history)
        return max(self._observed - until, 1)


def _offset(event: Event) -> int:
    return event.offset
