"""Events: what is told of processors to those who listen (SPEC 9, WebSocket).

An event is known by its epoch, topic and offset.  A listener that was cut off says how far it had
come, and is told what it missed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from kato.commands import parse_processor_id
from kato.errors import InvalidRequest
from kato.fields import EXACT, array, integer, mapping, number, shown, text

OBSERVATIONS = "observations"
LEARNING = "learning"
MEMORY = "memory"
PREDICTIONS = "predictions"
STATUS = "status"
PROCESSORS = "processors"
"""Of all processors together: one came, or one went."""

TOPICS = frozenset({OBSERVATIONS, LEARNING, MEMORY, PREDICTIONS, STATUS})
"""What may be told of one processor."""

TOPICS_OF_ALL = frozenset({PROCESSORS, STATUS})
"""What may be told where no processor is named."""

KEPT = frozenset({LEARNING, MEMORY, PROCESSORS})
"""The topics of which no event is ever passed over."""

_PARAMS = frozenset({"topics", "since", "epoch", "predictions", "observations"})
_MAX_EPOCH = 64


class Position(NamedTuple):
    """How far a listener has come: the offset of the last event that it was told in an epoch.

    C{predictions} is the offset of the last C{predictions} event, where that is known: an event of
    that topic has the offset of the change that it follows, so C{offset} alone leaves open whether
    it was told the newest one.  C{observations} is that of the last observation: one that waited to
    be sent, and gave way to a newer one, may be older than what was told last.
    """

    epoch: str
    offset: int
    predictions: int | None = None
    observations: int | None = None

    @property
    def foreseen(self) -> int:
        """The offset up to which predictions were told."""
        return self.offset if self.predictions is None else self.predictions

    @property
    def observed(self) -> int:
        """The offset up to which observations were told."""
        return self.offset if self.observations is None else self.observations


class Numbers(NamedTuple):
    """How many events there were in an epoch: of the topics that are kept, all together, and of
    those that may be passed over."""

    kept: int = 0
    observations: int = 0
    predictions: int = 0

    def of(self, topic: str) -> int:
        """The number that counts a topic."""
        return self[_COUNTS.get(topic, 0)]

    def after(self, event: "Event") -> "Numbers":
        """These numbers, once an event has come."""
        kept, observations, predictions = self
        if event.topic == OBSERVATIONS:
            return Numbers(kept, event.number, predictions)
        if event.topic == PREDICTIONS:
            return Numbers(kept, observations, event.number)
        return Numbers(event.number, observations, predictions)

    @classmethod
    def parse(cls, raw: object) -> "Numbers":
        """Read numbers that came as a list.

        @raise InvalidRequest: where they are none.
        """
        numbers = array(raw, "numbers")
        if len(numbers) != len(cls._fields):
            raise InvalidRequest(f"numbers: expected {len(cls._fields)}, got {len(numbers)}")
        return cls(*(integer(each, "numbers", least=0) for each in numbers))


_COUNTS = {OBSERVATIONS: 1, PREDICTIONS: 2}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    C{offset} counts the changes of a processor in an C{epoch}, C{number} what L{Numbers} counts:
    who hears of every event of a kind finds no number left out.  C{kept} is the number of the last
    event so far of which none may be missed.  C{skipped} says how many events of the topic were
    passed over before this one; C{time_stamp} is in Unix seconds.
    """

    topic: str
    processor: str
    offset: int
    time_stamp: float
    data: Mapping[str, Any]
    skipped: int = 0
    epoch: str = ""
    number: int = 0
    kept: int = 0

    def as_map(self) -> dict[str, Any]:
        """The event as SPEC 9 writes it; C{skipped} stands where it is not 0."""
        told: dict[str, Any] = {
            "event": self.topic,
            "processor": self.processor,
            "offset": self.offset,
            "time_stamp": self.time_stamp,
            "data": self.data,
        }
        if self.skipped:
            told["skipped"] = self.skipped
        return told

    def wire_map(self) -> dict[str, Any]:
        """The event as services tell it to gateways: with its epoch and its numbers."""
        return {
            **self.as_map(),
            "epoch": self.epoch,
            "number": self.number,
            "kept": self.kept,
        }

    @classmethod
    def parse(cls, raw: object) -> "Event":
        """Read an event that L{as_map} or L{wire_map} wrote.

        @raise InvalidRequest: where it is none.
        """
        told = mapping(raw, "event", _EVENT)
        missing = sorted(_ALWAYS - told.keys())
        if missing:
            raise InvalidRequest(f"event.{missing[0]}: missing")
        return cls(
            topic=text(told["event"], "event.event"),
            processor=text(told["processor"], "event.processor"),
            offset=integer(told["offset"], "event.offset", least=0),
            time_stamp=number(told["time_stamp"], "event.time_stamp"),
            data=mapping(told["data"], "event.data"),
            skipped=integer(told.get("skipped", 0), "event.skipped", least=0),
            epoch=text(told.get("epoch", ""), "event.epoch"),
            number=integer(told.get("number", 0), "event.number", least=0),
            kept=integer(told.get("kept", 0), "event.kept", least=0),
        )

    def after(self, skipped: int) -> "Event":
        """This event where C{skipped} of its topic were passed over before it."""
        return self if skipped == self.skipped else replace(self, skipped=skipped)


