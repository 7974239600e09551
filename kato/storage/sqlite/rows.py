"""What a processor is made of, as rows of the SQLite tables, and back.

Floats go through JSON as Python prints them, which reads back to the same bits; what exceeds 64
bits goes as text.
"""

import json
import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from kato.accuracy import Accuracy
from kato.changes import Gathered, Percept, Remembered, State, StoredVector, Window
from kato.errors import StorageUnavailable
from kato.genes import NAMES, Genes
from kato.model import Model, Sequence
from kato.observation import Event, Observation

Row = tuple[Any, ...]

write = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
read = json.JSONDecoder().decode
_read_ours = json.JSONDecoder().raw_decode
"""Reads what L{write} wrote, which begins with no blank; in a third less time than L{read}."""


DAMAGE = (ValueError, KeyError, TypeError, AttributeError, RecursionError, struct.error)
"""What reading a row raises that is not as this program wrote it."""


def damaged(what: str, error: Exception) -> StorageUnavailable:
    """Make the error for a row that is not as this program wrote it."""
    return StorageUnavailable(f"{what} cannot be read: {error!r}")


def state_row(state: State) -> Row:
    """name, genes, interval, stm_start, stm_end, emotives, revision, accuracy."""
    genes = {name: getattr(state.genes, name) for name in NAMES}
    emotives = {name: (times, hex(total)) for name, (times, total) in state.emotives.items()}
    return (
        state.name,
        write(genes),
        state.interval,
        *state.window,
        write(emotives),
        state.revision,
        None if state.accuracy is None else write(state.accuracy.stored()),
    )


def read_state(row: Row) -> State:
    """The reverse of L{state_row}."""
    name, genes, interval, start, end, emotives, revision, accuracy = row
    return State(
        name=name,
        genes=Genes(**read(genes)),
        interval=interval,
        window=Window(start, end),
        emotives={
            each: Gathered(times, int(total, 16)) for each, (times, total) in read(emotives).items()
        },
        revision=revision,
        accuracy=None if accuracy is None else Accuracy.restored(read(accuracy)),
    )


def percept_row(percept: Percept) -> Row:
    """observation, event."""
    observation = percept.observation
    return (None if observation is None else write(observation.as_dict()), write(percept.event))


def read_percept(row: Row) -> Percept:
    """The reverse of L{percept_row}."""
    observation, event = row
    return Percept(
        None if observation is None else _observation(read(observation)), tuple(read(event))
    )


def _observation(stored: dict[str, Any]) -> Observation:
    return Observation(
        strings=tuple(stored["strings"]),
        vectors=tuple(map(tuple, stored["vectors"])),
        emotives=stored["emotives"],
        unique_id=stored["unique_id"],
        metadata=stored["metadata"],
    )


def model_row(model: Model) -> Row:
    """name, sequence, frequency, emotives."""
    return (model.name, write(model.sequence), model.frequency, write(model.emotives))


def read_models(rows: Iterable[Row]) -> Iterator[Model]:
    """The reverse of L{model_row}, one after the other; equal symbols become one object.

    @raise StorageUnavailable: for the first that is damaged.
    """
    symbols: dict[str, str] = {}
    intern = symbols.setdefault
    for name, sequence, frequency, emotives in rows:
        try:
            model = Model(
                name,
                _sequence(_read_ours(sequence)[0], intern),
                frequency,
                () if emotives == "[]" else tuple(read(emotives)),
            )
        except DAMAGE as error:
            raise damaged(f"model {name}", error) from None
        yield model


def _sequence(events: list[list[str]], intern: Callable[[str, str], str]) -> Sequence:
    return tuple([tuple([intern(symbol, symbol) for symbol in event]) for event in events])


def vector_row(vector: StoredVector) -> Row:
    """symbol, components, learned."""
    components = vector.vector
    return (vector.symbol, struct.pack(f"<{len(components)}d", *components), vector.learned)


def read_vector(row: Row) -> StoredVector:
    """The reverse of L{vector_row}."""
    symbol, components, learned = row
    return StoredVector(
        symbol, struct.unpack(f"<{len(components) // 8}d", components), bool(learned)
    )


def read_event(text: str) -> Event:
    """An event from its JSON."""
    return tuple(read(text))


def answer_row(answer: Remembered) -> Row:
    """ordinal, key, digest, fields, stm_start, stm_end, interval, time_stamp."""
    return (
        answer.ordinal,
        answer.key,
        answer.digest,
        write(answer.fields),
        *(answer.window or (None, None)),
        answer.interval,
        answer.time_stamp,
    )


def read_answer(row: Row) -> Remembered:
    """The reverse of L{answer_row}."""
    ordinal, key, digest, fields, start, end, interval, time_stamp = row
    window = None if start is None else Window(start, end)
    return Remembered(ordinal, key, digest, read(fields), window, interval, time_stamp)
