"""How large processors are: each of the largest by its name, all others together.

Whoever may make processors decides how many there are, so not all of them can have a name where
each name costs something for ever, as in a time series.
"""

from collections.abc import Iterable
from heapq import nlargest
from typing import NamedTuple

from kato.accuracy import Accuracy, Counts
from kato.engine import Processor

OTHERS = "(others)"
"""The name of all others together; no processor has it."""


class Size(NamedTuple):
    """What a processor holds: C{memory} is the bytes that its models take, C{unsaved} says whether
    something was observed that is not durable yet; C{accuracy} is C{None} where no event was held
    against a forecast."""

    processor: str
    models: int
    symbols: int
    memory: int
    events: int
    unsaved: int = 0
    accuracy: Accuracy | None = None
    vectors: int = 0

    @classmethod
    def of(cls, engine: Processor, *, unsaved: bool, before: "Size | None") -> "Size":
        """Measure an engine that nobody uses now.

        @param before: what it was; where no model has come or gone since, its bytes still hold.
        """
        start, end = engine.window
        models, symbols = engine.models, engine.symbols
        if before is not None and (before.models, before.symbols) == (models, symbols):
            memory = before.memory
        else:
            use = engine.memory
            memory = use.models + use.index + use.symbols
        return cls(
            engine.id,
            models,
            symbols,
            memory,
            end - start,
            unsaved,
            engine.accuracy,
            engine.vectors_held,
        )


def largest(sizes: Iterable[Size], most: int) -> list[Size]:
    """The largest C{most}, by name, and behind them what all others hold together, if there are
    any."""
    every = list(sizes)
    named = nlargest(most, every, key=_weight)
    if len(named) == len(every):
        return named
    names = {each.processor for each in named}
    rest = [each for each in every if each.processor not in names]
    return [
        *named,
        Size(
            OTHERS,
            models=sum(each.models for each in rest),
            symbols=sum(each.symbols for each in rest),
            memory=sum(each.memory for each in rest),
            events=sum(each.events for each in rest),
            unsaved=sum(each.unsaved for each in rest),
            vectors=sum(each.vectors for each in rest),
            accuracy=_all([each.accuracy.total for each in rest if each.accuracy is not None]),
        ),
    ]


def _all(counts: list[Counts]) -> Accuracy | None:
    """What became of the events of several processors; of which the latest are not known."""
    if not counts:
        return None
    return Accuracy(Counts(*map(sum, zip(*counts, strict=True))))


def _weight(size: Size) -> tuple[int, int, str]:
    return size.memory, size.events, size.processor
