"""Every commit is one transaction of MongoDB, which happens once or not at all.

  1. The lease is touched under its epoch, with the number of the commit.  A server whose lease was
     taken over finds none, and writes nothing.  Whoever else would take it over meanwhile runs into
     this transaction, and has to come again.
  2. What goes is deleted, what is new is written, one statement for each collection.
  3. The transaction is committed, with majority and journal.

What fails before the last step has not happened, and is begun anew where that may help.  If the
last step is not answered, nobody can tell at first.  Then it is asked for again, which is safe, and
ends the transaction in any case; and the lease is renewed, which only a server can do that knows
all that was ever acknowledged.  The number of the commit, which is read with it, tells whether it
happened.
"""

from dataclasses import dataclass
from typing import Any

from pymongo.errors import OperationFailure, PyMongoError
from twisted.internet.defer import DeferredLock
from twisted.internet.task import deferLater
from twisted.logger import Logger

from kato.errors import StorageUnavailable
from kato.storage.mongodb import connection, lease
from kato.storage.mongodb.connection import LOST, Connection, is_transient, reason
from kato.storage.mongodb.documents import DELETIONS, Fields
from kato.storage.mongodb.lease import LEASES, WHICH
from kato.storage.mongodb.opening import Taken
from kato.storage.mongodb.plan import Plan

_PATIENCE = 20.0
"""Seconds in which a commit that failed is begun anew, or an unknown one looked into.  An election
takes about ten."""

_PAUSE = 0.1
"""Seconds before the next attempt."""


class _LeaseLost(Exception):
    """Another server has taken the database over."""


class _Unknown(Exception):
    """A commit was asked for, and not answered."""


@dataclass(slots=True)
class _Doubt:
    """A commit of which nobody knows whether it happened, until somebody finds out."""

    session: Any
    number: int
    happened: bool | None = None


