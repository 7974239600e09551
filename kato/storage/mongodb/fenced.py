"""A commit of one of several services: it touches the owners of all its processors, under their
epochs, in its own transaction; who does not own them any more writes nothing."""

from collections.abc import Sequence
from typing import Any

from kato.holdings import Fence
from kato.storage.mongodb.attempts import Attempts
from kato.storage.mongodb.connection import Connection
from kato.storage.mongodb.opening import Taken
from kato.storage.mongodb.owners import OWNERS
from kato.storage.mongodb.plan import Plan
from kato.storage.mongodb.sessions import Sessions
from kato.storage.mongodb.transaction import Transactions
from kato.storage.shared import Fenced


class FencedTransactions(Transactions):
    """Commits where nobody has the database for himself: there is no lease to be renewed, and what
    nobody knows to have happened is fenced by the next epoch."""

    def __init__(
        self,
        connection: Connection,
        held: Taken,
        *,
        max_deletions: int,
        reactor: Any,
        sessions: Sessions,
    ) -> None:
        """@param sessions: where those of these transactions are told."""
        super().__init__(connection, held, max_deletions=max_deletions, reactor=reactor)
        self._attempts = Attempts(connection, sessions, reactor=reactor)

    async def settle(self) -> None:
        """What is not settled is fenced."""

    async def release(self) -> None:
        """There is nothing to be given back."""

    async def commit(self, plan: Plan) -> None:
        """Make a transaction of a plan whose processors have no owner."""
        await self.commit_under(plan, Fence("", {}), ())

    async def commit_under(self, plan: Plan, fence: Fence, deleted: Sequence[str]) -> None:
        """Make a transaction of a plan.

        @param fence: exactly what is written.
        @param deleted: the processors of C{fence} that end with it.
        @raise Fenced: where not all is the writer's; nothing was written.
        @raise StorageUnavailable: as L{Attempts.transact}.
        """

        async def work(session: Any) -> None:
            if fence.epochs:
                await self._touch_owners(fence, session)
            await self._carry_out(plan, session)
            if deleted:
                deletes = [{"q": {"_id": each}, "limit": 1} for each in deleted]
                await self._connection.command({"delete": OWNERS, "deletes": deletes}, session)

        await self._attempts.transact(work)

    async def _touch_lease(self, session: Any) -> None:
        """There is none."""

    async def _touch_owners(self, fence: Fence, session: Any) -> None:
        """Whoever changes an owner meanwhile runs into this transaction, or this one into his."""
        updates = [
            {
                "q": {"_id": each, "service": fence.boot, "epoch": epoch},
                "u": {"$inc": {"commits": 1}},
            }
            for each, epoch in fence.epochs.items()
        ]
        done = await self._connection.command({"update": OWNERS, "updates": updates}, session)
        if done["n"] != len(updates):
            raise Fenced(await self._foreign(fence, session))

    async def _foreign(self, fence: Fence, session: Any) -> frozenset[str]:
        """Which are not the writer's."""
        mine = {"_id": {"$in": list(fence.epochs)}, "service": fence.boot}
        find = {"find": OWNERS, "filter": mine, "batchSize": len(fence.epochs)}
        found = (await self._connection.command(find, session))["cursor"]["firstBatch"]
        own = {each["_id"] for each in found if each["epoch"] == fence.epochs[each["_id"]]}
        return frozenset(fence.epochs.keys() - own)
