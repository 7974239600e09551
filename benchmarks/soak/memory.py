"""Whether the memory of a process is flat."""

from dataclasses import dataclass, field
from pathlib import Path
from statistics import linear_regression
from threading import Event
from time import monotonic

_EVERY = 0.5
FLAT = 0.05
"""By so much of all of it the memory of a process may grow over the time that is measured, by the
line that fits best: what comes and goes is no growth."""
SHORT = 0.15
"""By so much in a run that is over before it is warm, which still finds what grows quickly."""


@dataclass
class Memory:
    """What a process has in RAM, in bytes, from time to time."""

    pid: int
    over: Event
    seen: list[tuple[float, int]] = field(default_factory=list)

    def run(self) -> None:
        """Look until it is over."""
        while not self.over.wait(_EVERY):
            status = Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii")
            self.seen.append((monotonic(), int(status.split()[1]) * 4096))

    def growth(self, begins: float) -> tuple[float, float]:
        """By how much it grows from then on, by the line that fits best, and what there was."""
        times, sizes = zip(*(each for each in self.seen if each[0] >= begins), strict=True)
        slope, start = linear_regression(times, sizes)
        return slope * (times[-1] - times[0]), start + slope * times[0]
