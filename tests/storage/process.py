"""A process that uses a store, and what it is to do with it: C{python -m tests.storage.process}.

What only a process of its own can show: a lock that dies with it, a fork, a kill within a commit,
and a disk that takes no more.
"""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from kato.changes import Changes
from kato.errors import StorageUnavailable
from kato.model import Model
from kato.storage.sqlite import SqliteStore
from kato.storage.sqlite.database import Database
from kato.storage.sqlite.index_files import IndexFiles
from tests.source import ROOT
from tests.storage import samples
from tests.storage.samples import model, whole

PATIENCE = 60
"""Seconds after which a process that says nothing is a failure."""


def command(what: str, path: Path, *more: object) -> list[str]:
    """How to start such a process."""
    return [sys.executable, "-m", "tests.storage.process", what, str(path), *map(str, more)]


def run(what: str, path: Path, *more: object) -> "subprocess.CompletedProcess[str]":
    """Start such a process, and wait until it has ended."""
    return subprocess.run(
        command(what, path, *more),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def hold(path: Path) -> None:
    """Hold the store until standard input ends."""
    store = SqliteStore(path, reactor=None)
    store.open()
    print(os.getpid(), flush=True)
    sys.stdin.read()


def fork(path: Path) -> None:
    """Fork as C{twistd} does when it goes to the background, and use the store after it."""
    from twisted.internet import reactor

    store = SqliteStore(path, reactor=reactor)
    store.open()
    if os.fork():
        os._exit(0)

    async def use() -> None:
        await store.commit([samples.changes(models=(model("a"),))])
        print(os.getpid(), flush=True)
        sys.stdin.read()
        await store.close()

    _in_reactor(use)


def die_in_commit(path: Path) -> None:
    """Commit; then die in the midst of a second commit, with half of it written."""
    from twisted.internet import reactor

    store = SqliteStore(path, reactor=reactor)
    store.open()

    async def use() -> None:
        await store.commit([samples.changes(models=(model("kept"),))])
        await store.run(_dies_when_told)
        await store.commit(
            [
                samples.changes(models=(model("lost"),)),
                samples.changes("p2"),
                samples.changes("dies"),
            ]
        )

    _in_reactor(use)


def _dies_when_told(database: Database) -> None:
    apply = database._apply

    def dying(changes: Changes) -> None:
        if changes.processor == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        apply(changes)

    database._apply = dying  # type: ignore[method-assign]


def die_after_commit(path: Path) -> None:
    """Die as soon as a commit was answered."""
    from twisted.internet import reactor

    store = SqliteStore(path, reactor=reactor)
    store.open()

    async def use() -> None:
        await store.commit([samples.changes(models=(model("kept"),))])
        os.kill(os.getpid(), signal.SIGKILL)

    _in_reactor(use)


def die_in_index(path: Path, step: str) -> None:
    """Keep an index; then die while another is written, or when it is to take its place."""
    from twisted.internet import reactor

    store = SqliteStore(path, reactor=reactor)
    store.open()

    async def use() -> None:
        await store.commit([samples.changes(models=(model("kept"),))])
        await store.load("p1", whole)
        await store.keep_index("p1", b"first")
        setattr(IndexFiles, step, _dying(getattr(IndexFiles, step)))
        await store.keep_index("p1", b"second")

    _in_reactor(use)


def _dying(step: Callable[..., None]) -> Callable[..., None]:
    """The same, but that the process does not survive it; writing is not finished."""

    def die() -> bool:
        os.kill(os.getpid(), signal.SIGKILL)
        return True

    def dying(files: IndexFiles, *args: Any, **kwargs: Any) -> None:
        if len(args) == 4:
            asked = iter([False, True])
            step(files, *args[:3], lambda: next(asked) and die())
        die()

    return dying


def index_too_large(path: Path) -> None:
    """Keep an index that is larger than a file may be; prints what it is answered."""
    from twisted.internet import reactor

    store = SqliteStore(path, reactor=reactor)
    store.open()

    async def use() -> None:
        await store.commit([samples.changes(models=(model("kept"),))])
        free = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, free[1]))
        try:
            await store.keep_index("p1", bytes(2**22))
        except StorageUnavailable as error:
            print(error.message.rpartition("] ")[2])
        await store.close()

    _in_reactor(use)


def leave(path: Path) -> None:
    """End without closing the store."""
    from twisted.internet import reactor

    store = SqliteStore(path, reactor=reactor)
    store.open()

    async def use() -> None:
        await store.commit([samples.changes(models=(model("kept"),))])

    _in_reactor(use)


def fill(path: Path, room: str) -> None:
    """Commit more than a file may have, which is C{room} bytes above what the write-ahead log has;
    then a little, when it may have more again.

    Prints what the large commit was answered, and which models there are after it, and at the end.
    """
    from twisted.internet import reactor

    store = SqliteStore(path, reactor=reactor)
    store.open()

    async def use() -> None:
        await store.commit([_large("kept", 10**5)])
        free = resource.getrlimit(resource.RLIMIT_FSIZE)
        log = path.with_name(path.name + "-wal").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (log + int(room), free[1]))
        told = await _told(store.commit([_large("lost", 10**6)]))
        resource.setrlimit(resource.RLIMIT_FSIZE, free)
        then = await store.load("p1", _names)
        await store.commit([samples.changes(models=(model("more"),))])
        print(json.dumps([told, then, await store.load("p1", _names)]), flush=True)
        await store.close()

    _in_reactor(use)


async def _told(commit: "Deferred[None]") -> list[object]:
    """What a commit that fails is answered."""
    try:
        await commit
    except StorageUnavailable as error:
        return [error.message, error.retry_after, error.outcome_unknown]
    return []


def _large(name: str, size: int) -> Changes:
    """A model of many bytes."""
    return samples.changes(models=(Model(f"MODEL|{name}", (("x" * size,),), 1),))


def _names(snapshot: Any) -> list[str]:
    return [each.name for each in whole(snapshot).models]


def _in_reactor(use: Callable[[], Awaitable[None]]) -> None:
    from twisted.internet import reactor

    running: Any = reactor
    failures: list[Any] = []

    def begin() -> None:
        done: Deferred[None] = Deferred.fromCoroutine(use())  # type: ignore[arg-type]
        done.addErrback(failures.append).addBoth(lambda _: running.stop())

    running.callWhenRunning(begin)
    running.run()
    if failures:
        sys.exit(str(failures[0]))


def main(what: str, path: str, *more: str) -> None:
    """Do as the arguments say."""
    match what:
        case "hold":
            hold(Path(path))
        case "fork":
            fork(Path(path))
        case "die_in_commit":
            die_in_commit(Path(path))
        case "die_after_commit":
            die_after_commit(Path(path))
        case "die_in_index":
            die_in_index(Path(path), *more)
        case "index_too_large":
            index_too_large(Path(path))
        case "leave":
            leave(Path(path))
        case "fill":
            fill(Path(path), *more)


if __name__ == "__main__":
    main(*sys.argv[1:])
