"""How the time of a question grows from a thousand models to a million."""

from collections.abc import Iterator, Sequence

from benchmarks.match.measure import fill, measure_best
from benchmarks.match.rivals import SAMPLED, Rapidfuzz, difflib_seconds
from benchmarks.match.workloads import BY_NAME, Codes, Workload
from kato.engine.matchers import best_provider, provider

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
_PYTHON_MOST = 100_000
"""With more models the provider in Python is not asked."""

Points = list[tuple[int, float]]
"""Models, and seconds."""


def scale(sizes: Sequence[int]) -> Iterator[tuple[str, int, float]]:
    """The seconds that a question of W3 takes with so many models, by who is asked."""
    for size in sizes:
        for name, seconds in _measured(BY_NAME["W3"].of(size)):
            yield name, size, seconds


def _measured(workload: Workload) -> Iterator[tuple[str, float]]:
    sample: list[Codes] = []
    texts = Rapidfuzz()

    def seen(batch: list[Codes]) -> None:
        sample.extend(batch[: SAMPLED - len(sample)])
        texts.add(batch)

    matcher = best_provider().make()
    fill(matcher, workload, seen)
    low, high = workload.questions
    states = workload.states(low, 3)
    yield "difflib", difflib_seconds(sample, workload, low.threshold, states).ranked
    if workload.models <= _PYTHON_MOST:
        python = provider("python", "it is measured").make()
        fill(python, workload, lambda batch: None)
        yield "python 0.1", measure_best(python, workload, low, 5)
    yield "rapidfuzz", texts.seconds(states, low.threshold)
    yield "native 0.1", measure_best(matcher, workload, low, 40)
    yield "native 0.5", measure_best(matcher, workload, high, 40)
