"""What is read off each part of a process at a scrape.

Each function reads one part.  They run on the reactor, so none of them may go over what there can
be ten thousand of.
"""

from collections.abc import Iterable, Mapping
from platform import python_version
from typing import Any, Protocol

from kato import __version__
from kato.accuracy import Accuracy, Counts
from kato.counting import Histogram, RequestCounts
from kato.listing import host_and_port
from kato.long_turns import LongTurns
from kato.members import Members
from kato.metrics.meters import Meters
from kato.metrics.readings import Readings
from kato.sizes import OTHERS, largest
from kato.worker import Worker

REACTOR, THREAD = "reactor", "thread"
"""Where a turn is taken."""

_LOOKS = {
    "hit": "hits",
    "miss": "misses",
    "damaged": "damaged",
    "error": "errors",
    "skipped": "skipped",
}
"""What comes of looks, and where C{/stats} tells it."""


class Stalls(Protocol):
    """What all WebSockets do together: L{kato.protocols.websocket.traffic.Traffic}."""

    lag: Histogram

    def stalled(self, now: float) -> tuple[int, float]:
        """How many readers take nothing now, and for how long the slowest has not."""


class Pool(Protocol):
    """Threads: L{kato.threads.DaemonThreads}."""

    name: str | None

    def load(self) -> tuple[int, int, int]:
        """How many threads there are, how many are busy, and what waits for one."""


def read_requests(readings: Readings, counts: RequestCounts, *, under_way: int) -> None:
    """What was answered, and what was refused."""
    for labels, histogram in counts.answered.items():
        readings.take("kato_requests_total", histogram.count, *labels)
        readings.take("kato_request_seconds", histogram, *labels)
    for (transport, code), number in counts.refused.items():
        readings.take("kato_refused_total", number, transport, code)
    readings.take("kato_requests_under_way", under_way)


def read_streams(
    readings: Readings, told: Mapping[str, Any], traffic: Stalls, *, now: float
) -> None:
    """What WebSockets do.

    @param told: what C{/stats} tells of them.
    """
    readings.take("kato_connections", told["connections"], "websocket")
    for name in ("subscriptions", "under_way", "waiting"):
        readings.take(f"kato_stream_{name}", told[name])
    for name in ("opened", "events", "skipped", "too_slow"):
        readings.take(f"kato_stream_{name}_total", told[name])
    number, seconds = traffic.stalled(now)
    readings.take("kato_stream_stalled", number)
    readings.take("kato_stream_stalled_seconds", seconds)
    readings.take("kato_event_lag_seconds", traffic.lag)


class Tells(Protocol):
    """A part that C{/stats} tells of."""

    def statistics(self) -> dict[str, Any]:
        """What it tells."""


def read_zmq(readings: Readings, router: Tells | None, publisher: Tells | None) -> None:
    """What the ROUTER and the socket for events do, where there are such."""
    if router is not None:
        told = router.statistics()
        readings.take("kato_zmq_under_way", told["under_way"])
        readings.take("kato_zmq_unsent", told["unsent"])
        readings.take("kato_zmq_lost_total", told["lost"])
        _read_visitors(readings, told, "zmq")
    if publisher is not None:
        told = publisher.statistics()
        readings.take("kato_published_subscriptions", told["subscriptions"])
        readings.take("kato_published_total", told["published"])
        _read_visitors(readings, told, "zmq_events")


def _read_visitors(readings: Readings, told: Mapping[str, Any], transport: str) -> None:
    """Who is connected, once anybody can be."""
    if "connections" in told:
        readings.take("kato_connections", told["connections"], transport)
        readings.take("kato_connections_turned_away_total", told["turned_away"], transport)


def read_keeper(keeper: Tells, readings: Readings) -> None:
    """What keys were told."""
    told = keeper.statistics()
    readings.take("kato_keys_refused_total", told["refused_keys"])
    readings.take("kato_keys_forbidden_total", told["forbidden"])
    readings.take("kato_keys_over_rate_total", told["over_rate"])


def read_guard(guard: Tells, readings: Readings) -> None:
    """Whom encrypted connections of ZeroMQ come from."""
    told = guard.statistics()
    readings.take("kato_curve_admitted_total", told["admitted"])
    readings.take("kato_curve_refused_total", told["refused"])


