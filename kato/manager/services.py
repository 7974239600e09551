"""The processor services beside a gateway: started, watched and stopped with it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from kato.manager.command_line import (
    FIRST_SERVICE,
    choose_port,
    launch_service,
    way_of_key,
    without_keys,
)
from kato.manager.log_file import LogFile
from kato.manager.registry import Instance, Registry
from kato.manager.splitting import split_options
from kato.manager.system import System


class Launched(NamedTuple):
    """A service that was started, and where in its log that begins."""

    instance: Instance
    log_starts_at: int


class Services:
    """Starts services, each in a process of its own."""

    def __init__(
        self, registry: Registry, *, system: System, environment: Mapping[str, str]
    ) -> None:
        """@param environment: what they are started with."""
        self._registry = registry
        self._system = system
        self._environment = environment

    def of(self, gateway: Instance) -> list[Instance]:
        """The services of a gateway, in order."""
        known = self._registry.read()
        numbers = range(1, gateway.services + 1)
        return [known[each] for each in (_id(gateway, i) for i in numbers) if each in known]

    def runs(self, service: Instance) -> bool:
        """Whether its process lives."""
        return self._system.is_running(service.pid, service.birth)

    def listens(self, service: Instance) -> bool:
        """Whether it can be reached."""
        return self.runs(service) and self._system.listens(service.pid, service.port or 0)

    def start_missing(
        self, gateway: Instance, options: Sequence[str], folder: Path
    ) -> list[Launched]:
        """Start those that do not run, each where it was before; within the registry's lock.

        @param options: all that was typed.
        @param folder: where relative paths among them are meant from.
        """
        before = {each.id: each for each in self.of(gateway)}
        return [
            self._start(gateway, number, before.get(_id(gateway, number)), options, folder)
            for number in range(1, gateway.services + 1)
            if not (known := before.get(_id(gateway, number))) or not self.runs(known)
        ]

    def _start(
        self,
        gateway: Instance,
        number: int,
        before: Instance | None,
        options: Sequence[str],
        folder: Path,
    ) -> Launched:
        assert gateway.registry is not None
        given = split_options(options)[1]
        port, events = self._ports(before)
        own = Path(gateway.log).parent
        plan = launch_service(
            given,
            port=port,
            events=events,
            registry=gateway.registry,
            data=own / f"service-{number}.db",
        )
        log = own / f"service-{number}.log"
        starts_at = LogFile(log).prepare()
        pid, birth = self._system.spawn(
            plan.command, log=log, environment=plan.environment, folder=folder
        )
        instance = Instance(
            id=_id(gateway, number),
            name=f"{gateway.name}, service {number}",
            pid=pid,
            birth=birth,
            began=self._system.now(),
            url=plan.url,
            port=port,
            storage=plan.storage,
            log=str(log),
            folder=str(folder),
            key=way_of_key(given, self._environment),
            options=tuple(without_keys(given)[0]),
            registry=events,
            of=gateway.id,
        )
        self._registry.put(instance)
        return Launched(instance, starts_at)

    def _ports(self, before: Instance | None) -> tuple[int, int]:
        """Where a service answers, and where it publishes: as before, if that is free."""
        known = self._registry.read().values()
        taken = {port for each in known for port in (each.port, each.registry) if port is not None}
        port, events = (None, None) if before is None else (before.port, before.registry)
        answers = choose_port(None, port, taken, self._system.is_free, first=FIRST_SERVICE)
        publishes = choose_port(
            None, events, taken | {answers}, self._system.is_free, first=FIRST_SERVICE
        )
        return answers, publishes


def _id(gateway: Instance, number: int) -> str:
    """The id of a service: no other instance can have one with a dot."""
    return f"{gateway.id}.{number}"
