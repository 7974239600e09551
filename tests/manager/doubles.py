"""A system that the tests of the manager can move."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kato.manager.system import System


class FakeSystem(System):
    """A machine on which time passes only in pauses, and processes do what the test says."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.running: dict[int, float] = {}
        self.taken: set[int] = set()
        self.spawned: list[tuple[Sequence[str], Mapping[str, str]]] = []
        self.says = ""
        self.dies = False
        self.stubborn = False
        self.ready_at = 0.0
        self.signals: list[tuple[int, bool]] = []
        self.pauses: list[Any] = []
        self._next = 100

    def spawn(
        self, command: Sequence[str], log: Path, environment: Mapping[str, str]
    ) -> tuple[int, float]:
        self.spawned.append((command, environment))
        with log.open("a", encoding="utf-8") as file:
            file.write(self.says)
        self._next += 1
        if not self.dies:
            self.running[self._next] = self.time
        return self._next, self.time

    def is_running(self, pid: int, began: float) -> bool:
        return self.running.get(pid) == began

    def end(self, pid: int, *, at_once: bool = False) -> None:
        self.signals.append((pid, at_once))
        if at_once or not self.stubborn:
            del self.running[pid]

    def is_free(self, port: int) -> bool:
        return port not in self.taken

    def ask(self, url: str, key: str | None = None) -> tuple[int, dict[str, Any]] | None:
        if not self.running:
            return None
        if self.time < self.ready_at:
            return 503, {"status": "error"}
        return 200, {
            "status": "okay",
            "requests": 7,
            "processors": 2,
            "store": {"kind": "sqlite", "commits": 3},
        }

    def now(self) -> float:
        return self.time

    def pause(self, seconds: float) -> None:
        self.time += seconds
        if self.pauses:
            self.pauses.pop(0)()
