"""Where vectors are compared: in this machine's memory by NumPy, or on a GPU by CuPy.

Both speak the array API (the standard of the Consortium for Python Data API Standards), so one code
serves.  What is computed here only narrows down who is worth comparing; it never decides.
"""

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kato.observation import Vector

KINDS = ("numpy", "cupy")
"""What a provider of arrays can be called."""

Matrix = NDArray[np.float64]


class NoArrays(Exception):
    """The provider that was asked for is not there; one line says why."""


class Arrays(NamedTuple):
    """A provider of the array API.

    C{xp} is its namespace, C{host} brings one of its arrays into this machine's memory, and
    C{block} is how many components it works on at a stroke.  With fewer than C{least} components in
    all it is not worth asking.
    """

    kind: str
    xp: Any
    host: Callable[[Any], Matrix]
    block: int
    least: int = 0


NUMPY = Arrays("numpy", np, np.asarray, block=2**18)
"""Blocks of 2 MiB, about a core's cache."""


def provider(kind: str) -> Arrays:
    """The provider of this kind, one of L{KINDS}.

    @raise NoArrays: where it is not installed, or there is no device for it.
    """
    if kind == "numpy":
        return NUMPY
    try:
        xp: Any = import_module("array_api_compat.cupy")
        xp.zeros(1)
    except Exception as error:  # CuPy raises errors of CUDA's, of many kinds
        raise NoArrays(f"there is no GPU that CuPy can use ({error})") from error
    return Arrays(kind, xp, lambda array: array.get(), block=2**25, least=2**22)


def blocks(rows: Any, first: int, size: int) -> Iterator[tuple[int, Any]]:
    """The rows from C{first} on, about C{size} components at a time, each time with the number of
    the first."""
    step = max(size // rows.shape[1], 1)
    for start in range(first, rows.shape[0], step):
        yield start, rows[start : min(start + step, rows.shape[0]), :]


class Rows:
    """A matrix that grows, row by row, where an L{Arrays} has it.

    What is added waits in this machine's memory, and goes there at once with all that waits when
    distances are asked for.
    """

    __slots__ = ("_arrays", "_dimension", "_filled", "_matrix", "_waiting")

    def __init__(self, arrays: Arrays, dimension: int) -> None:
        self._arrays = arrays
        self._dimension = dimension
        self._matrix: Any = None
        self._filled = 0
        self._waiting: list[Vector] = []

    def __len__(self) -> int:
        return self._filled + len(self._waiting)

    @property
    def kind(self) -> str:
        """Who compares them."""
        return self._arrays.kind

    @property
    def components(self) -> int:
        """How many numbers they are."""
        return len(self) * self._dimension

    def add(self, vector: Vector) -> None:
        """Add a row."""
        self._waiting.append(vector)

    def _settle(self) -> Any:
        """All rows, where they are compared."""
        xp, waiting = self._arrays.xp, self._waiting
        if self._matrix is None or len(self) > self._matrix.shape[0]:
            larger = xp.empty((max(8, 2 * len(self)), self._dimension), dtype=xp.float64)
            if self._matrix is not None:
                larger[: self._filled, :] = self._matrix[: self._filled, :]
            self._matrix = larger
        if waiting:
            self._matrix[self._filled : len(self), :] = xp.asarray(waiting, dtype=xp.float64)
            self._filled, self._waiting = len(self), []
        return self._matrix[: self._filled, :]

    def on_host(self) -> Matrix:
        """All rows, in this machine's memory."""
        return self._arrays.host(self._settle())

    def squares(self, vector: Vector) -> Matrix:
        """The square of each row's distance from C{vector}, as it comes out: to be trusted within a
        millionth, where it does not overflow or vanish."""
        xp, rows = self._arrays.xp, self._settle()
        target = xp.asarray(vector, dtype=xp.float64)
        squares = np.empty(len(self))
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            for start, block in blocks(rows, 0, self._arrays.block):
                difference = block - target
                found = self._arrays.host(xp.vecdot(difference, difference))
                squares[start : start + len(found)] = found
        return squares
