"""One connection to a database, through txmongo.

One, since what is written to a server and read from it then has an order, and so that it is one and
the same server, which knows what was committed.
"""

from collections.abc import Awaitable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar

from pymongo import DeleteMany, ReplaceOne
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.task import deferLater
from twisted.logger import Logger
from txmongo.connection import ConnectionPool
from txmongo.errors import TimeExceeded

from kato.errors import KatoError
from kato.storage.mongodb.address import Address
from kato.storage.mongodb.documents import Fields
from kato.storage.mongodb.pieces import Written
from kato.storage.mongodb.protocol import Protocol

_T = TypeVar("_T")

_CONNECTING = 5
"""Seconds that connecting to a server may take."""

_AGAIN = 0.5
"""Seconds between two attempts to connect, at most."""

_ANSWERING = 60
"""Seconds in which a server has to answer one statement: no transaction may take longer, by
MongoDB's own default.  That it lives at all txmongo sees earlier, by its pings."""

ANSWERING_SOON = 5.0
"""Seconds in which it has to answer where there is next to nothing to do."""

_AT_ONCE = 1000
"""How many operations a statement has at most, and documents a batch."""

_ENDING = 5.0

_TRANSIENT_CODES = frozenset({112, 251, 11600, 11602, 91, 189, 10107, 13435, 13436})
"""Conflicts of writes, transactions that are gone, and servers that stop or step down."""

LOST = (ConnectionFailure, TimeExceeded, DeferredTimeout, CancelledError)
"""What is raised where a server was not reached, or did not answer."""


def is_transient(error: Exception) -> bool:
    """Whether the same may succeed on the next attempt."""
    if isinstance(error, LOST):
        return True
    if not isinstance(error, OperationFailure):
        return False
    return error.has_error_label("TransientTransactionError") or not _TRANSIENT_CODES.isdisjoint(
        _codes(error)
    )


def _codes(error: OperationFailure) -> set[int]:
    details: Any = error.details or {}
    many = [*details.get("writeErrors", ()), *details.get("writeConcernErrors", ())]
    return {code for code in (error.code, *(each.get("code") for each in many)) if code is not None}


def reason(error: Exception) -> str:
    """What an error says, in one line.

    What txmongo says of a failed command repeats all that was to be written.
    """
    if isinstance(error, KatoError):
        return error.message
    details = error.details if isinstance(error, OperationFailure) else None
    if details:
        many = [*details.get("writeErrors", ()), *details.get("writeConcernErrors", ())]
        said = details.get("errmsg") or next((each.get("errmsg") for each in many), None)
        return " ".join(str(said or f"error {details.get('code')}").split())
    if isinstance(error, DeferredTimeout | TimeExceeded | CancelledError):
        return "the database does not answer"
    if isinstance(error, ConnectionFailure):
        return "the connection to the database is lost"
    return type(error).__name__


