"""A store in a MongoDB database that several services use at a time (SPEC 10 and 11)."""

from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any, TypeVar

from bson.errors import BSONError
from twisted.internet.defer import Deferred, fail
from twisted.internet.threads import deferToThreadPool
from zope.interface import implementer

from kato.changes import Changes, Deletion, Remembered
from kato.errors import StorageUnavailable
from kato.holdings import Fence, Look, Member, Owner, Present
from kato.storage import interface
from kato.storage.mongodb.connection import Connection
from kato.storage.mongodb.fenced import FencedTransactions
from kato.storage.mongodb.opening import Taken, prepare_shared
from kato.storage.mongodb.owners import Owners
from kato.storage.mongodb.plan import make_plan
from kato.storage.mongodb.store import MongoStore
from kato.storage.shared import Fenced, IShared

_T = TypeVar("_T")

_ANSWERING = 5.0
"""Seconds in which the database has to answer what concerns owners: leases end soon."""


@implementer(IShared)
class SharedMongoStore(MongoStore):
    """Provides L{IShared}.

    Who lives and who owns what goes over a connection of its own, so that it waits for no commit.
    """

    _owners: Owners | None = None
    _beside: Connection | None = None

    def open(self) -> None:
        """See that the database can be used, and that no server has it for itself."""
        self._held = prepare_shared(self.address)

    def _connect(self, held: Taken) -> None:
        for thread in (self._reading, self._writing):
            thread.start()
        self._connection = Connection(self.address, reactor=self._reactor)
        self._beside = Connection(self.address, reactor=self._reactor, answering=_ANSWERING)
        self._owners = Owners(self._beside, reactor=self._reactor)
        self._transactions = FencedTransactions(
            self._connection,
            held,
            max_deletions=interface.MAX_DELETIONS,
            reactor=self._reactor,
            sessions=self._owners.sessions,
        )

    async def _close(self, held: Taken) -> None:
        await super()._close(held)
        if self._beside is not None:
            await self._beside.close()

    # Commits

    def commit_under(self, changes: Sequence[Changes | Deletion], fence: Fence) -> "Deferred[None]":
        """Keep all of C{changes}, where it belongs to who writes."""
        processors = frozenset(each.processor for each in changes)
        missing = processors - fence.epochs.keys()
        if missing:
            return fail(Fenced(missing))
        return self._take_turn(
            lambda: self._commit_under(changes, fence), writes=True, processors=processors
        )

    async def _commit_under(self, changes: Sequence[Changes | Deletion], fence: Fence) -> None:
        assert isinstance(self._transactions, FencedTransactions)
        begun = perf_counter()
        numbered = [_numbered(each, fence) for each in changes]
        written = Fence(
            fence.boot, {each.processor: fence.epochs[each.processor] for each in changes}
        )
        deleted = [each.processor for each in changes if isinstance(each, Deletion)]
        try:
            plan = await deferToThreadPool(self._reactor, self._writing, make_plan, numbered)
            await self._transactions.commit_under(plan, written, deleted)
        except BaseException as error:
            self._failures += 1
            if isinstance(error, BSONError):
                raise StorageUnavailable(f"it cannot be stored: {error}") from None
            raise
        self._commits += 1
        self._last_commit = perf_counter() - begun

    # Members and owners

    def _about_owners(self) -> Owners:
        if self._held is None:
            raise StorageUnavailable("the storage is closed")
        if self._connection is None:
            self._connect(self._held)
        assert self._owners is not None
        return self._owners

    def _ask(self, asked: "Coroutine[Any, Any, _T]") -> "Deferred[_T]":
        return Deferred.fromCoroutine(asked)

    def join(self, member: Member) -> "Deferred[None]":
        """Become a member."""
        return self._ask(self._about_owners().join(member))

    def renew(self, boot: str, *, leaving: bool) -> "Deferred[bool]":
        """Let the beat of a member rise."""
        return self._ask(self._about_owners().renew(boot, leaving))

    def bury(self, boot: str, beat: int) -> "Deferred[bool]":
        """End a member if its beat is still this one."""
        return self._ask(self._about_owners().bury(boot, beat))

    def leave(self, boot: str) -> "Deferred[None]":
        """End a member."""
        return self._ask(self._about_owners().leave(boot))

    def members(self) -> "Deferred[tuple[Present, ...]]":
        """See all members."""
        return self._ask(self._about_owners().members())

    def look(self) -> "Deferred[Look]":
        """See all members, and what belongs to none of them."""
        return self._ask(self._about_owners().look())

    def owner(self, processor: str) -> "Deferred[Owner | None]":
        """Whose a processor is."""
        return self._ask(self._about_owners().owner(processor))

    def owned(self, boot: str) -> "Deferred[Mapping[str, int]]":
        """The processors of a member, and their epochs."""
        return self._ask(self._about_owners().owned(boot))

    def claim(self, boot: str, wanted: Mapping[str, Owner | None]) -> "Deferred[Mapping[str, int]]":
        """Become the owner of processors that belong to no member."""
        return self._ask(self._about_owners().claim(boot, wanted))

    def hand_over(self, fence: Fence, to: str | None) -> "Deferred[Mapping[str, Owner]]":
        """Give processors to another member, or to nobody."""
        return self._ask(self._about_owners().hand_over(fence, to))

    def disown(self, fence: Fence) -> "Deferred[None]":
        """There are no such processors."""
        return self._ask(self._about_owners().disown(fence))

    def deletion(self, processor: str, key: str) -> "Deferred[Remembered | None]":
        """What a deletion was answered that came under a request id."""
        return self._ask(self._about_owners().deletion(processor, key))


def _numbered(change: Changes | Deletion, fence: Fence) -> Changes | Deletion:
    """A deletion ends a tenure, so the epoch of that is a number that no other deletion has,
    whichever service remembers it."""
    if isinstance(change, Deletion) and change.request is not None:
        request = replace(change.request, ordinal=fence.epochs[change.processor])
        return Deletion(change.processor, request)
    return change
