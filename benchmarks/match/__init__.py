"""C{python -m benchmarks match}: questions to up to a million models, beside difflib, rapidfuzz and
the provider in Python; what learning costs; two processors at a time; and a picture of how it
scales."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.match import report
from benchmarks.match.pair import measure_pair
from benchmarks.match.plot import draw
from benchmarks.match.scaling import SIZES, Points, scale
from benchmarks.match.timing import told
from benchmarks.match.trial import Asked, Learned, Trial, effort
from benchmarks.match.workloads import BY_NAME, WORKLOADS, Workload
from kato.engine.matchers import best_provider

PICTURE = Path(__file__).parents[1] / "match.png"
_QUICK_MODELS = 20_000
_QUICK_SIZES = SIZES[:3]


def main(arguments: Sequence[str] = ()) -> None:
    """Measure what is asked for, and print it in Markdown."""
    options = _parser().parse_args(arguments)
    best = best_provider()
    if best.kind != "native":
        _say(f"Python is measured in the kernel's place: {best.why}")
    everything = not (options.workloads or options.pair or options.plot)
    if everything or options.workloads:
        _workloads(options.workloads or WORKLOADS, options.quick or best.kind != "native")
    if everything or options.pair:
        _say("two processors")
        print(f"\n{report.pair(measure_pair())}", flush=True)
    if options.plot or (everything and not options.quick):
        _plot(_QUICK_SIZES if options.quick else SIZES, options.picture)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks match", description="Measures matching; all of it, or parts."
    )
    parser.add_argument(
        *("workloads",), nargs="*", type=_named, metavar="WORKLOAD", help=f"of {', '.join(BY_NAME)}"
    )
    parser.add_argument("--quick", action="store_true", help="in a minute: fewer models and states")
    parser.add_argument("--pair", action="store_true", help="two processors in two threads")
    parser.add_argument("--plot", action="store_true", help="how it scales, as a picture")
    parser.add_argument(
        "--picture", type=Path, default=PICTURE, help=f"its file; else benchmarks/{PICTURE.name}"
    )
    return parser


def _named(name: str) -> Workload:
    if name not in BY_NAME:
        raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(BY_NAME)}")
    return BY_NAME[name]


def _workloads(chosen: Sequence[Workload], quick: bool) -> None:
    """Measure some workloads, and print three tables."""
    if quick:
        chosen = [each.of(min(each.models, _QUICK_MODELS)) for each in chosen]
    asked: list[tuple[Workload, Asked]] = []
    learned: list[tuple[Workload, Learned]] = []
    for workload in chosen:
        _say(f"{workload.name}, {workload.models:,} models")
        trial = Trial(workload, effort(workload, quick))
        asked += [(workload, each) for each in trial.ask()]
        learned.append((workload, trial.learn()))
    print(
        *(report.workloads(chosen), report.questions(asked)),
        *(report.rivals(asked), report.learning(learned)),
        sep="\n\n",
        flush=True,
    )


def _plot(sizes: Sequence[int], path: Path) -> None:
    points: dict[str, Points] = {}
    for name, models, seconds in scale(sizes):
        points.setdefault(name, []).append((models, seconds))
        _say(f"{models:,} models, {name}: {told(seconds)}")
    draw(points, path)
    print(f"\n{path.name} is drawn", flush=True)


def _say(what: str) -> None:
    """Tell what is going on, beside what is printed."""
    print(what, file=sys.stderr, flush=True)
