"""Files of processors, made in a moment."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

from twisted.internet.defer import Deferred

from kato.changes import Changes, Deletion, Snapshot
from kato.moving.exporting import export
from kato.moving.importing import Import, Moved
from kato.moving.reading import Contents
from kato.moving.sealing import sealed
from kato.moving.surveying import survey
from kato.moving.writing import Writer, Written
from kato.storage import IStore, MemoryStore
from tests.storage.samples import whole


def untold(_: int) -> None:
    """Nobody watches."""


def now(deferred: "Deferred[Any]") -> Any:
    """What a Deferred has fired with; what it failed with is raised."""
    results: list[Any] = []
    deferred.addBoth(results.append)
    [result] = results
    if hasattr(result, "raiseException"):
        result.raiseException()
    return result


def stored(*commits: Sequence[Changes | Deletion]) -> MemoryStore:
    """A store that was given these commits."""
    store = MemoryStore()
    for each in commits:
        now(store.commit(each))
    return store


def exported(store: IStore, path: Path, *chosen: str) -> Written:
    """Write what a store holds into a file."""
    with path.open("wb") as file:
        writer = Writer(file, told=untold)
        written: Written = now(Deferred.fromCoroutine(export(store, writer, chosen=chosen)))
    return written


def found(path: Path) -> Contents:
    """What is in a file."""
    return survey(path, told=untold)


def imported(store: IStore, path: Path, *chosen: str, replaces: bool = False) -> list[Moved]:
    """Bring what is in a file into a store; gives what became of each processor."""
    moved: list[Moved] = []
    work = Import(
        store, found(path), chosen=chosen, replaces=replaces, told=untold, moved=moved.append
    )
    now(Deferred.fromCoroutine(work.run()))
    return moved


def all_of(store: IStore) -> dict[str, Snapshot]:
    """All processors of a store."""
    return {each: now(store.load(each, whole)) for each in now(store.processors())}


def resealed(lines: Sequence[dict[str, Any]]) -> bytes:
    """Lines as a file, with checksums that are right."""
    written = b""
    for each in lines:
        written += sealed(each, crc32(written))
    return written
