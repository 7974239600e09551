"""Starting, stopping and watching the servers of this machine."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kato.manager.command_line import (
    FIRST_REGISTRY,
    choose_port,
    judge_keys,
    known_key,
    launch,
    values,
    way_of_key,
    with_environment,
)
from kato.manager.health import Health, Report, Watch
from kato.manager.launching import Launched, Launcher
from kato.manager.log_file import LogFile
from kato.manager.registry import Instance, Registry
from kato.manager.services import Services
from kato.manager.splitting import judge_environment, split_options
from kato.manager.stopping import Stopping
from kato.manager.system import System
from kato.manager.trouble import Trouble
from kato.manager.wish import Wish

START_SECONDS = 300.0
"""How long a server that lives may take to be ready: very large memories are loaded first."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PAUSE = 0.1
_TAIL = 10


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
        self._watch = Watch(self._registry, system=system, environment=environment)
        self._launcher = Launcher(self._registry, system=system, environment=environment)
        self._services = Services(
            self._registry,
            self._watch,
            self._launcher,
            system=system,
            environment=environment,
        )
        self._stopping = Stopping(self._registry, self._watch, system=system)

    # How they are

    def report(self, instance_id: str) -> Report:
        """How an instance is.

        @raise Trouble: where there is none of this id.
        """
        return self._watch.report(self._watch.find(instance_id))

    def reports(self) -> list[Report]:
        """How all instances are, by id."""
        return self._watch.reports()

    def details(self, instance: Instance) -> dict[str, Any]:
        """What the server tells of itself; nothing where it does not."""
        return self._watch.details(instance)

    # Starting

    def start(self, instance_id: str, wish: Wish) -> tuple[Report, bool]:
        """Start a server, and wait until it is ready.

        @return: how it is, and whether anything of it had to be started.
        @raise Trouble: where it cannot be started, with what it said itself.
        """
        if instance_id in self._registry.read():
            self._whole(instance_id)
        elif not _ID.fullmatch(instance_id):
            raise Trouble(f"--id {instance_id}: expected 1 to 64 of A-Z a-z 0-9 _ -")
        options = with_environment(wish.options, self._environment, port=wish.port)
        wish = replace(wish, options=tuple(options))
        return self._start(instance_id, wish, self._folder)

    def _start(self, instance_id: str, wish: Wish, folder: Path) -> tuple[Report, bool]:
        """Start what does not run, again where somebody was faster to take a port."""
        launched: list[Launched] = []
        while True:
            gateway, more = self._launch_missing(instance_id, wish, folder)
            if not more and not launched:
                return self._watch.report(gateway), False
            launched += more
            report = self._awaited(gateway, self._key(wish, folder))
            if report.health is Health.READY:
                return report, True
            if not self._lost_a_port(more, wish):
                raise Trouble(self._undone(report, launched))

    def _launch_missing(
        self, instance_id: str, wish: Wish, folder: Path
    ) -> tuple[Instance, list[Launched]]:
        """Launch all of a server that does not run; gives the server, and what was launched.  Only
        this is under the lock: others need not wait until a server is ready."""
        with self._registry.changing():
            known = self._registry.read()
            before = known.pop(instance_id, None)
            if before is not None and self._watch.runs(before):
                return before, self._revived(before, wish)
            wish = self._judged(wish, before)
            own = self._launched(instance_id, wish, folder, before, known.values())
        if not own.instance.services:
            return own.instance, [own]
        return own.instance, [own, *self._beside(own.instance, wish, folder)]

    def _judged(self, wish: Wish, before: Instance | None) -> Wish:
        """What is wished, with as many services as there were, where nothing else is said.

        @raise Trouble: where it cannot be.
        """
        had = 0 if before is None else before.services
        wish = replace(wish, services=wish.services or had)
        wish.judge()
        if wish.services:
            judge_environment(self._environment)
            repeated = () if before is None else before.options
            judge_keys(wish.options or repeated, self._environment)
        if before is not None and (wish.services or 0) < had:
            raise Trouble(
                f"--services {wish.services}: {before.id} has {had}, each with processors of its "
                "own; it may get more of them, but not fewer"
            )
        return wish

    def _launched(
        self,
        instance_id: str,
        wish: Wish,
        folder: Path,
        before: Instance | None,
        others: Iterable[Instance],
    ) -> Launched:
        """Launch a server under the name and at the ports that are wished, or else as before."""
        taken = {port for each in others for port in each.ports}
        port = self._port(wish, before, taken)
        registry = self._registry_port(before, taken) if wish.services else None
        options = split_options(wish.options)[0] if wish.services else wish.options
        own = self._home / "instances" / instance_id
        plan = launch(options, port=port, folder=own, registry=registry)
        return self._launcher.launch(
            plan,
            instance_id,
            name=wish.name or (before.name if before is not None else instance_id),
            log=own / "kato.log",
            folder=folder,
            options=wish.options,
            services=wish.services or 0,
            registry=registry,
        )

    def _port(self, wish: Wish, before: Instance | None, taken: set[int]) -> int | None:
        if wish.port is None and values(wish.options, "--listen"):
            return None
        previous = None if before is None else before.port
        return choose_port(wish.port, previous, taken, self._system.is_free)

    def _registry_port(self, before: Instance | None, taken: set[int]) -> int:
        previous = None if before is None else before.registry
        return choose_port(None, previous, taken, self._system.is_free, first=FIRST_REGISTRY)

    def _beside(self, gateway: Instance, wish: Wish, folder: Path) -> list[Launched]:
        """Launch what is missing beside a gateway that was launched; services that outlived the
        one before stay, if they are as is wished."""
        self._stopping.end(self._services.otherwise(gateway, wish.options))
        with self._registry.changing():
            return self._services.start_missing(gateway, wish.options, folder)

    def _revived(self, running: Instance, wish: Wish) -> list[Launched]:
        """Launch the services of a gateway that runs which have ended.

        @raise Trouble: where it runs, but otherwise than is wished.
        """
        wish.judge()
        if not wish.fits(running):
            raise Trouble(f"{running.id} runs already, but not like this: see restart")
        services = self._watch.services(running)
        if len(services) == running.services and all(map(self._watch.runs, services)):
            return []
        options = wish.options or running.options
        self._need_key(running, options)
        judge_environment(self._environment)
        return self._services.start_missing(running, options, Path(running.folder))

    def _need_key(self, instance: Instance, options: Sequence[str]) -> None:
        """See that a server that had a key gets one again: it is not written down."""
        if instance.key != "none" and way_of_key(options, self._environment) == "none":
            raise Trouble(
                f"{instance.id} was started with a key, which is not kept here: give it again with "
                "--api-key, --api-key-file or KATO_API_KEY, or stop it and start it without"
            )

    def _key(self, wish: Wish, folder: Path) -> str | None:
        return known_key(wish.options, self._environment, folder)

    def _awaited(self, gateway: Instance, key: str | None) -> Report:
        """Wait until a server is ready, a process of it has ended, or it has had its time; tells
        how it is then."""
        deadline = self._system.now() + START_SECONDS
        while True:
            report = self._watch.report(gateway, key)
            is_over = report.health is Health.READY or _ended(report)
            if is_over or self._system.now() >= deadline:
                return report
            self._system.pause(_PAUSE)

    def _lost_a_port(self, launched: Sequence[Launched], wish: Wish) -> bool:
        """Whether somebody was faster to take a port that was chosen for a process."""
        return any(
            not self._system.is_free(port)
            for each, _ in launched
            if not self._watch.runs(each)
            for port in each.ports - {wish.port}
        )

    def _undone(self, report: Report, launched: Sequence[Launched]) -> str:
        """Leave nothing half started; tells why a server is not ready."""
        ended = _ended(report)
        if not ended:
            return (
                f"{report.instance.id} lives but is not ready after {START_SECONDS:.0f} seconds; "
                f"see {report.instance.log}"
            )
        self._stopping.end([each.instance for each in launched])
        for each, starts_at in launched:
            if each.id in ended:
                lines = LogFile(Path(each.log)).last(_TAIL, since=starts_at)
                return "\n  ".join([f"{each.id} did not start; it said:", *lines])
        return f"{report.instance.id} lacks {', '.join(ended)}; see logs --id {ended[0]}"

    # Reading files again

    def reload(self, instance_id: str) -> list[Instance]:
        """Have the processes of a server read those files again that they read while they run.

        One that does not listen yet would be ended by the signal, and has just read them.

        @return: those that were told to.
        @raise Trouble: where there is none.
        """
        gateway = self._whole(instance_id)
        family = [gateway, *self._watch.services(gateway)]
        told = [each for each in family if self._watch.runs(each) and self._watch.listens(each)]
        if not told:
            raise Trouble(f"{instance_id} does not run, or listens nowhere yet")
        for each in told:
            self._system.hang_up(each.pid)
        return told

    # Stopping, and starting again

    def stop(self, instance_id: str, *, force: bool = False) -> bool:
        """Stop a server, and wait for its end.

        @param force: end it at once if it does not stop by itself.
        @return: whether it ran.
        @raise Trouble: where it goes on.
        """
        return self._stopping.end_family(self._whole(instance_id), force=force)

    def restart(self, instance_id: str, wish: Wish) -> Report:
        """Stop a server if it runs, and start it again, as before where nothing else is said.

        @raise Trouble: where it had a key, which is not written down, and now has none.
        """
        instance = self._whole(instance_id)
        folder = self._folder if wish.options else Path(instance.folder)
        wish = self._judged(replace(wish, options=wish.options or instance.options), instance)
        self._need_key(instance, wish.options)
        self._stopping.end_family(instance)
        return self._start(instance_id, wish, folder)[0]

    def _whole(self, instance_id: str) -> Instance:
        """A server that is none of another one's services.

        @raise Trouble: where it is.
        """
        instance = self._watch.find(instance_id)
        if instance.of is not None:
            raise Trouble(
                f"--id {instance_id}: a service of {instance.of}, with which it is started and "
                f"stopped: --id {instance.of}"
            )
        return instance

    # What they said

    def tail(self, instance_id: str, lines: int) -> list[str]:
        """The last lines of a server's log."""
        return LogFile(Path(self._watch.find(instance_id).log)).last(lines)

    def follow(self, instance_id: str, lines: int) -> Iterator[str]:
        """The last lines of a server's log, and what it says from then on, until it ends."""
        instance = self._watch.find(instance_id)
        return LogFile(Path(instance.log)).follow(
            lines,
            goes_on=lambda: self._watch.runs(instance),
            wait=lambda: self._system.pause(_PAUSE),
        )


def _ended(report: Report) -> list[str]:
    """The processes of a server that do not run."""
    return [each.instance.id for each in report.family if not each.health.runs]
