"""A store in one SQLite file: the default, with nothing to install (SPEC 11)."""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, succeed
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool
from zope.interface import implementer

from kato.changes import Changes, Deletion, NumberedEvent, Percept, Remembered, Snapshot
from kato.errors import StorageUnavailable
from kato.model import Model
from kato.storage import rows
from kato.storage.interface import MAX_DELETIONS, CannotOpen, IStore
from kato.storage.lock import FileLock
from kato.storage.schema import OF_A_PROCESSOR, migrate

_T = TypeVar("_T")

_STREAMED = 1000
"""How many models are read at a time."""


@implementer(IStore)
class SqliteStore:
    """Provides L{IStore} on a thread of its own, which alone touches the database.

    C{twistd} may fork after L{open}, and neither a thread nor a connection survives that: so
    L{open} leaves only the lock, and the thread with its connection is made when first needed.
    """

    def __init__(self, path: Path, *, reactor: Any) -> None:
        """@param path: the database, which is made where there is none."""
        self._path = path.expanduser().resolve()
        self._lock = FileLock(self._path.with_name(self._path.name + ".lock"))
        self._reactor = reactor
        self._thread = ThreadPool(1, 1, "sqlite")
        self._database: _Database | None = None
        self._commits = 0
        self._failures = 0
        self._last_commit = 0.0

    def open(self) -> None:
        """Take the lock, make or migrate the database, and see that it can be used.

        @raise CannotOpen: in one line.
        """
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock.take()
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            connection = connect(self._path)
            migrate(connection)
            connection.close()
        except (CannotOpen, OSError, sqlite3.Error) as error:
            self._lock.release()
            why = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise CannotOpen(f"storage {self._path} cannot be used: {why}") from None

    def _call(self, call: Callable[..., _T], *args: Any) -> "Deferred[_T]":
        """Call a function with the database, on its thread."""
        if not self._thread.started:
            self._thread.start()

        def with_database() -> _T:
            if self._database is None:
                self._database = _Database(connect(self._path))
            return call(self._database, *args)

        called: Deferred[_T] = deferToThreadPool(self._reactor, self._thread, with_database)
        return called

    def processors(self) -> "Deferred[Sequence[str]]":
        """The ids of all processors that are stored, sorted."""
        return self._call(_reading(_Database.processors))

    def load(self, processor: str, restore: Callable[[Snapshot], Any]) -> "Deferred[Any]":
        """Call C{restore} with all that is stored of a processor, on the store's thread."""
        return self._call(_reading(_Database.load), processor, restore)

    def deletions(self) -> "Deferred[Sequence[Deletion]]":
        """The last deletions that carried a request id, oldest first."""
        return self._call(_reading(_Database.deletions))

    def commit(self, changes: Sequence[Changes | Deletion]) -> "Deferred[None]":
        """Keep all of C{changes}, in order, in one transaction."""
        return self._call(self._commit, changes)

    def _commit(self, database: "_Database", changes: Sequence[Changes | Deletion]) -> None:
        begun = perf_counter()
        try:
            database.commit(changes)
        except BaseException:
            self._failures += 1
            raise
        self._commits += 1
        self._last_commit = perf_counter() - begun

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of this store."""
        return {
            "kind": "sqlite",
            "commits": self._commits,
            "failures": self._failures,
            "last_commit_seconds": round(self._last_commit, 6),
        }

    def close(self) -> "Deferred[None]":
        """Finish what is under way, fold the write-ahead log into the database, and let go."""
        closed = self._call(_Database.close) if self._thread.started else succeed(None)
        return closed.addBoth(self._closed)

    def _closed(self, result: _T) -> _T:
        if self._thread.started:
            self._thread.stop()
        self._lock.release()
        return result


def connect(path: Path) -> sqlite3.Connection:
    """A connection whose commits survive a loss of power, and whose transactions are explicit."""
    connection = sqlite3.connect(path, isolation_level=None, cached_statements=64)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -65536")
    return connection


def _reading(call: Callable[..., _T]) -> Callable[..., _T]:
    """Tell a failure to read as what it is to a client."""

    def read(database: "_Database", *args: Any) -> _T:
        try:
            return call(database, *args)
        except sqlite3.Error as error:
            raise StorageUnavailable(
                f"the storage cannot be read: {error}", retry_after=1
            ) from None

    return read


class _Database:
    """The tables, on the thread that owns their connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._numbers: dict[str, int] = {}

    # Reading

    def processors(self) -> list[str]:
        found = self._connection.execute("SELECT id FROM processors ORDER BY id")
        return [processor for (processor,) in found]

    def deletions(self) -> list[Deletion]:
        found = self._connection.execute(
            "SELECT processor, ordinal, key, digest, fields, NULL, NULL, interval, time_stamp"
            " FROM deletions ORDER BY ordinal"
        )
        return [Deletion(processor, rows.read_answer(row)) for processor, *row in found]

    def load(self, processor: str, restore: Callable[[Snapshot], Any]) -> Any:
        found = self._connection.execute(
            "SELECT number, name, genes, interval, stm_start, stm_end, emotives"
            " FROM processors WHERE id = ?",
            (processor,),
        ).fetchone()
        if found is None:
            return None
        number, *state = found
        return restore(
            Snapshot(
                processor,
                rows.read_state(tuple(state)),
                self._percept(number),
                self._events(number),
                tuple(map(rows.read_vector, self._of(number, "vectors", _VECTOR))),
                self._answers(number, "observation"),
                self._answers(number, "request"),
                self._models(number),
            )
        )

    def _of(self, number: int, table: str, columns: str) -> sqlite3.Cursor:
        return self._connection.execute(
            f"SELECT {columns} FROM {table} WHERE processor = ?", (number,)
        )

    def _percept(self, number: int) -> Percept:
        found = self._of(number, "percepts", "observation, event").fetchone()
        return Percept() if found is None else rows.read_percept(found)

    def _events(self, number: int) -> tuple[NumberedEvent, ...]:
        found = self._of(number, "events", "number, event")
        return tuple(NumberedEvent(index, rows.read_event(event)) for index, event in found)

    def _answers(self, number: int, kind: str) -> tuple[Remembered, ...]:
        found = self._connection.execute(
            f"SELECT {_ANSWER} FROM answers WHERE processor = ? AND kind = ?", (number, kind)
        )
        return tuple(map(rows.read_answer, found))

    def _models(self, number: int) -> Iterator[Model]:
        found = self._of(number, "models", _MODEL)
        return rows.read_models(_streamed(found))

    # Writing

    def commit(self, changes: Sequence[Changes | Deletion]) -> None:
        """All of it or nothing."""
        execute = self._connection.execute
        try:
            execute("BEGIN IMMEDIATE")
            for each in changes:
                if isinstance(each, Deletion):
                    self._delete(each)
                else:
                    self._apply(each)
        except BaseException as error:
            self._undo()
            if isinstance(error, sqlite3.Error):
                raise StorageUnavailable(
                    f"nothing can be stored now: {error}", retry_after=1
                ) from None
            raise
        try:
            execute("COMMIT")
        except sqlite3.Error as error:
            self._undo()
            raise StorageUnavailable(
                f"storing did not end well: {error}", retry_after=1, outcome_unknown=True
            ) from None

    def _undo(self) -> None:
        """Roll back, where SQLite has not done so by itself."""
        self._numbers.clear()
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _number(self, processor: str) -> int:
        number = self._numbers.get(processor)
        if number is None:
            found = self._connection.execute(
                "SELECT number FROM processors WHERE id = ?", (processor,)
            ).fetchone()
            if found is None:
                found = self._connection.execute(
                    "INSERT INTO processors VALUES (NULL, ?, '', '', 0, 0, 0, '') RETURNING number",
                    (processor,),
                ).fetchone()
            number = self._numbers[processor] = int(found[0])
        return number

    def _apply(self, changes: Changes) -> None:
        number = self._number(changes.processor)
        self._forget(number, changes)
        execute = self._connection.execute
        execute(
            "UPDATE processors SET name = ?, genes = ?, interval = ?, stm_start = ?, stm_end = ?,"
            " emotives = ? WHERE number = ?",
            (*rows.state_row(changes.state), number),
        )
        if changes.percept is not None:
            execute(
                "INSERT OR REPLACE INTO percepts VALUES (?, ?, ?)",
                (number, *rows.percept_row(changes.percept)),
            )
        self._put("models", (), number, map(rows.model_row, changes.models), 5)
        self._put("vectors", (), number, map(rows.vector_row, changes.vectors), 4)
        events = ((index, rows.write(event)) for index, event in changes.events)
        self._put("events", (), number, events, 3)
        self._put("answers", ("observation",), number, map(rows.answer_row, changes.observations))
        self._put("answers", ("request",), number, map(rows.answer_row, changes.requests))

    def _put(
        self,
        table: str,
        kind: tuple[str, ...],
        number: int,
        fresh: Iterable[rows.Row],
        columns: int = 10,
    ) -> None:
        """Write rows of one processor, in the place of those with the same key."""
        self._connection.executemany(
            f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * columns)})",
            ((number, *kind, *row) for row in fresh),
        )

    def _forget(self, number: int, changes: Changes) -> None:
        execute, executemany = self._connection.execute, self._connection.executemany
        if changes.forgets_memory:
            execute("DELETE FROM models WHERE processor = ?", (number,))
            execute("DELETE FROM vectors WHERE processor = ?", (number,))
        if changes.forgets_pending:
            execute("DELETE FROM vectors WHERE processor = ? AND NOT learned", (number,))
        executemany(
            "DELETE FROM models WHERE processor = ? AND name = ?",
            ((number, name) for name in changes.deleted_models),
        )
        executemany(
            "DELETE FROM events WHERE processor = ? AND number >= ? AND number < ?",
            ((number, *window) for window in changes.dropped_events),
        )
        for kind, oldest in (
            ("observation", changes.oldest_observation),
            ("request", changes.oldest_request),
        ):
            execute(
                "DELETE FROM answers WHERE processor = ? AND kind = ? AND ordinal < ?",
                (number, kind, oldest),
            )

    def _delete(self, deletion: Deletion) -> None:
        execute = self._connection.execute
        number = self._number(deletion.processor)
        for table in OF_A_PROCESSOR:
            execute(f"DELETE FROM {table} WHERE processor = ?", (number,))
        execute("DELETE FROM processors WHERE number = ?", (number,))
        del self._numbers[deletion.processor]
        request = deletion.request
        if request is not None:
            execute(
                "INSERT OR REPLACE INTO deletions VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    request.ordinal,
                    deletion.processor,
                    request.key,
                    request.digest,
                    rows.write(request.fields),
                    request.interval,
                    request.time_stamp,
                ),
            )
            execute("DELETE FROM deletions WHERE ordinal <= ?", (request.ordinal - MAX_DELETIONS,))

    def close(self) -> None:
        """Fold the write-ahead log into the database, and close it."""
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()


_MODEL = "name, sequence, frequency, emotives"
_VECTOR = "symbol, components, learned"
_ANSWER = "ordinal, key, digest, fields, stm_start, stm_end, interval, time_stamp"


def _streamed(found: sqlite3.Cursor) -> Iterator[rows.Row]:
    while some := found.fetchmany(_STREAMED):
        yield from some
