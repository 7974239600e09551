"""What a processor is made of, as JSON objects, one to a line, and back (docs/moving.md).

The first key of a line tells what it is.  Floats go through JSON as Python prints them, which reads
back to the same bits.  What is read is judged: whatever C{read_…} takes is a value that the engine
could have made; what it does not take raises L{InvalidRequest}.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

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
from kato.commands import parse_processor_id
from kato.errors import InvalidRequest
from kato.fields import array, boolean, free_form, mapping, number, shown, text
from kato.genes import Genes, parse_genes
from kato.model import Emotives, Model
from kato.observation import Event, Observation

Line = dict[str, Any]
"""A line of a file, but for its checksum."""

_UNIT = 1074
"""Sums are whole in units of two to the power of minus this."""

_SUM = re.compile(r"(-?0x[0-9a-f]+)p([+-][0-9]{1,4})")

_PROCESSOR = frozenset(
    {
        "processor",
        "name",
        "genes",
        "interval",
        "revision",
        "accuracy",
        "stm",
        "emotives",
        "observation",
        "last_event",
    }
)
_ANSWER = frozenset({"ordinal", "key", "digest", "fields", "stm", "interval", "time_stamp"})


def processor_line(processor: str, state: State, percept: Percept) -> Line:
    """The small state of a processor, with its last observation."""
    observation = percept.observation
    return {
        "processor": processor,
        "name": state.name,
        "genes": state.genes.as_dict(),
        "interval": state.interval,
        "revision": state.revision,
        "accuracy": None if state.accuracy is None else state.accuracy.stored(),
        "stm": state.window,
        "emotives": {name: (each.times, _sum(each)) for name, each in state.emotives.items()},
        "observation": None if observation is None else observation.sent(),
        "last_event": percept.event,
    }


def read_processor(line: Line) -> tuple[str, State, Percept]:
    """The reverse of L{processor_line}."""
    _judge_keys({"accuracy": None, **line}, _PROCESSOR)
    observation = line["observation"]
    state = State(
        name=text(line["name"], "name"),
        genes=Genes(**parse_genes(line["genes"])),
        interval=_whole(line["interval"], "interval"),
        window=_window(line["stm"]),
        emotives={
            name: _gathered(each, f"emotives.{name}")
            for name, each in mapping(line["emotives"], "emotives").items()
        },
        revision=_whole(line["revision"], "revision"),
        accuracy=_accuracy(line.get("accuracy")),
    )
    percept = Percept(
        None if observation is None else Observation.parse(observation, "observation"),
        _event(line["last_event"], "last_event"),
    )
    return parse_processor_id(line["processor"]), state, percept


def event_line(event: NumberedEvent) -> Line:
    """An event of short-term memory, or one that a remembered answer shows."""
    return {"event": event.event, "number": event.number}


def read_event(line: Line) -> NumberedEvent:
    """The reverse of L{event_line}."""
    _judge_keys(line, frozenset({"event", "number"}))
    return NumberedEvent(_whole(line["number"], "number"), _event(line["event"], "event"))


def vector_line(vector: StoredVector) -> Line:
    """A vector that was learned, or waits for that."""
    return {"vector": vector.symbol, "learned": vector.learned, "components": vector.vector}


def read_vector(line: Line) -> StoredVector:
    """The reverse of L{vector_line}."""
    _judge_keys(line, frozenset({"vector", "learned", "components"}))
    components = array(line["components"], "components")
    return StoredVector(
        text(line["vector"], "vector"),
        tuple(number(each, f"components[{i}]") for i, each in enumerate(components)),
        boolean(line["learned"], "learned"),
    )


def answer_line(kind: str, answer: Remembered) -> Line:
    """An answer that is given again.

    @param kind: C{observation}, whose key is a C{unique_id}, or C{request}, whose key is a request
        id.
    """
    return {kind: answer.key, **_answer(answer)}


def read_answer(line: Line, kind: str) -> Remembered:
    """The reverse of L{answer_line}."""
    _judge_keys(line, _ANSWER - {"key"} | {kind})
    return _read_answer(line, line[kind])


def model_line(model: Model) -> Line:
    """A learned model."""
    return {
        "model": model.name,
        "frequency": model.frequency,
        "sequence": model.sequence,
        "emotives": model.emotives,
    }


def read_model(line: Line) -> Model:
    """The reverse of L{model_line}."""
    _judge_keys(line, frozenset({"model", "frequency", "sequence", "emotives"}))
    return Model(
        text(line["model"], "model"),
        tuple([_event(each, "sequence") for each in array(line["sequence"], "sequence")]),
        _whole(line["frequency"], "frequency"),
        tuple([_emotives(each) for each in array(line["emotives"], "emotives")]),
    )


def deletion_line(deletion: Deletion) -> Line:
    """A processor that was deleted by a request with an id."""
    assert deletion.request is not None, "a store keeps those with a request id"
    request = deletion.request
    return {"deletion": deletion.processor, "key": request.key, **_answer(request)}


def read_deletion(line: Line) -> Deletion:
    """The reverse of L{deletion_line}."""
    _judge_keys(line, _ANSWER | {"deletion"})
    return Deletion(parse_processor_id(line["deletion"]), _read_answer(line, line["key"]))


def _answer(answer: Remembered) -> Line:
    return {
        "ordinal": answer.ordinal,
        "digest": answer.digest,
        "fields": answer.fields,
        "stm": answer.window,
        "interval": answer.interval,
        "time_stamp": answer.time_stamp,
    }


def _read_answer(line: Line, key: object) -> Remembered:
    return Remembered(
        ordinal=_whole(line["ordinal"], "ordinal"),
        key=text(key, "key"),
        digest=text(line["digest"], "digest"),
        fields=dict(free_form(mapping(line["fields"], "fields"), "fields")),
        window=None if line["stm"] is None else _window(line["stm"]),
        interval=_whole(line["interval"], "interval"),
        time_stamp=number(line["time_stamp"], "time_stamp"),
    )


# The parts of a line


def _judge_keys(line: Mapping[str, Any], keys: frozenset[str]) -> None:
    mapping(line, "", keys)
    if len(line) < len(keys):
        raise InvalidRequest(f"{', '.join(sorted(keys - line.keys()))}: not given")


def _whole(value: object, path: str) -> int:
    if type(value) is not int or value < 0:
        raise InvalidRequest(f"{path}: expected a whole number, got {shown(value)}")
    return value


def _pair(value: object, path: str) -> list[Any]:
    pair = array(value, path)
    if len(pair) != 2:
        raise InvalidRequest(f"{path}: expected two entries, got {len(pair)}")
    return pair


def _window(value: object) -> Window:
    start, end = _pair(value, "stm")
    return Window(_whole(start, "stm"), _whole(end, "stm"))


def _sum(gathered: Gathered) -> str:
    """An exact sum, as C writes a float64 in hexadecimal, but with as many digits as it has."""
    total = gathered.total
    zeros = max((total & -total).bit_length() - 1, 0)
    return f"{total >> zeros:#x}p{zeros - _UNIT:+d}"


def _gathered(value: object, path: str) -> Gathered:
    times, total = _pair(value, path)
    found = _SUM.fullmatch(text(total, path))
    zeros = int(found[2]) + _UNIT if found else -1
    if found is None or zeros < 0:
        raise InvalidRequest(f"{path}: expected a hexadecimal sum such as 0x3p-2")
    return Gathered(_whole(times, path), int(found[1], 16) << zeros)


def _accuracy(value: object) -> Accuracy | None:
    """What is counted of forecasts; files from before it was counted have none of it."""
    if value is None:
        return None
    stored = mapping(value, "accuracy", frozenset({*Counts._fields, "marks"}))
    try:
        counts = {name: _whole(stored[name], f"accuracy.{name}") for name in Counts._fields}
        return Accuracy.restored({**counts, "marks": text(stored["marks"], "accuracy.marks")})
    except (KeyError, ValueError) as error:
        raise InvalidRequest(f"accuracy: {error}") from None


def _event(value: object, path: str) -> Event:
    symbols: list[Any] = value if type(value) is list else array(value, path)
    if not _are_plain(symbols):
        symbols = [text(symbol, path) for symbol in symbols]
    return tuple(symbols)


def _are_plain(symbols: list[Any]) -> bool:
    """Whether these are strings of which nothing needs to be judged."""
    try:
        return "".join(symbols).isascii()  # in half the time of a look at each
    except TypeError:
        return False


def _emotives(value: object) -> Emotives:
    emotives = mapping(value, "emotives")
    return {name: number(each, f"emotives.{name}") for name, each in emotives.items()}


READERS: Mapping[str, Callable[[Line], Any]] = {
    "event": read_event,
    "vector": read_vector,
    "observation": lambda line: read_answer(line, "observation"),
    "request": lambda line: read_answer(line, "request"),
    "model": read_model,
}
"""How the parts of a processor are read, by the first key of their lines, in the order in which
they stand in a file."""
