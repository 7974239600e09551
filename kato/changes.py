"""What a processor is made of beyond its models, and what changed in it: the engine's effects as
data, which a store carries out (SPEC 11).

One L{Changes} takes a processor from its last durable state to its present one, whatever happened
in between, so a store never sees a mixture.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kato.accuracy import Accuracy
from kato.genes import Genes
from kato.model import Model
from kato.observation import Event, Observation, Vector


class Window(NamedTuple):
    """A span of a processor's events, which are numbered from 0 as they are observed.

    Short-term memory is always such a span: observing moves its end, learning and clearing its
    start.  So what it was at an earlier time can be told by two numbers.
    """

    start: int
    end: int


class NumberedEvent(NamedTuple):
    """An event with its number."""

    number: int
    event: Event


class StoredVector(NamedTuple):
    """A vector that was learned, or one that waits for the next learning."""

    symbol: str
    vector: Vector
    learned: bool


class Gathered(NamedTuple):
    """The values of one emotive since the last learning: how many, and their exact sum in units
    of 2**-1074, the smallest distance between float64 numbers."""

    times: int
    total: int


@dataclass(frozen=True, slots=True)
class Remembered:
    """An answer that is given again when its request comes again (SPEC 8, retrying safely).

    C{ordinal} counts the ids of one kind that a processor has remembered; C{digest} tells the
    same request from another; C{window} is the short-term memory that the answer showed.
    """

    ordinal: int
    key: str
    digest: str
    fields: dict[str, Any]
    window: Window | None
    interval: int
    time_stamp: float


@dataclass(frozen=True, slots=True)
class Percept:
    """The last observation as accepted, and the last event, which it need not have made."""

    observation: Observation | None = None
    event: Event = ()


@dataclass(frozen=True, slots=True)
class State:
    """The small state of a processor, written whole with every commit.

    C{revision} counts the operations that have changed it, whatever they were, since it was made.
    C{accuracy} is C{None} where no event was ever held against a forecast.
    """

    name: str
    genes: Genes = field(default_factory=Genes)
    interval: int = 0
    window: Window = Window(0, 0)
    emotives: dict[str, Gathered] = field(default_factory=dict)
    revision: int = 0
    accuracy: Accuracy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """All that changed in one processor since the last such record.

    A store applies it in this order: what is forgotten, what is deleted, what is written.
    """

    processor: str
    state: State
    percept: Percept | None = None
    """C{None}: as it was."""
    forgets_memory: bool = False
    """All models and vectors stored so far are forgotten."""
    forgets_pending: bool = False
    """All vectors stored so far as not learned are forgotten."""
    deleted_models: tuple[str, ...] = ()
    dropped_events: tuple[Window, ...] = ()
    models: Collection[Model] = ()
    """May lie in a file, and be read anew, in the store's thread, whenever they are iterated; what
    that raises makes the commit fail, and nothing of it is kept."""
    vectors: tuple[StoredVector, ...] = ()
    events: tuple[NumberedEvent, ...] = ()
    observations: tuple[Remembered, ...] = ()
    oldest_observation: int = 0
    """Remembered observations with a lower ordinal are forgotten."""
    requests: tuple[Remembered, ...] = ()
    oldest_request: int = 0

    @property
    def touches_models(self) -> bool:
        """Whether a stored model may be another one than before, or gone, or new."""
        return bool(self.forgets_memory or self.deleted_models or self.models)


@dataclass(frozen=True, slots=True)
class Deletion:
    """A processor is deleted with all that is stored of it; the request that did it, if it had
    an id, is remembered elsewhere, so that the same request cannot delete a successor."""

    processor: str
    request: Remembered | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that is stored of one processor.

    C{models} can be iterated once, as they stream in.  C{index} is what was kept to spare that: it
    fits the models exactly, whatever it is made of.
    """

    processor: str
    state: State
    percept: Percept
    events: tuple[NumberedEvent, ...]
    vectors: tuple[StoredVector, ...]
    observations: tuple[Remembered, ...]
    requests: tuple[Remembered, ...]
    models: Iterable[Model]
    index: bytes | None = None
