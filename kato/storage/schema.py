"""The tables of a SQLite store, and how older ones become them.

Written so that a person with the C{sqlite3} shell can read all of it: what is not a number or a
name is JSON.  C{docs/storage.md} describes each column.
"""

import sqlite3
from collections.abc import Sequence

from kato.storage.interface import CannotOpen

APPLICATION_ID = 0x4B41544F
"""C{KATO} in ASCII: by this a file is known as one of ours."""

MIGRATIONS: Sequence[Sequence[str]] = (
    (
        """CREATE TABLE processors (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            genes TEXT NOT NULL,
            interval INTEGER NOT NULL,
            stm_start INTEGER NOT NULL,
            stm_end INTEGER NOT NULL,
            emotives TEXT NOT NULL
        )""",
        """CREATE TABLE percepts (
            processor INTEGER PRIMARY KEY,
            observation TEXT,
            event TEXT NOT NULL
        )""",
        """CREATE TABLE models (
            processor INTEGER NOT NULL,
            name TEXT NOT NULL,
            sequence TEXT NOT NULL,
            frequency INTEGER NOT NULL,
            emotives TEXT NOT NULL,
            PRIMARY KEY (processor, name)
        ) WITHOUT ROWID""",
        """CREATE TABLE vectors (
            processor INTEGER NOT NULL,
            symbol TEXT NOT NULL,
            components TEXT NOT NULL,
            learned INTEGER NOT NULL,
            PRIMARY KEY (processor, symbol)
        ) WITHOUT ROWID""",
        """CREATE TABLE events (
            processor INTEGER NOT NULL,
            number INTEGER NOT NULL,
            event TEXT NOT NULL,
            PRIMARY KEY (processor, number)
        ) WITHOUT ROWID""",
        """CREATE TABLE answers (
            processor INTEGER NOT NULL,
            kind TEXT NOT NULL,
            ordinal INTEGER NOT NULL,
            key TEXT NOT NULL,
            digest TEXT NOT NULL,
            fields TEXT NOT NULL,
            stm_start INTEGER,
            stm_end INTEGER,
            interval INTEGER NOT NULL,
            time_stamp REAL NOT NULL,
            PRIMARY KEY (processor, kind, ordinal)
        ) WITHOUT ROWID""",
        """CREATE TABLE deletions (
            ordinal INTEGER PRIMARY KEY,
            processor TEXT NOT NULL,
            key TEXT NOT NULL,
            digest TEXT NOT NULL,
            fields TEXT NOT NULL,
            interval INTEGER NOT NULL,
            time_stamp REAL NOT NULL
        )""",
    ),
)
"""The statements that lead from each version to the next, the first from an empty file to 1."""

OF_A_PROCESSOR = ("percepts", "models", "vectors", "events", "answers")
"""The tables whose column C{processor} is a processor's number."""


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a database to the present version, each step in a transaction of its own.

    @raise CannotOpen: where it is not ours, or newer than this program.
    """
    version = _version(connection)
    if version > len(MIGRATIONS):
        raise CannotOpen(
            f"it has version {version} and this program knows {len(MIGRATIONS)}: "
            "a newer program made it"
        )
    for number, statements in enumerate(MIGRATIONS[version:], version + 1):
        connection.execute("BEGIN IMMEDIATE")
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    [(application,)] = connection.execute("PRAGMA application_id")
    [(version,)] = connection.execute("PRAGMA user_version")
    [(tables,)] = connection.execute("SELECT count(*) FROM sqlite_master")
    if application != APPLICATION_ID and (application or version or tables):
        raise CannotOpen("it is a database of another program")
    return int(version)
