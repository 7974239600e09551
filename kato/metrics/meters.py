"""What is measured of the process itself: how late its reactor is, and its garbage collector."""

import gc
from collections.abc import Callable, Mapping
from time import perf_counter

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from kato.counting import Histogram

LOOK = 0.25
"""Seconds between two looks at how late the reactor is."""


class ReactorLag:
    """Is due again and again, and sees how late it is called."""

    def __init__(self, *, clock: IReactorTime) -> None:
        self.seconds = Histogram()
        self._clock = clock
        self._due: float | None = None
        self._looks = LoopingCall(self._look)
        self._looks.clock = clock

    def start(self) -> None:
        """Begin to look."""
        self._due = self._clock.seconds() + LOOK
        self._looks.start(LOOK, now=False)

    def stop(self) -> None:
        """Look no more."""
        if self._looks.running:
            self._looks.stop()

    def _look(self) -> None:
        """Where it was so late that looks were missed, the next one is due from now on."""
        now = self._clock.seconds()
        if self._due is not None:
            self.seconds.add(max(now - self._due, 0.0))
        self._due = now + LOOK - (now - (self._due or now)) % LOOK


class Collections:
    """How long the garbage collector took, by generation.

    The collector holds the interpreter, and never runs twice at a time: what it calls needs no
    lock, whichever thread it runs in.
    """

    def __init__(self, *, monotonic: Callable[[], float] = perf_counter) -> None:
        self.pauses: Mapping[int, Histogram] = {
            generation: Histogram() for generation in range(len(gc.get_count()))
        }
        self._monotonic = monotonic
        self._began = 0.0

    def start(self) -> None:
        """Begin to measure."""
        gc.callbacks.append(self._called)

    def stop(self) -> None:
        """Measure no more."""
        if self._called in gc.callbacks:
            gc.callbacks.remove(self._called)

    def _called(self, phase: str, told: Mapping[str, int]) -> None:
        if phase == "start":
            self._began = self._monotonic()
        else:
            self.pauses[told["generation"]].add(self._monotonic() - self._began)


class Meters:
    """Both of them."""

    def __init__(self, *, clock: IReactorTime) -> None:
        self.lag = ReactorLag(clock=clock)
        self.collections = Collections()

    def start(self) -> None:
        """Begin to measure."""
        self.lag.start()
        self.collections.start()

    def stop(self) -> None:
        """Measure no more."""
        self.lag.stop()
        self.collections.stop()
