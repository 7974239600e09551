"""Which index fits which models: a token in the database, which triggers take back as soon as a
model changes (docs/decisions/index-snapshot.md)."""

import secrets
import sqlite3
from pathlib import Path
from typing import NamedTuple

from kato.errors import StorageUnavailable
from kato.storage.sqlite.index_files import IndexFiles


class Named(NamedTuple):
    """An index on its way into a file."""

    number: int
    """That of its processor."""
    token: str


class Indexes:
    """The indexes of one database, for the thread that connected to it."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        """@param path: of the database."""
        self.files = IndexFiles(path)
        self._connection = connection
        self._seen: dict[int, int] = {}
        self.unfit: set[int] = set()
        """The processors, by number, of which the last commit has changed models."""

    def seen(self, number: int, writes_of_others: int) -> None:
        """Whoever asked for a processor knows of it what is stored, and nothing of what other
        programs write later.

        @param writes_of_others: what L{writes_of_others} gave before it was read.
        """
        self._seen[number] = writes_of_others

    def writes_of_others(self) -> int:
        """A number that is another one when another program has written to the database."""
        [(version,)] = self._connection.execute("PRAGMA data_version")
        return int(version)

    def read(self, number: int, token: str | None) -> bytes | None:
        """The index of the processor with this number, by the token of its row."""
        return None if token is None else self.files.read(number, token)

    def name(self, processor: str) -> Named | None:
        """Give an index that is made of the models as they are now a token, which the database has
        from now on, and no longer than they stay so; C{None} where there is no such processor.

        @raise StorageUnavailable: where the models are not those that this program knows.
        @raise sqlite3.Error: where it cannot be noted.
        """
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            found = execute("SELECT number FROM processors WHERE id = ?", (processor,)).fetchall()
            named = Named(found[0][0], secrets.token_hex(16)) if found else None
            if named is not None:
                self._check_unseen(processor, named.number)
                execute("UPDATE processors SET index_token = ? WHERE number = ?", named[::-1])
            execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                execute("ROLLBACK")
            raise
        return named

    def _check_unseen(self, processor: str, number: int) -> None:
        if self._seen.get(number) != self.writes_of_others():
            raise StorageUnavailable(
                f"another program has written to the database since {processor} was read"
            )

    def dropped(self) -> list[int]:
        """The processors, by number, whose files nobody will read after the last commit."""
        return [number for number in self.unfit if self.files.has(number)]

    def settle(self, named: Named) -> None:
        """Let the index be found whose file was written, if it still fits.

        @raise sqlite3.Error, OSError: where that cannot be told or done.
        """
        found = self._connection.execute(
            "SELECT 1 FROM processors WHERE number = ? AND index_token = ?", named
        ).fetchall()
        self.files.settle(*named, fits=bool(found))
