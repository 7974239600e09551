"""C{python -m benchmarks vectors}: how long it takes to find the nearest of many vectors, by NumPy
and, where there is one, on a GPU."""

from statistics import median
from time import perf_counter

import numpy as np

from kato.engine.arrays import KINDS, Arrays, NoArrays, provider
from kato.engine.vectors import VectorMemory
from kato.genes import Genes

SIZES = ((1_000, 64), (10_000, 64), (10_000, 384), (100_000, 128), (300_000, 384))
"""How many vectors, and of how many components."""

QUESTIONS = 30


def main() -> None:
    """Print a table, and from how many components on a GPU wins."""
    providers = list(_there_are())
    print("milliseconds to classify a vector, median of", QUESTIONS)
    print(f"{'vectors':>10} {'components':>11}", *(f"{each.kind:>10}" for each in providers))
    won = None
    for count, dimension in SIZES:
        taken = [_measured(each, count, dimension) for each in providers]
        if won is None and len(taken) > 1 and taken[1] < taken[0]:
            won = count * dimension
        print(f"{count:>10,} {dimension:>11}", *(f"{each * 1e3:>10.3f}" for each in taken))
    if len(providers) > 1:
        print("a GPU wins from", "more than all of these" if won is None else f"{won:,} components")


def _there_are() -> list[Arrays]:
    found = []
    for kind in KINDS:
        try:
            found.append(provider(kind)._replace(least=0))
        except NoArrays as error:
            print(f"{kind}: {error}")
    return found


def _measured(arrays: Arrays, count: int, dimension: int) -> float:
    """Seconds that one question takes."""
    random = np.random.default_rng(count)
    memory = VectorMemory(arrays)
    for row in random.normal(size=(count, dimension)).tolist():
        memory.observe(tuple(row))
    memory.learn()
    genes = Genes()
    seconds = []
    for row in random.normal(size=(QUESTIONS + 1, dimension)).tolist():
        began = perf_counter()
        memory.classify(tuple(row), genes)
        seconds.append(perf_counter() - began)
    return median(seconds[1:])