def read_worker(readings: Readings, worker: Worker, *, most: int, checkpoint: float) -> None:
    """What the processors of this process do.

    @param most: how many of them are told of by name.
    """
    told = worker.statistics()
    readings.take("kato_commands_waiting", told["waiting"])
    readings.take("kato_turns_running", told["running"])
    readings.take("kato_matcher_info", 1, told["matcher"])
    times = worker.times
    readings.take("kato_turn_seconds", times.reactor, REACTOR)
    readings.take("kato_turn_seconds", times.thread, THREAD)
    readings.take("kato_match_seconds", times.matching_on_reactor, REACTOR)
    readings.take("kato_match_seconds", times.matching_in_thread, THREAD)
    readings.take("kato_event_listeners", told["events"]["listeners"])
    readings.take("kato_events_told_total", told["events"]["told"])
    _read_store(readings, worker, told["store"])
    if "audit" in told:
        _read_audit(readings, told["audit"])
    read_cache(readings, worker.long_turns)
    readings.take("kato_checkpoint_seconds", checkpoint)
    _read_sizes(readings, worker, most)
    readings.take("kato_processors", told["processors"])


def _read_store(readings: Readings, worker: Worker, told: Mapping[str, Any]) -> None:
    readings.take("kato_store_info", 1, told["kind"])
    readings.take("kato_store_commits_total", told["commits"])
    readings.take("kato_store_failures_total", told["failures"])
    readings.take("kato_store_commit_seconds", worker.commits.seconds)
    readings.take("kato_store_commit_processors", worker.commits.sizes)
    if "bytes" in told:
        readings.take("kato_store_bytes", told["bytes"])
        readings.take("kato_store_free_bytes", told["free"])


def _read_audit(readings: Readings, told: Mapping[str, Any]) -> None:
    for each in ("lines", "failures"):
        readings.take(f"kato_audit_{each}_total", told[each])


def read_cache(readings: Readings, long_turns: LongTurns) -> None:
    """What was found in the cache, if there is one."""
    told, seconds = long_turns.statistics(), long_turns.seconds
    if told is None or seconds is None:
        return
    readings.take("kato_cache_up", told["answers"])
    for result, name in _LOOKS.items():
        readings.take("kato_cache_looks_total", told[name], result)
    readings.take("kato_cache_look_seconds", seconds)
    readings.take("kato_cache_written_total", told["written"])
    readings.take("kato_cache_unwritten_total", told["unwritten"])


def _read_sizes(readings: Readings, worker: Worker, most: int) -> None:
    sizes = largest(worker.sizes(), most)
    readings.take("kato_processors_unsaved", sum(each.unsaved for each in sizes))
    for each in sizes:
        readings.take("kato_processor_models", each.models, each.processor)
        readings.take("kato_processor_symbols", each.symbols, each.processor)
        readings.take("kato_processor_vectors", each.vectors, each.processor)
        readings.take("kato_processor_events", each.events, each.processor)
        readings.take("kato_processor_memory_bytes", each.memory, each.processor)
        if each.accuracy is not None:
            _read_accuracy(readings, each.accuracy, each.processor)


def _read_accuracy(readings: Readings, accuracy: Accuracy, processor: str) -> None:
    for result, events in _results(accuracy.total):
        readings.take("kato_accuracy_events_total", events, processor, result)
    if processor != OTHERS:
        for result, events in _results(Counts.of(accuracy.marks)):
            readings.take("kato_accuracy_recent_events", events, processor, result)


def _results(counts: Counts) -> tuple[tuple[str, int], ...]:
    """What became of events, each of them once."""
    return (
        ("first", counts.top_1),
        ("five", counts.top_5 - counts.top_1),
        ("missed", counts.forecast - counts.top_5),
        ("none", counts.events - counts.forecast),
    )


def read_services(readings: Readings, members: Members, *, processors: int) -> None:
    """What services elsewhere do, by their hosts and ports."""
    readings.take("kato_processors", processors)
    for service, provider in members.each():
        name = host_and_port(service.address)
        up = provider is not None and service.there and provider.healthy
        readings.take("kato_service_up", up, name)
        readings.take("kato_service_processors", len(service.holds()), name)
        if provider is None:
            continue
        readings.take("kato_service_under_way", provider.under_way, name)
        readings.take("kato_service_seconds", provider.seconds, name)
        counts = provider.counts()
        for each in ("requests", "failures", "timeouts", "retries", "reconnections"):
            readings.take(f"kato_service_{each}_total", counts[each], name)


def read_process(readings: Readings, meters: Meters, pools: Iterable[Pool], *, ready: bool) -> None:
    """What the process itself does."""
    readings.take("kato_build_info", 1, __version__, python_version())
    readings.take("kato_ready", ready)
    readings.take("kato_reactor_lag_seconds", meters.lag.seconds)
    for generation, pauses in meters.collections.pauses.items():
        readings.take("kato_gc_pause_seconds", pauses, str(generation))
    for pool in pools:
        (threads, busy, waiting), name = pool.load(), pool.name or ""
        readings.take("kato_threads", threads, name)
        readings.take("kato_threads_busy", busy, name)
        readings.take("kato_threads_waiting", waiting, name)
