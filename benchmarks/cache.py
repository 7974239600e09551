"""C{python -m benchmarks cache}: predictions of a large memory, computed, and found in a Redis of
this machine where another service left them.

Each question goes through L{kato.long_turns.LongTurns} with threads, as in a service, and asks for
the answer as JSON.  The same states come again and again, but never the one of before, so nothing
is known in the engine itself.
"""

import random
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

from twisted.internet.task import deferLater, react

from kato.caching import Address, make_cache
from kato.changes import Percept, Snapshot, State
from kato.engine import Observation, Processor
from kato.long_turns import LongTurns
from kato.model import Model, model_name
from kato.questions import Question
from kato.threads import make_threads, off_the_reactor
from tests.caching.redis_server import RedisServer

EVENTS, WIDTH, STATE = 8, 2, 3
SIZES = (10_000, 100_000, 1_000_000)
VOCABULARIES = (50, 5_000)
STATES = 25
ROUNDS = 4

Events = tuple[tuple[str, ...], ...]


def main() -> None:
    """Print two tables."""
    react(_measure)


async def _measure(reactor: Any) -> None:
    redis = RedisServer().start()
    threads = make_threads("turns")
    threads.start()
    try:
        print("vocabulary     models    kept   computed ms   missed ms   found ms   answer KB")
        for vocabulary in VOCABULARIES:
            for size in SIZES:
                await _row(reactor, redis, off_the_reactor(reactor, threads), vocabulary, size)
    finally:
        threads.stop()
        redis.remove()
    _fingerprints()


async def _row(
    reactor: Any, redis: RedisServer, in_thread: Any, vocabulary: int, size: int
) -> None:
    redis.say(b"FLUSHALL")
    processor = _restored(vocabulary, size)
    chance = random.Random(2)
    states = [_events(chance, STATE, vocabulary) for _ in range(STATES)]
    cache = make_cache(Address.parse(redis.url()), ttl=600.0, reactor=reactor)
    cache.start()
    await deferLater(reactor, 0.5)
    plain, cached = LongTurns(in_thread), LongTurns(in_thread, cache, worth=0.0)
    await _ask(reactor, processor, states, plain)
    computed = await _ask(reactor, processor, states * ROUNDS, plain)
    missed = await _ask(reactor, processor, states, cached)
    await deferLater(reactor, 0.5)
    before = cached.statistics() or {}
    found = await _ask(reactor, processor, states * ROUNDS, cached)
    told = cached.statistics() or {}
    looks = STATES * ROUNDS
    kept = len(processor._knowledge.kept(processor.outlook().state, 0.1))
    print(
        f"{vocabulary:>10,} {size:>10,} {kept:>7,} {computed * 1e3:>13.2f} {missed * 1e3:>11.2f}"
        f" {found * 1e3:>10.2f} {len(processor.predictions().json()) / 1e3:>11.1f}"
        f"   ({told['hits'] - before['hits']} of {looks} found)"
    )
    sys.stdout.flush()
    await cache.close()


async def _ask(
    reactor: Any, processor: Processor, states: Sequence[Events], turns: LongTurns
) -> float:
    """The median of the seconds that an answer takes."""
    taken = []
    for state in states:
        processor.clear_short_term_memory()
        for event in state:
            processor.observe(Observation(strings=event))
        began = perf_counter()
        await turns.take(processor, (Question(),), lambda: processor.predictions().json())
        taken.append(perf_counter() - began)
        await deferLater(reactor, 0.002)
    return median(taken)


def _fingerprints() -> None:
    """What it costs that models have a fingerprint."""
    models = list(_models(500, 100_000))
    bare = _timed(lambda: _made(models, fingerprinted=False))
    both = _timed(lambda: _made(models, fingerprinted=True))
    processor = _made(models, fingerprinted=True)
    with_it, without = processor.index(), _made(models, fingerprinted=False).index()
    print(f"\n100,000 models taken in: {bare:.2f} s, with a fingerprint {both:.2f} s")
    for name, index, asked in (
        ("an index, no fingerprint wanted", without, False),
        ("an index that has one", with_it, True),
        ("an index that has none", without, True),
    ):
        taken = _timed(partial(_made, [], fingerprinted=asked, index=index))
        print(f"taken from {name}: {taken:.2f} s")
    learn = [_learned(_made(models[:10_000], fingerprinted=each)) for each in (False, True)]
    print(f"to learn: {learn[0] * 1e6:.1f} µs, with a fingerprint {learn[1] * 1e6:.1f} µs")


def _learned(processor: Processor) -> float:
    taken = []
    for number in range(2_000):
        for event in range(EVENTS):
            processor.observe(Observation(strings=(f"n{number}", f"e{event}")))
        taken.append(_timed(processor.learn))
    return median(taken)


def _timed(call: Callable[[], object]) -> float:
    began = perf_counter()
    call()
    return perf_counter() - began


def _restored(vocabulary: int, size: int) -> Processor:
    return _made(_models(vocabulary, size), fingerprinted=True)


def _made(models: Any, *, fingerprinted: bool, index: bytes | None = None) -> Processor:
    snapshot = Snapshot("p", State("p"), Percept(), (), (), (), (), models=models, index=index)
    return Processor.restore(snapshot, fingerprinted=fingerprinted)


def _models(vocabulary: int, size: int) -> Iterator[Model]:
    chance = random.Random(1)
    seen: set[str] = set()
    while len(seen) < size:
        sequence = _events(chance, EVENTS, vocabulary)
        name = model_name(sequence)
        if name not in seen:
            seen.add(name)
            yield Model(name, sequence, 1)


def _events(chance: random.Random, number: int, vocabulary: int) -> Events:
    return tuple(
        tuple(sorted(f"s{chance.randrange(vocabulary)}" for _ in range(WIDTH)))
        for _ in range(number)
    )
