"""Commands and replies, by the one table of operations that every transport uses (SPEC 8).

A transport makes a L{Command} of what it was sent, and sends back the L{Reply}.  The table itself
is in L{kato.operations}, what may be said to an operation in L{kato.parameters}; who speaks of
commands finds all of it here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from kato.codec import SelfWriting
from kato.errors import InvalidRequest
from kato.fields import kind, mapping, shown, text
from kato.observation import digest
from kato.operations import OPERATIONS, About, Operation, Scope, known_operation
from kato.origin import Origin
from kato.parameters import (
    MAX_PAGE,
    ChangeGene,
    ChangeGenes,
    CreateProcessor,
    GetForecast,
    GetGene,
    GetPredictions,
    ListModels,
    ListProcessors,
    NamedModel,
    Observe,
    ObserveSequence,
    Params,
    UpdateModel,
)
from kato.schemas import Schema

__all__ = [
    "MAX_ID",
    "MAX_PAGE",
    "OPERATIONS",
    "PROCESSOR_ID",
    "REQUEST_ID",
    "RESERVED",
    "About",
    "ChangeGene",
    "ChangeGenes",
    "Command",
    "CreateProcessor",
    "GetForecast",
    "GetGene",
    "GetPredictions",
    "ListModels",
    "ListProcessors",
    "NamedModel",
    "Observe",
    "ObserveSequence",
    "Operation",
    "Params",
    "Reply",
    "Scope",
    "UpdateModel",
    "known_operation",
    "parse_processor_id",
    "parse_request_id",
]

RESERVED = frozenset(
    (
        "kato-api",
        "connect",
        "processors",
        "stats",
        "metrics",
        "docs",
        "ws",
        "static",
        "graphql",
        "live",
        "ready",
    )
)
"""First words of paths, which no processor may have as its id."""

MAX_ID = 64
"""How many characters a processor's id may have."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_MAX_REQUEST_ID = 255

PROCESSOR_ID: Schema = {
    "type": "string",
    "pattern": f"^{_ID.pattern}$",
    "not": {"enum": sorted(RESERVED)},
}
"""What L{parse_processor_id} takes,"""

REQUEST_ID: Schema = {"type": "string", "minLength": 1, "maxLength": _MAX_REQUEST_ID}
"""and L{parse_request_id}."""


@dataclass(frozen=True, slots=True)
class Command:
    """A request, judged: nobody past the edge checks it again.

    C{origin} tells where it came in; what is asked for is the same without it.
    """

    operation: str
    params: Params
    processor: str | None = None
    request_id: str | None = None
    origin: Origin | None = field(default=None, compare=False)

    UNSENT: ClassVar[Mapping[str, Any]] = {}

    @classmethod
    def parse(
        cls,
        operation: object,
        params: object = UNSENT,
        processor: object = None,
        request_id: object = None,
    ) -> "Command":
        """Judge a request.

        @raise UnknownOperation: where the table has no such row.
        @raise InvalidRequest: which names the field at fault.
        """
        row = known_operation(operation)
        return cls(
            text(operation, "method"),
            row.params.parse(mapping(params, "params")),
            _addressee(row, processor),
            None if request_id is None else parse_request_id(request_id),
        )

    def asked(self, origin: Origin | None) -> "Command":
        """The same request, as it came in at an edge."""
        return Command(self.operation, self.params, self.processor, self.request_id, origin)

    @property
    def row(self) -> Operation:
        """This operation's row of the table."""
        return OPERATIONS[self.operation]

    @property
    def brief(self) -> bool:
        """Whether the answer shall tell the length of short-term memory only."""
        return bool(getattr(self.params, "brief", False))

    def digest(self) -> str:
        """A fingerprint by which the same request, sent again, is known; C{brief} aside."""
        params = self.params.sent()
        params.pop("brief", None)
        return digest([self.operation, params])


def _addressee(row: Operation, processor: object) -> str | None:
    if processor is None and row.about is not About.PROCESSOR:
        return None
    if row.about is About.SERVER:
        raise InvalidRequest("processor: this operation speaks to the server, not to a processor")
    return parse_processor_id(processor)


def parse_processor_id(value: object) -> str:
    """Take a processor's id: 1 to 64 of A-Z a-z 0-9 _ -, the first a letter or digit.

    @raise InvalidRequest: where it is not one, or a word that the server uses itself.
    """
    if not isinstance(value, str):
        raise InvalidRequest(f"processor: expected an id, got {kind(value)}")
    if not _ID.fullmatch(value):
        raise InvalidRequest(
            f"processor: {shown(value)} is no id: 1 to 64 of A-Z a-z 0-9 _ -, "
            "beginning with a letter or digit"
        )
    if value in RESERVED:
        raise InvalidRequest(f"processor: {shown(value)} is a word that the server uses itself")
    return value


def parse_request_id(value: object, path: str = "request_id") -> str:
    """Take the id under which a request is known when it is sent again.

    @raise InvalidRequest: where it is not 1 to 255 characters of valid Unicode.
    """
    key = text(value, path)
    if not 1 <= len(key) <= _MAX_REQUEST_ID:
        raise InvalidRequest(f"{path}: expected 1 to {_MAX_REQUEST_ID} characters, got {len(key)}")
    return key


@dataclass(frozen=True, slots=True)
class Reply:
    """A success: the envelope and the result of SPEC 8.

    C{time_stamp} is in Unix seconds; C{processor} and C{interval} stand only where there is one.
    C{epoch} is that of who answered, where several services share a store; no client is told.
    """

    message: str
    time_stamp: float
    fields: Mapping[str, Any] = field(default_factory=dict)
    processor: str | None = None
    interval: int | None = None
    epoch: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """The answer as every transport sends it."""
        envelope: dict[str, Any] = {"status": "okay", "message": self.message}
        if self.processor is not None:
            envelope["processor"] = self.processor
        if self.interval is not None:
            envelope["interval"] = self.interval
        envelope["time_stamp"] = self.time_stamp
        envelope.update(self.fields)
        return envelope

    def write(self) -> None:
        """Write what writes itself, where there is time for it: who sends the answer finds it
        written."""
        for value in self.fields.values():
            if isinstance(value, SelfWriting):
                value.json()
