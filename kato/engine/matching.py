"""The seam behind which models are matched against a state (SPEC 3).

A L{Matcher} holds the models of one processor and finds those that are *kept*; what it tells of
them is enough to rank them and to make predictions of the few that are shown.  Whatever provides it
gives the same answers, to the last digit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from kato.engine.blocks import Block
from kato.engine.metrics import Metrics
from kato.model import Model
from kato.model import Sequence as Events


class Match(NamedTuple):
    """A kept model: where it matches, which of its events are present, and its numbers."""

    name: str
    blocks: tuple[Block, ...]
    first: int
    """The number of the first event of C{present},"""
    last: int
    """and of the first one after it."""
    metrics: Metrics


class Vote(NamedTuple):
    """What a kept model with a future says to the forecast."""

    name: str
    frequency: int
    event: int
    """The number of its first future event."""
    potential: float
    reaches_now: bool
    """Whether its last block ends at the last symbol of the state."""


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


class Kept(Protocol):
    """The models that a state keeps; it may be asked until the matcher's models change."""

    def __len__(self) -> int:
        """How many they are."""
        ...

    def best(self, rank_by: str, most: int) -> list[Match]:
        """The best C{most} of them, best first, by the gene C{rank_by}."""
        ...

    def votes(self) -> list[Vote]:
        """The votes of all that have a future, in no particular order."""
        ...


class Matcher(Protocol):
    """Models that can be matched against a state."""

    @property
    def symbols(self) -> int:
        """How many distinct symbols all models have."""
        ...

    def add(self, model: Model) -> None:
        """Take in a model with a new name."""
        ...

    def reweigh(self, name: str, frequency: int) -> None:
        """Give the model C{name} another frequency."""
        ...

    def remove(self, name: str) -> None:
        """Forget the model C{name}, as if it had never been added."""
        ...

    def kept(self, state: Sequence[str], threshold: float) -> Kept:
        """All models with a block whose similarity to C{state} is at least C{threshold}."""
        ...
