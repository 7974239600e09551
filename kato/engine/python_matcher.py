"""The matching seam in Python, with numpy for the counting alone."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from itertools import accumulate, chain
from typing import ClassVar

from kato.engine import metrics
from kato.engine.blocks import Block, matching_blocks, positions
from kato.engine.index import InvertedIndex
from kato.engine.matching import Match, Vote
from kato.engine.metrics import Counts, Direction, Metrics, rounded
from kato.engine.symbols import SymbolTable
from kato.model import Model

_SLACK = 1e-9
"""More than rounding can move a potential."""


@dataclass(slots=True)
class _Entry:
    """A model in codes; C{starts} holds where each event begins, and the end."""

    name: str
    frequency: int
    codes: tuple[int, ...]
    starts: tuple[int, ...]


class PythonMatcher:
    """Provides L{kato.engine.matching.Matcher}."""

    def __init__(self) -> None:
        self._table = SymbolTable()
        self._index = InvertedIndex()
        self._entries: list[_Entry | None] = []
        self._slots: dict[str, int] = {}

    @property
    def symbols(self) -> int:
        """How many distinct symbols all models have."""
        return len(self._table)

    def add(self, model: Model) -> None:
        """Take in a model with a new name."""
        flat = chain.from_iterable(model.sequence)
        codes = tuple(self._table.add(flat, model.frequency))
        starts = tuple(accumulate(map(len, model.sequence), initial=0))
        slot = self._index.add(codes)
        entry = _Entry(model.name, model.frequency, codes, starts)
        if slot == len(self._entries):
            self._entries.append(entry)
        else:
            self._entries[slot] = entry
        self._slots[model.name] = slot

    def reweigh(self, name: str, frequency: int) -> None:
        """Give the model C{name} another frequency."""
        entry = self._entry(self._slots[name])
        self._table.reweigh(entry.codes, frequency - entry.frequency)
        entry.frequency = frequency

    def remove(self, name: str) -> None:
        """Forget the model C{name}, as if it had never been added."""
        slot = self._slots.pop(name)
        entry = self._entry(slot)
        self._index.remove(slot, entry.codes)
        self._table.remove(entry.codes, entry.frequency)
        self._entries[slot] = None

    def kept(self, state: Sequence[str], threshold: float) -> "KeptModels":
        """All models with a block whose similarity to C{state} is at least C{threshold}."""
        codes = [self._table.code(symbol) for symbol in state]
        where = positions(codes)
        found = []
        for slot in self._index.candidates(codes, threshold):
            entry = self._entry(slot)
            blocks = matching_blocks(entry.codes, where, len(codes))
            candidate = _Candidate(entry, blocks, len(codes))
            if metrics.similarity(candidate.counts) >= threshold:
                found.append(candidate)
        return KeptModels(found, codes, self._table)

    def _entry(self, slot: int) -> _Entry:
        entry = self._entries[slot]
        assert entry is not None, "the index knows no removed model"
        return entry


class _Candidate:
    """A model with its blocks, and what follows from them in whole numbers."""

    __slots__ = ("blocks", "counts", "end", "entry", "first", "itfdf", "last", "start")

    def __init__(self, entry: _Entry, blocks: tuple[Block, ...], state: int) -> None:
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
        self, candidates: list[_Candidate], state: Sequence[int], table: SymbolTable
    ) -> None:
        self._candidates = candidates
        self._state = state
        self._probability = table.probability
        self._symbols = len(table)
        self._total = table.total
        self._kept_frequency = sum(each.frequency for each in candidates)
        self._direction = Direction(state, table.probability)

    def __len__(self) -> int:
        """How many they are."""
        return len(self._candidates)

    def best(self, rank_by: str, most: int) -> list[Match]:
        """The best C{most} of them, best first, by the gene C{rank_by}."""
        worthy = self._candidates
        if rank_by == "potential":
            worthy = self._possibly_best(most)
        value = self._RANKING[rank_by]
        ranked = sorted(
            worthy,
            key=lambda each: (-value(self, each), -each.frequency, each.entry.name),
        )
        return [self._match(each) for each in ranked[:most]]

    def votes(self) -> list[Vote]:
        """The votes of all that have a future, in no particular order."""
        return [
            Vote(
                each.entry.name,
                each.frequency,
                each.last,
                rounded(self._potential(each)),
                each.blocks[-1].state + each.blocks[-1].size == len(self._state),
            )
            for each in self._candidates
            if each.end < each.counts.model
        ]

    def _possibly_best(self, most: int) -> list[_Candidate]:
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

    def _itfdf_similarity(self, each: _Candidate) -> float:
        if each.itfdf is None:
            distance = self._direction.distance(each.present)
            each.itfdf = 1 - distance * each.frequency / self._kept_frequency
        return each.itfdf

    def _potential(self, each: _Candidate) -> float:
        return metrics.potential(each.counts, self._itfdf_similarity(each))

    def _confluence(self, each: _Candidate) -> float:
        return metrics.confluence(map(self._probability, each.present), each.frequency, self._total)

    _RANKING: ClassVar[Mapping[str, Callable[["KeptModels", _Candidate], float]]] = {
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

    def _match(self, each: _Candidate) -> Match:
        counts, present = each.counts, each.present
        itfdf = self._itfdf_similarity(each)
        probabilities = [self._probability(code) for code in present]
        distinct = [self._probability(code) for code in set(present)]
        numbers = Metrics(
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
        return Match(
            each.entry.name, each.blocks, each.first, each.last, Metrics(*map(rounded, numbers))
        )
