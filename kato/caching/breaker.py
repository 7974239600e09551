"""Whether a server that failed is asked again already."""

FIRST_REST = 0.5
LONGEST_REST = 30.0
"""Seconds for which nothing is asked after a failure, and after many in a row."""


class Breaker:
    """Closed while all is well.  A failure opens it for a while, each further one for twice as
    long; then one question may be tried."""

    __slots__ = ("_rest", "_until")

    def __init__(self) -> None:
        self._rest = 0.0
        self._until = float("-inf")

    def allows(self, now: float) -> bool:
        """Whether a question may be asked."""
        return now >= self._until

    def failed(self, now: float) -> None:
        """A question had no answer, or none in time; what was asked before that and fails after it
        is not counted again."""
        if not self.allows(now):
            return
        self._rest = min(2 * self._rest, LONGEST_REST) if self._rest else FIRST_REST
        self._until = now + self._rest

    def succeeded(self) -> None:
        """A question was answered."""
        self._rest, self._until = 0.0, float("-inf")
