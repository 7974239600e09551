"""What was measured, as tables in Markdown."""

from collections.abc import Callable, Iterator, Sequence

from benchmarks.match.pair import GOAL, Pair
from benchmarks.match.rivals import SAMPLED
from benchmarks.match.timing import Spread, flushed_bytes, told
from benchmarks.match.trial import Asked, Learned
from benchmarks.match.workloads import Question, Workload

Row = Sequence[str]

_DIGEST = 20
"""Bytes that the name of a model cannot do without; the goal is set for models without names."""
_MANY = 90_000
"""The growth of a process tells of its models where they are so many; with fewer, Python's own ups
and downs are as large."""


def questions(asked: Sequence[tuple[Workload, Asked]]) -> str:
    """The times of the best provider."""
    head = (
        *("workload", "state", "threshold", "kept", "best", "quartiles", "p99", "goal"),
        *("cold", "all as JSON", "all as dicts", "forecast"),
    )
    rows = [
        (*_question(workload, each.question), *_times(each), *_ways(each))
        for workload, each in asked
    ]
    return f"{_table(head, rows)}\n\n{_QUESTIONS}"


_QUESTIONS = f"""best: found, ranked, and nothing built; the median over states of which no two
are the same, in one thread, which is not bound to a core. cold: the median where
{flushed_bytes() >> 20} MiB were written before each question. JSON, dicts: the best, and all 100 of
them built. forecast: ten entries."""


def _question(workload: Workload, question: Question) -> Row:
    return workload.name, f"{question.state}", f"{question.threshold}"


def _times(asked: Asked) -> Row:
    times, goal = asked.times, asked.question.goal
    return (
        f"{times.kept:,.0f}",
        told(times.best.median),
        _between(times.best),
        told(times.best.p99),
        "" if goal is None else _goal(times.best.median, goal, told),
    )


def _ways(asked: Asked) -> Row:
    times = asked.times
    return (
        told(times.cold.median),
        told(times.json),
        told(times.dicts),
        told(times.forecast),
    )


def _between(seconds: Spread) -> str:
    return f"{told(seconds.low)} to {told(seconds.high)}"


def _met(is_met: bool) -> str:
    return "met" if is_met else "not met"


def rivals(asked: Sequence[tuple[Workload, Asked]]) -> str:
    """The times of all others, and how many times longer they are."""
    head = (
        *("workload", "state", "threshold", "best", "Python provider"),
        *("difflib", "its blocks alone", "with one matcher", "rapidfuzz"),
    )
    rows = [(*_question(workload, each.question), *_beside(each)) for workload, each in asked]
    return f"{_table(head, rows)}\n\n{_RIVALS}"


_RIVALS = f"""In brackets: how many times as long as best, and the goal. Python provider: the same
answer. difflib: the same answer, too, by the blocks of every model as SPEC 3 writes them, and the
potential of those that are kept, timed over {SAMPLED:,} of them and scaled; its blocks alone:
without the potentials; one matcher: these with the state looked at once. rapidfuzz: the similarity
by the longest common subsequence of every model, in one call, with the threshold as its cutoff; it
ranks nothing."""


def _beside(asked: Asked) -> Row:
    ours, goals = asked.times.best.median, asked.question.times
    return (
        told(ours),
        _rival(asked.python, ours, None),
        _rival(asked.difflib.ranked, ours, goals[0]),
        _rival(asked.difflib.anew, ours, None),
        _rival(asked.difflib.reused, ours, None),
        _rival(asked.rapidfuzz, ours, goals[1]),
    )


def _rival(seconds: float, ours: float, goal: float | None) -> str:
    wanted = "" if goal is None else f"; {goal:,.0f}: {_met(seconds / ours >= goal)}"
    return f"{told(seconds)} ({seconds / ours:,.0f}{wanted})"


def learning(learned: Sequence[tuple[Workload, Learned]]) -> str:
    """What it costs to learn, to hold and to delete."""
    head = (
        *("workload", "matcher.add", "goal", "processor.learn"),
        *("bytes a model", "of them index", "goal", "RSS a model"),
        *("matcher.remove", "the longest", "bytes then"),
    )
    rows = [(workload.name, *_cost(workload, each)) for workload, each in learned]
    return f"{_table(head, rows)}\n\n{_LEARNING}"


_LEARNING = """matcher.add: the mean over all models, whose names and sequences are known.
processor.learn: the median for a processor that has observed the events; it makes the name of the
model, too. bytes: with names and symbols, as the matcher tells them; the goal is meant without
names, so 20 bytes, the least that one takes, are left out of account. RSS: by how much a fresh
process grows, if the models are many. matcher.remove: the median while half of the models are
deleted in no order; the longest: the one in which all that is left was written anew; then: what is
held after it, as a part of what was held before."""


def _cost(workload: Workload, learned: Learned) -> Iterator[str]:
    use, models = learned.held.use, learned.held.models
    yield told(learned.add)
    yield "" if workload.add_goal is None else _goal(learned.add, workload.add_goal, told)
    yield told(learned.learn)
    yield f"{use.total / models:,.0f}"
    yield f"{use.index / models:,.0f}"
    goal = workload.bytes_goal
    yield "" if goal is None else _goal(use.total / models - _DIGEST, goal, "{:.0f}".format)
    yield f"{learned.held.resident / models:,.0f}" if models >= _MANY else ""
    yield told(learned.deleted.each.median)
    yield told(learned.deleted.longest)
    yield f"{learned.deleted.use.total / use.total:.0%}"


def _goal(value: float, most: float, write: Callable[[float], str]) -> str:
    return f"{write(most)}: {_met(value <= most)}"


def pair(found: Pair) -> str:
    """Two threads beside one."""
    return (
        f"Two processors that predict at the same time: {found.ratio:.2f} times the throughput of "
        f"one ({found.lowest:.2f} to {found.highest:.2f} in single rounds); goal {GOAL}: "
        f"{_met(found.ratio >= GOAL)}. Two threads that only compute digests reach "
        f"{found.digests:.2f} times one here and now. A prediction alone takes {told(found.one)}."
    )


def workloads(chosen: Sequence[Workload]) -> str:
    """What is measured."""
    rows = [(each.name, f"{each.models:,}", each.about) for each in chosen]
    return _table(("workload", "models", "of"), rows)


def _table(head: Row, rows: Sequence[Row]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
