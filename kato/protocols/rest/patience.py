"""A timeout that costs next to nothing while it is kept.

twisted.web starts, moves and cancels a timer with every request.  Here one timer of a connection
runs on, and looks when it fires whether its time has really come.
"""

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

_NOTHING = 0.001
"""So many seconds are no time."""


class Patience:
    """Does something after a time without anything else, time and again put off."""

    def __init__(self, then: Callable[[], object], *, clock: IReactorTime) -> None:
        self._then = then
        self._clock = clock
        self._deadline: float | None = None
        self._timer: IDelayedCall | None = None

    def wait(self, seconds: float) -> None:
        """Lose patience after C{seconds}, and not when it would have been lost before."""
        self._deadline = self._clock.seconds() + seconds
        if self._timer is None:
            self._timer = self._clock.callLater(seconds, self._look)
        elif self._timer.getTime() > self._deadline:
            self._timer.reset(seconds)

    def forget(self) -> None:
        """Wait for nothing."""
        self._deadline = None

    def stop(self) -> None:
        """Wait for nothing, and leave no timer behind."""
        self.forget()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self._deadline is None:
            return
        left = self._deadline - self._clock.seconds()
        if left > _NOTHING:
            self._timer = self._clock.callLater(left, self._look)
        else:
            self._deadline = None
            self._then()