_ALWAYS = frozenset({"event", "processor", "offset", "time_stamp", "data"})
_EVENT = _ALWAYS | {"skipped", "epoch", "number", "kept"}

Listener = Callable[[Event], None]
"""Is told events."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to be told: of one processor, or C{None}: of processors coming and
    going."""

    processor: str | None
    topics: frozenset[str] = TOPICS
    position: Position | None = None

    @classmethod
    def parse(cls, processor: object, params: object) -> "Wish":
        """Judge the parameters of C{subscribe}.

        Beside those of SPEC 9, C{predictions} and C{observations} may tell the offset of the last
        event of that topic that came.  C{since} without C{epoch} says nothing: nobody can tell what
        was missed.

        @raise InvalidRequest: which names the field at fault.
        """
        given = mapping({} if params is None else params, "params", _PARAMS)
        known = TOPICS_OF_ALL if processor is None else TOPICS
        return cls(
            None if processor is None else parse_processor_id(processor),
            _topics(given["topics"], known) if "topics" in given else known,
            _position(given),
        )

    @property
    def key(self) -> str:
        """The processor's id, which is never empty; empty where it is about all of them."""
        return self.processor or ""


def _topics(value: object, known: frozenset[str]) -> frozenset[str]:
    words = array(value, "topics")
    for i, word in enumerate(words):
        if text(word, f"topics[{i}]") not in known:
            raise InvalidRequest(
                f"topics[{i}]: {shown(word)} is unknown, known are {', '.join(sorted(known))}"
            )
    return frozenset(words)


def _position(given: Mapping[str, Any]) -> Position | None:
    """Judge how far a listener has come; all of it is judged, also where it says nothing."""
    offsets = {
        key: integer(given[key], key, least=0, most=EXACT)
        for key in ("since", "predictions", "observations")
        if given.get(key) is not None
    }
    epoch = text(given["epoch"], "epoch") if given.get("epoch") is not None else None
    if epoch is not None and len(epoch) > _MAX_EPOCH:
        raise InvalidRequest(f"epoch: expected {_MAX_EPOCH} characters at most, got {len(epoch)}")
    if epoch is None or "since" not in offsets:
        return None
    return Position(
        epoch, offsets["since"], offsets.get("predictions"), offsets.get("observations")
    )


@dataclass(frozen=True, slots=True)
class Subscribed:
    """What a subscription begins with.

    C{offset} is that of the last event so far in C{epoch}.  Where C{recovered} is true, C{events}
    are what the listener missed, in order; else it reads the state anew.  C{cancel} ends the
    subscription, once and for all.
    """

    epoch: str
    offset: int
    recovered: bool
    events: tuple[Event, ...]
    numbers: Numbers
    cancel: Callable[[], None] = field(compare=False)

    def as_map(self) -> dict[str, Any]:
        """What the answer to C{subscribe} tells (SPEC 9); the missed events come after it."""
        return {"epoch": self.epoch, "offset": self.offset, "recovered": self.recovered}

    def status(self, key: str, state: str, now: float) -> Event:
        """What one who has listened before is told of beginning again so.

        @param key: whose events they are.
        """
        data = {"state": state, "epoch": self.epoch, "recovered": self.recovered}
        return Event(STATUS, key, self.offset, now, data, epoch=self.epoch)
