"""C{python -m benchmarks start}: how soon a server serves again what it has stored."""

import random
import tempfile
from contextlib import closing
from pathlib import Path
from time import perf_counter

from tests.live.server import LiveServer

MODELS = 100_000
ROUNDS = 5
_BATCH = 500


def main() -> None:
    """Fill a store, then start a server on it a few times."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/kato.db"
        _fill(url)
        size = (Path(folder) / "kato.db").stat().st_size
        print(f"{MODELS:,} models of 16 symbols, {size / 2**20:.0f} MiB of SQLite")
        taken = sorted(_served(url) for _ in range(ROUNDS))
        print(
            f"from the start of the process to the answer of get_status: median "
            f"{taken[ROUNDS // 2]:.2f} s, {taken[0]:.2f} to {taken[-1]:.2f} s in {ROUNDS} starts"
        )


def _fill(url: str) -> None:
    """Let a server learn all models, and stop it as an operator would."""
    chance = random.Random(1)
    server = LiveServer("--storage", url).start()
    try:
        with closing(server.connect()) as connection:
            genes = {"max_sequence_length": 8, "stm_mode": "CLEAR"}
            connection.send("PUT", "/p1", {"genes": genes})
            for _ in range(MODELS // _BATCH):
                observations = [
                    {"strings": [f"s{chance.randrange(5000)}", f"s{chance.randrange(5000)}"]}
                    for _ in range(_BATCH * 8)
                ]
                connection.post("/p1/observe-sequence?brief=true", {"observations": observations})
        server.terminate()
    finally:
        server.stop()


def _served(url: str) -> float:
    """Seconds from the start of a server until it tells how many models there are."""
    began = perf_counter()
    server = LiveServer("--storage", url)
    try:
        server.launch()
        with closing(server.connect()) as connection:
            models = connection.get("/p1/status")["models"]
        taken = perf_counter() - began
    finally:
        server.stop()
    if models != MODELS:
        raise SystemExit(f"{models} models were served, not {MODELS}")
    return taken
