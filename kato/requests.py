"""Requests as maps: what a client of ZeroMQ or WebSocket sends, judged and made a command, and a
command made a request to another service (SPEC 8 and 9)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from kato.commands import OPERATIONS, About, Command, known_operation, parse_processor_id
from kato.errors import InvalidRequest
from kato.fields import array, mapping, shown, text
from kato.limits import Limits
from kato.messagepack import ACCEPTED
from kato.origin import Origin

KEYS = frozenset({"method", "params", "processor", "request_id"})
"""What a request may say on every transport that sends maps."""

_EACH_ALONE = KEYS | {"api_key", "accept", "origin"}
"""What it may say where every request stands for itself."""

_BETWEEN_OURS = frozenset({"epoch"})
"""What only gateways say that they take: no client needs to know of it."""

OLDER: Mapping[str, str] = MappingProxyType(
    {
        "clear_stm": "clear_short_term_memory",
        "clear_all": "clear_all_memory",
        "get_stm": "get_short_term_memory",
        "gene_change": "change_gene",
        "get_name": "get_status",
        "get_genome": "get_genes",
    }
)
"""Names of operations that keep working."""

_OLDER_PARAMS: Mapping[str, Mapping[str, str]] = {
    "get_gene": {"gene_name": "gene"},
    "change_gene": {"gene_name": "gene", "gene_value": "value"},
}


@dataclass(frozen=True, slots=True)
class Request:
    """A request of which only the frame is judged: not yet whether it may be made, nor what it
    asks for.

    C{accept} is what the sender takes in an answer beside plain MessagePack; C{origin} is where a
    request came in that a gateway passes on.
    """

    method: object
    params: object
    processor: object
    request_id: object
    api_key: str | None
    accept: frozenset[str]
    origin: Origin | None

    @classmethod
    def parse(cls, raw: object, known: frozenset[str] = _EACH_ALONE) -> "Request":
        """Judge the frame of a request.

        @param known: what it may say, L{KEYS} among that.
        @raise InvalidRequest: which names the key at fault.
        """
        given = mapping(raw, "body", known)
        if "method" not in given:
            raise InvalidRequest("method: missing")
        return cls(
            method=given["method"],
            params=given.get("params", Command.UNSENT),
            processor=given.get("processor"),
            request_id=given.get("request_id"),
            api_key=parse_key(given),
            accept=_accept(given.get("accept", ())),
            origin=Origin.parse(given["origin"]) if "origin" in given else None,
        )

    @property
    def operation(self) -> object:
        """What the method is called now, where that is an older name of it."""
        method = self.method
        return OLDER.get(method, method) if isinstance(method, str) else method

    @property
    def named(self) -> str | None:
        """The operation that is asked for, if there is one of that name."""
        operation = self.operation
        return operation if isinstance(operation, str) and operation in OPERATIONS else None

    def command(self, sole: Callable[[], str | None], limits: Limits) -> Command:
        """What is asked for.

        @param sole: tells the processor that is meant where none is named, if there is just one.
        @raise KatoError: which names the field at fault.
        """
        method = self.operation
        params = self.params
        if isinstance(method, str) and method in _OLDER_PARAMS:
            params = _renamed(params, _OLDER_PARAMS[method])
        processor = self.processor
        if processor is None and known_operation(method).about is About.PROCESSOR:
            processor = sole()
        command = Command.parse(method, params, processor, self.request_id)
        limits.check(command)
        return command


def named_processor(raw: object) -> str | None:
    """The processor that a message names which may be no request otherwise; C{None}: no valid
    one."""
    if not isinstance(raw, dict):
        return None
    try:
        return parse_processor_id(raw.get("processor"))
    except InvalidRequest:
        return None


def parse_key(given: Mapping[str, Any]) -> str | None:
    """Take the API key of a request, if there is one.

    @raise InvalidRequest: where it is no string.
    """
    key = given.get("api_key")
    return None if key is None else text(key, "api_key")


def _accept(value: object) -> frozenset[str]:
    words = frozenset(text(each, f"accept[{i}]") for i, each in enumerate(array(value, "accept")))
    unknown = sorted(words - ACCEPTED - _BETWEEN_OURS)
    if unknown:
        raise InvalidRequest(
            f"accept: {shown(unknown[0])} is unknown, known are {', '.join(sorted(ACCEPTED))}"
        )
    return words


def _renamed(params: object, names: Mapping[str, str]) -> object:
    """The parameters under their present names."""
    if type(params) is not dict or names.keys().isdisjoint(params):
        return params
    for older, name in names.items():
        if older in params and name in params:
            raise InvalidRequest(f"{older}: another name of {name}, which is given too")
    return {names.get(key, key): value for key, value in params.items()}


def request_map(command: Command) -> dict[str, Any]:
    """A command as a request, from which the same command is made."""
    request: dict[str, Any] = {"method": command.operation, "params": command.params.sent()}
    if command.processor is not None:
        request["processor"] = command.processor
    if command.request_id is not None:
        request["request_id"] = command.request_id
    if command.origin is not None:
        request["origin"] = command.origin.sent()
    return request
