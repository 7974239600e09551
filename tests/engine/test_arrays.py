"""Vectors are compared alike wherever arrays are."""

from typing import Any

import array_api_strict
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.engine.arrays import NUMPY, Arrays, NoArrays, Rows, provider
from kato.engine.vectors import Classified, VectorMemory
from kato.genes import Genes
from kato.observation import Vector
from tests.engine.plain_vectors import nearest, symbol


def brought(array: Any) -> Any:
    """What a device would copy into this machine's memory."""
    return np.from_dlpack(array)


STRICT = Arrays("strict", array_api_strict, brought, block=8, least=6)
"""The array API and nothing else, in the place of a GPU: a few rows at a stroke."""

COMPONENTS = st.one_of(
    st.sampled_from([-1.0, -0.0, 0.0, 0.5, 1.0, 1 + 2**-52]),
    st.floats(allow_nan=False, allow_infinity=False),
)
VECTORS = st.lists(st.tuples(COMPONENTS, COMPONENTS), max_size=12)


class ArraysTests(SynchronousTestCase):
    """L{Arrays}."""

    @settings(deadline=None, max_examples=300)
    @given(VECTORS, st.tuples(COMPONENTS, COMPONENTS), st.integers(0, 4))
    def test_same(self, known: list[Vector], vector: Vector, count: int) -> None:
        """Elsewhere the nearest are the same as here, also where they tie, and where numbers are
        too large or too small for squares."""
        memory = VectorMemory(STRICT)
        for each in known:
            memory.observe(each)
            memory.learn()
            memory.classify(vector, Genes(vector_neighbors=count))
        near = nearest(known, vector, count, None)
        found = memory.classify(vector, Genes(vector_neighbors=count))
        self.assertEqual(found, Classified(tuple(sorted({symbol(vector), *near}))))

    def test_copy(self) -> None:
        """A copy compares where its original does."""
        memory = VectorMemory(STRICT)
        for number in range(9):
            memory.observe((float(number), 0.0))
        memory.learn()
        genes = Genes(vector_neighbors=2)
        here, there = memory.classify((4.2, 0.0), genes), memory.copy().classify((4.2, 0.0), genes)
        self.assertEqual(here, there)

    def test_rows(self) -> None:
        """Rows are where they were put, however many are added between."""
        for arrays in (NUMPY, STRICT):
            rows = Rows(arrays, 2)
            added: list[Vector] = []
            for number in range(40):
                rows.add((float(number), -1.0))
                added.append((float(number), -1.0))
                if number % 7 == 0:
                    self.assertEqual(rows.squares((0.0, -1.0))[number], number * number)
            self.assertEqual(rows.on_host().tolist(), [list(each) for each in added])

    def test_missing(self) -> None:
        """Where there is no GPU, that is said in one line."""
        try:
            provider("cupy")
        except NoArrays as error:
            self.assertTrue(str(error).startswith("there is no GPU that CuPy can use ("))
            self.assertNotIn("\n", str(error))
        self.assertIs(provider("numpy"), NUMPY)
