"""Connections to SQLite files: what one must be before it is used, and how durable it is."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from kato.storage.interface import CannotOpen
from kato.storage.sqlite.index_files import IndexFiles
from kato.storage.sqlite.schema import check, known_version, mend, migrate

_KEPT_LOG = 64 * 2**20
"""To how many bytes the write-ahead log is cut when a large commit has made it larger."""

_SETTINGS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "fullfsync = ON",  # where plain fsync leaves it to the drive, as on macOS
    "cache_size = -65536",
    f"journal_size_limit = {_KEPT_LOG}",
)


def prepare(path: Path) -> None:
    """Make or migrate a database, see that it can be used, and tidy up beside it.

    @raise CannotOpen: where it is not ours, or newer than this program.
    @raise OSError, sqlite3.Error: where it cannot be used.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    with closing(_raw(path)) as connection:
        version = known_version(connection)
        configure(connection)
        migrate(connection, version)
        check(connection)
        mend(connection)
        indexed = connection.execute(
            "SELECT number FROM processors WHERE index_token IS NOT NULL"
        ).fetchall()
    IndexFiles(path).tidy({number for (number,) in indexed})


def connect(path: Path) -> sqlite3.Connection:
    """Connect to a database that L{prepare} has seen; transactions are explicit."""
    connection = _raw(path)
    configure(connection)
    return connection


def _raw(path: Path) -> sqlite3.Connection:
    """Connect to a database that exists, and change nothing about it."""
    return sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, isolation_level=None)


def configure(connection: sqlite3.Connection) -> None:
    """Make commits survive a loss of power.

    @raise CannotOpen: where the file lies where there can be no write-ahead log.
    """
    for setting in _SETTINGS:
        connection.execute(f"PRAGMA {setting}")
    [(mode,)] = connection.execute("PRAGMA journal_mode")
    if mode != "wal":
        raise CannotOpen("a write-ahead log is not possible there")
