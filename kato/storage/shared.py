"""What a store promises that several services use at a time (SPEC 10 and 11).

Each processor has one owner at most, under an epoch that rises whenever the owner changes.  Who is
not the owner any more can write nothing: that is checked in the transaction that writes.
"""

from collections.abc import Mapping, Sequence

from twisted.internet.defer import Deferred

from kato.changes import Changes, Deletion, Remembered
from kato.errors import ProcessorUnavailable
from kato.holdings import Fence, Look, Member, Owner, Present
from kato.storage.interface import IStore

MAX_ORPHANS = 1000
"""How many processors without an owner are told at a time."""


class Fenced(ProcessorUnavailable):
    """Nothing was written: some of it is not the writer's any more."""

    def __init__(self, processors: frozenset[str]) -> None:
        """@param processors: of which that is so, as far as it was looked at."""
        super().__init__(
            f"processor: {', '.join(sorted(processors))}: another service has it now: not done",
            retry_after=1,
        )
        self.processors = processors


class IShared(IStore):
    """A store of several services.  Each thing that is asked is done whole, or not at all.

    What fails with C{outcome_unknown} may have been done; whoever asked looks who the owner is.
    """

    def join(member: Member) -> "Deferred[None]":
        """Become a member; its boot was never one before.  Processors that are stored and have
        never had an owner are nobody's from now on, so that they are seen as orphans."""

    def renew(boot: str, *, leaving: bool) -> "Deferred[bool]":
        """Let the beat of a member rise; C{False}: it is none any more, and never will be.

        @param leaving: whether it wants no more processors.
        """

    def bury(boot: str, beat: int) -> "Deferred[bool]":
        """End a member if its beat is still this one; whether it has."""

    def leave(boot: str) -> "Deferred[None]":
        """End a member, whatever its beat."""

    def members() -> "Deferred[tuple[Present, ...]]":
        """See all members, which costs little, however many processors there are."""

    def look() -> "Deferred[Look]":
        """See all members, and what belongs to none of them: L{MAX_ORPHANS} at most."""

    def owner(processor: str) -> "Deferred[Owner | None]":
        """Whose a processor is, under epoch 0 where it is stored and nobody ever had it; C{None}:
        there is no such processor."""

    def owned(boot: str) -> "Deferred[Mapping[str, int]]":
        """The processors of a member, and their epochs."""

    def claim(boot: str, wanted: Mapping[str, Owner | None]) -> "Deferred[Mapping[str, int]]":
        """Become the owner of processors that belong to no member; those that were got are given,
        with their new epochs.  A processor of which the owner is not the one that was known by
        now is not got, nor one whose owner is still a member.

        @param wanted: whose they were when that was last seen; C{None}: there was no such one.
        """

    def hand_over(fence: Fence, to: str | None) -> "Deferred[Mapping[str, Owner]]":
        """Give processors to another member, or to nobody; those that are not the giver's under
        their epochs any more, and all where C{to} is no member, stay as they are.

        @return: the new owners of those that were given.
        """

    def disown(fence: Fence) -> "Deferred[None]":
        """There are no such processors: forget their owner, if that is still the one of
        C{fence}, and if they are not stored."""

    def commit_under(changes: Sequence[Changes | Deletion], fence: Fence) -> "Deferred[None]":
        """As C{commit}, where all that is changed belongs to who writes; a deleted processor has
        no owner any more.

        @raise Fenced: (the Deferred fails) where one of them does not, and nothing was done.
        """

    def deletion(processor: str, key: str) -> "Deferred[Remembered | None]":
        """What a deletion was answered that came under a request id, if it is remembered."""
