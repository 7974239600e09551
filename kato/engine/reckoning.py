"""The numbers of one prediction as formulas, with what is put into them, so that anybody can
recompute them by hand (SPEC 3).

A formula is written with the names of its numbers, as Python reads it with the functions of
C{math}.  A number may also be a list of symbols, or a number for each symbol.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kato.engine import metrics
from kato.engine.matching import Weights
from kato.engine.metrics import Counts, Direction, rounded


class Reckoned(NamedTuple):
    """A value, and how it is reckoned."""

    name: str
    formula: str
    numbers: Mapping[str, Any]
    value: Any


class Reckoning:
    """What the numbers of one model follow from.

    C{terms} are what its metrics are made of, not rounded: p(s), q(s), the vectors C{a} of the
    state and C{b} of C{present}, and their distance C{D}.  C{metrics} are the float fields of the
    prediction, rounded, in their order.
    """

    def __init__(
        self,
        counts: Counts,
        *,
        present: Sequence[str],
        state: Sequence[str],
        frequency: int,
        kept_frequency: int,
        symbols: int,
        weights: Weights,
    ) -> None:
        """
        @param present: the symbols of the model's present events.
        @param state: the symbols of the state.
        @param kept_frequency: the sum of the frequencies of all kept models.
        @param symbols: N, how many distinct symbols all models have.
        @param weights: of L{distinct} symbols.
        """
        self._counts = counts
        self._frequency = frequency
        self._kept_frequency = kept_frequency
        self._symbols = symbols
        self._total = weights.total
        names = distinct(present, state)
        codes = {symbol: code for code, symbol in enumerate(names)}
        self._weight = dict(zip(names, weights.symbols, strict=True))
        self._mass = weights.mass
        self._p = {symbol: weight / weights.mass for symbol, weight in self._weight.items()}
        self._probabilities = list(self._p.values())
        self._present = list(present)
        self._codes = [codes[symbol] for symbol in present]
        self._p_present = {symbol: self._p[symbol] for symbol in present}
        self._in_present, self._in_state = Counter(present), Counter(state)
        direction = Direction([codes[symbol] for symbol in state], self._probabilities.__getitem__)
        self._distance = direction.distance(self._codes)
        itfdf = 1 - self._distance * frequency / kept_frequency
        self.terms = (*self._shares(), *self._vectors())
        self.metrics = (*self._matched(), *self._informed(), *self._together(itfdf))

    def _shares(self) -> tuple[Reckoned, ...]:
        size = self._counts.present
        return (
            Reckoned(
                "p",
                "{s: n / mass for s, n in weight.items()}",
                {"weight": self._weight, "mass": self._mass},
                self._p,
            ),
            Reckoned(
                "q",
                "{s: n / present_length for s, n in in_present.items()}",
                {"in_present": dict(self._in_present), "present_length": size},
                self._q(),
            ),
        )

    def _q(self) -> dict[str, float]:
        return {symbol: times / self._counts.present for symbol, times in self._in_present.items()}

    def _vectors(self) -> tuple[Reckoned, ...]:
        a = {symbol: self._p[symbol] * times for symbol, times in self._in_state.items()}
        b = {symbol: self._p[symbol] * times for symbol, times in self._in_present.items()}
        p_state = {symbol: self._p[symbol] for symbol in self._in_state}
        return (
            Reckoned(
                "a",
                "{s: p[s] * n for s, n in in_state.items()}",
                {"p": p_state, "in_state": dict(self._in_state)},
                a,
            ),
            Reckoned(
                "b",
                "{s: p[s] * n for s, n in in_present.items()}",
                {"p": self._p_present, "in_present": dict(self._in_present)},
                b,
            ),
            Reckoned(
                "D",
                "1 - fsum(a[s] * b[s] for s in b if s in a) / "
                "(sqrt(fsum(x * x for x in a.values())) * sqrt(fsum(x * x for x in b.values())))",
                {"a": a, "b": b},
                self._distance,
            ),
        )

    def _matched(self) -> tuple[Reckoned, ...]:
        """What follows from counts alone."""
        counts = self._counts
        k = {"k": counts.matched}
        extras = counts.state - counts.matched
        lengths = {"model_length": counts.model, "state_length": counts.state}
        return (
            _metric(
                "similarity",
                "2 * k / (model_length + state_length)",
                {**k, **lengths},
                metrics.similarity(counts),
            ),
            _metric(
                "evidence",
                "k / model_length",
                {**k, "model_length": counts.model},
                metrics.evidence(counts),
            ),
            _metric(
                "confidence",
                "k / present_length",
                {**k, "present_length": counts.present},
                metrics.confidence(counts),
            ),
            _metric(
                "snr",
                "(2 * k - x) / (2 * k + x)",
                {**k, "x": extras},
                metrics.snr(counts),
            ),
            _metric("fragmentation", "blocks - 1", {"blocks": counts.blocks}, counts.blocks - 1),
        )

    def _informed(self) -> tuple[Reckoned, ...]:
        """What follows from how often symbols are learned."""
        present, n = self._present, self._symbols
        p = {"present": present, "p": self._p_present}
        probabilities = [self._p[symbol] for symbol in present]
        return (
            _metric(
                "entropy",
                "fsum(-p[s] * log2(p[s]) for s in present)",
                p,
                metrics.entropy(probabilities),
            ),
            _metric(
                "hamiltonian",
                "fsum(-q[s] * (log(q[s]) / log(N)) for s in present) if N >= 2 else 0.0",
                {"present": present, "q": self._q(), "N": n},
                metrics.hamiltonian(self._codes, n),
            ),
            _metric(
                "grand_hamiltonian",
                "fsum(-p[s] * (log(p[s]) / log(N)) for s in set(present)) if N >= 2 else 0.0",
                {**p, "N": n},
                metrics.grand_hamiltonian(self._p_present.values(), n),
            ),
            _metric(
                "confluence",
                "frequency / all_frequencies * (1 - prod(p[s] for s in present))",
                {"frequency": self._frequency, "all_frequencies": self._total, **p},
                metrics.confluence(probabilities, self._frequency, self._total),
            ),
        )

    def _together(self, itfdf: float) -> tuple[Reckoned, ...]:
        """What follows from all of it; what is put in is not rounded."""
        counts = self._counts
        return (
            _metric(
                "itfdf_similarity",
                "1 - D * frequency / kept_frequencies",
                {
                    "D": self._distance,
                    "frequency": self._frequency,
                    "kept_frequencies": self._kept_frequency,
                },
                itfdf,
            ),
            _metric(
                "potential",
                "(evidence + confidence) * snr + itfdf_similarity + 1 / (fragmentation + 1)",
                {
                    "evidence": metrics.evidence(counts),
                    "confidence": metrics.confidence(counts),
                    "snr": metrics.snr(counts),
                    "itfdf_similarity": itfdf,
                    "fragmentation": counts.blocks - 1,
                },
                metrics.potential(counts, itfdf),
            ),
        )


def distinct(present: Sequence[str], state: Sequence[str]) -> list[str]:
    """The symbols whose weights a L{Reckoning} needs, in its order."""
    return list(dict.fromkeys((*present, *state)))


def _metric(name: str, formula: str, numbers: Mapping[str, Any], value: float) -> Reckoned:
    return Reckoned(name, formula, numbers, rounded(value))
