"""C{python -m benchmarks mongodb_rest}: a server in front of MongoDB, beside what a driver writes.

The server of MongoDB is C{secantusd-py}, which syncs every commit to disk, or the one that
C{KATO_TEST_MONGO} names, as in the tests.
"""

import os
from contextlib import closing
from statistics import median
from time import perf_counter
from typing import Any
from uuid import uuid4

from pymongo import MongoClient, ReplaceOne, WriteConcern
from pymongo.collection import Collection

from benchmarks.load import Job
from benchmarks.rest import measured
from benchmarks.start import some_models
from kato.changes import Changes, State
from kato.engine import Observation, Processor
from kato.storage.mongodb import documents
from kato.storage.mongodb.plan import make_plan
from tests.live.server import LiveServer
from tests.storage.mongod import MongoServer, new_database

MODELS = 100_000
CONNECTIONS = 64
SECONDS = 8.0
ROUNDS = 3
ALLOWED = 30.0
"""Seconds that a start may take."""
SHARE = 0.5
"""So much of what the driver alone does a server must do."""
_BATCH = 5_000
_PATIENCE = 300.0
_SERVED = "p1"

Client = MongoClient[dict[str, Any]]


def main() -> None:
    """Run both, and say whether they are as they must be."""
    server = MongoServer("--sync-on-commit")
    if "KATO_TEST_MONGO" not in os.environ:
        server.start()
    try:
        good = [_starts(_database(server)), _learns(_database(server))]
    finally:
        server.remove()
    if not all(good):
        raise SystemExit("not as fast as it must be")


def _database(server: MongoServer) -> str:
    if "KATO_TEST_MONGO" in os.environ:
        return new_database()
    return server.url(f"kato_{uuid4().hex}")


# A start


def _starts(url: str) -> bool:
    began = perf_counter()
    _serve_once(url)
    with closing(_client(url)) as client:
        _fill(client)
    print(f"{MODELS:,} models of 16 symbols are stored by pymongo in {_since(began):.1f} s")
    taken = [_served(url) for _ in range(ROUNDS)]
    print(
        f"from the start of the process to the answer of get_status: {median(taken):.2f} s"
        f" ({min(taken):.2f} to {max(taken):.2f} s in {ROUNDS} starts, {ALLOWED:.0f} allowed)",
        flush=True,
    )
    return max(taken) <= ALLOWED


def _since(began: float) -> float:
    return perf_counter() - began


def _serve_once(url: str) -> None:
    """Have the indexes made."""
    LiveServer("--storage", url).start().terminate()


def _client(url: str) -> Client:
    return MongoClient(url, directConnection=True)


def _collection(client: Client, url_name: str) -> Collection[dict[str, Any]]:
    concern = WriteConcern(w="majority", j=True)
    return client.get_default_database().get_collection(url_name, write_concern=concern)


def _fill(client: Client) -> None:
    models = some_models(MODELS)
    for _ in range(MODELS // _BATCH):
        batch = tuple(next(models) for _ in range(_BATCH))
        changes = Changes(processor=_SERVED, state=State(name=_SERVED), models=batch)
        many = make_plan([changes]).writes[documents.MODELS]
        _collection(client, documents.MODELS).insert_many(each.document for each in many)
    _send(client, [Changes(processor=_SERVED, state=State(name=_SERVED))])


def _send(client: Client, changes: list[Changes]) -> None:
    """What a commit of these writes, as bulk writes in no order."""
    for collection, many in make_plan(changes).writes.items():
        writes: list[Any] = [ReplaceOne({"_id": each.id}, each.document, True) for each in many]
        _collection(client, collection).bulk_write(writes, ordered=False)


def _served(url: str) -> float:
    """Seconds from the start of a server until it tells how many models there are."""
    began = perf_counter()
    server = LiveServer("--storage", url)
    try:
        server.launch()
        with closing(server.connect(timeout=_PATIENCE)) as connection:
            models = connection.get(f"/{_SERVED}/status")["models"]
        taken = _since(began)
        server.terminate()
    finally:
        server.stop()
    if models != MODELS:
        raise SystemExit(f"{models} models were served, not {MODELS}")
    return taken


# Learns


_BODY = (
    '{"observations": [{"strings": ["a", "bNUMBER"]}, {"strings": ["c", "dNUMBER"]},'
    ' {"strings": ["e", "f"]}], "learn_at_end": true, "brief": true}'
)


def _learns(url: str) -> bool:
    """Learns by REST, and the writes that they make by the driver alone, in turns."""
    server = LiveServer("--storage", url).start()
    try:
        shares = [_compared(server, url) for _ in range(ROUNDS)]
    finally:
        server.stop()
    print(f"a server learns {median(shares):.0%} as fast as pymongo alone ({SHARE:.0%} wanted)")
    return median(shares) >= SHARE


def _compared(server: LiveServer, url: str) -> float:
    job = Job(
        *(server.port, "POST", f"/{_SERVED}/observe-sequence", _BODY),
        connections=CONNECTIONS,
        seconds=SECONDS,
    )
    with closing(server.connect()) as connection:
        connection.send("DELETE", f"/{_SERVED}")
        before = connection.get("/stats")["store"]["commits"]
        [result] = measured(job)
        commits = connection.get("/stats")["store"]["commits"] - before
    group = max(1, round(result["requests"] / commits))
    alone = _alone(url, group)
    print(
        f"{CONNECTIONS} connections: {result['per_second']:,.0f} learns/s, p50"
        f" {result['p50'] * 1e3:.1f} ms, p99 {result['p99'] * 1e3:.1f} ms, {group} in a commit;"
        f" pymongo alone, the same bulk writes: {alone:,.0f} learns/s",
        flush=True,
    )
    return result["per_second"] / alone


def _alone(url: str, group: int) -> float:
    """Learns a second that the driver alone writes, so many at a time, each time to be durable."""
    processor = Processor("alone")
    done, taken, number = 0, 0.0, 0
    with closing(_client(url)) as client:
        while taken < SECONDS / 2:
            for _ in range(group):
                number += 1
                for strings in (("a", f"b{number}"), ("c", f"d{number}"), ("e", "f")):
                    processor.observe(Observation(strings=strings))
                processor.learn()
            changes = [processor.drain()]
            began = perf_counter()
            _send(client, changes)
            taken += _since(began)
            done += group
    return done / taken
