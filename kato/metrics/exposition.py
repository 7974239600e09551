"""Readings as Prometheus wants them."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.core import (
    Metric as Family,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.utils import floatToGoString
from twisted.internet.defer import Deferred

from kato.metrics.readings import Distribution, Reading, Readings
from kato.metrics.table import Kind, Metric
from kato.threads import InThread


def make_registry() -> CollectorRegistry:
    """A registry of one's own, with what the client library knows of a process."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return registry


class Exposition:
    """Writes what is to be told: read on the reactor, written in a thread."""

    def __init__(
        self,
        read: Callable[[Readings], None],
        *,
        registry: CollectorRegistry,
        in_thread: InThread,
    ) -> None:
        """
        @param read: takes all readings.
        @param registry: collectors beside them, which any thread may ask.
        """
        self._read = read
        self._registry = registry
        self._in_thread = in_thread

    def write(self, accept: bytes) -> "Deferred[tuple[bytes, bytes]]":
        """The type of what is told, and all of it: OpenMetrics or Prometheus' own text.

        @param accept: which types the client takes, as C{Accept} of HTTP writes it.
        """
        readings = Readings()
        self._read(readings)
        return self._in_thread(partial(_written, readings, self._registry, accept))


class _Both:
    """What is collected when readings are written: they, and what a registry has."""

    def __init__(self, readings: Readings, registry: CollectorRegistry) -> None:
        self._readings = readings
        self._registry = registry

    def collect(self) -> Iterator[Family]:
        """All families of metrics."""
        for metric, read in self._readings:
            yield _family(metric, read)
        yield from self._registry.collect()


def _written(readings: Readings, registry: CollectorRegistry, accept: bytes) -> tuple[bytes, bytes]:
    encode, content_type = choose_encoder(accept.decode("latin-1"))
    both: Any = _Both(readings, registry)  # of a registry the encoders only want to collect
    return content_type.encode("ascii"), encode(both)


def _family(metric: Metric, read: list[Reading]) -> Any:
    make = _FAMILIES[metric.kind]
    family: Any = make(metric.name, metric.meaning, labels=metric.labels)
    for each in read:
        if isinstance(each.value, Distribution):
            buckets = [(floatToGoString(bound), count) for bound, count in each.value.up_to]
            family.add_metric(each.labels, buckets=buckets, sum_value=each.value.sum)
        else:
            family.add_metric(each.labels, each.value)
    return family


_FAMILIES: dict[Kind, Any] = {
    Kind.COUNTER: CounterMetricFamily,
    Kind.GAUGE: GaugeMetricFamily,
    Kind.HISTOGRAM: HistogramMetricFamily,
}
