"""The matching seam in Python, with numpy for the counting alone."""

import sys
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, chain

from kato.engine.blocks import matching_blocks, positions
from kato.engine.index import InvertedIndex
from kato.engine.matching import Learned, MemoryUse, Weights
from kato.engine.metrics import similarity
from kato.engine.python_kept import Candidate, Entry, KeptModels
from kato.engine.symbols import SymbolTable
from kato.model import Sequence as Events

_PLACE = sys.getsizeof((0,)) - sys.getsizeof(())
"""Bytes of one place in a tuple or a list."""

_TUPLE = sys.getsizeof(())

_MODEL = sys.getsizeof(Entry("", 0, (), (), ())) + sys.getsizeof("MODEL|" + 40 * "0") + 3 * _TUPLE
"""Bytes of a model beside its symbols and events: its entry, its name, and three tuples."""


class PythonMatcher:
    """Provides L{kato.engine.matching.Matcher}."""

    kind = "python"

    def __init__(self) -> None:
        self._table = SymbolTable()
        self._index = InvertedIndex()
        self._entries: list[Entry | None] = []
        self._slots: dict[str, int] = {}
        self._sequences: dict[Events, int] = {}
        self._sorted: list[str] | None = None
        self._places = 0
        self._events = 0

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def symbols(self) -> int:
        """How many distinct symbols all models have."""
        return len(self._table)

    def memory(self) -> MemoryUse:
        """What they use now, reckoned from counts: a model has its symbols' strings for itself,
        which are taken to be as long as those of all symbols are on average."""
        strings = self._places * self._table.strings() // max(len(self._table), 1)
        models = len(self._slots) * (_MODEL + _PLACE)
        models += 2 * self._places * _PLACE + self._events * (_TUPLE + 2 * _PLACE)
        tables = (self._entries, self._slots, self._sequences, self._sorted)
        return MemoryUse(
            models=models + strings + sum(map(sys.getsizeof, tables)),
            index=self._index.size(len(self._table)),
            symbols=self._table.size(),
        )

    def add(self, name: str, sequence: Events, frequency: int) -> None:
        """Take in a model whose name and sequence no other has."""
        codes = self._table.add(list(chain.from_iterable(sequence)), frequency)
        starts = tuple(accumulate(map(len, sequence), initial=0))
        entry = Entry(name, frequency, codes, starts, sequence)
        slot = self._index.add(codes)
        if slot == len(self._entries):
            self._entries.append(entry)
        else:
            self._entries[slot] = entry
        self._slots[name] = slot
        self._sequences[sequence] = slot
        self._places += len(codes)
        self._events += len(sequence)
        self._sorted = None

    def reweigh(self, name: str, frequency: int) -> None:
        """Give the model C{name} another frequency."""
        entry = self._entry(self._slots[name])
        self._table.reweigh(entry.codes, frequency - entry.frequency)
        entry.frequency = frequency

    def remove(self, name: str) -> None:
        """Forget the model C{name}, as if it had never been added."""
        slot = self._slots.pop(name)
        entry = self._entry(slot)
        del self._sequences[entry.sequence]
        self._index.remove(slot, entry.codes)
        self._table.remove(entry.codes, entry.frequency)
        self._entries[slot] = None
        self._places -= len(entry.codes)
        self._events -= len(entry.sequence)
        self._sorted = None

    def find(self, sequence: Events) -> str | None:
        """The name of the model that is this sequence."""
        slot = self._sequences.get(sequence)
        return None if slot is None else self._entry(slot).name

    def get(self, name: str) -> Learned | None:
        """The model of this name."""
        slot = self._slots.get(name)
        if slot is None:
            return None
        entry = self._entry(slot)
        return Learned(entry.sequence, entry.frequency)

    def page(self, after: str | None, limit: int) -> list[str]:
        """The C{limit} names that come first after C{after} in order, or first of all."""
        if self._sorted is None:
            self._sorted = sorted(self._slots)
        start = 0 if after is None else bisect_right(self._sorted, after)
        return self._sorted[start : start + limit]

    def kept(self, state: Sequence[str], threshold: float) -> KeptModels:
        """All models with a block whose similarity to C{state} is at least C{threshold}."""
        codes = [self._table.code(symbol) for symbol in state]
        where = positions(codes)
        found = []
        for slot in self._index.candidates(codes, threshold):
            entry = self._entry(slot)
            blocks = matching_blocks(entry.codes, where, len(codes))
            candidate = Candidate(entry, blocks, len(codes))
            if similarity(candidate.counts) >= threshold:
                found.append(candidate)
        return KeptModels(found, state, codes, self._table)

    def weigh(self, symbols: Sequence[str]) -> Weights:
        """What these symbols weigh; 0 those that are in no model."""
        weights = tuple(self._table.weight(self._table.code(symbol)) for symbol in symbols)
        return Weights(weights, self._table.mass, self._table.total)

    def dump(self) -> None:
        """Nothing: what is held here is as fast to make anew as it would be to read."""

    def load(self, dumped: bytes) -> bool:
        """Nothing that was dumped can be taken in."""
        return False

    def _entry(self, slot: int) -> Entry:
        entry = self._entries[slot]
        assert entry is not None, "the index knows no removed model"
        return entry
