"""The lines of an audit log, as they are written and as they are read (docs/audit.md)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from json.encoder import encode_basestring as quoted
from typing import Any, ClassVar, NamedTuple

from kato.codec import decode_json, encode_json
from kato.commands import Command, Observe, Params
from kato.errors import InvalidRequest
from kato.genes import Genes

FORMAT = 1
"""The version of the format."""

_BRIEF = frozenset(
    (
        "created",
        "unique_id",
        "auto_learned_model",
        "classifier_bounded",
        "observed",
        "learned_models",
        "model_name",
        "old_value",
        "old_values",
    )
)
"""What a line tells of an answer."""

_FEW = 16
"""A list with more entries is written in parts, between which others get their turn."""


class Creation(NamedTuple):
    """What a processor was before the command that created it."""

    name: str
    genes: Genes


@dataclass(slots=True)
class Done:
    """An operation that was carried out; not frozen, since that would take thrice as long to make.

    C{time} is that of its turn, in Unix seconds; C{revision}, C{interval} and C{events}, the length
    of short-term memory, are those after it, or those that a C{read} saw.  C{made} is an id that
    was made for an observation and that the answer does not tell.
    """

    command: Command
    time: float
    processor: str | None
    revision: int | None = None
    interval: int | None = None
    events: int | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    epoch: int | None = None
    made: str | None = None
    created: Creation | None = None
    read: bool = False
    is_short: bool = field(init=False)
    """Whether its line is written in a moment."""
    _params: bytes | None = field(init=False)
    """The parameters, where there is little of them, which is nearly always."""

    def __post_init__(self) -> None:
        self._params = _few(self.command.params)
        self.is_short = self._params is not None or _is_short(self.command.params.sent())

    def told(self) -> bytes:
        """What its line tells.

        What stands in nearly every line is put together here: to have it encoded takes twice as
        long, and this is paid in every answer.
        """
        command = self.command
        params = self._params
        if params is None:
            params = _encoded(command.params.sent())
        return b'%s,"params":%s,"result":%s%s}' % (
            self._begins().encode(),
            params,
            _flat(brief(self.fields)),
            b"".join(b',"%s":%s' % (name, value) for name, value in self._rest()),
        )

    def _begins(self) -> str:
        begins = f'{{"time":{self.time!r}'
        if self.processor is not None:
            begins += f',"processor":"{self.processor}"'
            if self.revision is not None:
                begins += f',"revision":{self.revision},"interval":{self.interval}'
            if self.events is not None:
                begins += f',"events":{self.events}'
            if self.epoch is not None:
                begins += f',"epoch":{self.epoch}'
        return f'{begins},"operation":"{self.command.operation}"'

    def _rest(self) -> Iterator[tuple[bytes, bytes]]:
        """What stands only where there is any."""
        command = self.command
        if command.request_id is not None:
            yield b"request_id", encode_json(command.request_id)
        if command.origin is not None:
            yield b"origin", _flat(command.origin.sent())
        if self.made is not None:
            yield b"made", encode_json(self.made)
        if self.created is not None:
            genes = self.created.genes.as_dict()
            yield b"created", encode_json({"name": self.created.name, "genes": genes})
        if self.read:
            yield b"read", b"true"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that is no operation.

    C{revision} and C{interval} are those of the processor as it is from then on; C{None}: there is
    none.
    """

    event: str
    time: float
    processor: str | None = None
    revision: int | None = None
    interval: int | None = None
    epoch: int | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    read: bool = False
    is_short: ClassVar[bool] = True

    def told(self) -> bytes:
        """What its line tells."""
        told: dict[str, Any] = {"time": self.time, "event": self.event}
        if self.processor is not None:
            told["processor"] = self.processor
            told["revision"], told["interval"] = self.revision, self.interval
        if self.epoch is not None:
            told["epoch"] = self.epoch
        return _encoded({**told, **self.more})


@dataclass(frozen=True, slots=True)
class Forgotten:
    """No line: a processor is gone for good, so its last C{revision} need not be known."""

    processor: str
    revision: int
    is_short: ClassVar[bool] = True


_SCALARS = frozenset({bool, float, int, str, type(None)})

Entry = Done | Event | Forgotten
"""What is handed over to be kept."""


def brief(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What a line tells of an answer, as its result."""
    return {name: value for name, value in fields.items() if value is not None and name in _BRIEF}


def changes(entry: Entry) -> bool:
    """Whether it tells of a change, and not only of what somebody saw."""
    return isinstance(entry, Done) and not entry.read


def parsed(line: bytes) -> dict[str, Any]:
    """What a line tells.

    @raise ValueError: where it tells nothing that a log would; says what is wrong.
    """
    try:
        told = decode_json(line)
    except InvalidRequest as error:
        raise ValueError(f"it is not JSON: {error.message.removeprefix('body: ')}") from None
    if not isinstance(told, dict):
        raise ValueError("it is no JSON object")
    kinds = [key for key in ("event", "operation") if isinstance(told.get(key), str)]
    if len(kinds) != 1:
        raise ValueError("it tells neither an operation nor an event")
    if type(told.get("time")) not in (int, float):
        raise ValueError("it tells no time")
    if kinds == ["operation"] and type(told.get("params")) is not dict:
        raise ValueError("it tells no params")
    for key in ("revision", "interval", "epoch"):
        if type(told.get(key, 0)) not in (int, type(None)):
            raise ValueError(f"its {key} is no whole number")
    return told


def _few(params: Params) -> bytes | None:
    """Parameters of which there is little to write, as JSON; C{None} for all others."""
    if type(params) is Params:
        return b"{}"
    if type(params) is not Observe:
        return None
    seen = params.observation
    if seen.vectors or seen.emotives or seen.metadata or len(seen.strings) > _FEW:
        return None
    given = f'"strings":[{",".join(map(quoted, seen.strings))}]' if seen.strings else ""
    if seen.unique_id is not None:
        given += f'{given and ","}"unique_id":{quoted(seen.unique_id)}'
    if params.brief:
        given += f'{given and ","}"brief":true'
    return f"{{{given}}}".encode()


def _flat(values: Mapping[str, Any]) -> bytes:
    """A JSON object whose values are mostly text."""
    members = (
        f'"{name}":{quoted(value)}'.encode()
        if type(value) is str
        else b'"%s":%s' % (name.encode(), _encoded(value))
        for name, value in values.items()
    )
    return b"{%s}" % b",".join(members)


def _encoded(value: Any) -> bytes:
    """C{value} as JSON; what is long is written in parts, since others wait meanwhile."""
    if _is_short(value):
        return encode_json(value)
    if isinstance(value, dict):
        members = (encode_json(key) + b":" + _encoded(each) for key, each in value.items())
        return b"{" + b",".join(members) + b"}"
    parts = (value[at : at + _FEW] for at in range(0, len(value), _FEW))
    return b"[" + b",".join(b",".join(map(_encoded, part)) for part in parts) + b"]"


def _is_short(value: Any) -> bool:
    """Whether it has no list with many entries in it."""
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return True
    elif len(value) > _FEW:
        return False
    for each in value:  # noqa: SIM110  # a generator would take twice as long
        if type(each) not in _SCALARS and not _is_short(each):
            return False
    return True
