"""The question answered without an engine: difflib's blocks of every model, and the potential of
those that are kept, by the formulas of SPEC 3."""

import math
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from heapq import nlargest

from benchmarks.match.measure import MOST

_Block = tuple[int, int, int]


class Plainly:
    """Models as lists of symbols."""

    def __init__(self, models: Sequence[list[int]], frequencies: Sequence[int], width: int) -> None:
        """
        @param frequencies: of the models.
        @param width: how many symbols an event has.
        """
        self._models = models
        self._frequencies = frequencies
        self._width = width
        having: Counter[int] = Counter()
        for model, frequency in zip(models, frequencies, strict=True):
            for symbol in set(model):
                having[symbol] += frequency
        mass = sum(having.values())
        self._p = {symbol: count / mass for symbol, count in having.items()}

    def best(self, state: list[int], threshold: float) -> list[tuple[float, int]]:
        """The highest potentials of the kept models, with the numbers of these."""
        kept = []
        for number, model in enumerate(self._models):
            matcher = SequenceMatcher(None, model, state, autojunk=False)
            blocks = [block for block in matcher.get_matching_blocks() if block[2]]
            if blocks and matcher.ratio() >= threshold:
                kept.append((number, model, blocks))
        here = self._parts(state)
        norm = _norm(here)
        total = sum(self._frequencies[number] for number, _, _ in kept)
        return nlargest(
            MOST,
            (
                (
                    self._potential(
                        model, blocks, state, here, norm, self._frequencies[number] / total
                    ),
                    number,
                )
                for number, model, blocks in kept
            ),
        )

    def _potential(
        self,
        model: list[int],
        blocks: Sequence[_Block],
        state: list[int],
        here: dict[int, float],
        norm: float,
        weight: float,
    ) -> float:
        matched = sum(size for _, _, size in blocks)
        start = blocks[0][0] // self._width * self._width
        end = -(-(blocks[-1][0] + blocks[-1][2]) // self._width) * self._width
        present = model[start:end]
        now = self._parts(present)
        dot = math.fsum(here[symbol] * part for symbol, part in now.items() if symbol in here)
        itfdf = 1 - (1 - dot / (norm * _norm(now))) * weight
        extras = len(state) - matched
        snr = (2 * matched - extras) / (2 * matched + extras)
        both = matched / len(model) + matched / len(present)
        return round(both * snr + itfdf + 1 / len(blocks), 12)

    def _parts(self, symbols: list[int]) -> dict[int, float]:
        return {symbol: self._p.get(symbol, 0.0) * n for symbol, n in Counter(symbols).items()}


def _norm(parts: dict[int, float]) -> float:
    return math.sqrt(math.fsum(part * part for part in parts.values()))
