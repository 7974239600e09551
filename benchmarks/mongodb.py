"""C{python -m benchmarks mongodb}: the store in MongoDB, beside the same bulk writes sent by
MongoDB's own driver."""

import random
from statistics import mean
from time import perf_counter
from typing import Any

from pymongo import DeleteMany, MongoClient, ReplaceOne
from twisted.internet.task import react
from twisted.internet.threads import deferToThread

from benchmarks.storage import committed, committed_together, heading, learn, load_large, row
from kato.engine import Processor
from kato.storage import open_store
from kato.storage.mongodb.plan import make_plan
from tests.storage.mongod import new_database

MODELS = 100_000
COMMITS = 200
GROUP = 64
_MOST = 40
"""How many commits of a whole group are timed."""

_AT_ONCE = 5_000
"""How many models a commit has while a processor is filled."""


def main() -> None:
    """Run all, and print a table of each."""
    react(_run, ())


async def _run(reactor: Any) -> None:
    url = new_database()
    chance = random.Random(1)
    store: Any = open_store(url, reactor=reactor)
    store.open()
    heading("a commit in ms")
    one = Processor("one")
    row("the store, one learn", [await committed(store, one, chance) for _ in range(COMMITS)])
    many = [Processor(f"p{number}") for number in range(GROUP)]
    mine = [await committed_together(store, many, chance) for _ in range(_MOST)]
    row(f"the store, a learn of each of {GROUP} processors", mine)
    theirs = await deferToThread(_driver, url, many, chance)
    row("pymongo, the same bulk writes, no transaction", theirs)
    print(
        f"{GROUP / mean(mine):,.0f} learns a second in such commits,"
        f" {GROUP / mean(theirs):,.0f} with pymongo alone: {mean(theirs) / mean(mine):.2f} as fast"
    )
    await _load(store, chance)
    await store.close()


def _driver(url: str, many: list[Processor], chance: random.Random) -> list[float]:
    """Send what the store would send, with nothing around it."""
    taken = []
    with MongoClient[Any](url, w="majority", journal=True) as client:
        database = client.get_default_database()
        for _ in range(_MOST):
            for processor in many:
                learn(processor, chance)
            plan = make_plan([processor.drain() for processor in many], pieces=False)
            began = perf_counter()
            for collection, conditions in plan.deletes.items():
                deletes = [DeleteMany(each) for each in conditions]
                database[collection].bulk_write(deletes, ordered=False)
            for collection, documents in plan.writes.items():
                puts: list[Any] = [
                    ReplaceOne({"_id": each.id}, each.document, upsert=True) for each in documents
                ]
                database[collection].bulk_write(puts, ordered=False)
            taken.append(perf_counter() - began)
    return taken


async def _load(store: Any, chance: random.Random) -> None:
    large = Processor("large")
    for number in range(MODELS):
        learn(large, chance)
        if number % _AT_ONCE == _AT_ONCE - 1:
            await store.commit([large.drain()])
    await store.commit([large.drain()])
    del large
    await load_large(store)
