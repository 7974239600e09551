"""SPEC 5 read plainly: every learned vector compared, every subtraction made one by one.

Nothing here is taken from the engine, so the two can be held against each other.
"""

import hashlib
import math
import struct
from collections.abc import Collection, Sequence

Vector = Sequence[float]

NULL = 1e-9


def symbol(vector: Vector) -> str:
    """A vector's own symbol."""
    components = [0.0 if component == 0 else component for component in vector]
    return "VECTOR|" + hashlib.sha1(struct.pack(f"<{len(components)}d", *components)).hexdigest()


def nearest(
    learned: Collection[Vector], vector: Vector, count: int, farthest: float | None
) -> list[str]:
    """The symbols of the nearest learned vectors, ties by name."""
    ranked = sorted(
        {(math.dist(each, vector), symbol(each)) for each in learned if len(each) == len(vector)}
    )
    return [name for distance, name in ranked[:count] if farthest is None or distance <= farthest]


class GaveUp(Exception):
    """There were too many subtractions."""


class Components:
    """The search for learned vectors that add up to one."""

    def __init__(self, learned: Collection[Vector], vector: Vector, limit: int) -> None:
        self.vector = vector
        self.ranked = sorted(
            (each for each in learned if any(each) and len(each) == len(vector)),
            key=lambda each: (-math.hypot(*each), symbol(each)),
        )
        self.left = limit
        self.remains = False

    def shortest(self, depth: int) -> tuple[list[Vector] | None, bool]:
        """The first of the shortest multisets of at most C{depth}, and whether the search gave up.

        Where no multiset of some length leaves a remainder there is no longer one.
        """
        try:
            for length in range(1, depth + 1):
                self.remains = False
                found = self.of(length, self.vector, 0)
                if found is not None:
                    return found, False
                if not self.remains:
                    break
        except GaveUp:
            return None, True
        return None, False

    def of(self, length: int, remainder: Vector, first: int) -> list[Vector] | None:
        """The first multiset of C{length} in depth-first order."""
        for i in range(first, len(self.ranked)):
            if self.left == 0:
                raise GaveUp
            self.left -= 1
            rest = [a - b for a, b in zip(remainder, self.ranked[i], strict=True)]
            if min(rest) < -NULL:
                continue
            if length > 1:
                found = self.of(length - 1, rest, i)
                if found is not None:
                    return [self.ranked[i], *found]
            elif max(rest) <= NULL:
                return [self.ranked[i]]
            else:
                self.remains = True
        return None
