"""Numbers as they were read off the parts at one moment."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from kato.counting import Histogram
from kato.metrics.table import TABLE, Metric


class Distribution(NamedTuple):
    """A histogram at one moment: how many were not above each bound, and the sum of all."""

    up_to: list[tuple[float, int]]
    sum: float


@dataclass(frozen=True, slots=True)
class Reading:
    """The value of a metric, with those of its labels."""

    labels: tuple[str, ...]
    value: float | Distribution


class Readings:
    """What was read so far, by metric: values alone, which nobody changes any more."""

    def __init__(self) -> None:
        self._read: dict[str, list[Reading]] = {}

    def take(self, name: str, value: float | Histogram, *labels: str) -> None:
        """Take a number.

        @param labels: the values of the metric's labels, in the order of the table.
        """
        metric = TABLE[name]
        assert len(labels) == len(metric.labels), f"{name} has labels {metric.labels}"
        if isinstance(value, Histogram):
            reading = Reading(labels, Distribution(value.up_to(), value.sum))
        else:
            reading = Reading(labels, value)
        self._read.setdefault(name, []).append(reading)

    def __iter__(self) -> Iterator[tuple[Metric, list[Reading]]]:
        """The metrics that were read, in the order of the table."""
        return ((metric, self._read[name]) for name, metric in TABLE.items() if name in self._read)
