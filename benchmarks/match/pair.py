"""Two processors that predict at the same time, in two threads, beside one after the other."""

from collections.abc import Sequence
from statistics import median
from threading import Thread
from time import perf_counter

import numpy as np

from benchmarks.match.workloads import Spelling
from kato.engine import Observation, Processor

MODELS, VOCABULARY, STATE, QUERIES, ROUNDS = 20_000, 300, 12, 100, 9


def ratio() -> tuple[float, float, float]:
    """How many times the throughput of one processor two have: the median of some rounds, the
    lowest and the highest."""
    both = [_Asked(seed) for seed in (1, 2)]
    found = sorted(_round(both) for _ in range(ROUNDS))
    return median(found), found[0], found[-1]


class _Asked:
    """A processor whose models fit the caches, and what it is asked."""

    def __init__(self, seed: int) -> None:
        chance = np.random.default_rng(seed)
        spelling = Spelling(VOCABULARY)
        self.processor = Processor("p", name="p")
        drawn = chance.zipf(1.3, (MODELS, 16)) % VOCABULARY
        for codes in drawn:
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


def _round(both: Sequence[_Asked]) -> float:
    began = perf_counter()
    for each in both:
        each.ask()
    one_by_one = perf_counter() - began
    threads = [Thread(target=each.ask) for each in both]
    began = perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return one_by_one / (perf_counter() - began)
