"""Announcements and their answers, as they come over the wire, judged (SPEC 10)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kato.commands import parse_processor_id
from kato.errors import InvalidRequest, KatoError
from kato.fields import array, integer, mapping, number, shown, text
from kato.messagepack import unpack
from kato.ownership import Announcement
from kato.protocols.zmq.addresses import MAX_PORT, Address
from kato.replies import read_reply

MAX_LEASE = 3600.0
"""Seconds for which an announcement may hold."""

_MAX_NAME = 255


class Fields:
    """The fields of a request, each judged when it is taken."""

    def __init__(self, given: Mapping[str, Any], known: frozenset[str]) -> None:
        self._given = mapping(given, "body", known)

    def take(
        self, name: str, judge: Callable[..., Any], *, default: object = ..., **how: Any
    ) -> Any:
        """A field; one without a default must be there.

        @raise InvalidRequest: which names it.
        """
        if name not in self._given:
            if default is ...:
                raise InvalidRequest(f"{name}: missing")
            return default
        return judge(self._given[name], name, **how)


_ANNOUNCE = frozenset(Announcement.__dataclass_fields__)


def parse_announcement(given: Mapping[str, Any]) -> Announcement:
    """Judge what a service tells of itself.

    @raise InvalidRequest: which names the field at fault.
    """
    fields = Fields(given, _ANNOUNCE)
    gateways = fields.take("gateways", _addresses)
    if not gateways:
        raise InvalidRequest("gateways: expected at least one address")
    return Announcement(
        service=fields.take("service", parse_name),
        address=fields.take("address", parse_address),
        boot=fields.take("boot", parse_name),
        processors=fields.take("processors", _processors),
        unconfirmed=fields.take("unconfirmed", _processors, default=frozenset()),
        as_of=fields.take("as_of", integer, default=0, least=0, most=2**63 - 1),
        under_way=fields.take("under_way", integer, least=0),
        events=fields.take("events", _port, default=None),
        members=frozenset(fields.take("members", _addresses, default=())),
        rank=fields.take("rank", integer, least=0, most=len(gateways) - 1),
        gateways=gateways,
        lease=fields.take("lease", _lease),
        epochs=fields.take("epochs", _epochs, default=None),
    )


def parse_name(value: object, path: str) -> str:
    """Take a name of 1 to 255 characters.

    @raise InvalidRequest: where it is none.
    """
    name = text(value, path)
    if not 1 <= len(name) <= _MAX_NAME:
        raise InvalidRequest(f"{path}: expected 1 to {_MAX_NAME} characters, got {len(name)}")
    return name


def parse_address(value: object, path: str) -> str:
    """Take an address that can be connected to, written as all know it.

    @raise InvalidRequest: where it is none.
    """
    try:
        address = Address.parse(text(value, path))
    except ValueError as error:
        raise InvalidRequest(f"{path}: {error}") from None
    if address.anywhere or not address.port:
        raise InvalidRequest(f"{path}: nobody can connect to {shown(value)}")
    return str(address)


def _addresses(value: object, path: str) -> tuple[str, ...]:
    return tuple(parse_address(each, f"{path}[{i}]") for i, each in enumerate(array(value, path)))


def _processors(value: object, path: str) -> frozenset[str]:
    given = array(value, path)
    for i, each in enumerate(given):
        try:
            parse_processor_id(each)
        except InvalidRequest as error:
            raise InvalidRequest(f"{path}[{i}]: {error.message}") from None
    return frozenset(given)


def _epochs(value: object, path: str) -> dict[str, int]:
    given = mapping(value, path)
    _processors(list(given), path)
    return {
        each: integer(epoch, f"{path}.{each}", least=1, most=2**63 - 1)
        for each, epoch in given.items()
    }


def _port(value: object, path: str) -> int | None:
    return None if value is None else integer(value, path, least=1, most=MAX_PORT)


def _lease(value: object, path: str) -> float:
    seconds = number(value, path)
    if not 0 < seconds <= MAX_LEASE:
        raise InvalidRequest(f"{path}: expected seconds up to {MAX_LEASE:g}, got {seconds:g}")
    return seconds


@dataclass(frozen=True, slots=True)
class Answer:
    """What a gateway says to an announcement; see L{kato.roster.Verdict}.

    C{members} are the addresses of services that hold something, as this gateway knows.
    """

    refused: Mapping[str, str]
    undecided: frozenset[str]
    as_of: int
    members: tuple[str, ...]

    @classmethod
    def parse(cls, body: bytes) -> "Answer":
        """Judge an answer.

        @raise KatoError: what the gateway says against the announcement.
        """
        told = unpack(body)
        if not isinstance(told, dict) or told.get("status") != "okay":
            error = read_reply(told)
            raise (
                error
                if isinstance(error, KatoError)
                else InvalidRequest("answer: no announcement's")
            )
        refused = mapping(told.get("refused"), "refused")
        undecided = array(told.get("undecided"), "undecided")
        members = array(told.get("members"), "members")
        return cls(
            {each: text(why, f"refused.{each}") for each, why in refused.items()},
            frozenset(text(each, f"undecided[{i}]") for i, each in enumerate(undecided)),
            integer(told.get("as_of"), "as_of", least=0, most=2**63 - 1),
            tuple(text(each, f"members[{i}]") for i, each in enumerate(members)),
        )
