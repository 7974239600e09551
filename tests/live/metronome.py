"""Time as far as this machine lets us have it."""

from threading import Condition, Thread
from time import perf_counter

from tests.live.server import PATIENCE

_BEAT = 0.005
_LONGEST = 0.05
"""Seconds that pass between two beats at most: where it was longer, nobody could run."""


class Metronome:
    """Counts seconds, but not those in which the machine had no time for us.

    So a bound on how long something takes does not fail where the machine stood still, and still
    fails where we did.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._beat = Condition()
        self._stopped = False
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        before = perf_counter()
        with self._beat:
            while not self._stopped:
                self._beat.wait(_BEAT)
                now = perf_counter()
                self.seconds += min(now - before, _LONGEST)
                before = now
                self._beat.notify_all()

    def wait(self, seconds: float = 0.0) -> None:
        """Wait until so much has passed, or for the next beat."""
        until = self.seconds + seconds
        with self._beat:
            self._beat.wait(PATIENCE)
            self._beat.wait_for(lambda: self.seconds >= until, PATIENCE)

    def stop(self) -> None:
        """Let nobody wait any more."""
        with self._beat:
            self._stopped = True
        self._thread.join(PATIENCE)
