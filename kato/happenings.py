"""What a turn did to a processor, as data from which events are told (SPEC 9).

A happening is cheap to make, and tells its data only when somebody listens.  None is larger than a
few hundred bytes, but for the short-term memory that L{Seen} holds on to.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple, Protocol, overload

from kato.codec import SelfWriting, encode_json
from kato.events import LEARNING, MEMORY, OBSERVATIONS, PREDICTIONS, PROCESSORS
from kato.observation import Event, Observation

_FEW = 1_000
"""So many events are written at a time."""


class Happening(Protocol):
    """One thing that happened."""

    @property
    def topic(self) -> str:
        """The topic of its event."""

    def data(self) -> dict[str, Any]:
        """The data of its event."""


class MemoryThen(SelfWriting):
    """Short-term memory as it was: the first events of a list that only ever grows."""

    __slots__ = ("_events", "_length")

    def __init__(self, events: list[Event], length: int) -> None:
        self._events = events
        self._length = length

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, place: int) -> Any: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Any]: ...

    def __getitem__(self, place: int | slice) -> Any:
        places = range(self._length)[place]
        if isinstance(places, range):
            return [list(self._events[each]) for each in places]
        return list(self._events[places])

    def __iter__(self) -> Iterator[Any]:
        return map(list, islice(self._events, self._length))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # as with lists, which it may equal

    def __repr__(self) -> str:
        return repr(list(self))

    def parts(self) -> Iterator[bytes]:
        """Its JSON, a few events at a time."""
        before = b"["
        for start in range(0, self._length, _FEW):
            written = encode_json(self[start : start + _FEW])
            yield before + written[1:-1]
            before = b","
        yield b"]" if self._length else b"[]"


class Seen(NamedTuple):
    """An observation was accepted; C{length} events of C{events} are short-term memory after it,
    and after what was learned at once because of it."""

    observation: Observation
    unique_id: str | None
    events: list[Event]
    length: int

    @property
    def topic(self) -> str:
        """The topic of its event."""
        return OBSERVATIONS

    def data(self) -> dict[str, Any]:
        """The accepted observation, and short-term memory after it."""
        return {
            "observation": {**self.observation.as_dict(), "unique_id": self.unique_id},
            "short_term_memory": MemoryThen(self.events, self.length),
        }


class SeenInTurn(NamedTuple):
    """Several observations were accepted one after the other, with nothing between them: each is
    told by an event of its own.  C{length} events of C{events} were short-term memory before."""

    observations: list[Observation]
    events: list[Event]
    length: int

    @property
    def topic(self) -> str:
        """The topic of their events."""
        return OBSERVATIONS

    def each(self) -> Iterator[Seen]:
        """The observations one by one."""
        length = self.length
        for observation in self.observations:
            length += observation.has_event
            yield Seen(observation, observation.unique_id, self.events, length)

    def last(self) -> Seen:
        """The last of them."""
        length = self.length + sum(each.has_event for each in self.observations)
        observation = self.observations[-1]
        return Seen(observation, observation.unique_id, self.events, length)


class Learned(NamedTuple):
    """A model was learned, once more or for the first time.

    C{length} is how many symbols it has; C{left} how many events, the last ones, short-term memory
    still holds; C{automatic} says that an observation was followed by it.
    """

    model_name: str
    frequency: int
    length: int
    automatic: bool
    left: int

    @property
    def topic(self) -> str:
        """The topic of its event."""
        return LEARNING

    def data(self) -> dict[str, Any]:
        """Which model, and what it left of short-term memory."""
        return {
            "change": "learned",
            "model_name": self.model_name,
            "frequency": self.frequency,
            "length": self.length,
            "automatic": self.automatic,
            "events": self.left,
        }


class Updated(NamedTuple):
    """A model was given another frequency, other emotives, or both."""

    model_name: str
    frequency: int

    @property
    def topic(self) -> str:
        """The topic of its event."""
        return LEARNING

    def data(self) -> dict[str, Any]:
        """Which model, and its frequency."""
        return {
            "change": "updated",
            "model_name": self.model_name,
            "frequency": self.frequency,
        }


class Forgotten(NamedTuple):
    """A model was deleted."""

    model_name: str

    @property
    def topic(self) -> str:
        """The topic of its event."""
        return LEARNING

    def data(self) -> dict[str, Any]:
        """Which model."""
        return {"change": "deleted", "model_name": self.model_name}


class Cleared(NamedTuple):
    """Short-term memory was emptied, by clearing or by a learning that made no model; or C{all}
    of memory."""

    all: bool = False

    @property
    def topic(self) -> str:
        """The topic of its event."""
        return MEMORY

    def data(self) -> dict[str, Any]:
        """Which memory."""
        return {"change": "cleared", "memory": "all" if self.all else "short_term"}


class GenesChanged(NamedTuple):
    """Some genes have other values."""

    genes: Mapping[str, Any]

    @property
    def topic(self) -> str:
        """The topic of its event."""
        return MEMORY

    def data(self) -> dict[str, Any]:
        """Those genes, with their values now."""
        return {"change": "genes", "genes": dict(self.genes)}


class Deleted(NamedTuple):
    """The processor was deleted, with all that it knew."""

    @property
    def topic(self) -> str:
        """The topic of its event."""
        return MEMORY

    def data(self) -> dict[str, Any]:
        """That there is no such processor any more."""
        return {"change": "deleted"}


class CameOrWent(NamedTuple):
    """A processor was made, or is no more."""

    processor: str
    came: bool

    @property
    def topic(self) -> str:
        """The topic of its event."""
        return PROCESSORS

    def data(self) -> dict[str, Any]:
        """Which of the two."""
        return {"change": "came" if self.came else "went"}


class Story:
    """What a sequence of observations does, told as it goes on.

    C{events} is short-term memory since it was last cut; C{seen} takes an observation after which
    it still is.
    """

    def __init__(self, events: list[Event]) -> None:
        """@param events: short-term memory before, which grows by what is observed."""
        self._happened: list[Happened] = []
        self._begin(events)

    def _begin(self, events: list[Event]) -> None:
        self.events, self._length = events, len(events)
        self._observations: list[Observation] = []
        self.seen = self._observations.append

    def happened(self, happened: "Sequence[Happened]", *, events: list[Event]) -> None:
        """Something else happened, after which short-term memory is C{events}."""
        self._end_run()
        self._happened += happened
        self._begin(events)

    def _end_run(self) -> None:
        if self._observations:
            self._happened.append(SeenInTurn(self._observations, self.events, self._length))

    def end(self) -> "tuple[Happened, ...]":
        """All that happened, in order."""
        self._end_run()
        return tuple(self._happened)


class Foreseen(NamedTuple):
    """What is to be expected, as a happening."""

    predictions: Any
    forecast: Any

    @property
    def topic(self) -> str:
        """The topic of its event."""
        return PREDICTIONS

    def data(self) -> dict[str, Any]:
        """What C{get_predictions} and C{get_forecast} give."""
        return {"predictions": self.predictions, "forecast": self.forecast}


Happened = Happening | SeenInTurn
"""What a turn tells: one thing, or several of one kind."""
