"""Where services announce themselves, and other gateways ask for a place (SPEC 10).

A ROUTER, which answers MessagePack maps by their C{type}: C{announce}, C{leave} and C{place}.
"""

from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorTime

from kato.commands import Command, Reply, parse_processor_id
from kato.errors import UnknownOperation
from kato.events import Listener, Subscribed, Wish
from kato.fields import boolean
from kato.finding import Finder
from kato.gate import Gate
from kato.keeper import Keeper
from kato.members import Members
from kato.protocols.zmq.announcements import Fields, parse_address, parse_announcement, parse_name
from kato.protocols.zmq.interface import Listening, Sockets
from kato.protocols.zmq.server import ZmqServer
from kato.threads import InThread

_LEAVE = frozenset({"address", "boot"})
_PLACE = frozenset({"processor", "create"})


class _NoOperations:
    """Asked to carry out a command, a registry refuses."""

    def ask(self, command: Command) -> "Deferred[Reply]":
        """Refuse."""
        return fail(_no_request(command.operation))

    def subscribe(self, wish: Wish, listener: Listener) -> "Deferred[Subscribed]":
        """Refuse."""
        return fail(_no_request("subscribe"))


def _no_request(operation: str) -> UnknownOperation:
    return UnknownOperation(
        f"method: {operation} is no request to a registry; "
        "it takes announce, leave and place, by their type"
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
        keeper: Keeper,
    ) -> None:
        """@param keeper: knows who has a key."""
        self._members = members
        self._finder = finder
        self._server = ZmqServer(
            Gate(_NoOperations(), keeper, clock=clock),
            clock=clock,
            in_thread=in_thread,
            sole=lambda _: None,
            controls={"announce": self._announce, "leave": self._leave, "place": self._place},
        )

    def open(self, sockets: Sockets, listening: Listening) -> None:
        """Begin to answer; with keys of CURVE, the cluster alone."""
        self._server.open(sockets, listening, members_only=True)

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
        fields = Fields(given, _LEAVE)
        self._members.leave(fields.take("address", parse_address), fields.take("boot", parse_name))
        return {"status": "okay"}

    def _place(self, given: Mapping[str, Any]) -> dict[str, Any]:
        fields = Fields(given, _PLACE)
        processor = parse_processor_id(given.get("processor"))
        creates = fields.take("create", boolean, default=True)
        service = self._finder.answer(processor, creates=creates)
        return {"status": "okay", "processor": processor, "service": service.address}
