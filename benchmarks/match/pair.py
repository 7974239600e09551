"""Two processors that predict at the same time, in two threads, beside one after the other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from statistics import median
from threading import Thread
from time import perf_counter
from typing import NamedTuple, Protocol

import numpy as np

from benchmarks.match.timing import no_collector
from benchmarks.match.workloads import Spelling
from kato.engine import Observation, Processor

MODELS, VOCABULARY, STATE, QUERIES, ROUNDS = 20_000, 300, 12, 100, 11
GOAL = 1.7


@dataclass(frozen=True, slots=True)
class Pair:
    """How many times the throughput of one processor two have: the median of some rounds, the
    lowest and the highest."""

    ratio: float
    lowest: float
    highest: float
    digests: float
    """The same of two threads that need nothing but a core each: less than 2 where the cores have
    other work."""
    one: float
    """How many seconds one takes for a prediction."""


class _Asked(Protocol):
    def ask(self) -> None:
        """Do all there is to do."""


def measure_pair() -> Pair:
    """Ask both in turn and both at a time, round by round, so that what else the machine does falls
    on both alike."""
    processors = [_Predicting(seed) for seed in (1, 2)]
    digests = [_Digesting(), _Digesting()]
    with no_collector():
        _at_a_time(processors)
        rounds, others = [], []
        for number in range(ROUNDS):
            rounds.append(_round(processors, number))
            others.append(_round(digests, number))
    ratios = sorted(map(_ratio, rounds))
    one = median(each.in_turn for each in rounds) / (2 * QUERIES)
    return Pair(median(ratios), ratios[0], ratios[-1], median(map(_ratio, others)), one)


class _Predicting:
    """A processor whose models fit the caches, and what it is asked."""

    def __init__(self, seed: int) -> None:
        chance = np.random.default_rng(seed)
        spelling = Spelling(VOCABULARY)
        self.processor = Processor("p")
        for codes in chance.zipf(1.3, (MODELS, 16)) % VOCABULARY:
            self._observe(spelling.state(codes))
            self.processor.learn()
        self.processor.drain()
        self._states = [
            spelling.state(codes) for codes in chance.zipf(1.3, (QUERIES, STATE)) % VOCABULARY
        ]

    def _observe(self, symbols: Sequence[str]) -> None:
        for symbol in symbols:
            self.processor.observe(Observation(strings=(symbol,)))

    def ask(self) -> None:
        """Predict from each state."""
        for state in self._states:
            self.processor.clear_short_term_memory()
            self._observe(state)
            self.processor.predictions()


class _Digesting:
    """Work that shares nothing with other threads."""

    def __init__(self) -> None:
        self._bytes = bytes(2**20)

    def ask(self) -> None:
        """Take about as long as the predictions."""
        for _ in range(QUERIES):
            blake2b(self._bytes)


class _Round(NamedTuple):
    """Seconds for the work of two."""

    in_turn: float
    at_a_time: float


def _ratio(each: _Round) -> float:
    return each.in_turn / each.at_a_time


def _round(both: Sequence[_Asked], number: int) -> _Round:
    """Every other round begins with what is done at a time."""
    if number % 2:
        at_a_time = _seconds(_at_a_time, both)
        return _Round(_seconds(_in_turn, both), at_a_time)
    return _Round(_seconds(_in_turn, both), _seconds(_at_a_time, both))


def _seconds(ask: Callable[[Sequence[_Asked]], None], both: Sequence[_Asked]) -> float:
    began = perf_counter()
    ask(both)
    return perf_counter() - began


def _in_turn(both: Sequence[_Asked]) -> None:
    for each in both:
        each.ask()


def _at_a_time(both: Sequence[_Asked]) -> None:
    threads = [Thread(target=each.ask) for each in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
