"""Suggest the next step of a purchase, from how earlier purchases went.

Needs a running server; docs/examples/next-step.md tells the story::

    ./kato-manager.sh start
    .venv/bin/pip install '.[examples]'
    .venv/bin/python examples/next_step.py

Each purchase is learned as a sequence of steps, with an emotive: how many days it took in all.  Of
one that is under way, the forecast says which step comes next, and the emotives of the predictions
say how long it took with this step, and how long with that.

The purchases are made up, by the function C{purchase} below.
"""

import argparse
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from random import Random

from kato.client import Client, KatoError, NoAnswer, Observation, Prediction, Processor

Step = tuple[str, ...]
"""What is observed of a step: its name, and of the first one what the purchase is like."""

Way = Callable[[Sequence[Step]], Step | None]
"""A way to guess: it is given all steps until now, and says the next one."""


@dataclass(frozen=True, slots=True)
class Purchase:
    """A purchase from its order to its end, and how many days it took."""

    steps: Sequence[Step]
    days: int


def purchase(chance: Random) -> Purchase:
    """Make up a purchase.

    What is large is approved twice and audited, and suppliers who are new are checked.  Goods may
    come late: then somebody reminds the supplier, which helps, or waits.
    """
    large, new, late, wrong = (chance.random() < share for share in (0.3, 0.25, 0.35, 0.2))
    remind = late and chance.random() < 0.4
    arrival = ["goods", "invoice"] if chance.random() < 0.7 else ["invoice", "goods"]
    names = [
        *(["check supplier"] if new else []),
        *(["approve", "approve again"] if large else ["approve"]),
        "send order",
        *([("remind supplier" if remind else "wait")] if late else []),
        *arrival,
        *(["ask about invoice", "new invoice"] if wrong else []),
        *(["pay", "audit"] if large else ["pay"]),
        "close",
    ]
    days = 6 + 4 * new + 5 * large + 3 * wrong + (4 if remind else 15 if late else 0)
    order = ("large" if large else "small", "new supplier" if new else "known supplier", "order")
    return Purchase(
        [tuple(sorted(order)), *((name,) for name in names)], days + chance.randrange(4)
    )


def learn(p: Processor, every: Sequence[Purchase]) -> None:
    """Learn each purchase, with how long it took."""
    for each in every:
        steps = [Observation(step) for step in each.steps]
        taken = Observation(emotives={"days": each.days})
        p.observe_sequence([*steps, taken], learn_at_end=True, brief=True)


class After:
    """Guesses what mostly came after the same last steps."""

    def __init__(self, every: Sequence[Purchase], count: int) -> None:
        """@param count: how many steps must be the same."""
        self._count = count
        self._seen: dict[Sequence[Step], Counter[Step]] = defaultdict(Counter)
        for each in every:
            for place in range(1, len(each.steps)):
                self._seen[self._last(each.steps[:place])][each.steps[place]] += 1

    def _last(self, steps: Sequence[Step]) -> Sequence[Step]:
        return tuple(steps[-self._count :]) if self._count else ()

    def __call__(self, steps: Sequence[Step]) -> Step | None:
        """The step that mostly came next, or nothing where there was none."""
        seen = self._seen[self._last(steps)]
        return max(sorted(seen), key=seen.__getitem__, default=None)


def judge(p: Processor, ways: Mapping[str, Way], every: Sequence[Purchase]) -> None:
    """Guess each step but the first of each purchase, and tell how often that was right."""
    right: Counter[str] = Counter()
    guesses = sum(len(each.steps) - 1 for each in every)
    for each in every:
        for place, step in enumerate(each.steps[1:], 1):
            p.observe(each.steps[place - 1], brief=True)
            forecast = [tuple(expected.event) for expected in p.forecast(limit=2)]
            right["KATO's forecast"] += forecast[:1] == [step]
            right["one of its first two"] += step in forecast
            for name, way in ways.items():
                right[name] += way(each.steps[:place]) == step
        p.clear_short_term_memory()
    print(f"Right on {guesses} steps of {len(every)} other purchases:")
    for name, count in right.items():
        print(f"  {count / guesses:6.1%}  {name}")


def next_of(each: Prediction) -> Step:
    """The step that a known purchase had next; empty where it was over."""
    return tuple(each.future[0]) if each.future else ()


def suggest(p: Processor, steps: Sequence[Step]) -> None:
    """Tell what may come next, and how many days such purchases took with it."""
    p.observe_sequence(steps, brief=True)
    print(f"\nAfter {', '.join(' '.join(step) for step in steps)}:")
    so_far = {symbol for step in steps for symbol in step}
    alike = [each for each in p.predictions() if so_far <= set(each.matches)]
    for expected in p.forecast():
        went = [each for each in alike if next_of(each) == tuple(expected.event)]
        if went:
            times = sum(each.frequency for each in went)
            days = fsum(each.frequency * each.emotives["days"] for each in went) / times
            share, name = f"{expected.share:4.0%}", expected.event[0]
            print(f"  {share}  {name:<16} {times:3} times, {days:4.1f} days")
    p.clear_short_term_memory()


def main() -> None:
    """Learn purchases, and suggest steps of others."""
    parser = argparse.ArgumentParser(description="Suggest the next step of a purchase.")
    parser.add_argument("--url", default="http://localhost:8000")
    parser.add_argument("--processor", default="example-purchases", help="is made to forget first")
    parser.add_argument("--limit", type=int, default=500, help="how many purchases there are")
    arguments = parser.parse_args()
    chance = Random(3)
    every = [purchase(chance) for _ in range(arguments.limit)]
    known, others = every[: -arguments.limit // 5], every[-arguments.limit // 5 :]
    ways = {
        "after all the same steps": After(known, 99),
        "after the same two steps": After(known, 2),
        "after the same step": After(known, 1),
        "the most common step": After(known, 0),
    }
    with Client(arguments.url, key=os.environ.get("KATO_API_KEY")) as kato:
        p = kato.processor(arguments.processor)
        p.create({"recall_threshold": 0.1})
        p.clear_all_memory()
        learn(p, known)
        print(f"Learned {len(known)} purchases, which went {p.status().models} ways.\n")
        judge(p, ways, others)
        start = ("known supplier", "order", "small")
        suggest(p, [start, ("approve",), ("send order",)])
        suggest(p, [start, ("approve",), ("send order",), ("wait",)])


if __name__ == "__main__":
    try:
        main()
    except NoAnswer as error:
        raise SystemExit(f"{error} (a server is started by ./kato-manager.sh start)") from None
    except KatoError as error:
        raise SystemExit(f"{error.error_code}: {error}") from None
