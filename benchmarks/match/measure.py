"""Times of one provider on one workload, question by question."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha1
from statistics import median
from time import perf_counter

from benchmarks.match.timing import Spread, no_collector, spread, timed, timed_cold
from benchmarks.match.workloads import Codes, Question, Spelling, Workload
from kato.engine.matching import Matcher, Ranking
from kato.model import PREFIX

MOST = 100
"""How many predictions are shown, which is the gene's default."""

State = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds for one question, over states of which no two are the same."""

    kept: float
    """How many models are kept, in the median."""
    best: Spread
    """The best, ranked; nothing of them is built."""
    json: float
    """The best, with the JSON of all of them,"""
    dicts: float
    """or with their dicts."""
    forecast: float
    """Ten entries, without the best."""
    cold: Spread
    """The best, with caches that hold something else."""


def fill(matcher: Matcher, workload: Workload, seen: Callable[[list[Codes]], None]) -> float:
    """Add all models; gives the seconds that took for each.

    @param seen: is shown the models, too.
    """
    spelling = Spelling(workload.vocabulary)
    taken = 0.0
    for batch, frequencies in zip(workload.batches(), workload.frequencies(), strict=True):
        seen(batch)
        events = {spelling.events(codes, workload.width): None for codes in batch}
        fresh = [each for each in events if matcher.find(each) is None]
        names = [name_of(len(matcher) + i) for i in range(len(fresh))]
        with no_collector():
            began = perf_counter()
            for name, each, frequency in zip(names, fresh, frequencies, strict=False):
                matcher.add(name, each, frequency)
            taken += perf_counter() - began
    return taken / len(matcher)


def name_of(number: int) -> str:
    """The name of a model, by the order in which they are added.  It is like those of the engine,
    which come from the sequence, at less cost."""
    return PREFIX + sha1(b"%d" % number).hexdigest()


def measure(
    matcher: Matcher, workload: Workload, question: Question, count: int, cold: int
) -> Times:
    """Ask about C{count} states in turn, in every way; then about C{cold} of them with cold
    caches.  Before each way, some others are asked about that do not count."""
    warming, states = _states(workload, question, count)

    def asked(ask: Callable[[State], object]) -> list[float]:
        timed(ask, warming)
        return timed(ask, states)

    with no_collector():
        return Times(
            kept=median(len(matcher.kept(state, question.threshold)) for state in states[:30]),
            best=spread(asked(lambda state: best(matcher, state, question))),
            json=median(asked(lambda state: jsons(best(matcher, state, question)))),
            dicts=median(asked(lambda state: dicts(best(matcher, state, question)))),
            forecast=median(
                asked(lambda state: matcher.kept(state, question.threshold).forecast(10))
            ),
            cold=spread(timed_cold(lambda state: best(matcher, state, question), states[:cold])),
        )


def measure_best(matcher: Matcher, workload: Workload, question: Question, count: int) -> float:
    """Seconds in the median for the best alone, as L{measure} times them."""
    warming, states = _states(workload, question, count)
    with no_collector():
        timed(lambda state: best(matcher, state, question), warming)
        return median(timed(lambda state: best(matcher, state, question), states))


def _states(workload: Workload, question: Question, count: int) -> tuple[list[State], list[State]]:
    """Some states to warm up with, and those that are timed."""
    spelling = Spelling(workload.vocabulary)
    warming = max(count // 10, 1)
    states = list(map(spelling.state, workload.states(question, warming + count)))
    return states[:warming], states[warming:]


def best(matcher: Matcher, state: Sequence[str], question: Question) -> Ranking:
    """The best, of which nothing is built."""
    return matcher.kept(state, question.threshold).best("potential", MOST)


def jsons(ranking: Ranking) -> list[bytes]:
    """All of a ranking as JSON."""
    return list(map(ranking.json, range(len(ranking))))


def dicts(ranking: Ranking) -> list[dict[str, object]]:
    """All of a ranking as dicts."""
    return list(map(ranking.told, range(len(ranking))))
