"""The services that a gateway knows, and what asks each of them (SPEC 10)."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from kato.commands import Command, Reply
from kato.counting import Histogram
from kato.events import Listener, Subscribed, Wish
from kato.listing import host_and_port
from kato.ownership import Announcement, Service, Verdict
from kato.roster import Roster

SWEEP = 0.5
"""Seconds between two looks at leases that may have ended."""


class Provider(Protocol):
    """The processors of one service: L{kato.protocols.zmq.remote.RemoteProcessors}."""

    @property
    def under_way(self) -> int:
        """How many requests are under way to the service."""

    @property
    def healthy(self) -> bool:
        """Whether the service answers."""

    @property
    def seconds(self) -> Histogram:
        """How long the service's answers took."""

    def counts(self) -> dict[str, int]:
        """What was counted of requests to the service: C{requests}, C{failures}, C{timeouts},
        C{retries} and C{reconnections}."""

    def ask(self, command: Command) -> "Deferred[Reply]":
        """Have the service carry out a command."""

    def subscribe(self, wish: Wish, listener: Listener) -> "Deferred[Subscribed]":
        """Have the service tell events."""

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of it."""

    def close(self) -> "Deferred[None]":
        """Let go of it."""


class Members:
    """Keeps connected to the services that are there, and forgets those whose lease has ended."""

    log = Logger()

    def __init__(
        self, roster: Roster, *, connect: Callable[[str], Provider], clock: IReactorTime
    ) -> None:
        """@param connect: makes what asks the service at an address."""
        self._roster = roster
        self._connect = connect
        self._clock = clock
        self._providers: dict[str, Provider] = {}
        self.moved: Callable[[Iterable[str]], None] = _nobody_cares
        """Is told of processors that others have now."""
        self._sweeps = LoopingCall(self.sweep)
        self._sweeps.clock = clock

    def start(self) -> None:
        """Connect to those that are known from the start."""
        for service in self._roster.services.values():
            self._keep(service.address)
        self._sweeps.start(SWEEP, now=False)

    def stop(self) -> "Deferred[Any]":
        """Let go of all."""
        if self._sweeps.running:
            self._sweeps.stop()
        providers, self._providers = self._providers, {}
        return gatherResults([each.close() for each in providers.values()], consumeErrors=True)

    def _keep(self, address: str) -> None:
        if address not in self._providers:
            self._providers[address] = self._connect(address)

    def provider(self, service: Service) -> Provider | None:
        """What asks a service; C{None} where it is not there."""
        return self._providers.get(service.address) if service.there else None

    def present(self) -> dict[str, Provider]:
        """What asks the services that are there, by their hosts and ports."""
        return {
            host_and_port(address): provider
            for address, provider in self._providers.items()
            if self._roster.services[address].there
        }

    def holding(self) -> list[str]:
        """The addresses of services that hold something, there or not: what a service is told to
        remember, so that a gateway that was started again waits for all of them."""
        return self._roster.members()

    def loads(self) -> dict[str, int]:
        """How many requests are under way to each service that answers."""
        return {
            address: provider.under_way
            for address, provider in self._providers.items()
            if provider.healthy
        }

    # What services tell

    def announce(self, told: Announcement) -> Verdict:
        """A service tells of itself.

        @raise Conflict: where another one has announced itself under its address since.
        """
        verdict = self._roster.announce(told, now=self._clock.seconds())
        if verdict.joined:
            self.log.info(
                "service {name} at {address} announces {number} processors",
                name=told.service,
                address=told.address,
                number=len(told.processors),
            )
        for processor in verdict.news:
            self.log.error(
                "the service at {address} claims processor {processor}, but {why}: refused",
                address=told.address,
                processor=processor,
                why=verdict.refused[processor],
            )
        self._keep(told.address)
        if verdict.moved:
            self.moved(verdict.moved)
        return verdict

    def leave(self, address: str, boot: str) -> None:
        """A service says that it ends: it is asked for nothing more, but may finish what is under
        way."""
        service = self._roster.leave(address, boot)
        if service is not None:
            self.log.info("service {name} at {address} leaves", name=service.name, address=address)

    def sweep(self) -> None:
        """Forget whose lease has ended; let go of those to whom nothing is under way any more."""
        for service in self._roster.expire(self._clock.seconds()):
            self.log.warn(
                "service {name} at {address} is forgotten: it has not announced itself for "
                "{lease} seconds",
                name=service.name,
                address=service.address,
                lease=service.lease,
            )
        for address, provider in list(self._providers.items()):
            if not self._roster.services[address].there and not provider.under_way:
                del self._providers[address]
                provider.close()

    # What is told of them

    def each(self) -> Iterator[tuple[Service, Provider | None]]:
        """The services that are known, with what asks them, if it still does."""
        for service in self._roster.services.values():
            yield service, self._providers.get(service.address)

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of each service, by its host and port."""
        now = self._clock.seconds()
        return {
            host_and_port(service.address): {
                **self._asked(service.address),
                "processors": len(service.holds()),
                "there": service.there,
                "announced": service.announced,
                "lease": _left(service, now),
                "refused": dict(service.refused),
            }
            for service in self._roster.services.values()
        }

    def _asked(self, address: str) -> dict[str, Any]:
        provider = self._providers.get(address)
        if provider is None:
            return {"connected": False, "healthy": False}
        return provider.statistics()


def _nobody_cares(processors: Iterable[str]) -> None:
    """Nothing is under way to a processor that could move."""


def _left(service: Service, now: float) -> float | None:
    """Seconds until the lease ends, unless the service announces itself again."""
    if not service.leased or service.announced is None:
        return None
    return round(service.announced + service.lease - now, 3)
