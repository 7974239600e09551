"""What comes in, of all clients of a process together: how much of it is kept before it is judged,
and how what is long is read (SPEC 9)."""

from collections.abc import Callable, Hashable
from typing import Any
from weakref import WeakValueDictionary

from twisted.internet.defer import Deferred, DeferredLock

from kato.errors import TooManyRequests
from kato.limits import Limits
from kato.threads import InThread

HUGE = 2**20
"""Messages of more bytes are read one at a time: what is read takes many times the room."""

BRIEF = 4 * 2**10
"""A message of no more bytes is taken however much is kept: each connection may have as much.

So what somebody has begun to send by the thousand keeps out no brief request whose body happens to
come after its head.
"""

GUESTS = 8
"""What part of the room those have together who have told no key yet."""


class Share:
    """How many bytes are kept of one key, or of one address, whatever the connection."""

    __slots__ = ("__weakref__", "guest", "held", "message")

    def __init__(self, *, guest: bool, message: int) -> None:
        """
        @param guest: whether no key was told yet, where one is asked for.
        @param message: how many bytes one message may have.
        """
        self.guest = guest
        self.message = message
        self.held = 0


class Intake:
    """Knows what has come, and reads it off the reactor."""

    def __init__(self, in_thread: InThread, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._in_thread = in_thread
        self._one_at_a_time = DeferredLock()
        self._shares: WeakValueDictionary[Hashable, Share] = WeakValueDictionary()
        self.held = 0
        """How many bytes of messages are kept that were not judged yet."""
        self.held_of_guests = 0
        """How many of them are of clients that have told no key yet."""

    def read(self, size: int, judge: Callable[[], Any]) -> "Deferred[Any]":
        """Read a message of so many bytes in a thread; fires with what C{judge} makes of it."""
        if size > HUGE:
            return self._one_at_a_time.run(self._in_thread, judge)
        return self._in_thread(judge)

    def share(self, who: Hashable, *, guest: bool = False, message: int | None = None) -> Share:
        """The share of one client, of which all connections have the same.

        @param who: the name of a key, or an address.
        @param guest: whether no key was told yet, where one is asked for.
        @param message: how many bytes one message may have, where that is not the limit of all.
        """
        share = self._shares.get((who, guest))
        if share is None:
            longest = message or self.limits.message
            share = self._shares[who, guest] = Share(guest=guest, message=longest)
        return share

    def hold(self, size: int, share: Share, already: int = 0) -> None:
        """Keep so many bytes more: of one client half of what others leave, or one message.

        @param already: how many bytes are kept of the same message.
        @raise TooManyRequests: where there is no room for them.
        """
        if already + size > BRIEF:
            self._check_room(size, share)
        self.keep(size, share)

    def _check_room(self, size: int, share: Share) -> None:
        room, held, mine = self.limits.buffered, self.held + size, share.held + size
        if held > room:
            raise _full(self.held, "requests", size, "limit", room)
        if share.guest and self.held_of_guests + size > room // GUESTS:
            raise _full(
                self.held_of_guests, "requests without a key", size, "limit", room // GUESTS
            )
        if mine > room - held and mine > share.message:
            most = max(share.message, (room - held + mine) // 2)
            raise _full(share.held, "this client's requests", size, "share", most)

    def keep(self, size: int, share: Share) -> None:
        """Keep so many bytes, be there room for them or not."""
        self.held += size
        share.held += size
        self.held_of_guests += size * share.guest

    def release(self, size: int, share: Share) -> None:
        """So many of them are kept no longer."""
        self.keep(-size, share)


def _full(held: int, whose: str, size: int, what: str, most: int) -> TooManyRequests:
    return TooManyRequests(
        f"body: {held:,} bytes of {whose} wait to be read, {size:,} more are over the {what} "
        f"of {most:,}",
        retry_after=1,
    )
