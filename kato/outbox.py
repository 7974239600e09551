"""What waits to be sent to one reader: bounded, and counting what it passed over (SPEC 9).

Most of what is sent may not be missed: answers, and events of what was learned or forgotten.  It
waits in order.  Who asks no more gets no more answers, so they need no bound here; but events come
by themselves, and there is one to them.  Of other events only the newest is worth sending: it takes
the place of its forerunner, goes to the end of the queue, and says how many were passed over.
"""

from collections import OrderedDict
from collections.abc import Hashable
from itertools import count
from typing import Generic, NamedTuple, TypeVar

Message = TypeVar("Message")

ENTRY = 512
"""Bytes that a message takes beside its own while it waits: somewhat more than was measured."""


class Waiting(NamedTuple, Generic[Message]):
    """A message that waits; C{skipped} of its kind were passed over before it.

    C{owner} is the subscription that it belongs to, C{None} for an answer; C{size} the bytes that
    it takes, as far as they count.
    """

    message: Message
    owner: Hashable
    size: int = 0
    skipped: int = 0


class Outbox(Generic[Message]):
    """Messages in the order in which they are to be sent."""

    def __init__(self, *, most_bytes: int) -> None:
        """@param most_bytes: where events that may not be missed take so many, no further one is
        taken: so one of any size always is for a reader that keeps up."""
        self._most_bytes = most_bytes
        self._owned = 0
        self._waiting: OrderedDict[Hashable, Waiting[Message]] = OrderedDict()
        self._places = count()
        self.bytes = 0
        """How many bytes what may not be missed takes, answers included."""
        self.skipped = 0
        """How many messages were passed over so far."""

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, message: Message, size: int, owner: Hashable = None) -> bool:
        """Take what may not be missed; C{False}: there is no room for this event, and nothing has
        changed."""
        if owner is not None and self._owned >= self._most_bytes:
            return False
        waiting = Waiting(message, owner, size + ENTRY)
        self._waiting[next(self._places)] = waiting
        self._count(waiting, 1)
        return True

    def _count(self, waiting: Waiting[Message], sign: int) -> None:
        self.bytes += sign * waiting.size
        if waiting.owner is not None:
            self._owned += sign * waiting.size

    def put_newest(
        self, message: Message, kind: Hashable, owner: Hashable, skipped: int = 0
    ) -> None:
        """Take a message of which only the newest of its kind and owner is worth sending.

        @param skipped: how many of its kind were passed over before it came here.
        """
        key = (owner, kind)
        older = self._waiting.pop(key, None)
        if older is not None:
            self.skipped += 1
            skipped += older.skipped + 1
        self._waiting[key] = Waiting(message, owner, 0, skipped)

    def take(self) -> Waiting[Message] | None:
        """What is to be sent next."""
        if not self._waiting:
            return None
        _, waiting = self._waiting.popitem(last=False)
        self._count(waiting, -1)
        return waiting

    def drop(self, owner: Hashable) -> None:
        """Forget all that belongs to C{owner}: nobody wants it any more."""
        for key in [key for key, each in self._waiting.items() if each.owner == owner]:
            self._count(self._waiting.pop(key), -1)

    def clear(self) -> None:
        """Forget everything."""
        self._waiting.clear()
        self.bytes = self._owned = 0
