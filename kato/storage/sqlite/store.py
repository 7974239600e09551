"""A store in one SQLite file: the default, with nothing to install (SPEC 11)."""

import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, DeferredList, fail, succeed
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from kato.changes import Changes, Deletion, Snapshot
from kato.errors import StorageUnavailable
from kato.storage.file_lock import FileLock
from kato.storage.folders import make_folder, sync_folder
from kato.storage.interface import CannotOpen, InUse, IStore
from kato.storage.sqlite.connection import prepare
from kato.storage.sqlite.database import Database
from kato.storage.sqlite.index_files import IndexFiles, Unfit
from kato.storage.sqlite.indexes import Named
from kato.storage.threads import OneThread

_T = TypeVar("_T")


@implementer(IStore)
class SqliteStore:
    """Provides L{IStore} on a thread of its own, which alone touches the database.

    C{twistd} may fork after L{open}, and neither a thread nor a connection survives that: so
    L{open} leaves only the lock, and the thread with its connection is made when first needed.
    """

    log = Logger()

    def __init__(self, path: Path, *, reactor: Any) -> None:
        """@param path: the database, which is made where there is none."""
        self.path = path.expanduser().resolve()
        self._lock = FileLock(self.path.with_name(self.path.name + ".lock"))
        self._reactor = reactor
        self._thread = OneThread("sqlite")
        self._writer = OneThread("indexes")
        self._keeping: set[Deferred[bool]] = set()
        self._database: Database | None = None
        self._is_open = False
        self._commits = 0
        self._failures = 0
        self._last_commit = 0.0

    def open(self) -> None:
        """Take the lock, make or migrate the database, and see that it can be used.

        @raise CannotOpen: in one line.
        """
        try:
            make_folder(self.path.parent)
            self._lock.take()
        except (CannotOpen, OSError) as error:
            raise self._unusable(error) from None
        try:
            prepare(self.path)
            sync_folder(self.path.parent)
        except (CannotOpen, OSError, sqlite3.Error) as error:
            self._lock.release()
            raise self._unusable(error) from None
        self._is_open = True

    def _unusable(self, error: Exception) -> CannotOpen:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        kind = InUse if isinstance(error, InUse) else CannotOpen
        return kind(f"storage {self.path} cannot be used: {why}")

    def run(self, call: Callable[..., _T], *args: Any) -> "Deferred[_T]":
        """Call C{call(database, *args)} on the thread of the database, after all that was asked of
        it before.

        @raise StorageUnavailable: (the Deferred fails) where the store is closed, or the database
            cannot be reached.
        """
        if not self._is_open:
            return fail(StorageUnavailable("the storage is closed"))
        if not self._thread.started:
            self._lock.sign()
            self._thread.start()
        return self._call(call, *args)

    def _call(self, call: Callable[..., _T], *args: Any) -> "Deferred[_T]":
        called: Deferred[_T] = deferToThreadPool(
            self._reactor, self._thread, self._on_thread, call, args
        )
        return called

    def _on_thread(self, call: Callable[..., _T], args: tuple[Any, ...]) -> _T:
        if self._database is None or self._database.broken:
            try:
                self._database = Database(self.path)
            except sqlite3.Error as error:
                raise StorageUnavailable(
                    f"the storage cannot be reached: {error}", retry_after=1
                ) from None
        return call(self._database, *args)

    def processors(self) -> "Deferred[Sequence[str]]":
        """The ids of all processors that are stored, sorted."""
        return self.run(Database.processors)

    def load(self, processor: str, restore: Callable[[Snapshot], Any]) -> "Deferred[Any]":
        """Call C{restore} with all that is stored of a processor, on the store's thread."""
        return self.run(Database.load, processor, restore)

    def deletions(self) -> "Deferred[Sequence[Deletion]]":
        """The last deletions that carried a request id, oldest first."""
        return self.run(Database.deletions)

    def commit(self, changes: Sequence[Changes | Deletion]) -> "Deferred[None]":
        """Keep all of C{changes}, in order, in one transaction."""
        return self.run(self._commit, changes).addCallback(self._drop)

    def _commit(self, database: Database, changes: Sequence[Changes | Deletion]) -> list[int]:
        begun = perf_counter()
        try:
            database.commit(changes)
        except BaseException:
            self._failures += 1
            raise
        self._commits += 1
        self._last_commit = perf_counter() - begun
        return database.indexes.dropped()

    def _drop(self, numbers: list[int]) -> None:
        """Take away the files of indexes that fit no more; that takes long enough to keep it off
        the thread on which commits wait."""
        for number in numbers:
            self._with_files(IndexFiles.drop, number)

    def keep_index(self, processor: str, index: bytes) -> "Deferred[bool]":
        """Keep what was made of the models of a processor, in a file that another thread writes:
        no commit waits for it."""
        keeping = Deferred.fromCoroutine(self._keep_index(processor, index))
        self._keeping.add(keeping)
        return keeping.addBoth(self._over, keeping)

    async def _keep_index(self, processor: str, index: bytes) -> bool:
        try:
            named = await self.run(lambda database: database.indexes.name(processor))
            if named is not None:
                await self._write(named, index)
                await self._call(lambda database: database.indexes.settle(named))
        except (OSError, Unfit, sqlite3.Error) as error:
            raise StorageUnavailable(f"the index cannot be kept: {error}") from None
        return named is not None

    def _write(self, named: Named, index: bytes) -> "Deferred[None]":
        return self._with_files(IndexFiles.write, *named, index, lambda: not self._is_open)

    def _with_files(self, call: Callable[..., None], *args: Any) -> "Deferred[None]":
        """Call C{call(files, *args)} on the thread of the files, one after the other."""
        if not self._writer.started:
            self._writer.start()
        return deferToThreadPool(self._reactor, self._writer, call, IndexFiles(self.path), *args)

    def _over(self, result: Any, keeping: "Deferred[bool]") -> Any:
        self._keeping.discard(keeping)
        return result

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of this store."""
        return {
            "kind": "sqlite",
            "commits": self._commits,
            "failures": self._failures,
            "last_commit_seconds": round(self._last_commit, 6),
            "bytes": _size(self.path) + _size(self.path.with_name(self.path.name + "-wal")),
            "free": _free(self.path.parent),
        }

    def close(self) -> "Deferred[None]":
        """Finish what is under way, but for indexes, which are given up; fold the write-ahead log
        into the database, and let go."""
        if not self._is_open:
            return succeed(None)
        self._is_open = False
        closing: Deferred[Any] = DeferredList(list(self._keeping))
        if self._thread.started:
            closing.addCallback(lambda _: self._call(Database.close))
        return closing.addErrback(self._not_folded).addCallback(self._let_go)

    def _not_folded(self, failure: Failure) -> None:
        """Nothing is lost by it: the next start finds the log."""
        self.log.warn(
            "the write-ahead log of {path} stays: {error}", path=self.path, error=failure.value
        )

    def _let_go(self, _: object) -> None:
        for thread in (self._thread, self._writer):
            if thread.started:
                thread.stop()
        self._lock.release()


def _free(folder: Path) -> int:
    """How many bytes there is room for beside it; none where nobody can tell."""
    try:
        told = os.statvfs(folder)
    except OSError:
        return 0
    return told.f_bavail * told.f_frsize


def _size(path: Path) -> int:
    """How many bytes a file has; none where it is not there."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
