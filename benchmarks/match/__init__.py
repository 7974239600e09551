"""C{python -m benchmarks match}: questions to up to a million models, beside difflib, rapidfuzz and
the provider in Python."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.match.measure import Times, assert_same, fill, measure
from benchmarks.match.pair import ratio
from benchmarks.match.plot import Points, draw
from benchmarks.match.rivals import SAMPLED, Rapidfuzz, difflib_seconds
from benchmarks.match.workloads import WORKLOADS, Codes, Question, Workload
from kato.engine.matchers import provider
from kato.engine.matching import Matcher

PYTHON_MODELS = 100_000
"""The provider in Python is asked up to so many models."""
PICTURE = Path(__file__).parents[1] / "match.png"
_SIZES = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)


def main(arguments: Sequence[str] = ()) -> None:
    """Measure what is asked for, and print it as tables in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks match", description=__doc__)
    parser.add_argument("workloads", nargs="*", help="W1 to W5, WX; all, if none is named")
    parser.add_argument("--quick", action="store_true", help="a tenth of the models and questions")
    parser.add_argument("--pair", action="store_true", help="two processors in two threads")
    parser.add_argument("--plot", action="store_true", help=f"scaling, drawn as {PICTURE.name}")
    options = parser.parse_args(arguments)
    chosen = [each for each in WORKLOADS if each.name in (options.workloads or [each.name])]
    if not (options.pair or options.plot) or options.workloads:
        print(_HEAD)
        for workload in chosen:
            for row in _rows(_smaller(workload) if options.quick else workload):
                print(row, flush=True)
        print(_FOOT)
    if options.pair:
        middle, low, high = ratio()
        print(f"two processors in two threads: {middle:.2f} times one ({low:.2f} to {high:.2f})")
    if options.plot:
        _plot(_SIZES[:4] if options.quick else _SIZES)


_HEAD = (
    "| workload | state, threshold | kept | best | goal | p90 | cold | with JSON | with dicts"
    " | forecast | Python | difflib | difflib, one matcher | rapidfuzz |\n" + "|---" * 14 + "|"
)
_FOOT = f"""
best: ranked, results lazy; median over states of which no two are the same, and p90. cold: after
256 MiB were written. Python: the other provider, the same answer. difflib: blocks and ratio of
every model as SPEC 3 writes it, timed over {SAMPLED:,} and scaled; one matcher: the state is looked
at once. rapidfuzz: the similarity by the longest common subsequence of every model, on texts. In
brackets how many times longer than best."""


def _smaller(workload: Workload) -> Workload:
    return Workload(**{**vars(workload), "models": max(workload.models // 10, 100)})


def _rows(workload: Workload) -> list[str]:
    """One row for each question, and one of what learning costs."""
    sample: list[Codes] = []
    texts = Rapidfuzz()

    def seen(batch: list[Codes]) -> None:
        sample.extend(batch[: max(SAMPLED - len(sample), 0)])
        texts.add(batch)

    matcher = provider("native", "it is measured").make()
    learning = fill(matcher, workload, seen)
    slow = _python(workload, matcher)
    rows = []
    for question in workload.questions:
        count = 300 if workload.models <= PYTHON_MODELS else 40
        times = measure(matcher, workload, question, count, 15)
        states = workload.states(question, 3)
        python = measure(slow, workload, question, 5, 0).best if slow else None
        rows.append(
            _row(
                workload,
                question,
                times,
                python,
                difflib_seconds(sample, workload.models, states),
                texts.seconds(states, question.threshold),
            )
        )
    use, models = matcher.memory(), len(matcher)
    told = f"| {workload.name}: {workload.about} | learned in {learning * 1e6:.1f} µs a model,"
    told += f" {use.models / models:.0f} bytes with its name, {use.index / models:.0f} of index"
    return [*rows, told + " |" * 13]


def _python(workload: Workload, native: Matcher) -> Matcher | None:
    if workload.models > PYTHON_MODELS:
        return None
    matcher = provider("python", "it is measured").make()
    fill(matcher, workload, lambda _: None)
    assert_same(native, matcher, workload)
    return matcher


def _row(
    workload: Workload,
    question: Question,
    times: Times,
    python: float | None,
    difflib: tuple[float, float],
    rapidfuzz: float,
) -> str:
    cells = [
        workload.name,
        f"{question.state}, {question.threshold}",
        f"{times.kept:,.0f}",
        _told(times.best),
        ""
        if question.goal is None
        else f"{_told(question.goal)} {_met(times.best, question.goal)}",
        _told(times.high),
        _told(times.cold),
        _told(times.json),
        _told(times.dicts),
        _told(times.forecast),
        "" if python is None else f"{_told(python)} ({python / times.best:,.0f}x)",
        _rival(difflib[0], times.best, question.times[0]),
        _rival(difflib[1], times.best, None),
        _rival(rapidfuzz, times.best, question.times[1]),
    ]
    return "| " + " | ".join(cells) + " |"


def _rival(seconds: float, ours: float, goal: float | None) -> str:
    wanted = "" if goal is None else f", goal {goal:,.0f} {_met(goal, seconds / ours)}"
    return f"{_told(seconds)} ({seconds / ours:,.0f}x{wanted})"


def _met(value: float, limit: float) -> str:
    return "met" if value <= limit else "NOT MET"


def _told(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.3g} s"
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} µs"


def _plot(sizes: Sequence[int]) -> None:
    """Measure W3's world at several sizes, and draw it."""
    [world] = [each for each in WORKLOADS if each.name == "W3"]
    points: dict[str, list[tuple[int, float]]] = {}
    for size in sizes:
        workload = Workload(**{**vars(world), "models": size})
        for name, seconds in _scaled(workload):
            points.setdefault(name, []).append((size, seconds))
            print(f"{size:>9,} {name:30} {_told(seconds)}", flush=True)
    drawn: dict[str, Points] = {**points}
    draw(drawn, PICTURE, "Vocabulary 50,000 (Zipf 1.1), states of 20 symbols; one thread")


def _scaled(workload: Workload) -> list[tuple[str, float]]:
    sample: list[Codes] = []
    texts = Rapidfuzz()

    def seen(batch: list[Codes]) -> None:
        sample.extend(batch[: max(SAMPLED - len(sample), 0)])
        texts.add(batch)

    matcher = provider("native", "it is measured").make()
    fill(matcher, workload, seen)
    low, high = workload.questions
    states = workload.states(low, 3)
    found = [
        ("difflib, all models", difflib_seconds(sample, workload.models, states)[0]),
        ("rapidfuzz, all models", texts.seconds(states, low.threshold)),
        ("KATO, native, threshold 0.1", measure(matcher, workload, low, 30, 0).best),
        ("KATO, native, threshold 0.5", measure(matcher, workload, high, 30, 0).best),
    ]
    slow = _python(workload, matcher)
    if slow is not None:
        seconds = measure(slow, workload, low, 5, 0).best
        found.append(("KATO, Python, threshold 0.1", seconds))
    return found
