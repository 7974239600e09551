"""C{python -m benchmarks start}: how soon a server serves again what it has stored."""

import random
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import median
from time import perf_counter

from kato.changes import Changes, State
from kato.model import Model, model_name
from kato.storage.sqlite.connection import prepare
from kato.storage.sqlite.database import Database
from tests.live.server import LiveServer

SIZES = (100_000, 1_000_000)
ROUNDS = 3
_BATCH = 20_000
_PATIENCE = 120.0
"""Seconds that a start may take."""


def main() -> None:
    """Fill stores, then start servers on them: first without an index, which leaves one, then with
    it."""
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            _measure(Path(folder) / "kato.db", size)


def _measure(path: Path, size: int) -> None:
    fill(path, size)
    print(f"{size:,} models of 16 symbols, {path.stat().st_size / 2**20:.0f} MiB of SQLite")
    indexes = path.with_name(path.name + ".index")
    without = []
    for _ in range(ROUNDS):
        for index in indexes.glob("*"):
            index.unlink()
        without.append(_served(path, size))
    _told("without an index", without)
    _told("with an index", [_served(path, size) for _ in range(ROUNDS)])


def _told(how: str, taken: list[float]) -> None:
    print(
        f"  {how}: {median(taken):.2f} s from the start of the process to the answer of get_status"
        f" ({min(taken):.2f} to {max(taken):.2f} s in {len(taken)} starts)",
        flush=True,
    )


def fill(path: Path, size: int) -> None:
    """Store models as a server does, without one."""
    prepare(path)
    database = Database(path)
    state = State(name="p1")
    models = some_models(size)
    for _ in range(size // _BATCH):
        batch = tuple(next(models) for _ in range(_BATCH))
        database.commit([Changes(processor="p1", state=state, models=batch)])
    database.close()


def some_models(size: int) -> Iterator[Model]:
    """Different models of 8 events with 2 symbols each."""
    chance = random.Random(1)
    symbols = [f"s{i}" for i in range(5_000)]
    for _ in range(size):
        drawn = chance.choices(symbols, k=16)
        sequence = tuple((drawn[i], drawn[i + 1]) for i in range(0, 16, 2))
        yield Model(model_name(sequence), sequence, 1)


def _served(path: Path, size: int) -> float:
    """Seconds from the start of a server until it tells how many models there are; it is then
    stopped as an operator would."""
    began = perf_counter()
    server = LiveServer("--storage", f"sqlite:///{path}")
    try:
        server.launch()
        with closing(server.connect(timeout=_PATIENCE)) as connection:
            models = connection.get("/p1/status")["models"]
        taken = perf_counter() - began
        server.terminate()
    finally:
        server.stop()
    if models != size:
        raise SystemExit(f"{models} models were served, not {size}")
    return taken
