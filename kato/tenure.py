"""Whether a processor is this service's, as its worker asks (SPEC 10)."""

from typing import Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from kato.changes import Remembered
from kato.commands import Command, Reply
from kato.errors import KatoError

Result = Reply | Failure | KatoError
"""What a command comes to."""


class Tenure(Protocol):
    """Says of which processors a worker may take turns, and whether it may still answer."""

    @property
    def shared(self) -> bool:
        """Whether others may have processors that are stored here."""

    def epoch(self, processor: str) -> int | None:
        """Under which epoch a processor is held; C{None}: it is not."""

    def check(self) -> None:
        """Judge whether turns may be taken now.

        @raise ProcessorUnavailable: where they may not.
        """

    def seal(self, command: Command, epoch: int | None, result: Result) -> Result:
        """What may be answered, just before it is.

        @param epoch: under which the turn began; C{None}: it never did.
        """

    def obtain(self, processor: str, *, creates: bool) -> "Deferred[None]":
        """Come to hold a processor that is not held.

        @param creates: whether there may be none yet.
        @raise Moved: (the Deferred fails) where another service has it.
        @raise ProcessorNotFound: (the Deferred fails) where there is none.
        @raise KatoError: (the Deferred fails) where nobody can tell.
        """

    def forget(self, processor: str, *, deleted: bool) -> None:
        """There is no such processor any more, or has never been.

        @param deleted: whether it was deleted, which has ended its tenure already.
        """

    def deletion(self, processor: str, key: str) -> "Deferred[Remembered | None]":
        """What a deletion under a request id was answered, by whichever service."""


class Whole:
    """Provides L{Tenure} where nobody else uses the store: all is held for ever."""

    shared = False

    def epoch(self, processor: str) -> int | None:
        """Never another one."""
        return 0

    def check(self) -> None:
        """Turns may always be taken."""

    def seal(self, command: Command, epoch: int | None, result: Result) -> Result:
        """All may be answered."""
        return result

    def obtain(self, processor: str, *, creates: bool) -> "Deferred[None]":
        """It is held already."""
        return succeed(None)

    def forget(self, processor: str, *, deleted: bool) -> None:
        """It is held still."""

    def deletion(self, processor: str, key: str) -> "Deferred[Remembered | None]":
        """The worker itself remembers all of them."""
        return succeed(None)
