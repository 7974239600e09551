"""The tables of one SQLite file, read and written by the thread that connected to it."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from kato.changes import (
    Changes,
    Deletion,
    NumberedEvent,
    Percept,
    Remembered,
    Snapshot,
    StoredVector,
)
from kato.errors import StorageUnavailable
from kato.storage.interface import MAX_DELETIONS
from kato.storage.sqlite import rows
from kato.storage.sqlite.connection import connect
from kato.storage.sqlite.indexes import Indexes
from kato.storage.sqlite.schema import OF_A_PROCESSOR

_STREAMED = 1000
"""How many models are fetched at a time."""


class Database:
    """Whatever SQLite finds wrong while this is used is told as L{StorageUnavailable}."""

    def __init__(self, path: Path) -> None:
        """@param path: a database that L{kato.storage.sqlite.connection.prepare} has seen."""
        self._connection = connect(path)
        self._numbers: dict[str, int] = {}
        self.indexes = Indexes(self._connection, path)
        self.broken = False
        """A transaction could not be taken back: only another connection can go on."""

    def pragma(self, name: str) -> Any:
        """The value of a setting of this connection."""
        [(value,)] = self._connection.execute(f"PRAGMA {name}")
        return value

    def close(self) -> None:
        """Fold the write-ahead log into the database, and close it.

        @raise sqlite3.Error: where the log stays, to be folded in when it is opened again.
        """
        with closing(self._connection):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    # Reading

    def processors(self) -> list[str]:
        """The ids of all processors that are stored, sorted."""
        with _reading("the list of processors"):
            found = self._all("SELECT id FROM processors ORDER BY id")
            return [processor for (processor,) in found]

    def deletions(self) -> list[Deletion]:
        """The deletions that carried a request id, oldest first."""
        with _reading("the list of deletions"):
            found = self._all(
                "SELECT processor, ordinal, key, digest, fields, NULL, NULL, interval, time_stamp"
                " FROM deletions ORDER BY ordinal"
            )
            return [Deletion(processor, rows.read_answer(tuple(row))) for processor, *row in found]

    def load(self, processor: str, restore: Callable[[Snapshot], Any]) -> Any:
        """What C{restore} makes of all that is stored of a processor; C{None} if there is none."""
        with closing(self._connection.cursor()) as models:
            snapshot = self._snapshot(processor, models)
            if snapshot is None:
                return None
            try:
                return restore(snapshot)
            except sqlite3.Error as error:
                raise rows.damaged(f"processor {processor}", error) from None

    def _snapshot(self, processor: str, models: sqlite3.Cursor) -> Snapshot | None:
        with _reading(f"processor {processor}"):
            writes_of_others = self.indexes.writes_of_others()
            found = self._all(
                "SELECT number, index_token, name, genes, interval, stm_start, stm_end, emotives,"
                " revision, accuracy FROM processors WHERE id = ?",
                processor,
            )
            if not found:
                return None
            [(number, token, *state)] = found
            self.indexes.seen(number, writes_of_others)
            models.execute(
                "SELECT name, sequence, frequency, emotives FROM models WHERE processor = ?",
                (number,),
            )
            return Snapshot(
                processor,
                rows.read_state(tuple(state)),
                self._percept(number),
                self._events(number),
                self._vectors(number),
                self._answers(number, "observation"),
                self._answers(number, "request"),
                rows.read_models(_streamed(models)),
                self.indexes.read(number, token),
            )

    def _all(self, select: str, *values: object) -> list[rows.Row]:
        """All that is found, at once: a cursor that is left in the midst, by an error too, would
        hold the whole connection at an old state."""
        return self._connection.execute(select, values).fetchall()

    def _percept(self, number: int) -> Percept:
        found = self._all("SELECT observation, event FROM percepts WHERE processor = ?", number)
        return rows.read_percept(found[0]) if found else Percept()

    def _events(self, number: int) -> tuple[NumberedEvent, ...]:
        found = self._all(
            "SELECT number, event FROM events WHERE processor = ? ORDER BY number", number
        )
        return tuple(NumberedEvent(index, rows.read_event(event)) for index, event in found)

    def _vectors(self, number: int) -> tuple[StoredVector, ...]:
        found = self._all(
            "SELECT symbol, components, learned FROM vectors WHERE processor = ?", number
        )
        return tuple(map(rows.read_vector, found))

    def _answers(self, number: int, kind: str) -> tuple[Remembered, ...]:
        found = self._all(
            "SELECT ordinal, key, digest, fields, stm_start, stm_end, interval, time_stamp"
            " FROM answers WHERE processor = ? AND kind = ? ORDER BY ordinal",
            number,
            kind,
        )
        return tuple(map(rows.read_answer, found))

    # Writing

    def commit(self, changes: Sequence[Changes | Deletion]) -> None:
        """Keep all of C{changes}, in order, or nothing."""
        self.indexes.unfit.clear()
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for each in changes:
                if isinstance(each, Deletion):
                    self._delete(each)
                else:
                    self._apply(each)
        except BaseException as error:
            self._roll_back()
            if isinstance(error, sqlite3.Error):
                raise StorageUnavailable(
                    f"nothing can be stored now: {error}", retry_after=1
                ) from None
            raise
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise StorageUnavailable(
                f"nothing can be stored now: {error}",
                retry_after=1,
                outcome_unknown=not self._undone(),
            ) from None

    def _roll_back(self) -> None:
        """Take the transaction back, where SQLite has not done so by itself."""
        self._numbers.clear()
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            self.broken = True
            self._connection.close()

    def _undone(self) -> bool:
        """Take back a commit that failed; tell whether it is certain that it cannot come back.

        All of it may stand in the write-ahead log, where the next start would take it for good.  It
        cannot once another commit, of next to nothing, stands in its place.
        """
        self._roll_back()
        try:
            self._connection.execute(f"PRAGMA user_version = {self.pragma('user_version')}")
        except sqlite3.Error:
            return False
        return True

    def _apply(self, changes: Changes) -> None:
        number = self._number(changes.processor)
        if changes.touches_models:
            self.indexes.unfit.add(number)
        self._forget(number, changes)
        self._delete_parts(number, changes)
        self._connection.execute(
            "UPDATE processors SET name = ?, genes = ?, interval = ?, stm_start = ?, stm_end = ?,"
            " emotives = ?, revision = ?, accuracy = ? WHERE number = ?",
            (*rows.state_row(changes.state), number),
        )
        if changes.percept is not None:
            self._connection.execute(_PERCEPT, (number, *rows.percept_row(changes.percept)))
        self._write(number, changes)

    def _number(self, processor: str) -> int:
        """What the tables call a processor; it gets a row if it has none."""
        number = self._numbers.get(processor)
        if number is None:
            made = self._connection.execute(
                "INSERT INTO processors (id, name, genes, interval, stm_start, stm_end, emotives)"
                " VALUES (?, '', '{}', 0, 0, 0, '{}') ON CONFLICT DO NOTHING",
                (processor,),
            )
            [(number,)] = self._connection.execute(
                "SELECT number FROM processors WHERE id = ?", (processor,)
            )
            if made.rowcount:
                self.indexes.seen(number, self.indexes.writes_of_others())
            self._numbers[processor] = number
        return number

    def _forget(self, number: int, changes: Changes) -> None:
        execute = self._connection.execute
        if changes.forgets_memory:
            execute("DELETE FROM models WHERE processor = ?", (number,))
            execute("DELETE FROM vectors WHERE processor = ?", (number,))
        if changes.forgets_pending:
            execute("DELETE FROM vectors WHERE processor = ? AND NOT learned", (number,))
        for kind, oldest in (
            ("observation", changes.oldest_observation),
            ("request", changes.oldest_request),
        ):
            if oldest:
                execute(
                    "DELETE FROM answers WHERE processor = ? AND kind = ? AND ordinal < ?",
                    (number, kind, oldest),
                )

    def _delete_parts(self, number: int, changes: Changes) -> None:
        executemany = self._connection.executemany
        if changes.deleted_models:
            executemany(
                "DELETE FROM models WHERE processor = ? AND name = ?",
                [(number, name) for name in changes.deleted_models],
            )
        if changes.dropped_events:
            executemany(
                "DELETE FROM events WHERE processor = ? AND number >= ? AND number < ?",
                [(number, *window) for window in changes.dropped_events],
            )

    def _write(self, number: int, changes: Changes) -> None:
        executemany = self._connection.executemany
        if changes.models:
            executemany(_MODEL, ((number, *rows.model_row(each)) for each in changes.models))
        if changes.vectors:
            executemany(_VECTOR, ((number, *rows.vector_row(each)) for each in changes.vectors))
        if changes.events:
            executemany(_EVENT, ((number, i, rows.write(event)) for i, event in changes.events))
        for kind, answers in (("observation", changes.observations), ("request", changes.requests)):
            if answers:
                executemany(_ANSWER, ((number, kind, *rows.answer_row(each)) for each in answers))

    def _delete(self, deletion: Deletion) -> None:
        execute = self._connection.execute
        number = self._number(deletion.processor)
        for table in OF_A_PROCESSOR:
            execute(f"DELETE FROM {table} WHERE processor = ?", (number,))
        execute("DELETE FROM processors WHERE number = ?", (number,))
        self.indexes.unfit.add(number)
        del self._numbers[deletion.processor]
        if deletion.request is not None:
            self._remember(deletion.processor, deletion.request)

    def _remember(self, processor: str, request: Remembered) -> None:
        """Keep a deletion that can come again; the oldest is forgotten."""
        ordinal, key, digest, fields, _, _, interval, time_stamp = rows.answer_row(request)
        self._connection.execute(
            "INSERT OR REPLACE INTO deletions VALUES (?, ?, ?, ?, ?, ?, ?)",
            (ordinal, processor, key, digest, fields, interval, time_stamp),
        )
        self._connection.execute(
            "DELETE FROM deletions WHERE ordinal <="
            " (SELECT ordinal FROM deletions ORDER BY ordinal DESC LIMIT 1 OFFSET ?)",
            (MAX_DELETIONS,),
        )


_PERCEPT = "INSERT OR REPLACE INTO percepts VALUES (?, ?, ?)"
_MODEL = (
    "INSERT INTO models VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
    " SET sequence = excluded.sequence, frequency = excluded.frequency,"
    " emotives = excluded.emotives"
)
_VECTOR = (
    "INSERT INTO vectors VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
    " SET components = excluded.components, learned = excluded.learned"
)
_EVENT = "INSERT OR REPLACE INTO events VALUES (?, ?, ?)"
_ANSWER = "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


@contextmanager
def _reading(what: str) -> Iterator[None]:
    """Tell a row that cannot be read, or not as what it should be, as what it is to a client."""
    try:
        yield
    except (sqlite3.Error, *rows.DAMAGE) as error:
        raise rows.damaged(what, error) from None


def _streamed(found: sqlite3.Cursor) -> Iterator[rows.Row]:
    while some := found.fetchmany(_STREAMED):
        yield from some
