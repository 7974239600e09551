"""A system that the tests of the manager can move."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from kato.manager.system import System


class Spawned(NamedTuple):
    """A process that was started."""

    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    pid: int
    at: float

    @property
    def ports(self) -> list[int]:
        """Where it listens."""
        listens = ("--listen", "--zmq", "--events")
        said = [value for name, value in pairwise(self.command) if name in listens]
        if "kato-gateway" in self.command:
            said += [value for name, value in pairwise(self.command) if name == "--registry"]
        return [int(port) for each in said for port in re.findall(r":(\d+)", each)[:1]]


class Became(BaseException):
    """The manager has gone on as another program."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path
    ) -> None:
        super().__init__()
        self.command = command
        self.environment = environment
        self.folder = folder


class FakeSystem(System):
    """A machine on which time passes only in pauses, and processes do what the test says.

    C{silent} are services that do not answer their gateway, C{unannounced} those that have not told
    it of themselves; C{late} tells when it heard last of those at some ports; C{unloaded}: some
    have not loaded all.  C{dying} are processes that end at once, by the order in which all are
    started, from 1; C{robs} those that find a port taken, with the place of that port among theirs.
    """

    def __init__(self) -> None:
        self.time = 1000.0
        self.running: dict[int, str] = {}
        self.taken: set[int] = set()
        self.spawned: list[Spawned] = []
        self.says = ""
        self.dies = False
        self.stubborn = False
        self.deaf = False
        self.robs: dict[int, int] = {}
        self.ready_at = 0.0
        self.signals: list[tuple[int, bool]] = []
        self.hung_up: list[int] = []
        self.pauses: list[Any] = []
        self.key: str | None = None
        self.silent: set[int] = set()
        self.unannounced: set[int] = set()
        self.late: dict[int, float] = {}
        self.unloaded = False
        self.dying: set[int] = set()
        self._next = 100

    def spawn(
        self, command: Sequence[str], *, log: Path, environment: Mapping[str, str], folder: Path
    ) -> tuple[int, str]:
        if not folder.is_dir():
            raise FileNotFoundError(f"no such folder: {folder}")
        self._next += 1
        spawned = Spawned(command, environment, folder, self._next, self.time)
        self.spawned.append(spawned)
        with log.open("a", encoding="utf-8") as file:
            file.write(self.says)
        robbed = self.robs.get(len(self.spawned))
        if robbed is not None:
            self.taken.add(spawned.ports[robbed])
        elif not self.dies and len(self.spawned) not in self.dying:
            self.running[self._next] = f"born at {self.time}"
        return self._next, f"born at {self.time}"

    def become(
        self, command: Sequence[str], *, environment: Mapping[str, str], folder: Path
    ) -> NoReturn:
        raise Became(command, environment, folder)

    def is_running(self, pid: int, born: str) -> bool:
        return self.running.get(pid) == born

    def end(self, pid: int, *, at_once: bool = False) -> None:
        self.signals.append((pid, at_once))
        if at_once or not self.stubborn:
            self.running.pop(pid, None)

    def hang_up(self, pid: int) -> None:
        self.hung_up.append(pid)

    def is_free(self, port: int) -> bool:
        used = (each.ports for each in self.spawned if each.pid in self.running)
        return port not in self.taken and not any(port in each for each in used)

    def listens(self, pid: int, port: int) -> bool:
        return pid in self.running and not self.deaf

    def ask(self, url: str, key: str | None = None) -> tuple[int, dict[str, Any]] | None:
        if not self.running:
            return None
        if not url.endswith("/ready") and key != self.key:
            return 401, {"status": "error"}
        if self.time < self.ready_at:
            return 503, {"status": "error"}
        if "/processors" in url:
            return 200, {"status": "okay", **({"unavailable": []} if self.unloaded else {})}
        told: dict[str, Any] = {"status": "okay", "requests": 7, "processors": 2}
        services = self._services()
        if services:
            return 200, {**told, "services": services}
        return 200, {**told, "store": {"kind": "sqlite", "commits": 3, "failures": 1}}

    def _services(self) -> dict[str, dict[str, Any]]:
        """What a gateway tells of the services that ran while it did."""
        return {
            f"127.0.0.1:{each.ports[0]}": {
                "healthy": each.pid in self.running and each.pid not in self.silent,
                "announced": self._announced(each),
                "processors": 5,
                "requests": 6,
            }
            for each in self.spawned
            if "kato-processor" in each.command
        }

    def _announced(self, service: Spawned) -> float | None:
        if service.pid in self.unannounced:
            return None
        return self.late.get(service.ports[0], service.at)

    def now(self) -> float:
        return self.time

    def pause(self, seconds: float) -> None:
        self.time += seconds
        if self.pauses:
            self.pauses.pop(0)()
