"""What it costs to learn, to hold and to delete models."""

import ctypes
import gc
import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import islice
from statistics import median
from time import perf_counter

import numpy as np
import psutil

from benchmarks.match.measure import fill, name_of
from benchmarks.match.timing import Spread, no_collector, spread
from benchmarks.match.workloads import BY_NAME, Spelling, Workload
from kato.engine import Observation, Processor
from kato.engine.matchers import best_matcher
from kato.engine.matching import Matcher

_LEARNED = 10_000
"""After so many learnings it is known how long one takes."""


@dataclass(frozen=True, slots=True)
class Use:
    """Bytes."""

    total: int
    index: int
    """That part which makes models found."""


@dataclass(frozen=True, slots=True)
class Held:
    """A workload's models in a process that holds nothing else."""

    models: int
    use: Use
    """As the matcher tells it."""
    resident: int
    """By how many bytes the process has grown."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """Half of the models are deleted, in no order."""

    each: Spread
    """Seconds for one of them."""
    longest: float
    """Seconds of the one in which all that are left were written anew."""
    use: Use
    """What is used for the other half."""


def learning_seconds(workload: Workload) -> float:
    """Seconds in the median for a C{learn} of a processor that has observed a model's events: it
    makes the name, too, and notes what the store does not have."""
    spelling = Spelling(workload.vocabulary)
    processor = Processor("p", matcher=best_matcher)
    taken = []
    with no_collector():
        for codes in islice((each for batch in workload.batches() for each in batch), _LEARNED):
            for event in spelling.events(codes, workload.width):
                processor.observe(Observation(strings=event))
            began = perf_counter()
            processor.learn()
            taken.append(perf_counter() - began)
    return median(taken)


def held(workload: Workload) -> Held:
    """Fill a matcher in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.match.learning"]
    asked = json.dumps([workload.name, workload.models])
    ended = subprocess.run(command, input=asked, capture_output=True, text=True, check=True)
    told = json.loads(ended.stdout)
    return Held(told["models"], Use(**told["use"]), told["resident"])


def _hold() -> None:
    """What L{held} runs: the workload is told on standard input, the answer on standard output."""
    name, models = json.load(sys.stdin)
    workload = BY_NAME[name].of(models)
    fill(best_matcher(), workload.of(min(models, _LEARNED)), lambda batch: None)
    before = _resident()
    matcher = best_matcher()
    fill(matcher, workload, lambda batch: None)
    grown = _resident() - before
    print(json.dumps(asdict(Held(len(matcher), _use(matcher), grown))))


def _use(matcher: Matcher) -> Use:
    use = matcher.memory()
    return Use(use.models + use.index + use.symbols, use.index)


def _resident() -> int:
    """Bytes of this process that are there, less those that were freed, where the C library can be
    told to give them back."""
    gc.collect()
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
    return int(psutil.Process().memory_info().rss)


def delete_half(matcher: Matcher) -> Deleted:
    """Delete half of what L{fill} added, in no order."""
    numbers = np.random.default_rng(1).permutation(len(matcher))[: len(matcher) // 2]
    names = list(map(name_of, numbers.tolist()))
    taken = []
    with no_collector():
        for name in names:
            began = perf_counter()
            matcher.remove(name)
            taken.append(perf_counter() - began)
    return Deleted(spread(taken), max(taken), _use(matcher))


if __name__ == "__main__":
    _hold()