class Transactions:
    """Commits, one after the other."""

    log = Logger()

    def __init__(self, wire: Connection, held: Taken, *, max_deletions: int, reactor: Any) -> None:
        self._connection = wire
        self._which = {**WHICH, "epoch": held.epoch}
        self._commit = held.commit
        self._max_deletions = max_deletions
        self._reactor = reactor
        self._doubt: _Doubt | None = None
        self._looking = DeferredLock()
        self._left_open: Any = None
        """The session of a transaction that is not to be."""
        self._stopping = False

    def stop(self) -> None:
        """Begin nothing anew any more."""
        self._stopping = True

    async def renew(self, **more: Any) -> None:
        """Make the lease last, after L{settle}.

        @raise StorageUnavailable: where it cannot be done now, or for ever.
        """
        try:
            await self.settle()
            await self._abort()
            await self._renew(**more)
        except (PyMongoError, *LOST) as error:
            raise _unavailable(error) from None

    async def release(self) -> None:
        """Let another server have the database at once."""
        try:
            await self.settle()
            await self._abort()
            await self._renew(seconds=0)
        except (StorageUnavailable, PyMongoError, *LOST) as error:
            self.log.warn(
                "the lease of the database ends by itself: {reason}", reason=reason(error)
            )

    async def settle(self) -> None:
        """See that no commit can happen any more of which nobody knows whether it did.

        @raise StorageUnavailable: where nobody can tell yet.
        """
        if self._doubt is not None:
            try:
                await self._look_into(self._doubt)
            except (PyMongoError, *LOST) as error:
                raise StorageUnavailable(
                    f"the database cannot be used now: {reason(error)}", retry_after=1
                ) from None

    async def commit(self, plan: Plan) -> None:
        """Make a transaction of a plan.

        @raise StorageUnavailable: where it did not happen; with C{outcome_unknown}, where nobody
            can tell.
        """
        deadline = self._reactor.seconds() + _PATIENCE
        while True:
            try:
                await self.settle()
                if await self._happens(plan, deadline):
                    return
                if self._is_over(deadline):
                    raise StorageUnavailable("nothing was stored", retry_after=1)
            except _Unknown as unknown:
                raise _unavailable(unknown.__cause__, outcome_unknown=True) from None
            except _LeaseLost:
                raise StorageUnavailable(
                    "another server has taken the database over; nothing was stored"
                ) from None
            except StorageUnavailable:
                if self._is_over(deadline):
                    raise
            except (PyMongoError, *LOST) as error:
                if not is_transient(error) or self._is_over(deadline):
                    raise _unavailable(error) from None
                self.log.warn("a commit is begun anew: {reason}", reason=reason(error))
            await self._pause()

    def _is_over(self, deadline: float) -> bool:
        return self._stopping or self._reactor.seconds() >= deadline

    async def _pause(self) -> None:
        await deferLater(self._reactor, _PAUSE, lambda: None)

    async def _happens(self, plan: Plan, deadline: float) -> bool:
        """Attempt it once; tell whether it happened.

        @raise _Unknown: where that does not come out until the deadline.
        """
        await self._abort()
        session = self._left_open = self._connection.session()
        session.start_transaction()
        try:
            await self._carry_out(plan, session)
        except (OperationFailure, _LeaseLost):
            await self._abort()
            raise
        self._left_open = None
        try:
            await self._connection.answered(session.commit_transaction())
        except (PyMongoError, *LOST) as error:
            self._doubt = _Doubt(session, self._commit + 1)
            return await self._came_to_pass(self._doubt, error, deadline)
        self._commit += 1
        await session.end_session()
        return True

    async def _carry_out(self, plan: Plan, session: Any) -> None:
        await self._touch_lease(session)
        for collection, conditions in plan.deletes.items():
            await self._connection.delete(collection, conditions, session)
        for collection, documents in plan.writes.items():
            await self._connection.put(collection, documents, session)
        if DELETIONS in plan.writes:
            await self._forget_deletions(session)

    async def _touch_lease(self, session: Any) -> None:
        change = lease.until(commit=self._commit + 1)
        done = await self._connection.command(
            {"update": LEASES, "updates": [{"q": self._which, "u": change}]}, session
        )
        if not done["n"]:
            raise _LeaseLost

    async def _forget_deletions(self, session: Any) -> None:
        """Of the deletions that can come again the last are kept."""
        found = await self._connection.command(
            {
                "find": DELETIONS,
                "sort": {"_id": -1},
                "skip": self._max_deletions,
                "limit": 1,
                "projection": {"_id": 1},
            },
            session,
        )
        for oldest in found["cursor"]["firstBatch"]:
            await self._connection.delete(DELETIONS, [{"_id": {"$lte": oldest["_id"]}}], session)

    async def _abort(self) -> None:
        """A transaction that was left open would be in the way of the next for a minute."""
        if self._left_open is not None:
            try:
                await self._connection.abort(self._left_open)
            except OperationFailure as error:
                self.log.debug("the database says: {reason}", reason=reason(error))
            self._left_open = None

    # What nobody knows

    async def _came_to_pass(self, doubt: _Doubt, error: Exception, deadline: float) -> bool:
        """Whether a commit happened that was not answered."""
        self.log.warn("a commit is looked into: {reason}", reason=reason(error))
        while True:
            try:
                return await self._look_into(doubt)
            except StorageUnavailable:
                raise _Unknown from error
            except (PyMongoError, *LOST):
                if self._is_over(deadline):
                    raise _Unknown from error
                await self._pause()

    async def _look_into(self, doubt: _Doubt) -> bool:
        """Find out whether a commit happened; whoever else wants to know it waits.

        @raise StorageUnavailable: where another server has the database.
        """
        await self._looking.acquire()
        try:
            if doubt.happened is None:
                doubt.happened = await self._happened(doubt)
                self._doubt = None
        finally:
            self._looking.release()
        return doubt.happened

    async def _happened(self, doubt: _Doubt) -> bool:
        """Ask for the commit again; then read what is true."""
        try:
            committed = doubt.session.commit_transaction()
            await self._connection.answered(committed, connection.ANSWERING_SOON)
        except OperationFailure as error:
            self.log.debug("the database says: {reason}", reason=reason(error))
        self._commit = (await self._renew())["commit"]
        happened = self._commit == doubt.number
        self.log.info("the commit {what}", what="happened" if happened else "did not happen")
        return happened

    async def _renew(self, seconds: float = lease.SECONDS, **more: Any) -> Fields:
        """The lease, for longer.

        @raise StorageUnavailable: where another server has it.
        """
        done = await self._connection.command(
            {
                "findAndModify": LEASES,
                "query": self._which,
                "update": lease.until(seconds, **more),
                "new": True,
                "writeConcern": {"w": "majority", "j": True},
                "maxTimeMS": int(connection.ANSWERING_SOON * 1000),
            }
        )
        found: Fields | None = done["value"]
        if found is None:
            raise StorageUnavailable("another server has taken the database over")
        return found


def _unavailable(
    error: BaseException | None, *, outcome_unknown: bool = False
) -> StorageUnavailable:
    why = reason(error) if isinstance(error, Exception) else "unknown"
    what = "it is not known whether it was stored" if outcome_unknown else "nothing was stored"
    return StorageUnavailable(f"{what}: {why}", retry_after=1, outcome_unknown=outcome_unknown)
