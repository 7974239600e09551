"""The numbers of a prediction (SPEC 3), each from its formula and nothing else.

Sums are C{math.fsum}, so they do not depend on the order of their terms; every result is rounded
by L{rounded} once, at the end.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

Probability = Callable[[int], float]
"""p(s) by the code of a symbol."""


class Metrics(NamedTuple):
    """The float fields of a prediction, rounded."""

    similarity: float
    evidence: float
    confidence: float
    snr: float
    fragmentation: float
    entropy: float
    hamiltonian: float
    grand_hamiltonian: float
    confluence: float
    itfdf_similarity: float
    potential: float


class Counts(NamedTuple):
    """What the blocks of one model say, in whole numbers."""

    matched: int
    blocks: int
    model: int
    """How many symbols the model has,"""
    present: int
    """its present events have,"""
    state: int
    """and the state has."""


def rounded(value: float) -> float:
    """Round to 12 decimals, and make -0.0 0.0."""
    return round(value, 12) + 0.0


def similarity(counts: Counts) -> float:
    """2k / (len(flat) + len(state)), not rounded, since the threshold takes it so."""
    return 2 * counts.matched / (counts.model + counts.state)


def evidence(counts: Counts) -> float:
    """k / len(flat)."""
    return counts.matched / counts.model


def confidence(counts: Counts) -> float:
    """k / number of symbols in C{present}."""
    return counts.matched / counts.present


def snr(counts: Counts) -> float:
    """(2k - x) / (2k + x), x being the number of C{extras}."""
    extras = counts.state - counts.matched
    return (2 * counts.matched - extras) / (2 * counts.matched + extras)


def potential(counts: Counts, itfdf: float) -> float:
    """(evidence + confidence) x snr + itfdf_similarity + 1 / (fragmentation + 1)."""
    return (evidence(counts) + confidence(counts)) * snr(counts) + itfdf + 1 / counts.blocks


def entropy(present: Iterable[float]) -> float:
    """The sum of -p log2 p over the probabilities of all symbols of C{present}."""
    return math.fsum(-p * math.log2(p) for p in present)


def hamiltonian(present: Sequence[int], symbols: int) -> float:
    """The sum of -q log_N q over all symbols of C{present}, q being a symbol's share of them."""
    if symbols < 2:
        return 0.0
    terms = {
        code: -(count / len(present)) * (math.log(count / len(present)) / math.log(symbols))
        for code, count in Counter(present).items()
    }
    return math.fsum(terms[code] for code in present)


def grand_hamiltonian(present: Iterable[float], symbols: int) -> float:
    """The sum of -p log_N p over the probabilities of the distinct symbols of C{present}."""
    if symbols < 2:
        return 0.0
    return math.fsum(-p * (math.log(p) / math.log(symbols)) for p in present)


def confluence(present: Iterable[float], frequency: int, total: int) -> float:
    """frequency / sum of all frequencies x (1 - product of p over all symbols of C{present})."""
    return frequency / total * (1 - math.prod(present))


class Direction:
    """The state as a vector p(s) x count(s), which the present of many models is held against."""

    __slots__ = ("_norm", "_parts", "_probability")

    def __init__(self, state: Sequence[int], probability: Probability) -> None:
        self._probability = probability
        self._parts = _weighted(Counter(state), probability)
        self._norm = _norm(self._parts)

    def distance(self, present: Sequence[int]) -> float:
        """D: the cosine distance to the vector of C{present}."""
        parts = _weighted(Counter(present), self._probability)
        dot = math.fsum(
            self._parts[code] * part for code, part in parts.items() if code in self._parts
        )
        return 1 - dot / (self._norm * _norm(parts))


def _weighted(counts: Mapping[int, int], probability: Probability) -> dict[int, float]:
    return {code: probability(code) * count for code, count in counts.items()}


def _norm(parts: Mapping[int, float]) -> float:
    return math.sqrt(math.fsum(part * part for part in parts.values()))
