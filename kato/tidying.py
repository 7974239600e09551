"""What only the garbage collector frees is freed from time to time, the more rarely the longer that
takes.

Python's own looks at everything come after very many new objects (see L{kato.running}), since each
stalls the reactor, the longer the more there is.  Where there is little, hours would pass between
two of them, and what connections leave behind in circles would pile up.
"""

import gc
from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

EVERY = 20.0
"""Seconds between two looks, where none takes long."""

SHORT = 0.05
"""After a look that took more seconds than this the next comes later, and after one twice as long
four times as late: so the longer a look takes, the less is lost to all of them."""


class Tidying:
    """Has the collector look at everything."""

    def __init__(
        self,
        *,
        clock: IReactorTime,
        measure: Callable[[], float],
        collect: Callable[[], object] = gc.collect,
    ) -> None:
        """@param measure: tells seconds, by which a look is measured, whatever else the machine
        does meanwhile."""
        self._clock = clock
        self._measure = measure
        self._collect = collect
        self._next: IDelayedCall | None = None

    def start(self) -> None:
        """Begin; what is loaded at the start must be there, and out of sight."""
        self._look_after(EVERY)

    def _look_after(self, seconds: float) -> None:
        self._next = self._clock.callLater(seconds, self._look)

    def _look(self) -> None:
        began = self._measure()
        self._collect()
        took = self._measure() - began
        self._look_after(EVERY * max(1.0, took / SHORT) ** 2)

    def stop(self) -> None:
        """Look no more."""
        if self._next is not None:
            self._next.cancel()
            self._next = None
