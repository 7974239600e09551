"""The seam behind which models are kept and matched against a state (SPEC 3).

A L{Matcher} holds the models of one processor, finds those that are I{kept}, and tells the best of
them and what they let expect.  Whatever provides it gives the same answers, to the last digit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from kato.engine.blocks import Block
from kato.model import Sequence as Events


class Learned(NamedTuple):
    """A model as a matcher holds it."""

    sequence: Events
    frequency: int


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """Bytes used by what a matcher holds."""

    models: int
    """Sequences, frequencies and names,"""
    index: int
    """what makes them found by state, sequence and name,"""
    symbols: int
    """and the symbols, each once."""


class Standing(NamedTuple):
    """Where one model stands among those that a state keeps."""

    kept: int
    """How many models are kept,"""
    frequency: int
    """and the sum of their frequencies."""
    rank: int | None
    """The place of the model among them, from 1; C{None}: it is not kept."""


class Weights(NamedTuple):
    """What symbols weigh in all models, in whole numbers: p(s) is a symbol's weight divided by
    C{mass}."""

    symbols: tuple[int, ...]
    """For each symbol, the sum of the frequencies of the models that contain it."""
    mass: int
    """The sum over all models of frequency times number of distinct symbols."""
    total: int
    """The sum of the frequencies of all models."""


class Ranking(Protocol):
    """The best of the models that a state keeps, best first.

    It is a value: it stays as it was made, whatever becomes of the models.  A prediction of it is
    only built when it is asked for.
    """

    @property
    def names(self) -> Sequence[str]:
        """The names of the models."""
        ...

    def __len__(self) -> int: ...

    def blocks(self, place: int) -> tuple[Block, ...]:
        """Where the model at this place matches, in order."""
        ...

    def told(self, place: int) -> dict[str, Any]:
        """The prediction at this place: all fields of SPEC 3 in the order of its table as the
        answers have them, but for the last, C{emotives}."""
        ...

    def json(self, place: int) -> bytes:
        """The same as compact JSON in UTF-8, byte for byte what L{kato.codec.encode_json} makes of
        L{told}, without the closing brace."""
        ...


class Kept(Protocol):
    """The models that a state keeps; it may be asked until the matcher's models change."""

    def __len__(self) -> int:
        """How many they are."""
        ...

    def best(self, rank_by: str, most: int) -> Ranking:
        """The best C{most} of them by the gene C{rank_by}."""
        ...

    def forecast(self, limit: int) -> list[dict[str, Any]]:
        """The best C{limit} entries of the forecast, best first, as SPEC 3 tells them."""
        ...

    def standing(self, name: str, rank_by: str) -> Standing:
        """Where the model of this name stands by the gene C{rank_by}, in the order of L{best}."""
        ...


class Matcher(Protocol):
    """Models by name and by sequence, which can be matched against a state."""

    @property
    def kind(self) -> str:
        """Which provider this is, as C{get_status} tells it: C{native} or C{python}."""
        ...

    def __len__(self) -> int:
        """How many models there are."""
        ...

    @property
    def symbols(self) -> int:
        """How many distinct symbols all models have."""
        ...

    def memory(self) -> MemoryUse:
        """What they use now."""
        ...

    def add(self, name: str, sequence: Events, frequency: int) -> None:
        """Take in a model whose name and sequence no other has."""
        ...

    def reweigh(self, name: str, frequency: int) -> None:
        """Give the model C{name} another frequency."""
        ...

    def remove(self, name: str) -> None:
        """Forget the model C{name}, as if it had never been added."""
        ...

    def find(self, sequence: Events) -> str | None:
        """The name of the model that is this sequence."""
        ...

    def get(self, name: str) -> Learned | None:
        """The model of this name."""
        ...

    def page(self, after: str | None, limit: int) -> list[str]:
        """The C{limit} names that come first after C{after} in order, or first of all."""
        ...

    def kept(self, state: Sequence[str], threshold: float) -> Kept:
        """All models with a block whose similarity to C{state} is at least C{threshold}."""
        ...

    def weigh(self, symbols: Sequence[str]) -> Weights:
        """What these symbols weigh; 0 those that are in no model."""
        ...

    def dump(self) -> bytes | None:
        """All that is held, to be taken in again by L{load}; C{None} where that would be no faster
        than to add the models one by one."""
        ...

    def load(self, dumped: bytes) -> bool:
        """Take in what L{dump} gave, into an empty matcher.  C{False}: it is damaged, or of another
        version or provider, and nothing was taken in."""
        ...
