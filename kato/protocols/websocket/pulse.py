"""Whether there is still somebody at the other end (RFC 6455, 5.5.2).

Pings alone do not tell: they wait behind what a slow reader has still to read.  So whatever comes
from the other end counts, and also that it took what was sent.
"""

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

INTERVAL = 20.0
"""Seconds between two pings."""

PATIENCE = 3
"""After so many pings without a sign of life it is given up."""


class Pulse:
    """Pings, and listens for signs of life."""

    def __init__(
        self,
        *,
        ping: Callable[[], None],
        give_up: Callable[[], None],
        excused: Callable[[], bool],
        clock: IReactorTime,
    ) -> None:
        """@param excused: whether no sign of life could come, whoever is there."""
        self._ping = ping
        self._excused = excused
        self._give_up = give_up
        self._clock = clock
        self._silent = 0
        self._timer: IDelayedCall | None = clock.callLater(INTERVAL, self._beat)

    def felt(self) -> None:
        """There was a sign of life."""
        self._silent = 0

    def _beat(self) -> None:
        self._timer = None
        if self._silent >= PATIENCE:
            self._give_up()
            return
        self._silent += not self._excused()
        self._timer = self._clock.callLater(INTERVAL, self._beat)
        self._ping()

    def stop(self) -> None:
        """Nobody wants to know any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
