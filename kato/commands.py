"""The one table of operations that every transport uses (SPEC 8).

A transport makes a L{Command} of what it was sent, and sends back the L{Reply}.  What may be said
to an operation stands in the class of its parameters and nowhere else.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from enum import Enum
from typing import Any, ClassVar, Self

from kato.codec import SelfWriting
from kato.errors import InvalidRequest, UnknownOperation
from kato.fields import array, boolean, integer, kind, mapping, number, shown, text, within
from kato.genes import known_gene, parse_gene, parse_genes
from kato.model import Emotives
from kato.observation import Observation, digest
from kato.origin import Origin

MAX_PAGE = 10_000
"""How many entries a list gives at most at a time."""

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

_Judge = Callable[[object, str], Any]


def _param(judge: _Judge, default: Any = MISSING, says: str = "") -> Any:
    """A parameter: how it is judged, what it is where it is left out, and what it means."""
    return field(default=default, metadata={"judge": judge, "says": says})


def _limit(value: object, path: str) -> int:
    return integer(value, path, least=1, most=MAX_PAGE)


def _frequency(value: object, path: str) -> int:
    return integer(value, path, least=1)


def _observations(value: object, path: str) -> tuple[Observation, ...]:
    return tuple(
        Observation.parse(item, f"{path}[{i}]") for i, item in enumerate(array(value, path))
    )


def _emotives(value: object, path: str) -> tuple[Emotives, ...]:
    return tuple(
        {
            name: number(each, within(f"{path}[{i}]", name))
            for name, each in mapping(item, f"{path}[{i}]").items()
        }
        for i, item in enumerate(array(value, path))
    )


def _anything(value: object, path: str) -> object:
    return value


_brief = _param(boolean, False, "answer with the length of short-term memory in its place")


@dataclass(frozen=True, slots=True)
class Params:
    """The parameters of an operation, none here."""

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        """Judge decoded parameters.

        @raise InvalidRequest: for the first that is unknown, missing or unfit.
        """
        declared: tuple[Field[Any], ...] = fields(cls)
        mapping(raw, "params", frozenset(each.name for each in declared))
        for each in declared:
            if each.default is MISSING and each.name not in raw:
                raise InvalidRequest(f"{each.name}: missing")
        return cls(
            **{
                each.name: each.metadata["judge"](raw[each.name], each.name)
                for each in declared
                if each.name in raw
            }
        )

    def sent(self) -> dict[str, Any]:
        """The parameters as a client would send them, from which L{parse} makes the same; what is
        as it would be anyway is left out."""
        values = ((each, getattr(self, each.name)) for each in fields(self))
        return {each.name: value for each, value in values if value != each.default}


@dataclass(frozen=True, slots=True)
class Observe(Params):
    """An observation, its keys beside C{brief}."""

    observation: Observation = _param(Observation.parse)
    brief: bool = _brief

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        """Judge decoded parameters, of which all but C{brief} are the observation's."""
        if "brief" not in raw:
            return cls(Observation.parse(raw))
        rest = {key: value for key, value in mapping(raw, "params").items() if key != "brief"}
        return cls(Observation.parse(rest), boolean(raw["brief"], "brief"))

    def sent(self) -> dict[str, Any]:
        """The observation as it is sent, with C{brief} beside."""
        sent = self.observation.sent()
        if self.brief:
            sent["brief"] = True
        return sent


@dataclass(frozen=True, slots=True)
class ObserveSequence(Params):
    """Observations that are observed as one."""

    observations: tuple[Observation, ...] = _param(_observations)
    learn_after_each: bool = _param(boolean, False)
    learn_at_end: bool = _param(boolean, False)
    brief: bool = _brief

    def sent(self) -> dict[str, Any]:
        """The parameters, each observation as it is sent."""
        sent = super(ObserveSequence, self).sent()
        sent["observations"] = [each.sent() for each in self.observations]
        return sent


@dataclass(frozen=True, slots=True)
class GetPredictions(Params):
    """For which observation, or for now."""

    unique_id: str | None = _param(text, None)


@dataclass(frozen=True, slots=True)
class GetForecast(Params):
    """How many entries."""

    limit: int = _param(_limit, 10)


@dataclass(frozen=True, slots=True)
class GetGene(Params):
    """Which gene."""

    gene: str = _param(known_gene)


@dataclass(frozen=True, slots=True)
class ChangeGene(Params):
    """A gene, and a value that it accepts."""

    gene: str = _param(known_gene)
    value: Any = _param(_anything)

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        """Judge the gene, then the value by it."""
        given = super(ChangeGene, cls).parse(raw)
        return cls(given.gene, parse_gene(given.gene, given.value))


