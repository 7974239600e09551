"""Starting, stopping and watching the servers of this machine."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kato.manager.command_line import (
    FIRST_REGISTRY,
    choose_port,
    launch,
    values,
    way_of_key,
    with_environment,
    without_keys,
)
from kato.manager.log_file import LogFile
from kato.manager.registry import Instance, Registry
from kato.manager.services import Launched, Services
from kato.manager.splitting import split_options
from kato.manager.system import System
from kato.manager.trouble import Trouble
from kato.manager.wish import Wish

START_SECONDS = 300.0
"""How long a server that lives may take to be ready: very large memories are loaded first."""

STOP_SECONDS = 15.0
"""How long a server may take to stop."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PAUSE = 0.1
_TAIL = 10


class Health(Enum):
    """How a server is, in a word."""

    READY = "ready"
    STARTING = "starting"
    LACKING = "lacks a service"
    SILENT = "does not answer"
    STOPPED = "stopped"
    DEAD = "dead"

    @property
    def runs(self) -> bool:
        """Whether there is a process."""
        return self not in (Health.STOPPED, Health.DEAD)


@dataclass(frozen=True, slots=True)
class Report:
    """An instance as it is now; C{uptime} is in seconds; C{services} are those beside a gateway."""

    instance: Instance
    health: Health
    uptime: float | None
    services: "tuple[Report, ...]" = ()


