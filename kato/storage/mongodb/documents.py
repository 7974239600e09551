"""What a processor is made of, as documents, and back.

A document has a head, by which it is found and deleted, and a body.  C{_id} is the processor's id,
or begins with it and a C{/}, which no such id holds.  What a person may have typed in mongosh is
taken for what it means: an integral float where an integer belongs, and the reverse.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from kato.accuracy import Accuracy, Counts
from kato.changes import (
    Deletion,
    Gathered,
    NumberedEvent,
    Percept,
    Remembered,
    State,
    StoredVector,
    Window,
)
from kato.errors import StorageUnavailable
from kato.genes import NAMES, Genes
from kato.model import Model, Sequence
from kato.observation import Observation
from kato.storage.mongodb.values import read, write

Fields = dict[str, Any]

PROCESSORS, PERCEPTS, MODELS, VECTORS, EVENTS, ANSWERS, DELETIONS, PIECES = (
    "processors",
    "percepts",
    "models",
    "vectors",
    "events",
    "answers",
    "deletions",
    "pieces",
)
"""The collections."""

OF_A_PROCESSOR = (PROCESSORS, PERCEPTS, MODELS, VECTORS, EVENTS, ANSWERS)
"""Those whose documents have a C{processor} in their heads."""

DAMAGE = (ValueError, KeyError, TypeError, AttributeError, OverflowError)
"""What reading a document raises that is not as this program wrote it."""


class Document(NamedTuple):
    """One document: where it lies, its head with C{_id}, and its body."""

    collection: str
    head: Fields
    body: Fields


def damaged(what: str, error: Exception) -> StorageUnavailable:
    """Make the error for a document that is not as this program wrote it."""
    return StorageUnavailable(f"{what} cannot be read: {error!r}")


def _head(processor: str, *key: object, **fields: object) -> Fields:
    return {"_id": "/".join([processor, *map(str, key)]), "processor": processor, **fields}


# The small state


def state_document(processor: str, state: State) -> Document:
    """C{genes} and C{emotives} by name; of an emotive how many, and their exact sum in units of
    2**-1074, in hexadecimals."""
    emotives = {
        name: {"times": times, "sum": hex(total)} for name, (times, total) in state.emotives.items()
    }
    body = {
        "name": state.name,
        "genes": write({name: getattr(state.genes, name) for name in NAMES}),
        "interval": write(state.interval),
        "short_term_memory": _window(state.window),
        "emotives": write(emotives),
        "revision": write(state.revision),
        "accuracy": None if state.accuracy is None else state.accuracy.stored(),
    }
    return Document(PROCESSORS, _head(processor), body)


def read_state(found: Fields) -> State:
    """The reverse of L{state_document}."""
    return State(
        name=_text(found["name"]),
        genes=Genes(**read(found["genes"])),
        interval=_integer(found["interval"]),
        window=_read_window(found["short_term_memory"]),
        emotives={
            name: Gathered(_integer(each["times"]), int(each["sum"], 16))
            for name, each in read(found["emotives"]).items()
        },
        revision=_integer(found.get("revision", 0)),
        accuracy=_read_accuracy(found.get("accuracy")),
    )


def _read_accuracy(found: Fields | None) -> Accuracy | None:
    if found is None:
        return None
    counts = {name: _integer(found[name]) for name in Counts._fields}
    return Accuracy.restored({**counts, "marks": _text(found["marks"])})


def _window(window: Window) -> Fields:
    return {"start": window.start, "end": window.end}


def _read_window(found: Fields) -> Window:
    return Window(_integer(found["start"]), _integer(found["end"]))


def percept_document(processor: str, percept: Percept) -> Document:
    """C{observation} as accepted, and C{event}."""
    observation = percept.observation
    body = {
        "observation": None if observation is None else write(observation.as_dict()),
        "event": list(percept.event),
    }
    return Document(PERCEPTS, _head(processor), body)


def read_percept(found: Fields) -> Percept:
    """The reverse of L{percept_document}."""
    observation = found["observation"]
    event = _symbols(found["event"])
    return Percept(None if observation is None else _observation(read(observation)), event)


def _observation(found: Fields) -> Observation:
    return Observation(
        strings=_symbols(found["strings"]),
        vectors=tuple(tuple(map(float, vector)) for vector in found["vectors"]),
        emotives={name: float(value) for name, value in found["emotives"].items()},
        unique_id=found["unique_id"],
        metadata=found["metadata"],
    )


# Long-term memory


def model_document(processor: str, model: Model) -> Document:
    """C{frequency}, C{sequence}, and C{emotives} by name, oldest first."""
    body = {
        "frequency": write(model.frequency),
        "sequence": model.sequence,
        "emotives": [write(felt) for felt in model.emotives],
    }
    return Document(MODELS, _head(processor, model.name), body)


def read_models(found: Iterable[Fields]) -> Iterator[Model]:
    """The reverse of L{model_document}, one after the other; equal symbols become one object.

    @raise StorageUnavailable: for the first that is damaged.
    """
    symbols: dict[str, str] = {}
    intern = symbols.setdefault
    for each in found:
        try:
            model = Model(
                each["_id"].partition("/")[2],
                _sequence(each["sequence"], intern),
                _integer(each["frequency"]),
                tuple(map(_felt, each["emotives"])),
            )
        except DAMAGE as error:
            raise damaged(f"model {each.get('_id')}", error) from None
        yield model


def _sequence(events: list[list[str]], intern: Callable[[str, str], str]) -> Sequence:
    """The events.

    @raise TypeError: for what is none, or no symbol.
    """
    if type(events) is not list or not all(type(event) is list for event in events):
        raise TypeError("a sequence that is no list of lists")
    sequence = tuple([tuple([intern(symbol, symbol) for symbol in event]) for event in events])
    if not all(type(symbol) is str for event in sequence for symbol in event):
        raise TypeError("a symbol that is no string")
    return sequence


def _symbols(found: Any) -> tuple[str, ...]:
    if not isinstance(found, list):
        raise TypeError(f"{found!r} is no list")
    return tuple(map(_text, found))


def _felt(found: Fields) -> dict[str, float]:
    return {name: float(value) for name, value in read(found).items()}


def vector_document(processor: str, vector: StoredVector) -> Document:
    """C{components}, and whether it was C{learned} or waits for it."""
    head = _head(processor, vector.symbol, learned=vector.learned)
    return Document(VECTORS, head, {"components": vector.vector})


def read_vector(found: Fields) -> StoredVector:
    """The reverse of L{vector_document}."""
    symbol = found["_id"].partition("/")[2]
    return StoredVector(symbol, tuple(map(float, found["components"])), bool(found["learned"]))


def event_document(processor: str, event: NumberedEvent) -> Document:
    """C{event}, with its C{number}."""
    head = _head(processor, event.number, number=event.number)
    return Document(EVENTS, head, {"event": event.event})


def read_event(found: Fields) -> NumberedEvent:
    """The reverse of L{event_document}."""
    return NumberedEvent(_integer(found["number"]), _symbols(found["event"]))


# What is remembered


def answer_document(processor: str, kind: str, answer: Remembered) -> Document:
    """An answer of a C{kind}, C{observation} or C{request}, with its C{ordinal}."""
    head = _head(processor, kind, answer.ordinal, kind=kind, ordinal=answer.ordinal)
    return Document(ANSWERS, head, _answer(answer))


def _answer(answer: Remembered) -> Fields:
    return {
        "key": answer.key,
        "digest": answer.digest,
        "fields": write(answer.fields),
        "short_term_memory": None if answer.window is None else _window(answer.window),
        "interval": write(answer.interval),
        "time_stamp": answer.time_stamp,
    }


def read_answer(found: Fields) -> Remembered:
    """The reverse of L{answer_document}."""
    window = found["short_term_memory"]
    return Remembered(
        _integer(found["ordinal"]),
        _text(found["key"]),
        _text(found["digest"]),
        read(found["fields"]),
        None if window is None else _read_window(window),
        _integer(found["interval"]),
        float(found["time_stamp"]),
    )


def deletion_document(processor: str, request: Remembered) -> Document:
    """A deletion that carried a request id."""
    head = {"_id": request.ordinal, "ordinal": request.ordinal}
    return Document(DELETIONS, head, {"deleted": processor, **_answer(request)})


def read_deletion(found: Fields) -> Deletion:
    """The reverse of L{deletion_document}."""
    return Deletion(_text(found["deleted"]), read_answer(found))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no string")
    return value


def _integer(value: Any) -> int:
    whole = int(read(value))
    if isinstance(value, bool) or whole != read(value):
        raise TypeError(f"{value!r} is no integer")
    return whole