@dataclass(frozen=True, slots=True)
class ChangeGenes(Params):
    """Several genes with their values."""

    genes: dict[str, Any] = _param(parse_genes)


@dataclass(frozen=True, slots=True)
class CreateProcessor(Params):
    """Genes that differ from the server's defaults."""

    genes: dict[str, Any] | None = _param(parse_genes, None)


@dataclass(frozen=True, slots=True)
class NamedModel(Params):
    """Which model; its prefix may be left out."""

    model_name: str = _param(text)


@dataclass(frozen=True, slots=True)
class UpdateModel(Params):
    """A model with another frequency, other emotives, or both."""

    model_name: str = _param(text)
    frequency: int | None = _param(_frequency, None)
    emotives: tuple[Emotives, ...] | None = _param(_emotives, None)

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        """Judge decoded parameters, one of which must change something."""
        given = super(UpdateModel, cls).parse(raw)
        if given.frequency is None and given.emotives is None:
            raise InvalidRequest("frequency: missing, and so is emotives; give one or both")
        return given


@dataclass(frozen=True, slots=True)
class ListModels(Params):
    """A page of models by name."""

    limit: int = _param(_limit, 100)
    after: str | None = _param(text, None)


@dataclass(frozen=True, slots=True)
class ListProcessors(Params):
    """A page of processors by id."""

    limit: int = _param(_limit, 100)
    after: str | None = _param(text, None)


class About(Enum):
    """Whom an operation speaks to."""

    SERVER = "server"
    PROCESSOR = "processor"
    EITHER = "either"


class Scope(Enum):
    """What a key may do; none of them holds another."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Operation:
    """A row of the table.

    C{message} is the word in its answer; C{scope} what a key must have for it; C{changes} says that
    it changes something, and so takes a request id; C{creates} that it makes a processor that does
    not exist yet.
    """

    params: type[Params]
    message: str
    scope: Scope
    changes: bool = False
    creates: bool = False
    about: About = About.PROCESSOR


OPERATIONS: Mapping[str, Operation] = {
    "ping": Operation(Params, "pong", Scope.READ, about=About.EITHER),
    "get_status": Operation(Params, "status", Scope.READ),
    "create_processor": Operation(
        CreateProcessor, "ready", Scope.WRITE, changes=True, creates=True
    ),
    "delete_processor": Operation(Params, "deleted", Scope.ADMIN, changes=True),
    "list_processors": Operation(ListProcessors, "processors", Scope.READ, about=About.SERVER),
    "observe": Operation(Observe, "observed", Scope.WRITE, changes=True, creates=True),
    "observe_sequence": Operation(
        ObserveSequence, "observed", Scope.WRITE, changes=True, creates=True
    ),
    "learn": Operation(Params, "learned", Scope.WRITE, changes=True),
    "get_predictions": Operation(GetPredictions, "predictions", Scope.READ),
    "get_forecast": Operation(GetForecast, "forecast", Scope.READ),
    "explain": Operation(NamedModel, "explanation", Scope.READ),
    "get_short_term_memory": Operation(Params, "short_term_memory", Scope.READ),
    "clear_short_term_memory": Operation(Params, "cleared", Scope.WRITE, changes=True),
    "clear_all_memory": Operation(Params, "cleared", Scope.ADMIN, changes=True),
    "get_gene": Operation(GetGene, "gene", Scope.READ),
    "get_genes": Operation(Params, "genes", Scope.READ),
    "change_gene": Operation(ChangeGene, "changed", Scope.WRITE, changes=True, creates=True),
    "change_genes": Operation(ChangeGenes, "changed", Scope.WRITE, changes=True, creates=True),
    "get_model": Operation(NamedModel, "model", Scope.READ),
    "list_models": Operation(ListModels, "models", Scope.READ),
    "update_model": Operation(UpdateModel, "updated", Scope.WRITE, changes=True),
    "delete_model": Operation(NamedModel, "deleted", Scope.WRITE, changes=True),
    "get_percept_data": Operation(Params, "percept", Scope.READ),
    "get_cognition_data": Operation(Params, "cognition", Scope.READ),
}


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


def known_operation(operation: object) -> Operation:
    """The row of the table for this name.

    @raise UnknownOperation: where there is none.
    """
    name = text(operation, "method")
    row = OPERATIONS.get(name)
    if row is None:
        raise UnknownOperation(f"method: no operation is called {shown(name)}")
    return row


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
