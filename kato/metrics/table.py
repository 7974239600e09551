"""The one table of metrics: what there is to be told."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What may be done with a number."""

    COUNTER = "counter"
    """It only rises: from 0 at the start of the process, or from what a file had by then."""
    GAUGE = "gauge"
    """It is as it is now."""
    HISTOGRAM = "histogram"
    """How often something was up to each of some bounds; their sum and number beside that."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A row of the table: C{labels} tell its numbers apart, in this order; C{meaning} is one
    sentence."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    meaning: str


def _counter(name: str, *labels: str, meaning: str) -> Metric:
    return Metric(name, Kind.COUNTER, labels, meaning)


def _gauge(name: str, *labels: str, meaning: str) -> Metric:
    return Metric(name, Kind.GAUGE, labels, meaning)


def _histogram(name: str, *labels: str, meaning: str) -> Metric:
    return Metric(name, Kind.HISTOGRAM, labels, meaning)


_REQUESTS = (
    _counter(
        "kato_requests_total",
        *("operation", "transport", "outcome"),
        meaning="Requests that were answered, by what they asked for, where they came in, and "
        "what became of them: okay, or an error code.",
    ),
    _histogram(
        "kato_request_seconds",
        *("operation", "transport", "outcome"),
        meaning="How long they took, from when they came until their answer was given.",
    ),
    _counter(
        "kato_refused_total",
        *("transport", "code"),
        meaning="Requests that were refused before anything was done for them, by error code.",
    ),
    _gauge("kato_requests_under_way", meaning="Operations that have no answer yet."),
    _gauge("kato_connections", "transport", meaning="Open connections."),
    _counter(
        "kato_connections_turned_away_total",
        "transport",
        meaning="Connections that were not served: of REST, since too many were open; of ZeroMQ, "
        "since those that have told no key were too many, or sent too much.",
    ),
)

_QUEUES = (
    _gauge("kato_commands_waiting", meaning="Commands that wait for their processor's turn."),
    _gauge("kato_matcher_info", "kind", meaning="1; the label says who matches models."),
    _gauge("kato_turns_running", meaning="Turns that go on in threads."),
    _histogram(
        "kato_turn_seconds",
        "place",
        meaning="How long turns took: on the reactor, which did nothing else meanwhile, or in a "
        "thread.",
    ),
    _histogram(
        "kato_match_seconds",
        "place",
        meaning="How long turns took that match models with short-term memory.",
    ),
    _gauge("kato_zmq_under_way", meaning="Messages to the ROUTER that have no answer yet."),
    _gauge("kato_zmq_unsent", meaning="Answers that clients of ZeroMQ do not take."),
    _counter(
        "kato_zmq_lost_total",
        meaning="Answers that were thrown away since their clients took none for too long.",
    ),
    _counter("kato_keys_refused_total", meaning="Keys that were told and are none."),
    _counter("kato_keys_forbidden_total", meaning="Requests that their key may not make."),
    _counter("kato_keys_over_rate_total", meaning="Requests beyond the rate of their key."),
    _counter(
        "kato_curve_admitted_total",
        meaning="Connections of ZeroMQ that were let in, where it is encrypted.",
    ),
    _counter("kato_curve_refused_total", meaning="Connections of ZeroMQ whose key nobody knows."),
    _gauge("kato_threads", "pool", meaning="Threads of a pool."),
    _gauge("kato_threads_busy", "pool", meaning="Threads of a pool that have something to do."),
    _gauge("kato_threads_waiting", "pool", meaning="What waits for a thread of a pool."),
)

_STREAMS = (
    _gauge("kato_stream_subscriptions", meaning="Subscriptions of all WebSockets."),
    _gauge("kato_stream_under_way", meaning="Requests over WebSockets that have no answer yet."),
    _gauge("kato_stream_waiting", meaning="Messages that wait for their readers."),
    _gauge("kato_stream_stalled", meaning="Readers that take nothing now."),
    _gauge(
        "kato_stream_stalled_seconds",
        meaning="For how long the slowest of them has taken nothing; no message waits for longer.",
    ),
    _counter("kato_stream_opened_total", meaning="WebSockets that were opened."),
    _counter("kato_stream_events_total", meaning="Events that were sent to readers."),
    _counter(
        "kato_stream_skipped_total",
        meaning="Events that were passed over since a newer one came before the reader had time.",
    ),
    _counter(
        "kato_stream_too_slow_total",
        meaning="WebSockets that were closed since their readers were too slow.",
    ),
    _histogram(
        "kato_event_lag_seconds",
        meaning="From when something happened until it was handed to who listens, once an event.",
    ),
    _gauge("kato_event_listeners", meaning="Who listens to the processors of this process."),
    _counter("kato_events_told_total", meaning="Events that they were told."),
    _gauge(
        "kato_published_subscriptions", meaning="What gateways listen to on the socket for events."
    ),
    _counter("kato_published_total", meaning="Events that were published there."),
)

_STORE = (
    _gauge("kato_store_info", "kind", meaning="1; the label says which store it is."),
    _counter("kato_store_commits_total", meaning="Transactions that were made durable."),
    _counter("kato_store_failures_total", meaning="Transactions that failed."),
    _histogram(
        "kato_store_commit_seconds",
        meaning="How long commits took that succeeded, with what they waited in the store.",
    ),
    _histogram("kato_store_commit_processors", meaning="Of how many processors commits were."),
    _gauge("kato_store_bytes", meaning="Bytes of the database's files, where it is files."),
    _gauge("kato_store_free_bytes", meaning="Bytes that there is room for beside them."),
    _gauge(
        "kato_checkpoint_seconds",
        meaning="After how long an observation is durable, if nothing makes it so before.",
    ),
)

_AUDIT = (
    _counter(
        "kato_audit_lines_total",
        meaning="Lines of the audit log, those of earlier starts among them.",
    ),
    _counter(
        "kato_audit_failures_total",
        meaning="How often lines of the audit log could not be written or synced; changes are "
        "refused then.",
    ),
)

_CACHE = (
    _gauge("kato_cache_up", meaning="Whether the cache answers."),
    _counter(
        "kato_cache_looks_total",
        "result",
        meaning="Looks for what another service may have computed, by what came of them: hit, "
        "miss, damaged, error (no answer, or none in time), or skipped (it was left alone).",
    ),
    _histogram("kato_cache_look_seconds", meaning="How long looks took that were not skipped."),
    _counter("kato_cache_written_total", meaning="Answers that were kept there."),
    _counter(
        "kato_cache_unwritten_total", meaning="Answers that were to be kept there and are not."
    ),
)

_PROCESSORS = (
    _gauge("kato_processors", meaning="Processors."),
    _gauge(
        "kato_processors_unsaved",
        meaning="Processors that have observed something which is not durable yet.",
    ),
    _gauge("kato_processor_models", "processor", meaning="Models that it has learned."),
    _gauge("kato_processor_symbols", "processor", meaning="Distinct symbols of its models."),
    _gauge(
        "kato_processor_vectors", "processor", meaning="Vectors that it holds, learned or not yet."
    ),
    _gauge("kato_processor_events", "processor", meaning="Events in its short-term memory."),
    _gauge(
        "kato_processor_memory_bytes", "processor", meaning="Bytes of memory that its models take."
    ),
)

_ACCURACY = (
    _counter(
        "kato_accuracy_events_total",
        *("processor", "result"),
        meaning="Events that were held against the forecast just before them, in the processor's "
        "whole life: first (its first entry was right), five (one of the next four was), missed, "
        "or none (nothing was forecast).",
    ),
    _gauge(
        "kato_accuracy_recent_events",
        *("processor", "result"),
        meaning="The same of its latest 1,000 events.",
    ),
)

_SERVICES = (
    _gauge(
        "kato_service_up",
        "service",
        meaning="Whether a service is there, and answered the last question on all connections.",
    ),
    _gauge("kato_service_processors", "service", meaning="Processors that it holds."),
    _gauge("kato_service_under_way", "service", meaning="Requests to it without an answer yet."),
    _histogram("kato_service_seconds", "service", meaning="How long its answers took."),
    _counter("kato_service_requests_total", "service", meaning="Requests that it was sent."),
    _counter("kato_service_failures_total", "service", meaning="Those that failed."),
    _counter("kato_service_timeouts_total", "service", meaning="Those without an answer in time."),
    _counter(
        "kato_service_retries_total",
        "service",
        meaning="Those that were sent again since a connection was lost.",
    ),
    _counter("kato_service_reconnections_total", "service", meaning="Connections made anew."),
)

_PROCESS = (
    _gauge("kato_build_info", "version", "python", meaning="1; the labels say what runs."),
    _gauge("kato_ready", meaning="Whether processors can be asked now."),
    _histogram(
        "kato_reactor_lag_seconds",
        meaning="How late the reactor comes to what is due, looked at four times a second.",
    ),
    _histogram(
        "kato_gc_pause_seconds",
        "generation",
        meaning="How long the garbage collector held up everything.",
    ),
)

TABLE: Mapping[str, Metric] = {
    each.name: each
    for each in (
        *_REQUESTS,
        *_QUEUES,
        *_STREAMS,
        *_STORE,
        *_AUDIT,
        *_CACHE,
        *_PROCESSORS,
        *_ACCURACY,
        *_SERVICES,
        *_PROCESS,
    )
}
"""All metrics of ours, by name; the client library's own of the process stand beside them."""
