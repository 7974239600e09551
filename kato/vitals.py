"""What a process tells of itself: how long it runs, and what it takes (SPEC 9, C{/stats})."""

from typing import Any

import psutil
from twisted.internet.interfaces import IReactorTime


class Vitals:
    """Remembers when it was made."""

    def __init__(self, *, clock: IReactorTime) -> None:
        self._clock = clock
        self._began = clock.seconds()

    def as_dict(self) -> dict[str, Any]:
        """C{uptime} in seconds, C{memory} in bytes that are in RAM."""
        return {
            "uptime": round(self._clock.seconds() - self._began, 3),
            "memory": psutil.Process().memory_info().rss,
        }
