"""Times of one provider on one workload, question by question."""

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha1
from statistics import median, quantiles
from time import perf_counter

import numpy as np

from benchmarks.match.workloads import Codes, Question, Spelling, Workload
from kato.engine.matching import Matcher, Ranking
from kato.model import PREFIX

MOST = 100
"""How many predictions are shown, which is the gene's default."""
_FLUSH = np.zeros(2**25)
"""256 MiB: more than the caches nearest to a core hold; the machine's last level is larger, but
shared with others."""


@dataclass(frozen=True)
class Times:
    """Seconds for one question, each the median over states of which no two are the same."""

    kept: float
    """How many models are kept."""
    best: float
    """The best, ranked; nothing of them is built."""
    high: float
    """Nine of ten take no longer than this."""
    cold: float
    """With caches that hold something else."""
    json: float
    """The best, with the JSON of all of them."""
    dicts: float
    """The best, with dicts of all of them."""
    forecast: float


def fill(matcher: Matcher, workload: Workload, seen: Callable[[list[Codes]], None]) -> float:
    """Add all models; gives the seconds that took for each.

    @param seen: is shown the models, too.
    """
    spelling = Spelling(workload.vocabulary)
    taken, number = 0.0, 0
    for batch in workload.batches():
        seen(batch)
        events = {spelling.events(each, workload.width): None for each in batch}
        fresh = [each for each in events if matcher.find(each) is None]
        names = [PREFIX + sha1(b"%d" % (number + i)).hexdigest() for i in range(len(fresh))]
        number += len(fresh)
        began = perf_counter()
        for name, each in zip(names, fresh, strict=True):
            matcher.add(name, each, 1)
        taken += perf_counter() - began
    return taken / number


def measure(
    matcher: Matcher, workload: Workload, question: Question, count: int, cold: int
) -> Times:
    """Ask about C{count} states, and about some of them again after others filled the caches."""
    spelling = Spelling(workload.vocabulary)
    states = list(map(spelling.state, workload.states(question, count)))
    few = states[: max(3, count // 10)]
    gc.collect()
    gc.disable()
    try:
        for state in few:
            _best(matcher, state, question)
        taken = _times(lambda state: _best(matcher, state, question), states)
        return Times(
            kept=median(len(matcher.kept(state, question.threshold)) for state in few),
            best=median(taken),
            high=quantiles(taken, n=10)[-1],
            cold=median(
                _times(lambda state: _best(matcher, state, question), states[:cold], _flush)
            )
            if cold
            else float("nan"),
            json=median(_times(lambda state: _json(_best(matcher, state, question)), few)),
            dicts=median(_times(lambda state: _dicts(_best(matcher, state, question)), few)),
            forecast=median(
                _times(lambda state: matcher.kept(state, question.threshold).forecast(10), few)
            ),
        )
    finally:
        gc.enable()


def _best(matcher: Matcher, state: Sequence[str], question: Question) -> Ranking:
    return matcher.kept(state, question.threshold).best("potential", MOST)


def _json(ranking: Ranking) -> list[bytes]:
    return list(map(ranking.json, range(len(ranking))))


def _dicts(ranking: Ranking) -> list[object]:
    return list(map(ranking.told, range(len(ranking))))


def _times(
    ask: Callable[[Sequence[str]], object],
    states: Sequence[Sequence[str]],
    before: Callable[[], None] | None = None,
) -> list[float]:
    taken = []
    for state in states:
        if before is not None:
            before()
        began = perf_counter()
        ask(state)
        taken.append(perf_counter() - began)
    return taken


def _flush() -> None:
    global _FLUSH  # noqa: PLW0603
    _FLUSH += 1


def assert_same(ours: Matcher, theirs: Matcher, workload: Workload) -> None:
    """See that two providers give the same answers, before anybody compares their times."""
    spelling = Spelling(workload.vocabulary)
    for question in workload.questions:
        for codes in workload.states(question, 2):
            state = spelling.state(codes)
            first, second = (_best(each, state, question) for each in (ours, theirs))
            if _dicts(first) != _dicts(second):
                raise SystemExit(f"{workload.name}: the providers differ")
