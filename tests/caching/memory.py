"""A cache in memory, which a test looks into, and makes slow or wrong."""

from typing import Any

from twisted.internet.defer import Deferred, succeed

from kato.counting import Histogram


class MemoryCache:
    """Provides L{kato.caching.Cache}."""

    def __init__(self) -> None:
        self.seconds = Histogram()
        self.values: dict[str, bytes] = {}
        self.looks: list[str] = []
        self.holds = False
        self.held: list[tuple[str, Deferred[bytes | None]]] = []
        self.is_started = self.is_closed = False
        self._found = 0

    def start(self) -> None:
        self.is_started = True

    def close(self) -> "Deferred[Any]":
        self.is_closed = True
        return succeed(None)

    def get(self, key: str) -> "Deferred[bytes | None]":
        self.looks.append(key)
        self.seconds.add(0.001)
        if self.holds:
            held: Deferred[bytes | None] = Deferred()
            self.held.append((key, held))
            return held
        return succeed(self._value(key))

    def _value(self, key: str) -> bytes | None:
        self._found += key in self.values
        return self.values.get(key)

    def release(self) -> None:
        """Answer all that waits."""
        held, self.held = self.held, []
        for key, waiting in held:
            waiting.callback(self._value(key))

    def put(self, key: str, value: bytes) -> None:
        self.values[key] = value

    def statistics(self) -> dict[str, Any]:
        return {
            "address": "memory",
            "answers": True,
            "found": self._found,
            "misses": len(self.looks) - self._found,
            "errors": 0,
            "skipped": 0,
            "written": len(self.values),
            "unwritten": 0,
        }
