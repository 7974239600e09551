"""How a service answers, in numbers."""

from collections import deque
from typing import Any

from kato.counting import Histogram

REMEMBERED = 1_000
"""Of how many requests the times are kept."""


class Measures:
    """Counts requests, and keeps the times of the last ones."""

    def __init__(self) -> None:
        self.requests = 0
        self.failures = 0
        self.timeouts = 0
        self.last_seen: float | None = None
        self.seconds = Histogram()
        """How long all answers took,"""
        self._times: deque[float] = deque(maxlen=REMEMBERED)
        """and the last of them."""

    def answered(self, seconds: float, *, now: float) -> None:
        """An answer came, so long after its request."""
        self._times.append(seconds)
        self.seconds.add(max(seconds, 0.0))
        self.last_seen = now

    def counts(self) -> dict[str, int]:
        """The counters."""
        return {"requests": self.requests, "failures": self.failures, "timeouts": self.timeouts}

    def as_dict(self) -> dict[str, Any]:
        """All that is known; C{p50_ms} and C{p99_ms} are milliseconds, C{None} before there are
        any."""
        return {
            "last_seen": self.last_seen,
            **self.counts(),
            "p50_ms": self._percentile(0.50),
            "p99_ms": self._percentile(0.99),
        }

    def _percentile(self, part: float) -> float | None:
        """The time that this part of the requests did not exceed (nearest rank)."""
        times = sorted(self._times)
        if not times:
            return None
        return round(times[min(int(part * len(times)), len(times) - 1)] * 1000, 3)
