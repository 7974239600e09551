"""What is counted, and how long things took: plain numbers, which cost next to nothing to keep.

They are read by who tells of them (C{/metrics}, C{/stats}); nothing here knows a format.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence

REQUEST_SECONDS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025),
    *(0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
"""Up to how long requests, turns and commits take: a tenth of a millisecond to half a minute."""

PROCESSORS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)
"""Of how many processors a commit is."""

TRANSPORTS = frozenset({"rest", "websocket", "zmq", "graphql"})
"""Where requests come in."""

OTHER = "other"
"""How a transport is counted that is none of ours: who passes a request on says where it came in,
and may say anything."""

OKAY = "okay"
"""What became of a request that was carried out; of any other it is an error code."""


class Histogram:
    """How often a number was up to each of some bounds."""

    __slots__ = ("_bounds", "_counts", "sum")

    def __init__(self, bounds: Sequence[float] = REQUEST_SECONDS) -> None:
        """@param bounds: rising; what is above the last of them is counted, too."""
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.sum: float = 0.0

    def add(self, value: float) -> None:
        """Count a number."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.sum += value

    @property
    def count(self) -> int:
        """How many numbers were counted."""
        return sum(self._counts)

    def up_to(self) -> list[tuple[float, int]]:
        """How many were not above each bound; the last bound is infinite."""
        told, below = [], 0
        for bound, count in zip((*self._bounds, float("inf")), self._counts, strict=True):
            below += count
            told.append((bound, below))
        return told


class RequestCounts:
    """Requests that were answered, by what they asked for, where they came in, and what became of
    them; and those that were refused before anything was done for them."""

    def __init__(self) -> None:
        self._answered: dict[tuple[str, str, str], Histogram] = {}
        self._refused: Counter[tuple[str, str]] = Counter()

    def add(self, operation: str | None, transport: str, outcome: str, seconds: float) -> None:
        """Count a request.

        @param operation: what it asked for; C{None}: it was refused before anything was done
            for it.
        @param outcome: L{OKAY}, or an error code.
        @param seconds: how long it took; a clock that was set back makes it nothing.
        """
        if operation is None:
            self._refused[_known(transport), outcome] += 1
            return
        histogram = self._answered.get((operation, transport, outcome))
        if histogram is None:
            key = (operation, _known(transport), outcome)
            histogram = self._answered.setdefault(key, Histogram())
        histogram.add(seconds if seconds > 0.0 else 0.0)

    @property
    def answered(self) -> Mapping[tuple[str, str, str], Histogram]:
        """How long requests took, by operation, transport and outcome."""
        return self._answered

    @property
    def refused(self) -> Mapping[tuple[str, str], int]:
        """How many were refused, by transport and error code."""
        return self._refused


def _known(transport: str) -> str:
    return transport if transport in TRANSPORTS else OTHER
