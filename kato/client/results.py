"""What operations give (SPEC 8), as frozen values.

Each is read from the answer of a server.  Keys that this version does not know are left out, so
that a client goes on working with a newer server.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Self, TypeVar

Event = Sequence[str]
"""Symbols, in their order."""

Answer = Mapping[str, Any]
"""An answer as it came: SPEC 8's envelope and the result."""

T = TypeVar("T")


def _names(kind: type[Any]) -> tuple[str, ...]:
    """The names of the fields of a class."""
    return tuple(kind.__dataclass_fields__)


class Read:
    """What is read from an object of an answer by the names of its fields."""

    __slots__ = ()

    @classmethod
    def read(cls, told: Answer) -> Self:
        """Read what an answer tells."""
        return cls(**{name: told[name] for name in _names(cls) if name in told})


@dataclass(frozen=True, slots=True)
class Observed(Read):
    """What C{observe} did.

    C{short_term_memory} is C{None} where the answer was to be brief: then C{events} is its length.
    """

    unique_id: str
    auto_learned_model: str | None = None
    short_term_memory: Sequence[Event] | None = None
    events: int | None = None
    interval: int = 0
    classifier_bounded: bool = False


@dataclass(frozen=True, slots=True)
class SequenceObserved(Read):
    """What C{observe_sequence} did: how many were new, and what was learned, in order."""

    observed: int
    learned_models: Sequence[str] = ()
    short_term_memory: Sequence[Event] | None = None
    events: int | None = None
    interval: int = 0
    classifier_bounded: bool = False


@dataclass(frozen=True, slots=True)
class Prediction(Read):
    """What a model says to short-term memory (SPEC 3 defines every field)."""

    name: str
    frequency: int
    matches: Sequence[str]
    missing: Sequence[str]
    extras: Sequence[str]
    past: Sequence[Event]
    present: Sequence[Event]
    future: Sequence[Event]
    similarity: float
    evidence: float
    confidence: float
    snr: float
    fragmentation: float
    entropy: float
    hamiltonian: float
    grand_hamiltonian: float
    confluence: float
    itfdf_similarity: float
    potential: float
    emotives: Mapping[str, float]
    type: str = "prototypical"


@dataclass(frozen=True, slots=True)
class Expected(Read):
    """An entry of the forecast: an event, its share of all weight, and who votes for it."""

    event: Event
    share: float
    models: int
    frequency: int


@dataclass(frozen=True, slots=True)
class Model(Read):
    """A learned model; C{length} is how many symbols it has."""

    name: str
    sequence: Sequence[Event]
    frequency: int
    emotives: Sequence[Mapping[str, float]]
    length: int


@dataclass(frozen=True, slots=True)
class ModelSummary(Read):
    """An entry of the list of models."""

    name: str
    frequency: int
    length: int


@dataclass(frozen=True, slots=True)
class ProcessorSummary(Read):
    """An entry of the list of processors; C{service} is where it lives."""

    id: str
    models: int
    events: int
    service: str


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list: C{next} is what the following part comes after, C{None} for the last."""

    entries: Sequence[T]
    total: int
    next: str | None


@dataclass(frozen=True, slots=True)
class Status(Read):
    """What there is of a processor; C{told} is all that the server tells."""

    name: str
    models: int
    symbols: int
    vectors: int
    events: int
    genes: Mapping[str, Any]
    version: str
    told: Answer = field(repr=False)

    @classmethod
    def read(cls, told: Answer) -> Self:
        """Read what an answer tells."""
        return cls(**{name: told[name] for name in _names(cls) if name != "told"}, told=told)


@dataclass(frozen=True, slots=True)
class Percept(Read):
    """The last observation, as it was accepted."""

    strings: Sequence[str] = ()
    vectors: Sequence[Sequence[float]] = ()
    emotives: Mapping[str, float] | None = None
    unique_id: str | None = None
    metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Cognition:
    """What a processor makes of what it observes."""

    predictions: Sequence[Prediction]
    emotives: Mapping[str, float]
    symbols: Event
    short_term_memory: Sequence[Event]

    @classmethod
    def read(cls, told: Answer) -> Self:
        """Read what an answer tells."""
        return cls(
            [Prediction.read(each) for each in told["predictions"]],
            told["emotives"],
            told["symbols"],
            told["short_term_memory"],
        )


@dataclass(frozen=True, slots=True)
class Explanation(Read):
    """Why a model is predicted, or not, and where its numbers come from: docs/explain.md tells what
    stands in each field."""

    model: Answer
    state: Sequence[str]
    blocks: Sequence[Answer]
    kept: bool
    predicted: bool
    rank: int | None
    kept_models: int
    reason: str
    because: str
    terms: Sequence[Answer]
    metrics: Sequence[Answer]
    prediction: Answer | None
    learned: Answer | None


def page_of(name: str, read: Callable[[Answer], T]) -> Callable[[Answer], Page[T]]:
    """Make what reads a part of a list, whose entries stand under C{name}."""

    def page(told: Answer) -> Page[T]:
        return Page([read(each) for each in told[name]], told["total"], told["next"])

    return page


def list_of(name: str, read: Callable[[Answer], T]) -> Callable[[Answer], Sequence[T]]:
    """Make what reads a list, whose entries stand under C{name}."""
    return lambda told: [read(each) for each in told[name]]


def value_of(name: str) -> Callable[[Answer], Any]:
    """Make what reads one value."""
    return lambda told: told[name]
