"""Starting, stopping and watching the servers of this machine."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

from kato.manager.command_line import choose_port, launch, values, without_keys
from kato.manager.registry import Instance, Registry
from kato.manager.system import System
from kato.manager.trouble import Trouble

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
    SILENT = "does not answer"
    STOPPED = "stopped"
    DEAD = "dead"

    @property
    def runs(self) -> bool:
        """Whether there is a process."""
        return self not in (Health.STOPPED, Health.DEAD)


@dataclass(frozen=True, slots=True)
class Report:
    """An instance as it is now; C{uptime} is in seconds."""

    instance: Instance
    health: Health
    uptime: float | None


class Instances:
    """The servers that were started from one home folder."""

    def __init__(self, home: Path, *, system: System) -> None:
        """@param home: where the registry lies, and below it each server's data and log."""
        self._home = home
        self._registry = Registry(home)
        self._system = system

    def report(self, instance_id: str) -> Report:
        """How an instance is.

        @raise Trouble: where there is none of this id.
        """
        return self._report(self._find(instance_id))

    def reports(self) -> list[Report]:
        """How all instances are, by id."""
        return [self._report(each) for _, each in sorted(self._registry.read().items())]

    def _find(self, instance_id: str) -> Instance:
        instance = self._registry.read().get(instance_id)
        if instance is None:
            raise Trouble(f"--id {instance_id}: no server of this id was started here")
        return instance

    def _report(self, instance: Instance) -> Report:
        if not self._system.is_running(instance.pid, instance.began):
            return Report(instance, Health.STOPPED if instance.stopped else Health.DEAD, None)
        answer = self._system.ask(f"{instance.url}/ready")
        if answer is None:
            health = Health.SILENT
        else:
            health = Health.READY if answer[1].get("status") == "okay" else Health.STARTING
        return Report(instance, health, self._system.now() - instance.began)

    def details(self, instance: Instance, key: str | None) -> dict[str, Any]:
        """What the server tells of itself; nothing where it does not."""
        answer = self._system.ask(f"{instance.url}/stats", key)
        return answer[1] if answer is not None and answer[1].get("status") == "okay" else {}

    def start(
        self, instance_id: str, name: str, port: int | None, options: Sequence[str]
    ) -> tuple[Report, bool]:
        """Start a server, and wait until it is ready.

        @return: how it is, and whether it had to be started.
        @raise Trouble: where it cannot be started, with what it said itself.
        """
        if not _ID.fullmatch(instance_id):
            raise Trouble(f"--id {instance_id}: expected 1 to 64 of A-Z a-z 0-9 _ -")
        if port is not None and values(options, "--listen"):
            raise Trouble("--port: --listen tells the port already; give one of them")
        with self._registry.changing():
            known = self._registry.read()
            before = known.get(instance_id)
            if before is not None and self._system.is_running(before.pid, before.began):
                return self._report(before), False
            others = [each for each in known.values() if each.id != instance_id]
            instance, log_starts_at = self._launch(
                instance_id, name, self._port(port, before, others, options), options
            )
            self._await_ready(instance, log_starts_at)
        return self._report(instance), True

    def _port(
        self,
        port: int | None,
        before: Instance | None,
        others: Sequence[Instance],
        options: Sequence[str],
    ) -> int | None:
        if values(options, "--listen"):
            return None
        taken = [each.port for each in others if each.port is not None]
        previous = None if before is None else before.port
        return choose_port(port, previous, taken, self._system.is_free)

    def _launch(
        self, instance_id: str, name: str, port: int | None, options: Sequence[str]
    ) -> tuple[Instance, int]:
        folder = self._home / "instances" / instance_id
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = folder / "kato.log"
        log.touch(mode=0o600)
        size = log.stat().st_size
        plan = launch(options, port=port, folder=folder)
        pid, began = self._system.spawn(plan.command, log, plan.environment)
        instance = Instance(
            id=instance_id,
            name=name,
            pid=pid,
            began=began,
            url=plan.url,
            port=plan.port,
            log=str(log),
            options=tuple(without_keys(options)[0]),
        )
        self._registry.put(instance)
        return instance, size

    def _await_ready(self, instance: Instance, log_starts_at: int) -> None:
        deadline = self._system.now() + START_SECONDS
        while True:
            health = self._report(instance).health
            if health is Health.READY:
                return
            if not health.runs:
                said = _said(Path(instance.log), log_starts_at)
                raise Trouble(f"{instance.id} did not start; it said:\n{said}")
            if self._system.now() >= deadline:
                raise Trouble(
                    f"{instance.id} lives but is not ready after {START_SECONDS:.0f} seconds; "
                    f"see {instance.log}"
                )
            self._system.pause(_PAUSE)

    def stop(self, instance_id: str, *, force: bool = False) -> bool:
        """Stop a server, and wait for its end.

        @param force: end it at once if it does not stop by itself.
        @return: whether it ran.
        @raise Trouble: where it goes on.
        """
        instance = self._find(instance_id)
        if not self._system.is_running(instance.pid, instance.began):
            return False
        self._system.end(instance.pid)
        ended = self._has_ended(instance)
        if not ended and force:
            self._system.end(instance.pid, at_once=True)
            ended = self._has_ended(instance)
        if ended:
            with self._registry.changing():
                self._registry.put(replace(instance, stopped=True))
            return True
        raise Trouble(
            f"{instance_id} (process {instance.pid}) does not stop within {STOP_SECONDS:.0f} "
            "seconds; stop --force ends it at once, with what was only observed unsaved"
        )

    def _has_ended(self, instance: Instance) -> bool:
        deadline = self._system.now() + STOP_SECONDS
        while self._system.is_running(instance.pid, instance.began):
            if self._system.now() >= deadline:
                return False
            self._system.pause(_PAUSE)
        return True

    def restart(
        self, instance_id: str, name: str | None, port: int | None, options: Sequence[str]
    ) -> Report:
        """Stop a server if it runs, and start it again, as before where nothing else is said."""
        instance = self._find(instance_id)
        self.stop(instance_id)
        report, _ = self.start(
            instance_id, name or instance.name, port, options or instance.options
        )
        return report

    def tail(self, instance_id: str, lines: int) -> list[str]:
        """The last lines of a server's log."""
        return last_lines(Path(self._find(instance_id).log), lines)

    def follow(self, instance_id: str) -> Iterator[str]:
        """What a server says from now on, until it ends."""
        instance = self._find(instance_id)
        with open(instance.log, encoding="utf-8", errors="replace") as file:
            file.seek(0, 2)
            while True:
                alive = self._system.is_running(instance.pid, instance.began)
                if text := file.read():
                    yield text
                elif not alive:
                    return
                else:
                    self._system.pause(_PAUSE)


def last_lines(log: Path, count: int) -> list[str]:
    """The last C{count} lines of a file; none where there is no file."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    return lines[-count:] if count else []


def _said(log: Path, start: int) -> str:
    """The last of what was written to a log since it had C{start} bytes."""
    with log.open("rb") as file:
        file.seek(start)
        lines = file.read().decode("utf-8", "replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-_TAIL:])
