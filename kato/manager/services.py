"""The processor services beside a gateway: each a process of its own, started with it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from kato.manager.command_line import (
    FIRST_SERVICE,
    choose_port,
    launch_service,
    way_of_key,
    without_keys,
)
from kato.manager.health import Watch
from kato.manager.launching import Launched, Launcher
from kato.manager.registry import Instance, Registry
from kato.manager.splitting import for_service, split_options
from kato.manager.system import System


class Services:
    """Starts services."""

    def __init__(
        self,
        registry: Registry,
        watch: Watch,
        launcher: Launcher,
        *,
        system: System,
        environment: Mapping[str, str],
    ) -> None:
        """@param environment: what they are started with."""
        self._registry = registry
        self._watch = watch
        self._launcher = launcher
        self._system = system
        self._environment = environment

    def otherwise(self, gateway: Instance, options: Sequence[str]) -> list[Instance]:
        """Those that run still, but would be started otherwise now: with other options, for another
        registry, or perhaps with another key, which is written down nowhere.

        @param options: all that was typed.
        """
        given = split_options(options)[1]
        kept = tuple(without_keys(given)[0])
        has_key = way_of_key(given, self._environment) != "none"
        return [
            each
            for each in self._watch.services(gateway)
            if self._watch.runs(each)
            and (
                has_key
                or each.key != "none"
                or (each.options, each.registry) != (kept, gateway.registry)
            )
        ]

    def start_missing(
        self, gateway: Instance, options: Sequence[str], folder: Path
    ) -> list[Launched]:
        """Start those that do not run, each where it was before; within the registry's lock.

        @param options: all that was typed.
        @param folder: where relative paths among them are meant from.
        """
        before = {each.id: each for each in self._watch.services(gateway)}
        launched = []
        for number in range(1, gateway.services + 1):
            known = before.get(f"{gateway.id}.{number}")
            if known is None or not self._watch.runs(known):
                launched.append(self._start(gateway, number, known, options, folder))
        return launched

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
            for_service(given, number),
            port=port,
            events=events,
            registry=gateway.registry,
            data=own / _data(number),
        )
        return self._launcher.launch(
            plan,
            f"{gateway.id}.{number}",
            name=f"{gateway.name}, service {number}",
            log=own / f"service-{number}.log",
            folder=folder,
            options=given,
            registry=gateway.registry,
            of=gateway.id,
            events=events,
        )

    def _ports(self, before: Instance | None) -> tuple[int, int]:
        """Where a service answers, and where it publishes: as before, if that is free."""
        taken = {port for each in self._registry.read().values() for port in each.ports}
        port, events = (None, None) if before is None else (before.port, before.events)
        is_free = self._system.is_free
        answers = choose_port(None, port, taken, is_free, first=FIRST_SERVICE)
        taken.add(answers)
        return answers, choose_port(None, events, taken, is_free, first=FIRST_SERVICE)


def _data(number: int) -> str:
    """The file of a service: the first one has that of a server without services, so that one which
    gets them keeps what it has learned."""
    return "kato.db" if number == 1 else f"service-{number}.db"
