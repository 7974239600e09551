"""The worlds that are measured: models, and states to ask about, the same in every run."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kato.model import Sequence as Events

Codes = NDArray[np.int64]

_BATCH = 10_000


@dataclass(frozen=True)
class Question:
    """States of one length, asked about at one threshold."""

    state: int
    threshold: float
    goal: float | None = None
    """Seconds that the best may take with results lazy."""
    times: tuple[float | None, float | None] = (None, None)
    """How many times as long difflib and rapidfuzz shall take."""


@dataclass(frozen=True)
class Workload:
    """Models of symbols numbered from 0."""

    name: str
    about: str
    models: int
    vocabulary: int
    flat: Callable[[np.random.Generator, int], list[Codes]]
    """Makes so many models."""
    ask: Callable[[np.random.Generator, int], Codes]
    """Makes a state of so many symbols."""
    questions: tuple[Question, ...]
    width: int = 1
    """Symbols of an event."""
    again: float = 1.0
    """A model was learned once with this probability, twice with it of those left, and so on."""
    seed: int = 20_261
    add_goal: float | None = 5e-6
    """Seconds that it may take to add a model,"""
    bytes_goal: float | None = None
    """and bytes that one may take, all included."""

    def of(self, models: int) -> "Workload":
        """The same world with so many models; no goals are set for other numbers than its own."""
        if models == self.models:
            return self
        questions = tuple(Question(each.state, each.threshold) for each in self.questions)
        return replace(self, models=models, questions=questions, add_goal=None, bytes_goal=None)

    def batches(self) -> Iterator[list[Codes]]:
        """The models, some at a time."""
        chance = np.random.default_rng(self.seed)
        for size in self._sizes():
            yield self.flat(chance, size)

    def frequencies(self) -> Iterator[list[int]]:
        """How often each model was learned, as many at a time."""
        chance = np.random.default_rng(self.seed + 1_000_000)
        for size in self._sizes():
            yield chance.geometric(self.again, size).tolist()

    def _sizes(self) -> Iterator[int]:
        for start in range(0, self.models, _BATCH):
            yield min(_BATCH, self.models - start)

    def states(self, question: Question, count: int) -> list[Codes]:
        """So many different states."""
        chance = np.random.default_rng(self.seed + 1 + question.state)
        return [self.ask(chance, question.state) for _ in range(count)]


class Spelling:
    """Numbers as symbols."""

    def __init__(self, vocabulary: int) -> None:
        self._symbols = [f"s{i}" for i in range(vocabulary)]

    def state(self, codes: Codes) -> tuple[str, ...]:
        """A state."""
        symbols = self._symbols
        return tuple([symbols[code] for code in codes.tolist()])

    def events(self, codes: Codes, width: int) -> Events:
        """A model in events of C{width} symbols."""
        flat = self.state(codes)
        cuts = [*range(0, len(flat), width), len(flat)]
        return tuple(flat[start:end] for start, end in pairwise(cuts))


def _even(vocabulary: int, length: int) -> Callable[[np.random.Generator, int], list[Codes]]:
    return lambda chance, count: list(chance.integers(0, vocabulary, (count, length)))


def _even_state(vocabulary: int) -> Callable[[np.random.Generator, int], Codes]:
    return lambda chance, length: chance.integers(0, vocabulary, length)


class _Zipf:
    """Symbols of which the n-th is as frequent as n to the power of -exponent."""

    def __init__(self, vocabulary: int, exponent: float) -> None:
        weights = np.arange(1, vocabulary + 1) ** -exponent
        self._sums = np.cumsum(weights / weights.sum())

    def draw(self, chance: np.random.Generator, count: int) -> Codes:
        found = np.searchsorted(self._sums, chance.random(count))
        return np.minimum(found, len(self._sums) - 1)

    def fixed(self, length: int) -> Callable[[np.random.Generator, int], list[Codes]]:
        return lambda chance, count: list(self.draw(chance, count * length).reshape(count, length))

    def mixed(self, low: int, high: int) -> Callable[[np.random.Generator, int], list[Codes]]:
        def make(chance: np.random.Generator, count: int) -> list[Codes]:
            lengths = chance.integers(low, high + 1, count)
            return np.split(self.draw(chance, int(lengths.sum())), np.cumsum(lengths)[:-1])

        return make


class _Log:
    """A log as machines write it: a few hundred kinds of runs, none twice quite the same."""

    def __init__(self) -> None:
        chance = np.random.default_rng(424_243)
        self._draw = _Zipf(3_000, 0.9).draw
        self._runs = [self._draw(chance, int(chance.integers(10, 40))) for _ in range(300)]

    def one(self, chance: np.random.Generator) -> Codes:
        run = self._runs[int(chance.random() ** 2 * len(self._runs))]
        run = run[chance.random(len(run)) > 0.1]
        other = self._draw(chance, len(run))
        return np.where(chance.random(len(run)) < 0.12, other, run)

    def models(self, chance: np.random.Generator, count: int) -> list[Codes]:
        return [self.one(chance) for _ in range(count)]

    def state(self, chance: np.random.Generator, length: int) -> Codes:
        found = [self.one(chance)[:length]]
        while sum(map(len, found)) < length:
            found.append(self.one(chance))
        return np.concatenate(found)[:length]


_WORDS = _Zipf(50_000, 1.1)
_MIXED = _Zipf(5_000, 1.0)
_LOG = _Log()

WORKLOADS: Sequence[Workload] = (
    Workload(
        "W1",
        "8 events with 2 symbols, vocabulary 500",
        10_000,
        500,
        _even(500, 16),
        _even_state(500),
        (Question(6, 0.1, 60e-6, (1000, 15)),),
        width=2,
        bytes_goal=220,
    ),
    Workload(
        "W2",
        "8 events with 2 symbols, vocabulary 5,000",
        100_000,
        5_000,
        _even(5_000, 16),
        _even_state(5_000),
        (Question(10, 0.1, 40e-6, (1000, 200)),),
        width=2,
        bytes_goal=220,
    ),
    Workload(
        "W3",
        "16 symbols, vocabulary 50,000, Zipf 1.1",
        1_000_000,
        50_000,
        _WORDS.fixed(16),
        _WORDS.draw,
        (Question(20, 0.1, 60e-3, (400, None)), Question(20, 0.5, 1e-3, (400, None))),
        bytes_goal=220,
    ),
    Workload(
        "W4",
        "1,000 symbols, vocabulary 2,000",
        1_000,
        2_000,
        _even(2_000, 1_000),
        _even_state(2_000),
        (Question(200, 0.1, 1.5e-3),),
        add_goal=None,
    ),
    Workload(
        "W5",
        "4 to 50 symbols, vocabulary 5,000, Zipf 1.0",
        100_000,
        5_000,
        _MIXED.mixed(4, 50),
        _MIXED.draw,
        (Question(6, 0.1), Question(20, 0.1), Question(60, 0.1)),
    ),
    Workload(
        "WX",
        "runs of a log: 300 kinds, 10 % of their symbols lost, 12 % others, events of 3,"
        " learned twice on average",
        50_000,
        3_000,
        _LOG.models,
        _LOG.state,
        (Question(12, 0.1), Question(12, 0.4), Question(70, 0.2)),
        width=3,
        again=0.5,
        seed=987_654_321,
    ),
)

BY_NAME: Mapping[str, Workload] = {each.name: each for each in WORKLOADS}
