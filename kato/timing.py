"""How long turns took, on the reactor and in threads."""

from collections.abc import Callable
from time import perf_counter

from kato.counting import Histogram
from kato.lengths import MATCHING
from kato.turn import Outcome


class TurnTimes:
    """Seconds that turns took: C{reactor} and C{thread} of all turns, C{matching_on_reactor} and
    C{matching_in_thread} of those that ask a matcher."""

    def __init__(self) -> None:
        self.reactor = Histogram()
        self.thread = Histogram()
        self.matching_on_reactor = Histogram()
        self.matching_in_thread = Histogram()

    def on_reactor(self, operation: str, seconds: float) -> None:
        """A turn was taken on the reactor, which did nothing else meanwhile."""
        self.reactor.add(seconds)
        if operation in MATCHING:
            self.matching_on_reactor.add(seconds)

    def in_thread(self, operation: str, seconds: float) -> None:
        """A turn was taken in a thread."""
        self.thread.add(seconds)
        if operation in MATCHING:
            self.matching_in_thread.add(seconds)


class TimedTurn:
    """A long turn, and its answer written as far as that is long, too, in the same thread;
    C{seconds} tells how long both took, without what they waited for the thread."""

    def __init__(self, turn: Callable[[], Outcome]) -> None:
        self._turn = turn
        self.seconds = 0.0

    def __call__(self) -> Outcome:
        """Take it."""
        began = perf_counter()
        try:
            outcome = self._turn()
            outcome.reply.write()
        finally:
            self.seconds = perf_counter() - began
        return outcome
