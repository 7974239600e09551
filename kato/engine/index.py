"""The inverted index: which models share how many symbols with a state, exactly and at once.

A posting is keyed by a symbol and the r-th time it stands in a model, so counting over the
occurrences in a state gives the size of the multiset intersection, which bounds from above how many
symbols Ratcliff/Obershelp can match.
"""

import sys
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from heapq import heappop, heappush

import numpy as np
from numpy.typing import NDArray

from kato.engine.symbols import UNKNOWN, Occurrence, occurrences

_POSTING = sys.getsizeof(array("q"))
_LATER = sys.getsizeof((0, 0))
_SLOT = 9
"""Bytes of a posting without slots, of the key of a later occurrence, and of a slot in a posting,
with what an array that grows takes in advance."""


class InvertedIndex:
    """Models by slot: a small number that is given again when its model is removed."""

    __slots__ = ("_free", "_lengths", "_places", "_postings", "_slots")

    def __init__(self) -> None:
        self._postings: dict[Occurrence, array[int]] = {}
        self._lengths: NDArray[np.int64] = np.zeros(16, np.int64)
        self._slots = 0
        self._free: list[int] = []
        self._places = 0

    def size(self, symbols: int) -> int:
        """How many bytes all this takes, reckoned from counts.

        @param symbols: how many distinct symbols all models have.
        """
        later = len(self._postings) - symbols
        postings = len(self._postings) * _POSTING + later * _LATER + self._places * _SLOT
        tables = sys.getsizeof(self._postings) + sys.getsizeof(self._free)
        return postings + tables + self._lengths.nbytes

    def add(self, codes: Sequence[int]) -> int:
        """Take in a model; gives its slot."""
        slot = heappop(self._free) if self._free else self._new_slot()
        self._lengths[slot] = len(codes)
        self._places += len(codes)
        postings = self._postings
        for occurrence in occurrences(codes):
            posting = postings.get(occurrence)
            if posting is None:
                postings[occurrence] = array("q", (slot,))
            elif posting[-1] < slot:
                posting.append(slot)
            else:
                posting.insert(bisect_left(posting, slot), slot)
        return slot

    def _new_slot(self) -> int:
        slot = self._slots
        self._slots += 1
        if slot == len(self._lengths):
            self._lengths = np.concatenate((self._lengths, np.zeros_like(self._lengths)))
        return slot

    def remove(self, slot: int, codes: Sequence[int]) -> None:
        """Forget the model in C{slot}, which had these codes."""
        for occurrence in occurrences(codes):
            posting = self._postings[occurrence]
            if len(posting) == 1:
                del self._postings[occurrence]
            else:
                del posting[bisect_left(posting, slot)]
        self._places -= len(codes)
        heappush(self._free, slot)

    def candidates(self, state: Sequence[int], threshold: float) -> list[int]:
        """The slots, rising, of all models that could reach C{threshold} with C{state}: those
        with a common symbol whose similarity would do if all common symbols matched."""
        found = [
            np.frombuffer(posting, np.int64)
            for occurrence in occurrences([code for code in state if code != UNKNOWN])
            if (posting := self._postings.get(occurrence)) is not None
        ]
        if not found:
            return []
        counts = np.bincount(np.concatenate(found))
        shared = np.flatnonzero(counts)
        bounds = 2 * counts[shared] / (self._lengths[shared] + len(state))
        slots: list[int] = shared[bounds >= threshold].tolist()
        return slots
