"""Vectors become symbols as SPEC 5 says."""

import hashlib
import math
import struct
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.engine import vectors
from kato.engine.arrays import NUMPY
from kato.engine.vectors import Classified, VectorMemory
from kato.genes import Genes
from kato.observation import Vector, vector_symbol
from tests.engine.plain_vectors import Components, nearest, symbol

SMALL = st.sampled_from([-1.0, -0.0, 0.0, 0.5, 1.0, 2.0])
VECTORS = st.lists(SMALL, min_size=1, max_size=3).map(tuple)
HUGE = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=2).map(tuple)


def learned(*observed: Vector) -> VectorMemory:
    memory = VectorMemory()
    for vector in observed:
        memory.observe(vector)
    memory.learn()
    return memory


class SymbolTests(SynchronousTestCase):
    """A vector's own symbol."""

    def test_hash(self) -> None:
        """It is SHA-1 of the components as little-endian float64, -0.0 as 0.0."""
        digest = hashlib.sha1(struct.pack("<2d", 1.0, 0.0)).hexdigest()
        self.assertEqual(vector_symbol((1.0, -0.0)), f"VECTOR|{digest}")


class NearestTests(SynchronousTestCase):
    """Classifier C{CVC}."""

    @settings(deadline=None, max_examples=300)
    @given(
        st.lists(st.one_of(VECTORS, HUGE), max_size=12),
        st.one_of(VECTORS, HUGE),
        st.integers(0, 4),
        st.sampled_from([None, 0.0, 1.0, 1.5, 1e300]),
    )
    def test_brute_force(
        self, known: list[Vector], vector: Vector, count: int, farthest: float | None
    ) -> None:
        """The symbols are the own one and those of the nearest, ties by name, none too far."""
        genes = Genes(vector_neighbors=count, vector_max_distance=farthest)
        found = learned(*known).classify(vector, genes)
        near = nearest(known, vector, count, farthest)
        self.assertEqual(found, Classified(tuple(sorted({symbol(vector), *near}))))

    def test_many(self) -> None:
        """Among more vectors than numpy takes at a stroke the nearest are found as well."""
        self.patch(vectors, "NUMPY", NUMPY._replace(block=8))
        known: list[Vector] = [(float(i), float(i % 7)) for i in range(200)]
        found = learned(*known).classify((100.2, 2.0), Genes(vector_neighbors=2))
        nearest = sorted(known, key=lambda each: math.dist(each, (100.2, 2.0)))[:2]
        self.assertTrue({vector_symbol(each) for each in nearest} < set(found.symbols))

    def test_not_learned(self) -> None:
        """A vector that was observed and not learned is not compared with."""
        memory = VectorMemory()
        memory.observe((1.0,))
        self.assertEqual(len(memory.classify((1.1,), Genes()).symbols), 1)
        memory.learn()
        self.assertEqual(len(memory.classify((1.1,), Genes()).symbols), 2)


class ComponentTests(SynchronousTestCase):
    """Classifier C{DVC}."""

    @settings(deadline=None, max_examples=300)
    @given(
        st.lists(VECTORS, max_size=6, unique_by=vector_symbol),
        VECTORS,
        st.integers(1, 4),
        st.sampled_from([1, 2, 5, 17, 100, 100_000]),
    )
    def test_plain_reading(
        self, known: list[Vector], vector: Vector, depth: int, limit: int
    ) -> None:
        """The components are those that a plain search finds, and it gives up as soon."""
        self.patch(vectors, "MAX_SUBTRACTIONS", limit)
        found = learned(*known).classify(vector, Genes(classifier="DVC", search_depth=depth))
        plain, gave_up = Components(known, vector, limit).shortest(depth)
        expected = {symbol(each) for each in plain or [vector]}
        self.assertEqual(found, Classified(tuple(sorted(expected)), gave_up))

    @settings(deadline=None, max_examples=50)
    @given(
        st.lists(st.sampled_from(list(product([0.0, 1.0, 2.0], repeat=2))), min_size=1, max_size=4)
    )
    def test_sums(self, parts: list[Vector]) -> None:
        """Whatever is a sum of learned vectors is told by learned vectors that add up to it."""
        total = tuple(map(sum, zip(*parts, strict=True)))
        known = {vector_symbol(each): each for each in [*parts, (1.0, 0.0), (0.0, 1.0)]}
        found = learned(*known.values()).classify(total, Genes(classifier="DVC", search_depth=20))
        if any(total):
            self.assertLessEqual(set(found.symbols), set(known))
        else:
            self.assertEqual(found.symbols, (vector_symbol(total),))

    def test_blocks(self) -> None:
        """Subtractions made in blocks are counted as if made one by one."""
        known: list[Vector] = [(float(i), 1.0) for i in range(1, 30)]
        for limit in (1, 10, 29, 30, 100, 500, 1000):
            self.patch(vectors, "MAX_SUBTRACTIONS", limit)
            for block in (1, 2, 8, 2**18):
                self.patch(vectors, "NUMPY", NUMPY._replace(block=block))
                vector = (33.0, 3.0)
                found = learned(*known).classify(vector, Genes(classifier="DVC"))
                plain, gave_up = Components(known, vector, limit).shortest(10)
                expected = {symbol(each) for each in plain or [vector]}
                self.assertEqual((set(found.symbols), found.bounded), (expected, gave_up))

    def test_bounded(self) -> None:
        """A search that gives up says so, and the vector keeps its own symbol."""
        known: list[Vector] = [(1.0 + i / 64, 1.0) for i in range(64)]
        found = learned(*known).classify((32.0001, 32.0), Genes(classifier="DVC"))
        self.assertEqual(found, Classified((vector_symbol((32.0001, 32.0)),), bounded=True))


class MemoryTests(SynchronousTestCase):
    """What is remembered, and what a store is told."""

    def test_pending(self) -> None:
        """Vectors wait for the next learning, and are forgotten by a clearing before it."""
        memory = VectorMemory()
        memory.observe((1.0,))
        memory.observe((1.0,))
        fresh, forgets = memory.drain()
        self.assertEqual([each.learned for each in fresh], [False])
        self.assertFalse(forgets)
        memory.drop_pending()
        memory.observe((2.0,))
        memory.learn()
        fresh, forgets = memory.drain()
        self.assertEqual([(each.vector, each.learned) for each in fresh], [((2.0,), True)])
        self.assertTrue(forgets)
        self.assertEqual((len(memory), memory.drain()), (1, ((), False)))

    def test_restore(self) -> None:
        """Restored, it knows which were learned, and tells the store nothing."""
        memory = learned((1.0,), (1.0, 2.0))
        memory.observe((3.0,))
        stored, _ = memory.drain()
        again = VectorMemory.restore(stored)
        self.assertEqual((len(again), again.drain()), (2, ((), False)))
        again.learn()
        self.assertEqual(len(again), 3)
