"""What comes in, of all clients of a process together: how much of it is kept before it is judged,
and how what is long is read (SPEC 9)."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, DeferredLock

from kato.errors import TooManyRequests
from kato.limits import Limits
from kato.threads import InThread

HUGE = 2**20
"""Messages of more bytes are read one at a time: what is read takes many times the room."""

GUESTS = 8
"""What part of the room those have together who have told no key yet."""


class Intake:
    """Knows what has come, and reads it off the reactor."""

    def __init__(self, in_thread: InThread, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._in_thread = in_thread
        self._one_at_a_time = DeferredLock()
        self.held = 0
        """How many bytes of messages are kept that were not judged yet."""
        self.held_of_guests = 0
        """How many of them are of clients that have told no key yet."""

    def read(self, size: int, judge: Callable[[], Any]) -> "Deferred[Any]":
        """Read a message of so many bytes in a thread; fires with what C{judge} makes of it."""
        if size > HUGE:
            return self._one_at_a_time.run(self._in_thread, judge)
        return self._in_thread(judge)

    def hold(self, size: int, *, guest: bool = False) -> None:
        """Keep so many bytes more.

        @param guest: whether they are of a client that has told no key yet.
        @raise TooManyRequests: where there is no room for them.
        """
        room = self.limits.buffered
        if self.held + size > room or (guest and self.held_of_guests + size > room // GUESTS):
            raise TooManyRequests(
                f"{self.held:,} bytes of requests wait to be read, {size:,} more are over the "
                f"limit of {self.limits.buffered:,}",
                retry_after=1,
            )
        self.held += size
        self.held_of_guests += size * guest

    def release(self, size: int, *, guest: bool = False) -> None:
        """So many of them are kept no longer."""
        self.held -= size
        self.held_of_guests -= size * guest
