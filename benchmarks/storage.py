"""C{python -m benchmarks storage}: the SQLite store by itself, beside bare commits, and the layouts
between which it chose."""

import random
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import islice, product
from pathlib import Path
from statistics import mean, median
from time import perf_counter
from typing import Any

from twisted.internet.task import react

from kato.changes import Changes
from kato.engine import Observation, Processor
from kato.model import Model, model_name
from kato.storage.interface import IStore
from kato.storage.sqlite import SqliteStore

MODELS = 100_000
COMMITS = 1000
GROUP = 64
_MOST = 300
"""How many commits of a whole group are timed."""

_Statement = tuple[str, tuple[Any, ...]]


def main() -> None:
    """Run all, and print a table of each."""
    with tempfile.TemporaryDirectory() as folder:
        heading("a commit in ms")
        row("bare SQLite, one row, FULL", _bare(Path(folder) / "bare.db"))
        react(_store, (Path(folder) / "kato.db",))


def heading(what: str) -> None:
    print(f"\n{what:<58} {'p50':>8} {'p99':>8} {'mean':>8}")


def row(name: str, taken: list[float]) -> None:
    ranked = [each * 1e3 for each in sorted(taken)]
    p99 = ranked[len(ranked) * 99 // 100]
    print(f"{name:<58} {median(ranked):>8.2f} {p99:>8.2f} {mean(ranked):>8.2f}")


def _bare(path: Path) -> list[float]:
    with closing(_connection(path)) as connection:
        connection.execute("CREATE TABLE t (number INTEGER)")
        return [
            _timed(connection, [("INSERT INTO t VALUES (?)", (number,))])
            for number in range(COMMITS)
        ]


def _connection(path: Path, checkpoint: int = 1000) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -65536")
    connection.execute(f"PRAGMA wal_autocheckpoint = {checkpoint}")
    return connection


def _timed(connection: sqlite3.Connection, statements: list[_Statement]) -> float:
    began = perf_counter()
    connection.execute("BEGIN IMMEDIATE")
    for statement, values in statements:
        connection.execute(statement, values)
    connection.execute("COMMIT")
    return perf_counter() - began


# The store


async def _store(reactor: Any, path: Path) -> None:
    """Commit what real processors drain, and load it again."""
    store = SqliteStore(path, reactor=reactor)
    store.open()
    chance = random.Random(1)
    large = Processor("large")
    for _ in range(MODELS):
        learn(large, chance)
    await store.commit([large.drain()])
    row("the store, one learn", [await committed(store, large, chance) for _ in range(COMMITS)])
    many = [Processor(f"p{number}") for number in range(GROUP)]
    taken = [await committed_together(store, many, chance) for _ in range(_MOST)]
    row(f"the store, a learn of each of {GROUP} processors", taken)
    print(f"{GROUP / mean(taken):,.0f} learns a second in such commits")
    del large
    await load_large(store)
    await store.close()
    _layouts(path.parent)


def learn(processor: Processor, chance: random.Random) -> None:
    for _ in range(8):
        strings = (f"s{chance.randrange(5000)}", f"s{chance.randrange(5000)}")
        processor.observe(Observation(strings=strings))
    processor.learn()


async def committed(store: IStore, processor: Processor, chance: random.Random) -> float:
    learn(processor, chance)
    return await _commit(store, [processor.drain()])


async def committed_together(
    store: IStore, processors: list[Processor], chance: random.Random
) -> float:
    for processor in processors:
        learn(processor, chance)
    return await _commit(store, [processor.drain() for processor in processors])


async def _commit(store: IStore, changes: list[Changes]) -> float:
    began = perf_counter()
    await store.commit(changes)
    return perf_counter() - began


async def load_large(store: IStore) -> None:
    """Load the processor C{large}, and print how long that takes."""
    began = perf_counter()
    models = await store.load("large", lambda snapshot: sum(1 for _ in snapshot.models))
    read = perf_counter() - began
    began = perf_counter()
    await store.load("large", Processor.restore)
    restored = perf_counter() - began
    print(f"\n{models:,} models are read in {read:.2f} s, and restored in {restored:.2f} s")


# The layouts


def _layouts(folder: Path) -> None:
    """Commit models to tables that differ in one thing each."""
    settings = [*product(("index beside", "in the index"), (4096,), (1000,), (8, 500))]
    settings += [("index beside", 8192, 500, 8), ("index beside", 4096, 4000, 8)]
    for number, (layout, page, checkpoint, events) in enumerate(settings):
        heading(f"{layout}, pages {page}, checkpoint {checkpoint}, {2 * events} symbols")
        path = folder / f"layout{number}.db"
        with closing(_connection(path, checkpoint)) as connection:
            connection.execute(f"PRAGMA page_size = {page}")
            connection.execute("VACUUM")
            _layout(connection, layout == "in the index", events)
        path.unlink()


def _layout(connection: sqlite3.Connection, in_index: bool, events: int) -> None:
    key, rowid = ("PRIMARY KEY", " WITHOUT ROWID") if in_index else ("UNIQUE", "")
    connection.execute(
        f"CREATE TABLE models (processor, name, sequence, frequency, {key} (processor, name))"
        + rowid
    )
    models = _models(random.Random(2), events)
    known = [next(models) for _ in range(MODELS * 8 // events)]
    _timed(connection, [_upsert(each) for each in known])
    for name, count, times, source in (
        ("a new model", 1, COMMITS, models),
        (f"{GROUP} new models", GROUP, _MOST, models),
        (f"{GROUP} known models", GROUP, _MOST, _again(known)),
    ):
        batches = ([_upsert(each) for each in islice(source, count)] for _ in range(times))
        row(f"  {name}", [_timed(connection, batch) for batch in batches])


def _models(chance: random.Random, events: int) -> Iterator[Model]:
    while True:
        sequence = tuple(
            (f"s{chance.randrange(5000)}", f"s{chance.randrange(5000)}") for _ in range(events)
        )
        yield Model(model_name(sequence), sequence, chance.randrange(100))


def _again(known: list[Model]) -> Iterator[Model]:
    """Models that are known, each with another frequency."""
    chance = random.Random(3)
    while True:
        yield replace(chance.choice(known), frequency=chance.randrange(100, 200))


def _upsert(model: Model) -> _Statement:
    statement = (
        "INSERT INTO models VALUES (1, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET frequency = excluded.frequency"
    )
    return statement, (model.name, str(model.sequence), model.frequency)
