"""Transactions of several services on one database: begun anew where others were faster, and asked
for again where the answer to the last step was lost."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from pymongo.errors import OperationFailure, PyMongoError
from twisted.internet.task import deferLater

from kato.errors import StorageUnavailable
from kato.storage.mongodb.connection import LOST, Connection, is_transient, reason
from kato.storage.mongodb.sessions import Sessions

_T = TypeVar("_T")

PATIENCE = 8.0
"""Seconds in which a transaction that failed is begun anew."""

_PAUSE = 0.05
"""Seconds before the next attempt."""

_ASKING_AGAIN = 3.0
"""Seconds in which a server has to say what became of a transaction."""

_DUPLICATE = 11000
"""Somebody else has written the same document meanwhile."""

Work = Callable[[Any], Awaitable[_T]]
"""All statements of a transaction, with its session."""


class Attempts:
    """Makes transactions on one connection."""

    def __init__(self, connection: Connection, sessions: Sessions, *, reactor: Any) -> None:
        self._connection = connection
        self._sessions = sessions
        self._reactor = reactor

    async def transact(self, work: Work[_T]) -> _T:
        """Have it happen once, or not at all.

        @raise StorageUnavailable: where it did not happen; with C{outcome_unknown}, where nobody
            can tell: it may still happen.
        """
        deadline = self._reactor.seconds() + PATIENCE
        while True:
            try:
                return await self._attempt(work)
            except (PyMongoError, *LOST) as error:
                late = self._reactor.seconds() >= deadline
                if late or not (is_transient(error) or _is_duplicate(error)):
                    raise unavailable(error, outcome_unknown=False) from None
            await deferLater(self._reactor, _PAUSE, lambda: None)

    async def _attempt(self, work: Work[_T]) -> _T:
        session = self._connection.session()
        await self._sessions.tell(session)
        session.start_transaction()
        try:
            result = await work(session)
        except BaseException:
            await self._abort(session)
            raise
        await self._commit(session)
        return result

    async def _commit(self, session: Any) -> None:
        """Ask for the last step, and again where it is not answered; it happens once."""
        try:
            await self._connection.answered(session.commit_transaction())
        except (PyMongoError, *LOST) as error:
            if isinstance(error, OperationFailure) and is_transient(error):
                raise  # nothing of it happened
            await self._ask_again(session, error)
        await session.end_session()

    async def _ask_again(self, session: Any, lost: Exception) -> None:
        try:
            await self._connection.answered(session.commit_transaction(), _ASKING_AGAIN)
        except (PyMongoError, *LOST):
            raise unavailable(lost, outcome_unknown=True) from None

    async def _abort(self, session: Any) -> None:
        """A transaction that is left open would be in the way of others."""
        try:
            await self._connection.answered(session.end_session(), _ASKING_AGAIN)
        except (PyMongoError, *LOST):
            pass  # it ends with its server, or when it is too old


def _is_duplicate(error: Exception) -> bool:
    if not isinstance(error, OperationFailure):
        return False
    details: Any = error.details or {}
    codes = {error.code, *(each.get("code") for each in details.get("writeErrors", ()))}
    return _DUPLICATE in codes


def unavailable(error: Exception, *, outcome_unknown: bool) -> StorageUnavailable:
    """What is told in place of an error of MongoDB's."""
    what = "it is not known whether it was stored" if outcome_unknown else "nothing was stored"
    return StorageUnavailable(
        f"{what}: {reason(error)}", retry_after=1, outcome_unknown=outcome_unknown
    )
