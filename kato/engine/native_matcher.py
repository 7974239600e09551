"""The matching seam in C: what it is told goes to C{kato.engine._kernel}, which is compiled where a
compiler is; importing this fails where none was."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from kato.engine import _kernel
from kato.engine.blocks import Block
from kato.engine.matching import Learned, MemoryUse, Standing, Weights
from kato.genes import RANKINGS
from kato.model import Sequence as Events

_RANKS = {
    name: number
    for number, name in enumerate(
        (
            "potential",
            "similarity",
            "evidence",
            "confidence",
            "snr",
            "frequency",
            "confluence",
            "itfdf_similarity",
            "fragmentation",
        )
    )
}
"""The kernel's numbers of what the gene C{rank_by} can be."""
assert _RANKS.keys() == set(RANKINGS)

_DIGEST = 32
"""A dump begins with so many bytes of the digest of the rest."""


class NativeMatcher:
    """Provides L{kato.engine.matching.Matcher}.

    Threads may use it at the same time: queries run side by side, and let others run while they
    are long; a change waits for them.
    """

    kind = "native"

    def __init__(self) -> None:
        self._memory = _kernel.Memory(hash("kato") & (2**64 - 1))

    def __len__(self) -> int:
        return len(self._memory)

    @property
    def symbols(self) -> int:
        """How many distinct symbols all models have."""
        return self._memory.symbols

    def memory(self) -> MemoryUse:
        """What they use now."""
        return MemoryUse(*self._memory.use())

    def add(self, name: str, sequence: Events, frequency: int) -> None:
        """Take in a model whose name and sequence no other has.

        @raise OverflowError: where a frequency exceeds 2^63 - 1, or there are 2^31 symbols, or
            2^32 models.
        """
        self._memory.add(name, sequence, frequency)

    def reweigh(self, name: str, frequency: int) -> None:
        """Give the model C{name} another frequency."""
        self._memory.reweigh(name, frequency)

    def remove(self, name: str) -> None:
        """Forget the model C{name}, as if it had never been added."""
        self._memory.remove(name)

    def find(self, sequence: Events) -> str | None:
        """The name of the model that is this sequence."""
        return self._memory.find(sequence)

    def get(self, name: str) -> Learned | None:
        """The model of this name."""
        found = self._memory.get(name)
        return None if found is None else Learned(*found)

    def page(self, after: str | None, limit: int) -> list[str]:
        """The C{limit} names that come first after C{after} in order, or first of all."""
        return self._memory.page(after, limit)

    def kept(self, state: Sequence[str], threshold: float) -> "KeptModels":
        """All models with a block whose similarity to C{state} is at least C{threshold}."""
        return KeptModels(self._memory, state, threshold)

    def weigh(self, symbols: Sequence[str]) -> Weights:
        """What these symbols weigh; 0 those that are in no model."""
        weights, mass, total = self._memory.weigh(symbols)
        return Weights(tuple(weights), mass, total)

    def dump(self) -> bytes:
        """All that is held, to be taken in again by L{load}."""
        dumped = self._memory.dump()
        return blake2b(dumped, digest_size=_DIGEST).digest() + dumped

    def load(self, dumped: bytes) -> bool:
        """Take in what L{dump} gave, into an empty matcher."""
        held = dumped[_DIGEST:]
        if blake2b(held, digest_size=_DIGEST).digest() != dumped[:_DIGEST]:
            return False
        return self._memory.load(held)


class KeptModels:
    """Provides L{kato.engine.matching.Kept}.  Nothing is found before it is asked for."""

    __slots__ = ("_memory", "_state", "_threshold")

    def __init__(self, memory: _kernel.Memory, state: Sequence[str], threshold: float) -> None:
        self._memory = memory
        self._state = state
        self._threshold = threshold

    def __len__(self) -> int:
        return self._memory.count(self._state, self._threshold)

    def best(self, rank_by: str, most: int) -> "NativeRanking":
        """The best C{most} of them by the gene C{rank_by}."""
        return NativeRanking(self._memory.best(self._state, self._threshold, _RANKS[rank_by], most))

    def forecast(self, limit: int) -> list[dict[str, Any]]:
        """The best C{limit} entries of the forecast, best first."""
        entries = self._memory.forecast(self._state, self._threshold, limit)
        entries.sort(key=lambda entry: (-entry[0], entry[1]))
        return [
            {"event": event, "share": share, "models": models, "frequency": frequency}
            for share, event, models, frequency in entries[:limit]
        ]

    def standing(self, name: str, rank_by: str) -> Standing:
        """Where the model of this name stands by the gene C{rank_by}."""
        return Standing(*self._memory.stand(self._state, self._threshold, _RANKS[rank_by], name))


class NativeRanking:
    """Provides L{kato.engine.matching.Ranking}."""

    __slots__ = ("_ranking", "json", "told")

    def __init__(self, ranking: _kernel.Ranking) -> None:
        self._ranking = ranking
        self.told = ranking.told
        self.json = ranking.json

    @property
    def names(self) -> list[str]:
        """The names of the models."""
        return [self._ranking.name(place) for place in range(len(self._ranking))]

    def __len__(self) -> int:
        return len(self._ranking)

    def blocks(self, place: int) -> tuple[Block, ...]:
        """Where the model at this place matches, in order."""
        return tuple(Block(*block) for block in self._ranking.blocks(place))
