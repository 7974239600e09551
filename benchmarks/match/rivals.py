"""What else could be asked which models resemble a state: difflib and rapidfuzz, over all models.

rapidfuzz ranks nothing, and its similarity is another one: the longest common subsequence is longer
than what Ratcliff/Obershelp matching finds.
"""

from collections.abc import Sequence
from difflib import SequenceMatcher
from statistics import median
from typing import NamedTuple

import numpy as np

from benchmarks.match.plainly import Plainly
from benchmarks.match.timing import no_collector, timed
from benchmarks.match.workloads import Codes, Workload

SAMPLED = 2_000
"""Over so many models difflib is timed; with more, its time is scaled up."""
_LATIN = 0x100
_SURROGATES = 0xD800
_HOW_MANY_SURROGATES = 0x800


class Difflib(NamedTuple):
    """Seconds that difflib takes for one state over all models."""

    anew: float
    """With a matcher for each model, as SPEC 3 writes it,"""
    reused: float
    """and with one for all of them, which looks at the state once; blocks and ratio alone."""
    ranked: float
    """With a matcher for each, and the potential of those that are kept: the same answer."""


def difflib_seconds(
    models: Sequence[Codes], workload: Workload, threshold: float, states: Sequence[Codes]
) -> Difflib:
    """Time some of a workload's models, and scale to all."""
    sample = [each.tolist() for each in models[:SAMPLED]]
    asked = [each.tolist() for each in states]
    scale = workload.models / len(sample)
    plainly = Plainly(sample, next(workload.frequencies())[: len(sample)], workload.width)

    def anew(state: list[int]) -> None:
        for model in sample:
            _compared(SequenceMatcher(None, model, state, autojunk=False))

    def reused(state: list[int]) -> None:
        matcher: SequenceMatcher[int] = SequenceMatcher(None, (), state, autojunk=False)
        for model in sample:
            matcher.set_seq1(model)
            _compared(matcher)

    def ranked(state: list[int]) -> None:
        plainly.best(state, threshold)

    with no_collector():
        anew_, reused_, ranked_ = (median(timed(way, asked)) for way in (anew, reused, ranked))
        return Difflib(anew_ * scale, reused_ * scale, ranked_ * scale)


def _compared(matcher: SequenceMatcher[int]) -> None:
    matcher.get_matching_blocks()
    matcher.ratio()


class Rapidfuzz:
    """All models as texts, of which rapidfuzz knows best: each symbol is a character.

    One call compares the state with all of them.  What it costs depends on the characters: those
    below 256 are found in a table, which gains where a few symbols are frequent, and costs where
    texts are of both kinds.  So both ways are timed, and the faster is told.
    """

    def __init__(self) -> None:
        self._texts: dict[int, list[str]] = {0: [], _LATIN: []}

    def add(self, models: Sequence[Codes]) -> None:
        """Take in more of them."""
        for first, texts in self._texts.items():
            texts.extend(_text(codes, first) for codes in models)

    def seconds(self, states: Sequence[Codes], threshold: float) -> float:
        """Seconds for one state over all models, those below the threshold given up early."""
        with no_collector():
            return min(self._seconds(first, states, threshold) for first in self._texts)

    def _seconds(self, first: int, states: Sequence[Codes], threshold: float) -> float:
        from rapidfuzz.distance import Indel
        from rapidfuzz.process import cdist

        def compare(text: str) -> None:
            cdist(
                [text],
                self._texts[first],
                scorer=Indel.normalized_similarity,
                score_cutoff=threshold,
                dtype=np.float32,
                workers=1,
            )

        return median(timed(compare, [_text(state, first) for state in states]))


def _text(codes: Codes, first: int) -> str:
    """Symbols as characters from C{first} on, surrogates left out."""
    points = codes + first
    points = points + _HOW_MANY_SURROGATES * (points >= _SURROGATES)
    return points.astype("<u4").tobytes().decode("utf-32-le")
