"""A target is tried, in this process and in bounded time."""

import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from traceback import format_exception_only
from types import FrameType

from tests.fuzz.corpus import kept
from tests.fuzz.mutation import mutated
from tests.fuzz.target import Broken, Target

PATIENCE = 5.0
"""Seconds of the processor that one input may take: all of them take milliseconds."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An input, and what it does."""

    target: str
    data: bytes
    why: str


def tried(target: Target, data: bytes) -> Finding | None:
    """What an input finds; C{None} for nothing."""
    try:
        with in_time(PATIENCE):
            target.attack(data)
    except Exception as error:
        why = "".join(format_exception_only(error)).strip()
        return Finding(target.name, data, why)
    return None


@contextmanager
def in_time(seconds: float) -> Iterator[None]:
    """Raise L{Broken} in the midst of what takes more of the processor; in the main thread."""

    def over(number: int, frame: FrameType | None) -> None:
        raise Broken(f"it takes more than {seconds:g} seconds")

    before = signal.signal(signal.SIGVTALRM, over)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        signal.signal(signal.SIGVTALRM, before)


def replayed(target: Target) -> Iterator[Finding]:
    """What its seeds and all that is kept of it find."""
    for data in (*target.seeds, *kept(target.name)):
        finding = tried(target, data)
        if finding is not None:
            yield finding


def blindly(target: Target, seconds: float, seed: int) -> tuple[int, Finding | None]:
    """Try mutations until something is found, or the time is over; gives how many."""
    chance = random.Random(f"{target.name} {seed}")
    pool = (*target.seeds, *kept(target.name))
    until, number = monotonic() + seconds, 0
    while monotonic() < until:
        number += 1
        finding = tried(target, mutated(chance, pool, target))
        if finding is not None:
            return number, finding
    return number, None
