"""Who is connected at a port of ZeroMQ, and what libzmq holds for them (docs/zeromq.md, "Limits").

libzmq takes what comes before anybody here sees it, also from who has told no key, and keeps what
is answered until it is taken.  Whoever has told no key yet is a guest: all guests together may have
it hold so much, and no more.  Pure: it is told what happens, and says who has to go.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

Peer = tuple[str, int]
"""The address and the port of the other side."""

_SHORT = 255
"""A frame of up to so many bytes has two before it, a longer one nine (ZMTP, RFC 23)."""

_ENCRYPTED = 33
"""So many bytes more are in a frame with CURVE: a name, a nonce, a mark and a seal (RFC 26)."""


def size_on_wire(size: int, *, encrypted: bool) -> int:
    """The bytes that came for a frame of C{size} bytes."""
    body = size + _ENCRYPTED if encrypted else size
    return body + (2 if body <= _SHORT else 9)


class Traffic(NamedTuple):
    """Bytes of a connection that have come, and that the other side has taken."""

    came: int
    taken: int


@dataclass(slots=True, eq=False)
class Visitor:
    """A connection: its descriptor, its other side, and the name under which that is answered.

    C{read} bytes were read of it, C{sent} were handed over for it, and C{held} is what libzmq held
    for it in both directions when it was last looked at.  Heartbeats count as held: so a guest that
    sends nothing else for some weeks is the first to go when there are too many of them.
    """

    descriptor: int
    peer: Peer
    name: bytes | None = None
    read: int = 0
    sent: int = 0
    held: int = 0

    def weigh(self, traffic: Traffic | None) -> None:
        """Find out how much is held; C{None}: nobody knows."""
        if traffic is not None:
            self.held = max(0, traffic.came - self.read) + max(0, self.sent - traffic.taken)


class Visitors:
    """Keeps account of those who are connected at one port."""

    def __init__(self, *, most: int, most_guests: int, most_held: int) -> None:
        """
        @param most: how many connections there may be, of which C{most_guests} of guests.
        @param most_held: how many bytes of all guests may be held.
        """
        self._most = most
        self._most_guests = min(most, most_guests)
        self._most_held = most_held
        self._guests: dict[int, Visitor] = {}
        self._known: dict[int, Visitor] = {}
        self._named: dict[bytes, Visitor] = {}
        self.turned_away = 0
        """How many had to go so far."""
        self.is_tight = False
        """Whether guests had a quarter of what may be held, when they were last looked at."""

    def __len__(self) -> int:
        return len(self._guests) + len(self._known)

    def __contains__(self, descriptor: int) -> bool:
        return descriptor in self._known or descriptor in self._guests

    @property
    def guests(self) -> int:
        """How many have told no key yet."""
        return len(self._guests)

    def came(self, descriptor: int, peer: Peer) -> Visitor | None:
        """Somebody connected; gives who has to go for that, if anybody: whoever has been a guest
        for longest, since who has a key tells it soon."""
        self.went(descriptor)  # a descriptor is given anew when it is free
        self._guests[descriptor] = Visitor(descriptor, peer)
        if len(self) > self._most or len(self._guests) > self._most_guests:
            return self._turn_away(next(iter(self._guests.values())))
        return None

    def went(self, descriptor: int) -> None:
        """A connection is over."""
        visitor = self._known.pop(descriptor, None) or self._guests.pop(descriptor, None)
        if visitor is not None:
            self._forget_name(visitor)

    def _forget_name(self, visitor: Visitor) -> None:
        if visitor.name is not None and self._named.get(visitor.name) is visitor:
            del self._named[visitor.name]

    def _turn_away(self, visitor: Visitor) -> Visitor:
        self.went(visitor.descriptor)
        self.turned_away += 1
        return visitor

    def guest(self, descriptor: int) -> Visitor | None:
        """Whose connection this is, if it is a guest's."""
        return self._guests.get(descriptor)

    def named(self, name: bytes) -> Visitor | None:
        """Who is answered so, if that is a guest."""
        return self._named.get(name)

    def name(self, visitor: Visitor, name: bytes) -> None:
        """This is how a guest is answered from now on, whoever was answered so before."""
        self._forget_name(visitor)
        visitor.name = name
        self._named[name] = visitor

    def vouch(self, name: bytes) -> None:
        """Whoever is answered so has told a key."""
        visitor = self._named.pop(name, None)
        if visitor is not None:
            self.admit(visitor)

    def admit(self, visitor: Visitor) -> None:
        """A guest is none any more."""
        if self._guests.pop(visitor.descriptor, None) is not None:
            self._known[visitor.descriptor] = visitor

    def weigh(self, traffic: Callable[[Visitor], Traffic | None]) -> list[Visitor]:
        """Look at all guests; gives those who have to go, so that the others are not too much.

        @param traffic: what has come and gone of one; C{None}: that is not known.
        """
        for visitor in self._guests.values():
            visitor.weigh(traffic(visitor))
        held = sum(each.held for each in self._guests.values())
        self.is_tight = 4 * held > self._most_held
        leaving = []
        for visitor in sorted(self._guests.values(), key=lambda each: each.held, reverse=True):
            if held <= self._most_held:
                break
            held -= visitor.held
            leaving.append(self._turn_away(visitor))
        return leaving
