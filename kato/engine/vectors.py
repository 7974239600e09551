"""Vectors become symbols (SPEC 5).

What is compared is what C{math.dist} and C{math.hypot} say, to the last bit and on every machine;
arrays only narrow down who is worth comparing.
"""

import math
from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple

import numpy as np

from kato.changes import StoredVector
from kato.engine.arrays import NUMPY, Arrays, Matrix, Rows, blocks
from kato.genes import Genes
from kato.observation import Vector, vector_symbol

MAX_SUBTRACTIONS = 100_000
"""How many subtractions the search for components makes before it gives up."""

_NULL = 1e-9
"""A component this near to 0 counts as 0 in the search for components."""


class Classified(NamedTuple):
    """The symbols of one vector, sorted; C{bounded} where the search for them gave up."""

    symbols: tuple[str, ...]
    bounded: bool = False


class _Table:
    """The learned vectors of one dimension: a matrix that grows, and a name for each row."""

    __slots__ = ("_arrays", "_by_norm", "_rows", "names", "vectors")

    def __init__(self, dimension: int, arrays: Arrays) -> None:
        self.names: list[str] = []
        self.vectors: list[Vector] = []
        self._arrays = arrays
        self._rows = Rows(NUMPY, dimension)
        self._by_norm: tuple[Matrix, list[str]] | None = None

    def add(self, name: str, vector: Vector) -> None:
        self._rows.add(vector)
        self.names.append(name)
        self.vectors.append(vector)
        self._by_norm = None

    def _compared(self) -> Rows:
        """The rows where they are compared: elsewhere than here once there are enough of them."""
        rows, arrays = self._rows, self._arrays
        if rows.kind != arrays.kind and rows.components >= arrays.least:
            self._rows = rows = Rows(arrays, len(self.vectors[0]))
            for vector in self.vectors:
                rows.add(vector)
        return rows

    def nearest(self, vector: Vector, count: int, farthest: float | None) -> list[str]:
        """The names of the C{count} nearest vectors, nearest first, ties by name."""
        found = sorted(
            (math.dist(self.vectors[i], vector), self.names[i]) for i in self._near(vector, count)
        )
        return [
            name for distance, name in found[:count] if farthest is None or distance <= farthest
        ]

    def _near(self, vector: Vector, count: int) -> Iterable[int]:
        """A few rows among which the nearest are: all whose distance as arrays see it does not
        exceed the C{count}-th by more than its rounding can explain."""
        if count >= len(self.names):
            return range(len(self.names))
        squares = self._compared().squares(vector)
        with np.errstate(over="ignore"):
            bound = np.partition(squares, count - 1)[count - 1] * (1 + 1e-6) + 1e-290
        return np.flatnonzero(squares <= bound).tolist()

    def by_norm(self) -> tuple[Matrix, list[str]]:
        """The non-null vectors and their names, longest first, ties by name."""
        if self._by_norm is None:
            ranked = sorted(
                (-math.hypot(*vector), name, i)
                for i, (name, vector) in enumerate(zip(self.names, self.vectors, strict=True))
                if any(vector)
            )
            self._by_norm = (
                self._rows.on_host()[[i for _, _, i in ranked]],
                [name for _, name, _ in ranked],
            )
        return self._by_norm


