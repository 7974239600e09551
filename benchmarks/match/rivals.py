"""What else could be asked which models resemble a state: difflib and rapidfuzz, over all models.

Neither ranks, nor computes anything but a similarity; rapidfuzz's is not even the same one, since
the longest common subsequence is longer than what Ratcliff/Obershelp matching finds.
"""

from collections.abc import Sequence
from difflib import SequenceMatcher
from statistics import median
from time import perf_counter

import numpy as np

from benchmarks.match.workloads import Codes

SAMPLED = 2_000
"""Over so many models difflib is timed; with more, its time is scaled up."""
_FIRST = 0x10000
"""Symbols are characters from here on for rapidfuzz, which knows texts best."""


def difflib_seconds(
    models: Sequence[Codes], total: int, states: Sequence[Codes]
) -> tuple[float, float]:
    """Seconds that difflib takes for one state over all C{total} models, of which it is shown
    some: as SPEC 3 writes it, with a matcher made anew for each model, and with one matcher for
    all of them, which looks at the state once."""
    sample = [each.tolist() for each in models[:SAMPLED]]
    anew, reused = [], []
    for state in map(np.ndarray.tolist, states):
        began = perf_counter()
        for model in sample:
            matcher = SequenceMatcher(None, model, state, autojunk=False)
            matcher.get_matching_blocks()
            matcher.ratio()
        anew.append(perf_counter() - began)
        began = perf_counter()
        matcher = SequenceMatcher(None, autojunk=False)
        matcher.set_seq2(state)
        for model in sample:
            matcher.set_seq1(model)
            matcher.get_matching_blocks()
            matcher.ratio()
        reused.append(perf_counter() - began)
    scale = total / len(sample)
    return median(anew) * scale, median(reused) * scale


class Rapidfuzz:
    """All models as texts."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def add(self, models: Sequence[Codes]) -> None:
        """Take in more of them."""
        self._texts.extend(map(_text, models))

    def seconds(self, states: Sequence[Codes], threshold: float) -> float:
        """Seconds for one state over all models."""
        from rapidfuzz import fuzz, process

        taken = []
        for state in states:
            text = _text(state)
            began = perf_counter()
            process.cdist(
                [text],
                self._texts,
                scorer=fuzz.ratio,
                score_cutoff=threshold * 100,
                dtype=np.float32,
                workers=1,
            )
            taken.append(perf_counter() - began)
        return median(taken)


def _text(codes: Codes) -> str:
    return (codes + _FIRST).astype("<u4").tobytes().decode("utf-32-le")
