"""The seam behind which answers are kept."""

from typing import Any, Protocol

from twisted.internet.defer import Deferred

from kato.counting import Histogram


class Cache(Protocol):
    """Keeps values for a while.  It never fails: it may forget anything, and know nothing."""

    seconds: Histogram
    """How long it took to tell what it has, or that it has nothing."""

    def start(self) -> None:
        """Look for it, and tell in the log where it is not there."""
        ...

    def close(self) -> "Deferred[Any]":
        """Let go of it."""
        ...

    def get(self, key: str) -> "Deferred[bytes | None]":
        """The value of a key, in a moment; C{None}: it is not known, or not known in time."""
        ...

    def put(self, key: str, value: bytes) -> None:
        """Keep a value, if there is time and room for it."""
        ...

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of it."""
        ...