class Connection:
    """All that is sent to MongoDB goes through this.

    Whatever fails raises an error of C{pymongo}'s, or one of L{LOST}.
    """

    log = Logger()

    def __init__(self, address: Address, *, reactor: Any, answering: float | None = None) -> None:
        """@param answering: seconds in which a server has to answer one statement, if not the
        usual ones."""
        self._reactor = reactor
        self._answering = answering
        self._pool = ConnectionPool(
            address.url,
            pool_size=1,
            w="majority",
            j=True,
            retry_delay=_CONNECTING,
            max_delay=_AGAIN,
        )
        for each in self._pool.getprotocols():
            each.protocol = Protocol
            each.noisy = False
            each.delay = _AGAIN
            # By itself it would wait as long as connecting may take.
            each.resetDelay = partial(setattr, each, "delay", _AGAIN)
        self._database = self._pool[address.database]

    def session(self) -> Any:
        """A session of transactions, for all statements of each of them."""
        return self._pool.start_session()

    async def answered(self, asked: Awaitable[_T], seconds: float | None = None) -> _T:
        """What comes of something that was asked; who does not answer in time is hung up on."""
        deferred: Deferred[_T] = Deferred.fromCoroutine(_awaited(asked))
        patience = seconds or self._answering or _ANSWERING
        try:
            return await deferred.addTimeout(patience, self._reactor)
        except DeferredTimeout:
            self.hang_up()
            raise

    def hang_up(self) -> None:
        """Drop the connection, so that nothing comes of what was sent and not answered; the next
        one is made by itself."""
        for each in self._pool.getprotocols():
            if each.instance is not None:
                each.instance.transport.abortConnection()

    async def command(self, command: Fields, session: Any = None) -> Fields:
        """Have the database carry out a small command."""
        asked = self._database.command(command, session=session)
        found: Fields = await self.answered(asked, ANSWERING_SOON)
        return found

    async def abort(self, session: Any) -> None:
        """Let the server give a transaction up; C{end_session} would not say whether it heard."""
        aborted = self._pool.admin.command({"abortTransaction": 1}, session=session)
        await self.answered(aborted, ANSWERING_SOON)

    async def delete(self, collection: str, conditions: Sequence[Fields], session: Any) -> None:
        """Delete all documents that fit one of C{conditions}."""
        await self._write(collection, [DeleteMany(each) for each in conditions], session)

    async def put(self, collection: str, documents: Iterable[Written], session: Any) -> None:
        """Write documents, in the place of those with the same C{_id}."""
        await self._write(collection, [_replacing(each) for each in documents], session)

    async def _write(self, collection: str, operations: list[Any], session: Any) -> None:
        into = self._database[collection]
        for start in range(0, len(operations), _AT_ONCE):
            some = operations[start : start + _AT_ONCE]
            await self.answered(into.bulk_write(some, ordered=False, session=session))

    def find(
        self,
        collection: str,
        condition: Fields,
        *,
        fields: Sequence[str] = (),
        sort: Sequence[tuple[str, int]] = (),
        batch: int = _AT_ONCE,
    ) -> "Batches":
        """The documents that fit, a batch at a time."""
        cursor = self._database[collection].find(
            condition, dict.fromkeys(fields, 1) or None, batch_size=batch
        )
        if sort:
            cursor.sort(list(sort))
        return Batches(self, cursor)

    async def close(self) -> None:
        """Let go of all connections."""
        deadline = self._reactor.seconds() + _ENDING
        await self._pool.disconnect()
        while any(each.instance is not None for each in self._pool.getprotocols()):
            if self._reactor.seconds() > deadline:
                self.hang_up()
                return
            await deferLater(self._reactor, 0.01, lambda: None)


def _replacing(written: Written) -> Any:
    where = {"_id": written.id}
    if written.processor is not None:
        where["processor"] = written.processor  # by it a collection may be sharded
    return ReplaceOne(where, written.document, upsert=True)


async def _awaited(asked: Awaitable[_T]) -> _T:
    return await asked


class Batches:
    """What was found; the next batch is on its way while one is used."""

    def __init__(self, connection: Connection, cursor: Any) -> None:
        self._connection = connection
        self._cursor = cursor
        self._upcoming: Deferred[list[Fields]] | None = None

    def next(self) -> "Deferred[list[Fields]]":
        """The next batch; an empty one is the last."""
        batch = self._upcoming or self._ask()
        self._upcoming = None
        return batch.addCallback(self._ask_ahead)

    def _ask(self) -> "Deferred[list[Fields]]":
        if self._cursor.exhausted:
            return succeed([])
        return Deferred.fromCoroutine(self._connection.answered(self._cursor.next_batch()))

    def _ask_ahead(self, batch: list[Fields]) -> "list[Fields] | Deferred[list[Fields]]":
        if self._cursor.exhausted:
            return batch
        if not batch:
            return self.next()
        self._upcoming = self._ask()
        return batch

    async def close(self) -> None:
        """Nothing more of it is needed."""
        try:
            if self._upcoming is not None:
                await self._upcoming
            await self._connection.answered(self._cursor.close())
        except (PyMongoError, *LOST):
            pass  # a server drops what it has ready by itself, in time