class VectorMemory:
    """The vectors that were learned, and those that wait for the next learning."""

    __slots__ = ("_arrays", "_forgets_pending", "_fresh", "_learned", "_pending", "_tables")

    def __init__(self, arrays: Arrays = NUMPY) -> None:
        """@param arrays: where many vectors are compared."""
        self._arrays = arrays
        self._tables: dict[int, _Table] = {}
        self._learned: set[str] = set()
        self._pending: dict[str, Vector] = {}
        self._fresh: dict[str, StoredVector] = {}
        self._forgets_pending = False

    def __len__(self) -> int:
        return len(self._learned)

    @property
    def held(self) -> int:
        """How many there are, learned or not."""
        return len(self._learned) + len(self._pending)

    def holds(self, symbol: str) -> bool:
        """Whether the vector of this symbol is there, learned or not."""
        return symbol in self._learned or symbol in self._pending

    def classify(self, vector: Vector, genes: Genes) -> Classified:
        """The symbols of C{vector}, by the gene C{classifier}."""
        own = vector_symbol(vector)
        table = self._tables.get(len(vector))
        if genes.classifier == "DVC":
            return _components(table, vector, genes.search_depth, own)
        if table is None or not genes.vector_neighbors:
            return Classified((own,))
        near = table.nearest(vector, genes.vector_neighbors, genes.vector_max_distance)
        return Classified(tuple(sorted({own, *near})))

    def observe(self, vector: Vector) -> None:
        """Hold C{vector} for the next learning."""
        symbol = vector_symbol(vector)
        if not self.holds(symbol):
            self._pending[symbol] = vector
            self._fresh[symbol] = StoredVector(symbol, vector, False)

    def learn(self) -> None:
        """Remember all that was observed since the last learning or clearing."""
        for symbol, vector in self._pending.items():
            self._remember(symbol, vector)
            self._fresh[symbol] = StoredVector(symbol, vector, True)
        self._pending.clear()

    def drop_pending(self) -> None:
        """Forget what was observed and not learned."""
        for symbol in self._pending:
            self._fresh.pop(symbol, None)
        self._forgets_pending = self._forgets_pending or bool(self._pending)
        self._pending.clear()

    def _remember(self, symbol: str, vector: Vector) -> None:
        self._learned.add(symbol)
        table = self._tables.get(len(vector))
        if table is None:
            table = self._tables[len(vector)] = _Table(len(vector), self._arrays)
        table.add(symbol, vector)

    def copy(self) -> "VectorMemory":
        """The same vectors, of which the store knows nothing."""
        learned = (
            StoredVector(name, vector, True)
            for table in self._tables.values()
            for name, vector in zip(table.names, table.vectors, strict=True)
        )
        pending = (StoredVector(*each, False) for each in self._pending.items())
        return VectorMemory.restore(chain(learned, pending), self._arrays)

    def drain(self) -> tuple[tuple[StoredVector, ...], bool]:
        """What the store does not have yet, and whether it shall forget the pending ones first."""
        fresh, forgets = tuple(self._fresh.values()), self._forgets_pending
        self._fresh.clear()
        self._forgets_pending = False
        return fresh, forgets

    @classmethod
    def restore(cls, vectors: Iterable[StoredVector], arrays: Arrays = NUMPY) -> "VectorMemory":
        """Build it again from what the store has."""
        memory = cls(arrays)
        for symbol, vector, learned in vectors:
            if learned:
                memory._remember(symbol, vector)
            else:
                memory._pending[symbol] = vector
        return memory


def _components(table: _Table | None, vector: Vector, depth: int, own: str) -> Classified:
    """The fewest learned vectors whose sum is C{vector}, else its own symbol."""
    if table is None:
        return Classified((own,))
    rows, names = table.by_norm()
    search = _ComponentSearch(rows)
    for length in range(1, depth + 1):
        with np.errstate(over="ignore"):
            found = search.exactly(np.array(vector), 0, length)
        if found is not None:
            return Classified(tuple(sorted({names[i] for i in found})))
        if search.left < 0:
            return Classified((own,), bounded=True)
        if not search.deeper:
            break
        search.deeper = False
    return Classified((own,))


class _ComponentSearch:
    """Depth-first search for vectors that add up to a given one.

    It goes over the multisets of one length after those of the next shorter one, so the first
    found is a shortest one.  Each candidate that is taken off a remainder is one subtraction; they
    are counted one by one, in depth-first order, although numpy makes them in blocks.
    """

    def __init__(self, rows: Matrix) -> None:
        self._rows = rows
        self.left = MAX_SUBTRACTIONS
        self.deeper = False
        """Whether a longer multiset could still be one: some remainder was left to divide."""

    def exactly(self, remainder: Matrix, first: int, length: int) -> list[int] | None:
        """C{length} candidates from C{first} on that add up to C{remainder}, in order; C{None}
        where there are none, or where the subtractions ran out."""
        if length == 1:
            return self._last(remainder, first)
        for start, rows in blocks(self._rows, first, NUMPY.block):
            block = remainder - rows
            counted = 0
            for offset in np.flatnonzero((block >= -_NULL).all(axis=1)).tolist():
                self.left -= offset + 1 - counted
                counted = offset + 1
                if self.left < 0:
                    return None
                found = self.exactly(block[offset], start + offset, length - 1)
                if found is not None:
                    return [start + offset, *found]
            self.left -= len(rows) - counted
            if self.left < 0:
                return None
        return None

    def _last(self, remainder: Matrix, first: int) -> list[int] | None:
        for start, rows in blocks(self._rows, first, NUMPY.block):
            block = remainder - rows
            sums = np.flatnonzero((np.abs(block) <= _NULL).all(axis=1))
            if len(sums) and sums[0] < self.left:
                return [start + int(sums[0])]
            self.deeper = self.deeper or bool((block >= -_NULL).all(axis=1).any())
            self.left -= len(rows)
            if self.left < 0:
                return None
        return None
