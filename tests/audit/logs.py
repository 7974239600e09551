"""Logs that tests write, and processors that are held against what logs tell."""

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from kato.audit.files import LogFiles
from kato.audit.lines import Entry, Event
from kato.audit.log import AuditLog
from kato.audit.reading import read_log
from kato.auditing.replaying import Replay
from kato.changes import Snapshot
from kato.genes import Genes
from kato.storage.memory import MemoryStore
from tests.doubles import Threads, at_once


class FaultyFiles(LogFiles):
    """Files on a disk that is full when the test says so, and slow where it does."""

    full = False
    slow = False

    @property
    def is_plain(self) -> bool:
        return super().is_plain and not self.slow

    def append(self, entries: Sequence[Entry]) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().append(entries)


def files_in(folder: Path, *, clock: Clock | None = None, most: int = 2**20) -> FaultyFiles:
    """The files of a log, open."""
    files = FaultyFiles(folder, most=most, now=(clock or Clock()).seconds)
    files.open()
    return files


def log_in(files: LogFiles, clock: Clock, threads: Threads | None = None, **how: Any) -> AuditLog:
    """A log that writes these files."""
    writing = threads or at_once
    log = AuditLog(files, clock=clock, writing=writing, syncing=writing, genes=Genes(), **how)
    log.begin(0, "memory")
    return log


def noted(*words: str) -> list[Event]:
    """Events that say these words."""
    return [Event(word, 1.5) for word in words]


def told(folder: Path) -> list[dict[str, Any]]:
    """What the lines of a log tell, each found as it was written."""
    return [read.told for read in read_log(folder)]


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with TemporaryDirectory() as made:
        yield Path(made) / "audit"


def now(deferred: "Deferred[Any]") -> Any:
    """What came of something that is over."""
    results: list[Any] = []
    deferred.addBoth(results.append)
    [result] = results
    if hasattr(result, "raiseException"):
        result.raiseException()
    return result


def replayed(*folders: Path) -> MemoryStore:
    """A store with all that logs tell of."""
    store = MemoryStore()
    replay = Replay(folders, told=lambda _: None)
    lives = replay.survey()
    assert all(life.gap is None for life in lives.values()), lives
    now(Deferred.fromCoroutine(replay.into(store, lives)))
    return store


def contents(store: MemoryStore) -> dict[str, dict[str, Any]]:
    """All that is stored of each processor."""

    def plain(snapshot: Snapshot) -> dict[str, Any]:
        return {
            "state": snapshot.state,
            "percept": snapshot.percept,
            "events": snapshot.events,
            "vectors": snapshot.vectors,
            "observations": snapshot.observations,
            "requests": snapshot.requests,
            "models": sorted(snapshot.models, key=lambda each: each.name),
        }

    return {each: now(store.load(each, plain)) for each in now(store.processors())}
