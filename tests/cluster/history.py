"""What clients asked for and what they were told, with what happened to the services meanwhile."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from math import inf
from pathlib import Path
from typing import Any

from tests.cluster.machine import OPERATIONS, Request, frozen


class Came(Enum):
    """What a request came to, as far as its client may know."""

    TOLD = "there is an answer that depends on the processor, so it must be true"
    REFUSED = "it was not done, nor ever will be"
    UNKNOWN = "it may have been done, or may be done yet"


_TRUE = frozenset({"PROCESSOR_NOT_FOUND", "MODEL_NOT_FOUND", "CONFLICT"})
"""Errors that tell something of the processor."""
_OPEN = frozenset({"TIMEOUT", "INTERNAL_ERROR"})
"""Errors that never tell whether it was done."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request that a client sent once; C{answer} is C{None} where none came.

    Times are of one clock, in seconds; C{ended} is when the answer was there, or when the client
    gave up.  What is sent again is another call with the same C{request_id}.
    """

    client: str
    processor: str
    operation: str
    params: Mapping[str, Any]
    request_id: str | None
    began: float
    ended: float
    answer: Mapping[str, Any] | None

    @property
    def came(self) -> Came:
        """What it came to."""
        if self.answer is None:
            return Came.UNKNOWN
        if self.answer["status"] == "okay" or self.answer["error_code"] in _TRUE:
            return Came.TOLD
        unknown = self.answer.get("outcome") == "unknown"
        return Came.UNKNOWN if unknown or self.answer["error_code"] in _OPEN else Came.REFUSED

    def request(self, number: int) -> Request:
        """What a machine is asked; without an id of its client it has one by its number."""
        name = f"#{number}" if self.request_id is None else self.request_id
        return Request(self.operation, self.params, name)

    def told(self) -> dict[str, Any]:
        """The answer, as a machine says it."""
        return {name: frozen(value) for name, value in (self.answer or {}).items()}


@dataclass(frozen=True, slots=True)
class Crash:
    """Between C{began} and C{ended} what was not durable of some processors may have been lost:
    their service was killed, or fenced, or its commits failed.

    Where C{processors} is C{None} all are meant.  C{often} says that it may have happened again and
    again.  What was answered before C{saved} is not lost: a checkpoint came after it.
    """

    began: float
    ended: float
    processors: frozenset[str] | None = None
    often: bool = False
    saved: float = -inf
    why: str = ""

    def meets(self, processor: str) -> bool:
        """Whether this processor may have lost something."""
        return self.processors is None or processor in self.processors


@dataclass(frozen=True, slots=True)
class History:
    """All calls, in any order, and all crashes."""

    calls: tuple[Call, ...]
    crashes: tuple[Crash, ...] = ()

    def of(self, processor: str) -> "History":
        """What concerns one processor, in order."""
        calls = [
            each
            for each in self.calls
            if each.processor == processor and each.operation in OPERATIONS
        ]
        crashes = [each for each in self.crashes if each.meets(processor)]
        return History(
            tuple(sorted(calls, key=lambda each: each.began)),
            tuple(sorted(crashes, key=lambda each: each.began)),
        )

    @property
    def processors(self) -> list[str]:
        """All that were spoken to."""
        return sorted({each.processor for each in self.calls})

    def save(self, path: Path) -> None:
        """Write it, one thing a line."""
        path.write_text("".join(f"{line}\n" for line in self._lines()), encoding="utf-8")

    def _lines(self) -> Iterator[str]:
        for each in self.calls:
            yield json.dumps({"call": asdict(each)})
        for crash in self.crashes:
            names = None if crash.processors is None else sorted(crash.processors)
            yield json.dumps({"crash": {**asdict(crash), "processors": names}})

    @classmethod
    def load(cls, path: Path) -> "History":
        """Read what was written."""
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return cls(
            tuple(Call(**each["call"]) for each in lines if "call" in each),
            tuple(_crash(each["crash"]) for each in lines if "crash" in each),
        )


def _crash(told: dict[str, Any]) -> Crash:
    names = told.pop("processors")
    return Crash(processors=None if names is None else frozenset(names), **told)


def durable_answers(crashes: Iterable[Crash]) -> tuple[Crash, ...]:
    """The crashes of services with C{--checkpoint 0}: what was answered is never lost."""
    return tuple(
        Crash(each.began, each.ended, each.processors, each.often, _EVER, each.why)
        for each in crashes
    )


_EVER = sys.float_info.max
"""Later than any answer, but not than what was never answered."""
