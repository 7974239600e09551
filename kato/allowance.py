"""How often something may be done: a bucket that is filled evenly, and pure."""

from math import ceil

BURST = 2.0
"""How many seconds' worth may be done at once."""


class Allowance:
    """So many times a second, and as many as of L{BURST} seconds at once."""

    __slots__ = ("_at", "_left", "_rate")

    def __init__(self, rate: float) -> None:
        """@param rate: how many times a second, more than 0."""
        self._rate = rate
        self._left = self._most
        self._at: float | None = None

    @property
    def _most(self) -> float:
        return max(1.0, BURST * self._rate)

    def take(self, now: float) -> int:
        """Do it once: 0, or in how many whole seconds it may be done.

        @param now: the time, in seconds.
        """
        if self._at is not None:
            passed = max(0.0, now - self._at)
            self._left = min(self._most, self._left + passed * self._rate)
        self._at = now
        if self._left >= 1.0:
            self._left -= 1.0
            return 0
        return max(1, ceil((1.0 - self._left) / self._rate))
