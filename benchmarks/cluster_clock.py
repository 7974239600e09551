"""A simulated clock for very many timers: Twisted's own for tests sorts them at each call."""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Any

from twisted.internet.base import DelayedCall


class Calendar:
    """A reactor's clock that runs from one call to the next, however many are waiting."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self._numbers = count()
        self._heap: list[tuple[float, int, DelayedCall]] = []

    def seconds(self) -> float:
        """What time it is."""
        return self.now

    def callLater(self, delay: float, call: Callable[..., Any], *args: Any, **kw: Any) -> Any:
        """Call something later."""
        when = self.now + delay
        later = DelayedCall(when, call, args, kw, _nothing, _nothing, self.seconds)
        heappush(self._heap, (when, next(self._numbers), later))
        return later

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self._heap and self._heap[0][0] <= end:
            when, _, later = heappop(self._heap)
            if not later.cancelled:
                self.now = max(self.now, when)
                later.called = 1
                later.func(*later.args, **later.kw)
        self.now = end


def _nothing(_: Any) -> None:
    """A call that is cancelled is passed over when its time comes."""
