"""The models that a state keeps, ranked and measured in Python (SPEC 3)."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import Any, ClassVar

from kato.codec import encode_json
from kato.engine import metrics
from kato.engine.blocks import Block
from kato.engine.matching import Standing
from kato.engine.metrics import Counts, Direction, Metrics, rounded
from kato.engine.prediction import Match, Vote, forecast, told
from kato.engine.symbols import SymbolTable
from kato.model import Sequence as Events

_SLACK = 1e-9
"""More than rounding can move a potential."""


@dataclass(slots=True)
class Entry:
    """A model, in codes as well; C{starts} holds where each event begins, and the end."""

    name: str
    frequency: int
    codes: tuple[int, ...]
    starts: tuple[int, ...]
    sequence: Events


class Candidate:
    """A model with its blocks, and what follows from them in whole numbers."""

    __slots__ = ("blocks", "counts", "end", "entry", "first", "itfdf", "last", "start")

    def __init__(self, entry: Entry, blocks: tuple[Block, ...], state: int) -> None:
        """@param state: how many symbols the state has."""
        self.entry = entry
        self.blocks = blocks
        starts = entry.starts
        self.first = bisect_right(starts, blocks[0].model) - 1
        self.last = bisect_right(starts, blocks[-1].model + blocks[-1].size - 1)
        self.start, self.end = starts[self.first], starts[self.last]
        self.counts = Counts(
            matched=sum(block.size for block in blocks),
            blocks=len(blocks),
            model=len(entry.codes),
            present=self.end - self.start,
            state=state,
        )
        self.itfdf: float | None = None
        """Its itfdf_similarity, once somebody has asked for it."""

    @property
    def frequency(self) -> int:
        """How often the model was learned."""
        return self.entry.frequency

    @property
    def present(self) -> tuple[int, ...]:
        """The codes of the symbols of the present events."""
        return self.entry.codes[self.start : self.end]


class KeptModels:
    """Provides L{kato.engine.matching.Kept}.

    The potential of a model needs a cosine.  Since D lies in [0, 1], the rest of the potential
    bounds it from both sides, and most models are ranked out by their bounds alone.
    """

    def __init__(
        self,
        candidates: list[Candidate],
        state: Sequence[str],
        codes: Sequence[int],
        table: SymbolTable,
    ) -> None:
        """@param codes: those of the symbols of C{state}."""
        self._candidates = candidates
        self._state = tuple(state)
        self._probability = table.probability
        self._symbols = len(table)
        self._total = table.total
        self._kept_frequency = sum(each.frequency for each in candidates)
        self._direction = Direction(codes, table.probability)

    def __len__(self) -> int:
        return len(self._candidates)

    def best(self, rank_by: str, most: int) -> "PythonRanking":
        """The best C{most} of them by the gene C{rank_by}."""
        worthy = self._candidates
        if rank_by == "potential":
            worthy = self._possibly_best(most)
        ranked = sorted(worthy, key=self._order(rank_by))
        return PythonRanking([self._match(each) for each in ranked[:most]], self._state)

    def _order(self, rank_by: str) -> Callable[[Candidate], tuple[float, int, str]]:
        """What candidates are sorted by, the best first."""
        value = self._RANKING[rank_by]
        return lambda each: (-value(self, each), -each.frequency, each.entry.name)

    def standing(self, name: str, rank_by: str) -> Standing:
        """Where the model of this name stands by the gene C{rank_by}."""
        order = self._order(rank_by)
        rank = None
        for model in self._candidates:
            if model.entry.name == name:
                place = order(model)
                rank = 1 + sum(order(each) < place for each in self._candidates)
        return Standing(len(self._candidates), self._kept_frequency, rank)

    def forecast(self, limit: int) -> list[dict[str, Any]]:
        """The best C{limit} entries of the forecast, best first."""
        votes = (
            Vote(
                each.frequency,
                each.entry.sequence[each.last],
                rounded(self._potential(each)),
                each.blocks[-1].state + each.blocks[-1].size == len(self._state),
            )
            for each in self._candidates
            if each.end < each.counts.model
        )
        return forecast(votes)[:limit]

    def _possibly_best(self, most: int) -> list[Candidate]:
        """All whose potential could be among the C{most} highest, or tie with the last."""
        if len(self._candidates) <= most:
            return self._candidates
        bounds = [
            (metrics.potential(each.counts, 1.0), each.frequency / self._kept_frequency)
            for each in self._candidates
        ]
        bar = nlargest(most, (highest - width for highest, width in bounds))[-1] - _SLACK
        return [
            each
            for each, (highest, _) in zip(self._candidates, bounds, strict=True)
            if highest >= bar
        ]

    def _itfdf_similarity(self, each: Candidate) -> float:
        if each.itfdf is None:
            distance = self._direction.distance(each.present)
            each.itfdf = 1 - distance * each.frequency / self._kept_frequency
        return each.itfdf

    def _potential(self, each: Candidate) -> float:
        return metrics.potential(each.counts, self._itfdf_similarity(each))

    def _confluence(self, each: Candidate) -> float:
        return metrics.confluence(map(self._probability, each.present), each.frequency, self._total)

    _RANKING: ClassVar[Mapping[str, Callable[["KeptModels", Candidate], float]]] = {
        "potential": lambda self, each: rounded(self._potential(each)),
        "similarity": lambda self, each: rounded(metrics.similarity(each.counts)),
        "evidence": lambda self, each: rounded(metrics.evidence(each.counts)),
        "confidence": lambda self, each: rounded(metrics.confidence(each.counts)),
        "snr": lambda self, each: rounded(metrics.snr(each.counts)),
        "frequency": lambda self, each: each.frequency,
        "confluence": lambda self, each: rounded(self._confluence(each)),
        "itfdf_similarity": lambda self, each: rounded(self._itfdf_similarity(each)),
        "fragmentation": lambda self, each: 1 - each.counts.blocks,
    }
    """What each gene value ranks by, highest first."""

    def _match(self, each: Candidate) -> Match:
        return Match(
            name=each.entry.name,
            frequency=each.frequency,
            sequence=each.entry.sequence,
            blocks=each.blocks,
            first=each.first,
            last=each.last,
            metrics=Metrics(*map(rounded, self._metrics(each))),
        )

    def _metrics(self, each: Candidate) -> Metrics:
        """The numbers of a prediction, not rounded."""
        counts, present = each.counts, each.present
        itfdf = self._itfdf_similarity(each)
        probabilities = [self._probability(code) for code in present]
        distinct = [self._probability(code) for code in set(present)]
        return Metrics(
            similarity=metrics.similarity(counts),
            evidence=metrics.evidence(counts),
            confidence=metrics.confidence(counts),
            snr=metrics.snr(counts),
            fragmentation=counts.blocks - 1,
            entropy=metrics.entropy(probabilities),
            hamiltonian=metrics.hamiltonian(present, self._symbols),
            grand_hamiltonian=metrics.grand_hamiltonian(distinct, self._symbols),
            confluence=metrics.confluence(probabilities, each.frequency, self._total),
            itfdf_similarity=itfdf,
            potential=metrics.potential(counts, itfdf),
        )


class PythonRanking:
    """Provides L{kato.engine.matching.Ranking}."""

    def __init__(self, matches: list[Match], state: tuple[str, ...]) -> None:
        self._matches = matches
        self._state = state

    @property
    def names(self) -> list[str]:
        """The names of the models."""
        return [match.name for match in self._matches]

    def __len__(self) -> int:
        return len(self._matches)

    def blocks(self, place: int) -> tuple[Block, ...]:
        """Where the model at this place matches, in order."""
        return self._matches[place].blocks

    def told(self, place: int) -> dict[str, Any]:
        """The prediction at this place, but for its emotives."""
        return told(self._matches[place], self._state)

    def json(self, place: int) -> bytes:
        """The same as compact JSON in UTF-8, without the closing brace."""
        return encode_json(self.told(place))[:-1]
