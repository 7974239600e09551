"""A process is started, and written down."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from kato.manager.command_line import Launch, way_of_key, without_keys
from kato.manager.log_file import LogFile
from kato.manager.registry import Instance, Registry
from kato.manager.system import System
from kato.manager.trouble import Trouble


class Launched(NamedTuple):
    """A process that was started, and where in its log that begins."""

    instance: Instance
    log_starts_at: int


class Launcher:
    """Starts processes; within the registry's lock."""

    def __init__(
        self, registry: Registry, *, system: System, environment: Mapping[str, str]
    ) -> None:
        """@param environment: what they are started with."""
        self._registry = registry
        self._system = system
        self._environment = environment

    def launch(
        self,
        plan: Launch,
        instance_id: str,
        *,
        name: str,
        log: Path,
        folder: Path,
        options: Sequence[str],
        services: int = 0,
        registry: int | None = None,
        of: str | None = None,
        events: int | None = None,
    ) -> Launched:
        """Start what is planned.

        @param folder: where relative paths among C{options} are meant from.
        @param options: those it was told, with its keys, of which none is written down.
        @raise Trouble: where it cannot be started.
        """
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        starts_at = LogFile(log).prepare()
        began = self._system.now()
        try:
            pid, birth = self._system.spawn(
                plan.command, log=log, environment=plan.environment, folder=folder
            )
        except OSError as error:
            raise Trouble(f"{instance_id} cannot be started from {folder}: {error}") from None
        instance = Instance(
            id=instance_id,
            name=name,
            pid=pid,
            birth=birth,
            began=began,
            url=plan.url,
            port=plan.port,
            storage=plan.storage,
            log=str(log),
            folder=str(folder),
            key=way_of_key(options, self._environment),
            options=tuple(without_keys(options)[0]),
            services=services,
            registry=registry,
            of=of,
            events=events,
        )
        self._registry.put(instance)
        return Launched(instance, starts_at)
