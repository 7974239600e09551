"""Where services announce themselves, and other gateways ask for a place (SPEC 10).

A ROUTER, which answers MessagePack maps by their C{type}: C{announce}, C{leave} and C{place}.
"""

from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorTime

from kato.commands import Command, Reply, parse_processor_id
from kato.errors import InvalidRequest, UnknownOperation
from kato.fields import array, boolean, integer, mapping, number, shown, text
from kato.finding import Finder
from kato.members import Members
from kato.protocols.zmq.addresses import MAX_PORT, Address
from kato.protocols.zmq.interface import Listening, Sockets
from kato.protocols.zmq.server import InThread, ZmqServer
from kato.roster import Announcement

MAX_LEASE = 3600.0
"""Seconds for which an announcement may hold."""

_MAX_NAME = 255

_LEAVE = frozenset({"address", "boot"})
_PLACE = frozenset({"processor", "create"})


class _NoOperations:
    """Asked to carry out a command, a registry refuses."""

    def ask(self, command: Command) -> "Deferred[Reply]":
        """Refuse."""
        return fail(
            UnknownOperation(
                f"method: {command.operation} is no request to a registry; "
                "it takes announce, leave and place, by their type"
            )
        )


class Registry:
    """Hears services, and other gateways."""

    def __init__(
        self,
        members: Members,
        finder: Finder,
        *,
        clock: IReactorTime,
        in_thread: InThread,
        api_key: bytes | None,
    ) -> None:
        """@param api_key: what everybody must bring; C{None}: nothing."""
        self._members = members
        self._finder = finder
        self._server = ZmqServer(
            _NoOperations(),
            clock=clock,
            in_thread=in_thread,
            api_key=api_key,
            sole=lambda: None,
            controls={"announce": self._announce, "leave": self._leave, "place": self._place},
        )

    def open(self, sockets: Sockets, listening: Listening) -> None:
        """Begin to answer."""
        self._server.open(sockets, listening)

    def close(self) -> None:
        """End."""
        self._server.close()

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of this socket."""
        return self._server.statistics()

    def _announce(self, given: Mapping[str, Any]) -> dict[str, Any]:
        told = parse_announcement(given)
        verdict = self._members.announce(told)
        return {
            "status": "okay",
            "lease": told.lease,
            "refused": dict(verdict.refused),
            "undecided": sorted(verdict.undecided),
            "as_of": verdict.as_of,
            "members": self._members.holding(),
        }

    def _leave(self, given: Mapping[str, Any]) -> dict[str, Any]:
        fields = _Fields(given, _LEAVE)
        self._members.leave(fields.take("address", _address), fields.take("boot", _name))
        return {"status": "okay"}

    def _place(self, given: Mapping[str, Any]) -> dict[str, Any]:
        fields = _Fields(given, _PLACE)
        processor = parse_processor_id(given.get("processor"))
        creates = fields.take("create", boolean, default=True)
        service = self._finder.answer(processor, creates=creates)
        return {"status": "okay", "processor": processor, "service": service.address}


class _Fields:
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
    fields = _Fields(given, _ANNOUNCE)
    gateways = fields.take("gateways", _addresses)
    if not gateways:
        raise InvalidRequest("gateways: expected at least one address")
    return Announcement(
        service=fields.take("service", _name),
        address=fields.take("address", _address),
        boot=fields.take("boot", _name),
        processors=fields.take("processors", _processors),
        unconfirmed=fields.take("unconfirmed", _processors, default=frozenset()),
        as_of=fields.take("as_of", integer, default=0, least=0, most=2**63 - 1),
        under_way=fields.take("under_way", integer, least=0),
        events=fields.take("events", _port, default=None),
        members=frozenset(fields.take("members", _addresses, default=())),
        rank=fields.take("rank", integer, least=0, most=len(gateways) - 1),
        gateways=gateways,
        lease=fields.take("lease", _lease),
    )


def _name(value: object, path: str) -> str:
    name = text(value, path)
    if not 1 <= len(name) <= _MAX_NAME:
        raise InvalidRequest(f"{path}: expected 1 to {_MAX_NAME} characters, got {len(name)}")
    return name


def _address(value: object, path: str) -> str:
    """An address that can be connected to, as all know it."""
    try:
        address = Address.parse(text(value, path))
    except ValueError as error:
        raise InvalidRequest(f"{path}: {error}") from None
    if address.anywhere or not address.port:
        raise InvalidRequest(f"{path}: nobody can connect to {shown(value)}")
    return str(address)


def _addresses(value: object, path: str) -> tuple[str, ...]:
    return tuple(_address(each, f"{path}[{i}]") for i, each in enumerate(array(value, path)))


def _processors(value: object, path: str) -> frozenset[str]:
    given = array(value, path)
    for i, each in enumerate(given):
        try:
            parse_processor_id(each)
        except InvalidRequest as error:
            raise InvalidRequest(f"{path}[{i}]: {error.message}") from None
    return frozenset(given)


def _port(value: object, path: str) -> int | None:
    return None if value is None else integer(value, path, least=1, most=MAX_PORT)


def _lease(value: object, path: str) -> float:
    seconds = number(value, path)
    if not 0 < seconds <= MAX_LEASE:
        raise InvalidRequest(f"{path}: expected seconds up to {MAX_LEASE:g}, got {seconds:g}")
    return seconds
