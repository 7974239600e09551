"""Commands to the service that holds their processor (SPEC 8 and 10)."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from twisted.internet.defer import Deferred, DeferredList, fail, gatherResults, succeed
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from kato.commands import Command, ListProcessors, Reply
from kato.dispatch import IProcessors
from kato.errors import KatoError, ProcessorNotFound
from kato.fields import shown


class Service(Protocol):
    """The processors of one service: L{kato.protocols.zmq.remote.RemoteProcessors}."""

    def ask(self, command: Command) -> "Deferred[Reply]":
        """Have the service carry out a command."""

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of it."""

    def close(self) -> "Deferred[None]":
        """Let go of it."""


@implementer(IProcessors)
class Routing:
    """Provides L{IProcessors} by asking the services that hold them."""

    def __init__(
        self,
        owners: Mapping[str, str],
        *,
        connect: Callable[[str], Service],
        clock: IReactorTime,
    ) -> None:
        """
        @param owners: the address of its service for each processor.
        @param connect: makes what asks the service at an address.
        """
        self._owners = owners
        self._connect = connect
        self._clock = clock
        self._services: dict[str, Service] = {}

    def begin(self) -> None:
        """Connect to the services."""
        for address in sorted(set(self._owners.values())):
            self._services[address] = self._connect(address)

    def ask(self, command: Command) -> "Deferred[Reply]":
        """Have the owner of the processor carry out a command."""
        if command.processor is None:
            return self._ask_gateway(command)
        address = self._owners.get(command.processor)
        if address is None:
            return fail(
                ProcessorNotFound(f"processor: no service holds {shown(command.processor)}")
            )
        return self._services[address].ask(command)

    def _ask_gateway(self, command: Command) -> "Deferred[Reply]":
        if isinstance(command.params, ListProcessors):
            return Deferred.fromCoroutine(self._list(command, command.params))
        return succeed(Reply(command.row.message, self._clock.seconds()))

    async def _list(self, command: Command, params: ListProcessors) -> Reply:
        """What all services answer, as one list."""
        asked = [each.ask(command) for each in self._services.values()]
        results: list[tuple[bool, Any]] = await DeferredList(asked, consumeErrors=True)
        entries: list[dict[str, Any]] = []
        away: list[str] = []
        total = 0
        for address, (answered, result) in zip(self._services, results, strict=True):
            name = address.removeprefix("tcp://")
            if answered:
                entries += [{**each, "service": name} for each in result.fields["processors"]]
                total += result.fields["total"]
            elif result.check(KatoError):
                away.append(name)
            else:
                result.raiseException()
        entries.sort(key=lambda each: str(each["id"]))
        page = entries[: params.limit]
        more = len(entries) > params.limit or any(
            answered and result.fields["next"] is not None for answered, result in results
        )
        fields: dict[str, Any] = {
            "processors": page,
            "total": total,
            "next": page[-1]["id"] if more and page else None,
        }
        if away:
            fields["unavailable"] = away
        return Reply(command.row.message, self._clock.seconds(), fields)

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of the services."""
        return {
            "services": {
                address.removeprefix("tcp://"): service.statistics()
                for address, service in self._services.items()
            }
        }

    def close(self) -> "Deferred[Any]":
        """Let go of all services."""
        return gatherResults([each.close() for each in self._services.values()])
