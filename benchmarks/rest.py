"""C{python -m benchmarks rest}: the server over REST, from outside, beside bare baselines."""

import asyncio
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.load import Job, spoken_to
from tests.live.server import Connection, LiveServer

SECONDS = 4.0
MODELS = 100_000
CONNECTIONS = 1_000

Result = dict[str, float]


def main() -> None:
    """Run all, and print a table of each."""
    with tempfile.TemporaryDirectory() as folder:
        with _server(f"sqlite:///{folder}/kato.db") as server, _bare() as bare:
            _throughput(server, bare)
            _many_connections(server)
            _compression(server)
            _durability(server, Path(folder) / "bare.db")
        with _server(f"sqlite:///{folder}/large.db") as server:
            _ping_beside_predictions(server)


@contextmanager
def _server(storage: str) -> Iterator[LiveServer]:
    server = LiveServer("--storage", storage).start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def _bare() -> Iterator[int]:
    command = [sys.executable, "-m", "benchmarks.bare"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def measured(*jobs: Job) -> list[Result]:
    """Run jobs at the same time."""

    async def all_of_them() -> list[Result]:
        return await asyncio.gather(*map(spoken_to, jobs))

    results = asyncio.run(all_of_them())
    for job, result in zip(jobs, results, strict=True):
        if result["errors"]:
            raise SystemExit(f"{job}: {result['errors']:.0f} errors")
    return results


def _row(name: str, result: Result, beside: Result | None = None) -> None:
    ratio = f"{result['per_second'] / beside['per_second']:8.0%}" if beside else " " * 8
    print(
        f"{name:<44} {result['per_second']:>9,.0f} {ratio}"
        f" {result['p50'] * 1e3:>9.2f} {result['p99'] * 1e3:>9.2f}"
    )


def _throughput(server: LiveServer, bare: int) -> None:
    with closing(server.connect()) as connection:
        for number in range(50):
            connection.post("/p2/observe", {"strings": [f"a{number % 7}", f"b{number}"]})
            if number % 5 == 4:
                connection.post("/p2/learn")
        connection.post("/p2/observe", {"strings": ["a1", "a2", "b3"]})
    print(f"\n{'16 connections':<44} {'per s':>9} {'of bare':>8} {'p50 ms':>9} {'p99 ms':>9}")
    [baseline] = measured(Job(bare, "GET", "/", seconds=SECONDS))
    _row("bare twisted.web resource, GET", baseline)
    observation = '{"strings": ["a", "b"]}'
    genes = {"max_sequence_length": 50, "stm_mode": "CLEAR"}
    with closing(server.connect()) as connection:
        connection.send("PUT", "/p3", {"genes": genes})
    for name, job in (
        ("GET /kato-api/ping", Job(server.port, "GET", "/kato-api/ping")),
        ("POST observe, brief", Job(server.port, "POST", "/p1/observe?brief=true", observation)),
        ("GET predictions, 10 models", Job(server.port, "GET", "/p2/predictions")),
        ("GET forecast, 10 models", Job(server.port, "GET", "/p2/forecast")),
    ):
        [result] = measured(job)
        _row(name, result, baseline)
        with closing(server.connect()) as connection:
            connection.send("POST", "/p1/clear-short-term-memory")


def _many_connections(server: LiveServer) -> None:
    """Many clients who all keep their connection; an error would end the benchmark."""
    observation = '{"strings": ["a", "b"]}'
    job = Job(
        *(server.port, "POST", "/p1/observe?brief=true", observation),
        connections=CONNECTIONS,
        seconds=SECONDS,
    )
    [result] = measured(job)
    _row(f"POST observe, brief, {CONNECTIONS:,} connections", result)
    with closing(server.connect()) as connection:
        connection.send("POST", "/p1/clear-short-term-memory")


def _compression(server: LiveServer) -> None:
    """What gzip saves and costs, by the size of the answer."""
    title = "GET predictions, one at a time"
    print(f"\n{title:<44} {'bytes':>9} {'gzip':>8} {'p50 ms':>9} {'gzip':>9}")
    for kept in (1, 2, 5, 20, 100):
        with closing(server.connect()) as connection:
            connection.send("PUT", "/zip", {"genes": {"max_predictions": kept}})
            for number in range(kept):
                events = [{"strings": [f"{each}", f"{number}"]} for each in range(6)]
                connection.post("/zip/observe-sequence", {"observations": events})
                connection.post("/zip/learn")
            connection.post("/zip/observe-sequence", {"observations": events[:3]})
            plain = _timed_answers(connection, {})
            packed = _timed_answers(connection, {"Accept-Encoding": "gzip"})
            connection.send("DELETE", "/zip")
        (size, time), (less, longer) = plain, packed
        print(f"{kept:>3} predictions {size:>39,} {less:>8,} {time:>9.2f} {longer:>9.2f}")


def _timed_answers(connection: Connection, headers: dict[str, str]) -> tuple[int, float]:
    """The bytes of an answer, and the median of the milliseconds until it is there."""
    taken = []
    for _ in range(300):
        began = perf_counter()
        body = connection.raw("GET", "/zip/predictions", headers)
        taken.append(perf_counter() - began)
    return len(body), median(taken) * 1e3


def _durability(server: LiveServer, path: Path) -> None:
    """Durable learnings, one at a time and from many connections, beside a bare commit."""
    sequence = json.dumps(
        {
            "observations": [{"strings": [f"s{i}", "NUMBER"]} for i in range(4)],
            "learn_at_end": True,
        }
    )
    print(f"\n{'durable learnings':<44} {'per s':>9} {'':>8} {'p50 ms':>9} {'p99 ms':>9}")
    bare = _bare_commits(path)
    _row("bare SQLite commit of one row, FULL", bare)
    for connections in (1, 64):
        job = Job(
            *(server.port, "POST", "/learned/observe-sequence?brief=true", sequence),
            connections=connections,
            seconds=SECONDS,
        )
        [result] = measured(job)
        _row(f"observe-sequence with learn, {connections} connections", result)
    with closing(server.connect()) as connection:
        learns = _learns(connection)
    _row("POST learn after observe, 1 connection", learns)
    print(f"a durable learn takes {(learns['p50'] - bare['p50']) * 1e3:.2f} ms more than that")


def _bare_commits(path: Path) -> Result:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE t (number INTEGER)")
        taken = []
        for number in range(2000):
            began = perf_counter()
            connection.execute("INSERT INTO t VALUES (?)", (number,))
            taken.append(perf_counter() - began)
    return _summary(taken)


def _learns(connection: Connection) -> Result:
    """The time of a learn alone, each after an observation."""
    taken = []
    for number in range(1000):
        connection.post("/single/observe?brief=true", {"strings": ["a", str(number)]})
        began = perf_counter()
        connection.post("/single/learn")
        taken.append(perf_counter() - began)
    return _summary(taken)


def _summary(taken: list[float]) -> Result:
    ranked = sorted(taken)
    return {
        "per_second": len(taken) / sum(taken),
        "p50": median(taken),
        "p99": ranked[len(ranked) * 99 // 100],
    }


def _ping_beside_predictions(server: LiveServer) -> None:
    """Pings while a large processor predicts without pause."""
    chance = random.Random(1)
    with closing(server.connect()) as connection:
        for _ in range(MODELS // 500):
            observations = [
                {"strings": [f"s{chance.randrange(1000)}", f"s{chance.randrange(1000)}"]}
                for _ in range(500 * 8)
            ]
            connection.post(
                "/large/genes/change", {"genes": {"max_sequence_length": 8, "stm_mode": "CLEAR"}}
            )
            connection.post("/large/observe-sequence?brief=true", {"observations": observations})
        models = connection.get("/large/status")["models"]
        for number in range(5):
            connection.post("/large/observe", {"strings": [f"s{number}", f"s{number + 7}"]})
    print(f"\n{f'beside {models:,} models':<44} {'per s':>9} {'':>8} {'p50 ms':>9} {'p99 ms':>9}")
    ping = Job(server.port, "GET", "/kato-api/ping", connections=1, seconds=SECONDS)
    _row("ping alone, 1 connection", measured(ping)[0])
    thresholds = '{"value": 0.05NUMBER}'
    predictions = Job(server.port, "GET", "/large/predictions", connections=1, seconds=SECONDS)
    changes = Job(
        *(server.port, "POST", "/large/gene/recall_threshold/change", thresholds),
        connections=1,
        seconds=SECONDS,
    )
    pinged, predicted, _ = measured(ping, predictions, changes)
    _row("ping while it predicts without pause", pinged)
    _row("those predictions, none from the cache", predicted)