class Instances:
    """The servers that were started from one home folder."""

    def __init__(
        self, home: Path, *, system: System, environment: Mapping[str, str], folder: Path
    ) -> None:
        """
        @param home: where the registry lies, and below it each server's data and log.
        @param environment: what servers are started with.
        @param folder: where the person is who types.
        """
        self._home = home.absolute()
        self._registry = Registry(self._home)
        self._system = system
        self._environment = environment
        self._folder = folder
        self._services = Services(self._registry, system=system, environment=environment)

    def report(self, instance_id: str) -> Report:
        """How an instance is.

        @raise Trouble: where there is none of this id.
        """
        return self._report(self._find(instance_id))

    def reports(self) -> list[Report]:
        """How all instances are, by id."""
        return [self._report(each) for _, each in sorted(self._registry.read().items())]

    def _find(self, instance_id: str) -> Instance:
        known = self._registry.read()
        if instance_id not in known:
            others = f"; there are {', '.join(sorted(known))}" if known else ""
            raise Trouble(f"--id {instance_id}: no server of this id was started here{others}")
        return known[instance_id]

    def _runs(self, instance: Instance) -> bool:
        return self._system.is_running(instance.pid, instance.birth)

    def _report(self, instance: Instance) -> Report:
        services = tuple(map(self._report, self._services.of(instance)))
        if not self._runs(instance):
            health = Health.STOPPED if instance.stopped else Health.DEAD
            return Report(instance, health, None, services)
        if instance.of is not None:
            health = Health.READY if self._services.listens(instance) else Health.STARTING
        elif not all(each.health.runs for each in services):
            health = Health.LACKING
        elif not all(each.health is Health.READY for each in services):
            health = Health.STARTING
        else:
            health = self._health(instance)
        return Report(instance, health, self._system.now() - instance.began, services)

    def _health(self, instance: Instance) -> Health:
        """What a process that runs answers; what answers in its place is not asked."""
        if not self._system.listens(instance.pid, urlsplit(instance.url).port or 0):
            return Health.SILENT
        answer = self._system.ask(f"{instance.url}/ready")
        if answer is None:
            return Health.SILENT
        ready = answer[1].get("status") == "okay" and self._reaches_all(instance)
        return Health.READY if ready else Health.STARTING

    def _reaches_all(self, gateway: Instance) -> bool:
        """Whether a gateway says that its services answer it; one that does not tell us, since we
        have no key, is believed."""
        if not gateway.services:
            return True
        told = self.details(gateway, self._environment.get("KATO_API_KEY")).get("services")
        return told is None or sum(each["healthy"] for each in told.values()) >= gateway.services

    def details(self, instance: Instance, key: str | None) -> dict[str, Any]:
        """What the server tells of itself; nothing where it does not."""
        answer = self._system.ask(f"{instance.url}/stats", key)
        return answer[1] if answer is not None and answer[1].get("status") == "okay" else {}

    def start(self, instance_id: str, wish: Wish) -> tuple[Report, bool]:
        """Start a server, and wait until it is ready.

        @return: how it is, and whether it had to be started.
        @raise Trouble: where it cannot be started, with what it said itself.
        """
        if not _ID.fullmatch(instance_id):
            raise Trouble(f"--id {instance_id}: expected 1 to 64 of A-Z a-z 0-9 _ -")
        options = with_environment(wish.options, self._environment, port=wish.port)
        wish = replace(wish, options=tuple(options))
        wish.judge()
        return self._start(instance_id, wish, self._folder)

    def _start(self, instance_id: str, wish: Wish, folder: Path) -> tuple[Report, bool]:
        """Only the launch is under the lock: others need not wait until a server is ready."""
        with self._registry.changing():
            known = self._registry.read()
            before = known.pop(instance_id, None)
            if before is not None and self._runs(before):
                if not wish.fits(before):
                    raise Trouble(f"{instance_id} runs already, but not like this: see restart")
                instance, log_starts_at = before, 0
                launched = self._revive(before, wish)
                if not launched:
                    return self._report(before), False
            else:
                instance, log_starts_at = self._launch_as(
                    instance_id, wish, folder, before, known.values()
                )
                launched = self._services.start_missing(instance, wish.options, folder)
        report = self._await_ready(instance)
        if report.health is Health.READY:
            return report, True
        if self._lost_its_port(instance, wish):
            return self._start(instance_id, wish, folder)
        raise Trouble(_why_not_ready(report, log_starts_at, launched))

    def _revive(self, gateway: Instance, wish: Wish) -> list[Launched]:
        """Start the services of a gateway that runs which have ended."""
        options = wish.options or gateway.options
        if all(map(self._runs, self._services.of(gateway))):
            return []
        self._need_key(gateway, options)
        return self._services.start_missing(gateway, options, Path(gateway.folder))

    def _launch_as(
        self,
        instance_id: str,
        wish: Wish,
        folder: Path,
        before: Instance | None,
        others: Iterable[Instance],
    ) -> tuple[Instance, int]:
        """Launch a server under the name, at the port and with the services that are wished, or
        else as before."""
        known = list(others)
        port = self._port(wish, before, known)
        name = wish.name or (before.name if before is not None else instance_id)
        services = wish.services or (0 if before is None else before.services)
        registry = None
        if services:
            split_options(wish.options)
            registry = choose_port(
                None,
                None if before is None else before.registry,
                [each.registry for each in known if each.registry is not None],
                self._system.is_free,
                first=FIRST_REGISTRY,
            )
        wish = replace(wish, name=name, port=port, services=services)
        return self._launch(instance_id, wish, folder, registry)

    def _lost_its_port(self, instance: Instance, wish: Wish) -> bool:
        """Whether somebody was faster to take the port that was chosen for a server."""
        return (
            wish.port is None
            and instance.port is not None
            and not self._runs(instance)
            and not self._system.is_free(instance.port)
        )

    def _port(self, wish: Wish, before: Instance | None, others: Iterable[Instance]) -> int | None:
        if wish.port is None and values(wish.options, "--listen"):
            return None
        taken = [each.port for each in others if each.port is not None]
        previous = None if before is None else before.port
        return choose_port(wish.port, previous, taken, self._system.is_free)

    def _launch(
        self, instance_id: str, wish: Wish, folder: Path, registry: int | None
    ) -> tuple[Instance, int]:
        options = wish.options if registry is None else tuple(split_options(wish.options)[0])
        own = self._home / "instances" / instance_id
        own.mkdir(mode=0o700, parents=True, exist_ok=True)
        plan = launch(options, port=wish.port, folder=own, registry=registry)
        log = own / "kato.log"
        size = LogFile(log).prepare()
        try:
            pid, birth = self._system.spawn(
                plan.command, log=log, environment=plan.environment, folder=folder
            )
        except OSError as error:
            raise Trouble(f"{instance_id} cannot be started from {folder}: {error}") from None
        instance = Instance(
            id=instance_id,
            name=wish.name or instance_id,
            pid=pid,
            birth=birth,
            began=self._system.now(),
            url=plan.url,
            port=plan.port,
            storage=plan.storage,
            log=str(log),
            folder=str(folder),
            key=way_of_key(wish.options, self._environment),
            options=tuple(without_keys(wish.options)[0]),
            services=wish.services or 0,
            registry=registry,
        )
        self._registry.put(instance)
        return instance, size

    def _await_ready(self, instance: Instance) -> Report:
        """Wait until a server is ready, has ended, or has had its time; tells how it is then."""
        deadline = self._system.now() + START_SECONDS
        while True:
            report = self._report(instance)
            is_over = report.health in (Health.READY, Health.LACKING) or not report.health.runs
            if is_over or self._system.now() >= deadline:
                return report
            self._system.pause(_PAUSE)

    def stop(self, instance_id: str, *, force: bool = False) -> bool:
        """Stop a server, and wait for its end.

        @param force: end it at once if it does not stop by itself.
        @return: whether it ran.
        @raise Trouble: where it goes on.
        """
        instance = self._find(instance_id)
        family = [instance, *self._services.of(instance)]
        ran = [self._stop(each, force=force) for each in family]
        return any(ran)

    def _stop(self, instance: Instance, *, force: bool) -> bool:
        """Stop one process, and wait for its end; tells whether it ran."""
        if not self._runs(instance):
            return False
        self._system.end(instance.pid)
        ended = self._has_ended(instance)
        if not ended and force:
            self._system.end(instance.pid, at_once=True)
            ended = self._has_ended(instance)
        if not ended:
            raise Trouble(
                f"{instance.id} (process {instance.pid}) does not stop within "
                f"{STOP_SECONDS:.0f} seconds; stop --force ends it at once, with what was only "
                "observed unsaved"
            )
        self._mark_stopped(instance)
        return True

    def _mark_stopped(self, instance: Instance) -> None:
        """Write down that the end was meant, unless somebody started it again meanwhile."""
        with self._registry.changing():
            if self._registry.read().get(instance.id) == instance:
                self._registry.put(replace(instance, stopped=True))

    def _has_ended(self, instance: Instance) -> bool:
        deadline = self._system.now() + STOP_SECONDS
        while self._runs(instance):
            if self._system.now() >= deadline:
                return False
            self._system.pause(_PAUSE)
        return True

    def restart(self, instance_id: str, wish: Wish) -> Report:
        """Stop a server if it runs, and start it again, as before where nothing else is said.

        @raise Trouble: where it had a key, which is not written down, and now has none.
        """
        instance = self._find(instance_id)
        folder = self._folder if wish.options else Path(instance.folder)
        wish = replace(
            wish,
            options=wish.options or instance.options,
            services=wish.services or instance.services or None,
        )
        wish.judge()
        self._need_key(instance, wish.options)
        self.stop(instance_id)
        return self._start(instance_id, wish, folder)[0]

    def _need_key(self, instance: Instance, options: Iterable[str]) -> None:
        """See that a server that had a key gets one again: it is not written down."""
        if instance.key != "none" and way_of_key(list(options), self._environment) == "none":
            raise Trouble(
                f"{instance.id} was started with a key, which is not kept here: give it again with "
                "--api-key, --api-key-file or KATO_API_KEY, or stop it and start it without"
            )

    def tail(self, instance_id: str, lines: int) -> list[str]:
        """The last lines of a server's log."""
        return LogFile(Path(self._find(instance_id).log)).last(lines)

    def follow(self, instance_id: str, lines: int) -> Iterator[str]:
        """The last lines of a server's log, and what it says from then on, until it ends."""
        instance = self._find(instance_id)
        return LogFile(Path(instance.log)).follow(
            lines,
            goes_on=lambda: self._runs(instance),
            wait=lambda: self._system.pause(_PAUSE),
        )


def _why_not_ready(report: Report, log_starts_at: int, launched: Iterable[Launched] = ()) -> str:
    instance = report.instance
    ended = [each.instance.id for each in report.services if not each.health.runs]
    for service, starts_at in launched:
        if service.id in ended:
            return _last_words(service, starts_at)
    if ended:
        return f"{instance.id} lacks {', '.join(ended)}; see logs --id {ended[0]}"
    if report.health.runs:
        return (
            f"{instance.id} lives but is not ready after {START_SECONDS:.0f} seconds; "
            f"see {instance.log}"
        )
    return _last_words(instance, log_starts_at)


def _last_words(instance: Instance, log_starts_at: int) -> str:
    lines = LogFile(Path(instance.log)).last(_TAIL, since=log_starts_at)
    return "\n  ".join([f"{instance.id} did not start; it said:", *lines])
