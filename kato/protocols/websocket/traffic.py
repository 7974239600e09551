"""What all connections of a gateway do together, counted as it happens: to ask ten thousand of them
would take longer than the reactor has."""

from typing import Protocol

from kato.counting import Histogram


class Stalled(Protocol):
    """What is sent to a reader, of which some waits."""

    @property
    def waiting(self) -> int:
        """How many messages wait."""

    @property
    def stalled_since(self) -> float | None:
        """Since when the reader takes nothing, in Unix seconds; C{None}: it does."""


class Traffic:
    """Counters of all connections, of those that are over, too; C{behind} is those to whom
    something is still to be sent."""

    __slots__ = (
        "answers",
        "behind",
        "events",
        "lag",
        "opened",
        "skipped",
        "subscriptions",
        "too_slow",
        "under_way",
    )

    def __init__(self) -> None:
        self.opened = self.answers = self.events = self.skipped = self.too_slow = 0
        self.subscriptions = self.under_way = 0
        self.behind: set[Stalled] = set()
        self.lag = Histogram()
        """Seconds from what happened until it was handed to those who listen, once for each
        event."""

    @property
    def waiting(self) -> int:
        """How many messages wait for their readers."""
        return sum(each.waiting for each in self.behind)

    def stalled(self, now: float) -> tuple[int, float]:
        """How many readers take nothing now, and for how many seconds the longest of them has not;
        nothing that waits is older."""
        since = [each.stalled_since for each in self.behind]
        times = [now - each for each in since if each is not None]
        return len(times), max(times, default=0.0)
