"""How long a question takes: honest clocks, and caches that hold something else."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import TypeVar

import numpy as np

_Asked = TypeVar("_Asked")

_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_MOST_FLUSHED = 2**30


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds, of many times."""

    median: float
    low: float
    """A quarter takes no longer,"""
    high: float
    """a quarter takes longer,"""
    p99: float
    """and one in a hundred takes longer than this."""


def spread(taken: Sequence[float]) -> Spread:
    """What many times, two at least, come to."""
    low, _, high = quantiles(taken, n=4, method="inclusive")
    ranked = sorted(taken)
    return Spread(median(taken), low, high, ranked[(len(ranked) - 1) * 99 // 100])


def timed(ask: Callable[[_Asked], object], all_asked: Sequence[_Asked]) -> list[float]:
    """Seconds for each question; what the answer takes to be thrown away is counted, too."""
    taken = []
    for asked in all_asked:
        began = perf_counter()
        ask(asked)
        taken.append(perf_counter() - began)
    return taken


def timed_cold(ask: Callable[[_Asked], object], all_asked: Sequence[_Asked]) -> list[float]:
    """Seconds for each question where the caches hold something else."""
    other = np.zeros(flushed_bytes() // 8)
    taken = []
    for asked in all_asked:
        np.add(other, 1.0, out=other)
        taken += timed(ask, [asked])
    return taken


def flushed_bytes() -> int:
    """How much is written between two questions to cold caches: twice what the largest cache holds,
    which is shared and so never ours alone, but no more than 1 GiB."""
    sizes = [
        int(size[:-1]) * {"K": 2**10, "M": 2**20}[size[-1]]
        for each in _CACHES.glob("index*/size")
        if (size := each.read_text(encoding="ascii").strip())[-1] in "KM"
    ]
    return min(2 * max(sizes, default=2**27), _MOST_FLUSHED)


@contextmanager
def no_collector() -> Iterator[None]:
    """Python's garbage collector keeps quiet meanwhile."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def told(seconds: float) -> str:
    """Seconds for people, with three digits."""
    if seconds >= 1:
        return f"{seconds:.3g} s"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.3g} ms"
    return f"{seconds * 1e6:.3g} µs"
