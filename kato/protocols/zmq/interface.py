"""What the ZeroMQ side of KATO asks of its sockets, so that it can be tested in memory.

Frames go out and come in as lists of bytes, without the identity that a ROUTER puts in front unless
it is said here.  Nothing blocks, and nothing is sent from within C{received} out of turn.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from twisted.internet.defer import Deferred

Received = Callable[[list[bytes]], None]
"""Is told every message that comes, frame by frame."""


class CannotBind(Exception):
    """An address at which nobody can listen; the message says why."""


class CannotEncrypt(Exception):
    """Keys with which nothing can be encrypted here; the message says why."""


class Socket(Protocol):
    """An open socket."""

    def send(self, frames: Sequence[bytes]) -> bool:
        """Hand a message over; C{False}: not now, too much waits for this peer already.  What is
        sent to a peer that is gone is dropped, and counts as handed over."""

    def close(self) -> None:
        """Close at once, with what waits to be sent; closing twice is once."""


class Bound(Socket, Protocol):
    """A socket to which others connect."""

    def visitors(self) -> Mapping[str, int]:
        """How many C{connections} there are, how many of them are C{guests}, who have told no key
        yet, and how many had to go so far, C{turned_away}, since that was too much."""


class Router(Bound, Protocol):
    """A ROUTER, all of whose peers are guests at first."""

    def vouch(self, peer: bytes) -> None:
        """The peer of this identity has told a key."""


class Subscriber(Socket, Protocol):
    """A SUB socket, which is never sent to."""

    def subscribe(self, prefix: bytes) -> None:
        """Ask for the messages whose first frame begins with C{prefix}."""

    def unsubscribe(self, prefix: bytes) -> None:
        """Take a subscription back."""


class Listening(Protocol):
    """An address that is bound already, on which a socket will be opened."""

    @property
    def address(self) -> str:
        """C{tcp://host:port}, with the port that was bound."""

    def detach(self) -> int:
        """Give the descriptor away: who takes it closes it."""


class Sockets(Protocol):
    """Makes sockets; their callbacks run on the reactor.

    C{up} is called once, when the peer has shaken hands, C{down} once, when there is no connection
    any more or there never was one.  A socket that went down stays so: who wants another connection
    closes it and makes a new one.  Neither is called after C{close}, nor from within the call that
    makes the socket.
    """

    def router(
        self,
        listening: Listening,
        received: Received,
        taken: Callable[[], None] = lambda: None,
        *,
        members_only: bool = False,
    ) -> Router:
        """Open a ROUTER: the identity of the peer is the first frame of what comes and goes.

        @param taken: is told when all messages that had come have been taken, or enough of them.
        @param members_only: where connections are encrypted, only the cluster speaks to itself
            here.
        """

    def dealer(
        self,
        address: str,
        *,
        received: Received,
        up: Callable[[], None],
        down: Callable[[str], None],
    ) -> Socket:
        """Connect a DEALER.

        @param address: C{tcp://host:port}.
        @param down: is told why, in a few words.
        """

    def publisher(
        self,
        listening: Listening,
        *,
        grants: Callable[[bytes], bool],
        subscribed: Callable[[bytes, bool], None],
    ) -> Bound:
        """Open an XPUB.  Whoever is granted a prefix is a guest no more.

        @param grants: says whether peers may have what begins with a prefix; one that may not gets
            nothing of it, and is not told so.
        @param subscribed: is told a prefix and C{True} when the first peer asks for it, C{False}
            when the last one has gone.
        """

    def subscriber(
        self,
        address: str,
        *,
        received: Received,
        up: Callable[[], None],
        down: Callable[[str], None],
    ) -> Subscriber:
        """Connect a SUB."""

    def close(self) -> "Deferred[None]":
        """Close all sockets; fires when what they had to send is sent, or given up."""
