"""What only the garbage collector frees is freed from time to time, while that takes moments.

Python's own looks at everything come after very many new objects (see L{kato.running}), since each
stalls the reactor, the longer the more there is.  Where there is little, hours would pass between
two of them, and what connections leave behind in circles would pile up.
"""

import gc
from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

EVERY = 20.0
"""Seconds between two looks."""

LONGEST = 0.05
"""Where a look took more seconds than this there is too much to look at: it is left to Python."""


class Tidying:
    """Has the collector look at everything."""

    def __init__(
        self,
        *,
        clock: IReactorTime,
        measure: Callable[[], float],
        collect: Callable[[], object] = gc.collect,
    ) -> None:
        """@param measure: tells seconds, by which a look is measured."""
        self._measure = measure
        self._collect = collect
        self._looks = LoopingCall(self._look)
        self._looks.clock = clock

    def start(self) -> None:
        """Begin; what is loaded at the start must be there, and out of sight."""
        self._looks.start(EVERY, now=False)

    def _look(self) -> None:
        began = self._measure()
        self._collect()
        if self._measure() - began > LONGEST:
            self.stop()

    def stop(self) -> None:
        """Look no more."""
        if self._looks.running:
            self._looks.stop()
