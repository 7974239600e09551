"""Copies of a database: made while a server uses it, and put in its place while none does."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from kato.storage.file_lock import FileLock
from kato.storage.folders import make_folder, sync_folder
from kato.storage.interface import CannotOpen
from kato.storage.sqlite.schema import APPLICATION_ID, known_version

_PAGES = 2048
"""How many pages are copied at a time."""

_PATIENCE = 5.0
"""For how many seconds another program may keep a database for itself."""

Told = Callable[[int, int], object]
"""Is told how many pages are copied, and of how many."""


class Copied(NamedTuple):
    """What a copy holds."""

    processors: int
    models: int


def copy_database(source: Path, target: Path, *, told: Told) -> Copied:
    """Copy a database, as it is after one of its commits, while others read and write it.

    The copy is one file, which is on the disk when this returns, and which a store that is opened
    and writes nothing leaves as it is, to the last bit.

    @param target: an empty file.
    @raise CannotOpen: where the source is not there, not ours, damaged, or of a newer program.
    """
    with _judging(source, "copied"):
        if not source.is_file():
            raise CannotOpen("there is no such file")
        with closing(_connected(source)) as read, closing(_connected(target)) as written:
            read.execute("BEGIN")  # from here on this connection sees one state
            _known(read)
            written.execute("PRAGMA journal_mode = OFF")
            read.backup(
                written, pages=_PAGES, progress=lambda _, left, total: told(total - left, total)
            )
            written.execute("PRAGMA journal_mode = WAL")  # so that to open it as a store leaves it
            copied = _checked(written)
        _sync(target)
    return copied


def put_in_place(copy: Path, path: Path, *, told: Told) -> Path | None:
    """Put a copy of a copy in the place of a database, which is kept under another name.

    Whenever this is broken off, the one or the other is in its place, whole.

    @return: where the old one lies now; C{None}: there was none.
    @raise InUse: where a server uses the database.
    @raise CannotOpen: where the copy is not there, not ours, damaged, or of a newer program, or
        another program has the database open.
    @raise OSError: where it cannot be written.
    """
    make_folder(path.parent)
    lock = FileLock(path.with_name(path.name + ".lock"))
    with _judging(path, "used"):
        lock.take()
    fresh = path.with_name(path.name + ".restoring")
    try:
        _remove(fresh)
        os.close(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        copy_database(copy, fresh, told=told)
        old = _kept_aside(path) if path.exists() else None
        fresh.replace(path)
        sync_folder(path.parent)
        return old
    finally:
        _remove(fresh)
        lock.release()


def _connected(path: Path) -> sqlite3.Connection:
    """Connect to a file that is there."""
    return sqlite3.connect(
        f"{path.as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=_PATIENCE
    )


@contextmanager
def _judging(path: Path, done: str) -> Iterator[None]:
    """Tell in one line, with its name, why something cannot be done with a database."""
    try:
        yield
    except CannotOpen as error:
        raise type(error)(f"storage {path} cannot be {done}: {error}") from None
    except sqlite3.Error as error:
        raise CannotOpen(f"storage {path} cannot be {done}: {error}") from None


def _known(connection: sqlite3.Connection) -> None:
    known_version(connection)
    [(application,)] = connection.execute("PRAGMA application_id")
    if application != APPLICATION_ID:
        raise CannotOpen("it holds nothing of KATO's")


def _checked(connection: sqlite3.Connection) -> Copied:
    """See that every page and every index is whole."""
    found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise CannotOpen(f"it is damaged: {' '.join(str(found).split())}")
    [counts] = connection.execute(
        "SELECT (SELECT count(*) FROM processors), (SELECT count(*) FROM models)"
    )
    return Copied(*counts)


def _kept_aside(path: Path) -> Path:
    """Give a database a second name, under which it stays when another one takes the first.

    Its write-ahead log is folded in before, or goes with it where it is too damaged for that:
    beside the new one it would be taken for a part of that.
    """
    log = path.with_name(path.name + "-wal")
    with _judging(path, "replaced"):
        if _folded(path) and log.exists():
            raise CannotOpen("another program has it open")
    old = next(name for name in _old_names(path) if not os.path.lexists(name))
    os.link(path, old)
    if log.exists():
        log.replace(old.with_name(old.name + "-wal"))
    _remove(path.with_name(path.name + "-shm"))
    sync_folder(path.parent)
    return old


def _folded(path: Path) -> bool:
    """Fold the write-ahead log into a database, if that is one; then who closes it last takes the
    log away.

    @raise sqlite3.OperationalError: where it is in use, or cannot be written.
    """
    try:
        with closing(_connected(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        return False
    return True


def _old_names(path: Path) -> Iterator[Path]:
    number = 1
    while True:
        yield path.with_name(f"{path.name}.old-{number}")
        number += 1


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    with suppress(FileNotFoundError):
        path.unlink()
