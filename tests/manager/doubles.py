"""A system that the tests of the manager can move."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kato.manager.system import System


class Spawned(NamedTuple):
    """A process that was started."""

    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path


class FakeSystem(System):
    """A machine on which time passes only in pauses, and processes do what the test says."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.running: dict[int, str] = {}
        self.taken: set[int] = set()
        self.spawned: list[Spawned] = []
        self.says = ""
        self.dies = False
        self.stubborn = False
        self.deaf = False
        self.robbed = 0
        self.ready_at = 0.0
        self.signals: list[tuple[int, bool]] = []
        self.pauses: list[Any] = []
        self.key: str | None = None
        self.services: dict[str, Any] | None = None
        self._next = 100

    def spawn(
        self, command: Sequence[str], *, log: Path, environment: Mapping[str, str], folder: Path
    ) -> tuple[int, str]:
        if not folder.is_dir():
            raise FileNotFoundError(f"no such folder: {folder}")
        self.spawned.append(Spawned(command, environment, folder))
        with log.open("a", encoding="utf-8") as file:
            file.write(self.says)
        self._next += 1
        if self.robbed:
            self.robbed -= 1
            [port] = re.findall(r"tcp:(\d+):", " ".join(command))
            self.taken.add(int(port))
        elif not self.dies:
            self.running[self._next] = f"born at {self.time}"
        return self._next, f"born at {self.time}"

    def is_running(self, pid: int, born: str) -> bool:
        return self.running.get(pid) == born

    def end(self, pid: int, *, at_once: bool = False) -> None:
        self.signals.append((pid, at_once))
        if at_once or not self.stubborn:
            self.running.pop(pid, None)

    def is_free(self, port: int) -> bool:
        return port not in self.taken

    def listens(self, pid: int, port: int) -> bool:
        return pid in self.running and not self.deaf

    def ask(self, url: str, key: str | None = None) -> tuple[int, dict[str, Any]] | None:
        if not self.running:
            return None
        if url.endswith("/stats") and key != self.key:
            return 401, {"status": "error"}
        if self.time < self.ready_at:
            return 503, {"status": "error"}
        if self.services is not None:
            return 200, {"status": "okay", "services": self.services}
        return 200, {
            "status": "okay",
            "requests": 7,
            "processors": 2,
            "store": {"kind": "sqlite", "commits": 3, "failures": 1},
        }

    def now(self) -> float:
        return self.time

    def pause(self, seconds: float) -> None:
        self.time += seconds
        if self.pauses:
            self.pauses.pop(0)()
