"""A store in a MongoDB database, which several machines can reach (SPEC 11)."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from time import perf_counter
from typing import Any, TypeVar

from bson.errors import BSONError
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from zope.interface import implementer

from kato.changes import Changes, Deletion, Snapshot
from kato.errors import StorageUnavailable
from kato.storage import interface
from kato.storage.interface import IStore
from kato.storage.mongodb import lease
from kato.storage.mongodb.address import Address
from kato.storage.mongodb.connection import Connection
from kato.storage.mongodb.documents import PIECES
from kato.storage.mongodb.opening import Taken, prepare
from kato.storage.mongodb.plan import Plan, make_plan
from kato.storage.mongodb.reading import Reader
from kato.storage.mongodb.transaction import Transactions
from kato.storage.mongodb.turns import Turns
from kato.storage.threads import OneThread

_T = TypeVar("_T")

_ENDING = 10.0
"""Seconds until a server is hung up on that does not answer while the store is closed."""


@implementer(IStore)
class MongoStore:
    """Provides L{IStore}.

    C{twistd} may fork after L{open}, and no connection survives that: so L{open} leaves only the
    lease, and connections are made when first needed.
    """

    log = Logger()

    def __init__(self, address: Address, *, reactor: Any) -> None:
        self.address = address
        self._reactor = reactor
        self._held: Taken | None = None
        self._turns = Turns()
        self._reading = OneThread("mongodb-reading")
        self._writing = OneThread("mongodb-writing")
        self._connection: Connection | None = None
        self._transactions: Transactions | None = None
        self._renewing = LoopingCall(self._renew)
        self._renewing.clock = reactor
        self._has_pieces = True
        self._commits = 0
        self._failures = 0
        self._last_commit = 0.0

    def open(self) -> None:
        """See that the database can be used, and take its lease.

        @raise CannotOpen: in one line.
        """
        self._held = prepare(self.address)
        self._has_pieces = self._held.pieces

    def processors(self) -> "Deferred[Sequence[str]]":
        """The ids of all processors that are stored, sorted."""
        return self._read(Reader.processors)

    def load(self, processor: str, restore: Callable[[Snapshot], Any]) -> "Deferred[Any]":
        """Call C{restore} with all that is stored of a processor, on the store's own thread."""
        call: Callable[[Reader], Any] = lambda reader: reader.load(processor, restore)  # noqa: E731
        return self._read(call, frozenset({processor}))

    def deletions(self) -> "Deferred[Sequence[Deletion]]":
        """The last deletions that carried a request id, oldest first."""
        return self._read(Reader.deletions)

    def commit(self, changes: Sequence[Changes | Deletion]) -> "Deferred[None]":
        """Keep all of C{changes}, in order, in one transaction."""
        processors = frozenset(each.processor for each in changes)
        return self._take_turn(lambda: self._commit(changes), writes=True, processors=processors)

    def keep_index(self, processor: str, index: bytes) -> "Deferred[bool]":
        """Keep nothing: an index that outlives what somebody changes in mongosh would be wrong."""
        return succeed(False)

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of this store."""
        return {
            "kind": "mongodb",
            "commits": self._commits,
            "failures": self._failures,
            "last_commit_seconds": round(self._last_commit, 6),
        }

    # The work

    def _take_turn(
        self,
        call: Callable[[], Awaitable[_T]],
        *,
        writes: bool,
        processors: frozenset[str] | None = None,
    ) -> "Deferred[_T]":
        if self._held is None:
            return fail(StorageUnavailable("the storage is closed"))
        if self._connection is None:
            self._connect(self._held)
        return self._turns.take(call, writes=writes, processors=processors)

    def _connect(self, held: Taken) -> None:
        for thread in (self._reading, self._writing):
            thread.start()
        self._connection = Connection(self.address, reactor=self._reactor)
        self._transactions = Transactions(
            self._connection,
            held,
            max_deletions=interface.MAX_DELETIONS,
            reactor=self._reactor,
        )
        self._renewing.start(lease.RENEWED, now=True).addErrback(self._defect)

    def _defect(self, failure: Any) -> None:
        self.log.failure("the lease of the database is renewed no more", failure=failure)

    def _renew(self) -> "Deferred[None]":
        """Nothing is lost where it cannot be done: a commit renews the lease as well."""
        return self._turns.take(self._renew_now, writes=True, processors=frozenset()).addErrback(
            lambda failure: self.log.warn(
                "the lease of the database is not renewed: {error}", error=failure.value
            )
        )

    async def _renew_now(self) -> None:
        """The holder is told anew: C{twistd} may have forked."""
        if self._transactions is not None:
            await self._transactions.renew(holder=lease.holder())

    def _read(
        self, call: Callable[[Reader], _T], processors: frozenset[str] | None = None
    ) -> "Deferred[_T]":
        async def read() -> _T:
            assert self._connection is not None and self._transactions is not None
            await self._transactions.settle()
            reader = Reader(self._connection, reactor=self._reactor)
            try:
                return await deferToThreadPool(self._reactor, self._reading, call, reader)
            finally:
                await reader.close()

        return self._take_turn(read, writes=False, processors=processors)

    async def _commit(self, changes: Sequence[Changes | Deletion]) -> None:
        assert self._transactions is not None
        begun = perf_counter()
        try:
            plan = await self._planned(changes)
            await self._transactions.commit(plan)
        except (BSONError, UnicodeError, OverflowError) as error:
            self._failures += 1
            raise StorageUnavailable(f"it cannot be stored: {error}") from None
        except BaseException:
            self._failures += 1
            raise
        self._commits += 1
        self._last_commit = perf_counter() - begun

    async def _planned(self, changes: Sequence[Changes | Deletion]) -> Plan:
        """Encode what is written off the reactor: it may be much."""
        plan: Plan = await deferToThreadPool(
            self._reactor, self._writing, partial(make_plan, changes, pieces=self._has_pieces)
        )
        self._has_pieces = self._has_pieces or PIECES in plan.writes
        return plan

    def close(self) -> "Deferred[None]":
        """Finish what is under way, give the lease back, and let go."""
        if self._held is None:
            return succeed(None)
        held, self._held = self._held, None
        return Deferred.fromCoroutine(self._close(held))

    async def _close(self, held: Taken) -> None:
        if self._connection is None:
            self._connect(held)
        assert self._connection is not None and self._transactions is not None
        if self._renewing.running:
            self._renewing.stop()
        self._transactions.stop()
        late = self._reactor.callLater(_ENDING, self._connection.hang_up)
        await self._turns.at_rest()
        if late.active():
            late.cancel()
        await self._transactions.release()
        await self._connection.close()
        for thread in (self._reading, self._writing):
            thread.stop()
