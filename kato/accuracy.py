"""How often forecasts came true, as counts (gene C{track_accuracy}, docs/accuracy.md)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from kato.observation import Event

RECENT = 1_000
"""Of so many events each one's mark is kept."""

FIRST, AMONG_FIVE, MISSED, UNFORESEEN = "1", "5", "x", "-"
"""The mark of an event: it was the first entry of the forecast that was made just before it, one of
the next four, or none of these; or there was no forecast."""


def mark_of(event: Event, forecast: Sequence[dict[str, Any]]) -> str:
    """Hold an event against the forecast that was made just before it."""
    expected = [tuple(entry["event"]) for entry in forecast[:5]]
    if not expected:
        return UNFORESEEN
    if event not in expected:
        return MISSED
    return FIRST if event == expected[0] else AMONG_FIVE


class Counts(NamedTuple):
    """What became of some events."""

    events: int = 0
    """How many they are,"""
    forecast: int = 0
    """how many of them had a forecast just before them,"""
    top_1: int = 0
    """of how many its first entry was right,"""
    top_5: int = 0
    """and of how many one of its first five was."""

    @classmethod
    def of(cls, marks: str) -> "Counts":
        """Count the marks of events."""
        first = marks.count(FIRST)
        forecast = len(marks) - marks.count(UNFORESEEN)
        return cls(len(marks), forecast, first, first + marks.count(AMONG_FIVE))


@dataclass(frozen=True, slots=True)
class Accuracy:
    """All events that were held against a forecast, and the marks of the latest, oldest first."""

    total: Counts = Counts()
    marks: str = ""

    def marked(self, mark: str) -> "Accuracy":
        """With one event more."""
        one = Counts.of(mark)
        total = Counts(*(all_ + each for all_, each in zip(self.total, one, strict=True)))
        return Accuracy(total, (self.marks + mark)[-RECENT:])

    def as_dict(self) -> dict[str, Any]:
        """As C{get_status} tells it: all events, and beside them the latest."""
        return {**self.total._asdict(), "recent": Counts.of(self.marks)._asdict()}

    def stored(self) -> dict[str, Any]:
        """As stores and files keep it."""
        return {**self.total._asdict(), "marks": self.marks}

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> "Accuracy":
        """The reverse of L{stored}.

        @raise ValueError, KeyError, TypeError: where no events can have made it so.
        """
        total = Counts(*(stored[name] for name in Counts._fields))
        latest = Counts.of(stored["marks"])
        possible = (
            0 <= total.top_1 <= total.top_5 <= total.forecast <= total.events
            and set(stored["marks"]) <= {FIRST, AMONG_FIVE, MISSED, UNFORESEEN}
            and latest.events == min(total.events, RECENT)
            and all(few <= all_ for few, all_ in zip(latest, total, strict=True))
        )
        if not possible:
            raise ValueError(f"no events make these counts: {dict(stored)!r}")
        return cls(total, stored["marks"])
