"""What a worker asks of an audit log (docs/audit.md), and the one that keeps nothing."""

from collections.abc import Callable, Collection
from typing import Any

from twisted.internet.defer import Deferred, succeed
from zope.interface import Interface, implementer

from kato.commands import Command
from kato.engine import Processor
from kato.errors import KatoError
from kato.slots import Ask
from kato.turn import Outcome


class IAudit(Interface):
    """Is told all that a worker's processors do, in the order in which they do it.

    What it is told is kept in that order, though a little later: L{pending} says when.  Where it
    cannot be kept, nothing that was told since counts, and whoever L{watch}es is told of whom.
    """

    def watch(failed: "Callable[[Collection[str], KatoError], None]") -> None:
        """Have C{failed} called with those processors of which something could not be kept; it puts
        them back to what is stored."""

    def stored(processors: Collection[str]) -> None:
        """At the start: no processors are there but these."""

    def loaded(processor: str, engine: Processor | None, epoch: int) -> None:
        """A processor is now as it was stored; C{None}: it is not stored.

        @param epoch: under which it is held; 0 where nobody else can have it.
        """

    def let_go(processor: str) -> None:
        """A processor is another service's by now."""

    def check(command: Command) -> None:
        """Judge whether a turn may be taken.

        @raise StorageUnavailable: where what it does could not be kept.
        """

    def begun(processor: str) -> int:
        """From which revision a new processor counts: from 0, unless it may turn out that the one
        before it, which is being deleted, was not."""

    def carried_out(ask: Ask, engine: Processor, outcome: Outcome, *, created: bool) -> bool:
        """A turn is over; tells whether anything is to be kept of it."""

    def deleting(ask: Ask, engine: Processor) -> None:
        """A processor is about to be deleted."""

    def deleted(processor: str) -> None:
        """That it was deleted is durable."""

    def listed(command: Command, now: float) -> bool:
        """Processors were listed; tells whether anything is to be kept of that."""

    def pending() -> "Deferred[None] | None":
        """When all is kept that was told so far; C{None}: it is.

        @raise StorageUnavailable: (the Deferred fails) where it cannot be; who watches knows.
        """

    def statistics() -> dict[str, Any]:
        """What C{/stats} tells of the log, under C{audit}; nothing where nothing is kept."""

    def synced() -> "Deferred[None]":
        """See that all that was told so far survives a loss of power.

        @raise StorageUnavailable: (the Deferred fails) where it does not, or nobody knows.
        """


@implementer(IAudit)
class NoAudit:
    """Keeps nothing."""

    def watch(self, failed: Callable[[Collection[str], KatoError], None]) -> None:
        """Nothing fails."""

    def stored(self, processors: Collection[str]) -> None:
        """It is all the same."""

    def loaded(self, processor: str, engine: Processor | None, epoch: int) -> None:
        """It is all the same."""

    def let_go(self, processor: str) -> None:
        """It is all the same."""

    def check(self, command: Command) -> None:
        """Turns may always be taken."""

    def begun(self, processor: str) -> int:
        """From the first."""
        return 0

    def carried_out(self, ask: Ask, engine: Processor, outcome: Outcome, *, created: bool) -> bool:
        """Nothing is kept."""
        return False

    def deleting(self, ask: Ask, engine: Processor) -> None:
        """It is all the same."""

    def deleted(self, processor: str) -> None:
        """It is all the same."""

    def listed(self, command: Command, now: float) -> bool:
        """Nothing is kept."""
        return False

    def pending(self) -> "Deferred[None] | None":
        """Nothing is to be waited for."""
        return None

    def statistics(self) -> dict[str, Any]:
        """There is nothing to tell."""
        return {}

    def synced(self) -> "Deferred[None]":
        """Nothing is to be waited for."""
        return succeed(None)
