"""A model: a sequence of events that was learned, with its name (SPEC 2)."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kato.observation import Event

PREFIX = "MODEL|"
"""How the names of models begin; the SHA-1 of what was learned follows."""

Sequence = tuple[Event, ...]
"""What a model was made of: events, oldest first."""
Emotives = dict[str, float]
"""Numbers by the name of what was felt."""
Felt = tuple[Emotives, ...]
"""The averages of a model's latest learnings that had emotives, oldest first."""


@dataclass(frozen=True, slots=True)
class Model:
    """A learned sequence.

    C{frequency} counts how often it was learned; C{emotives} holds the averages of its latest
    learnings that had any, oldest first.
    """

    name: str
    sequence: Sequence
    frequency: int
    emotives: Felt = ()

    @property
    def length(self) -> int:
        """How many symbols all events have together."""
        return sum(map(len, self.sequence))

    def as_dict(self) -> dict[str, Any]:
        """The model as C{get_model} shows it."""
        return {
            "name": self.name,
            "sequence": [list(event) for event in self.sequence],
            "frequency": self.frequency,
            "emotives": list(self.emotives),
            "length": self.length,
        }


def model_name(sequence: Iterable[Event]) -> str:
    """The name of a sequence that is learned for the first time.

    It is made from what the running Python prints, and newer Pythons print newer code points
    plainly: so a sequence that is known already keeps the name it has, and is never named again.
    """
    printed = str([list(event) for event in sequence])
    return PREFIX + hashlib.sha1(printed.encode(), usedforsecurity=False).hexdigest()


def full_name(name: str) -> str:
    """C{name} with its prefix, which a client may leave out."""
    return name if name.startswith(PREFIX) else PREFIX + name
