"""Which turns may take so long that they must not be taken on the reactor."""

from collections.abc import Mapping

from kato.commands import (
    Command,
    GetForecast,
    GetPredictions,
    Observe,
    ObserveSequence,
    Params,
)
from kato.engine import Processor

MATCHING = frozenset({"get_predictions", "get_forecast", "get_cognition_data"})
"""The operations that ask a matcher."""

_LONG_MODELS: Mapping[str, int] = {"native": 3_000, "python": 100}
"""With more models than this, by who matches them, matching may take a millisecond and more;"""
_LONG_WORK = 10_000_000
"""so it may where the bytes that the models take, times the events of short-term memory, are more
than this: long models are compared with a long memory symbol by symbol."""
_LONG_COMPACTION = 10_000
"""Deleting a model may be when those that are left are moved together: with more than so many of
them that takes milliseconds."""
_LONG_LIST = 1_000
"""With more entries than this, so does going over a list,"""
_LONG_SEQUENCE = 100
"""with more observations, going through all of them,"""
_LONG_VECTORS = 100_000
"""and with more components, comparing vectors."""
_ALWAYS_LONG = frozenset({"explain"})
"""It goes over the kept models twice, and over one of them in Python."""

_PREDICTIONS = Command("get_predictions", GetPredictions())
_FORECAST = Command("get_forecast", GetForecast())


def is_long(processor: Processor, command: Command) -> bool:
    """Whether the turn may take so long that it must not be taken on the reactor."""
    params = command.params
    if command.operation in MATCHING:
        return _is_long_matching(processor, command)
    if isinstance(params, Observe):
        tells_memory = not params.brief or processor.genes.max_sequence_length > 0
        return (
            (tells_memory and _is_long_memory(processor))
            or _are_long_vectors(processor, params.observation.vectors)
            or (processor.genes.track_accuracy and _is_long_matching(processor, _FORECAST))
        )
    if isinstance(params, ObserveSequence):
        count = len(params.observations)
        return (
            count > _LONG_SEQUENCE
            or any(_are_long_vectors(processor, each.vectors) for each in params.observations)
            or (processor.genes.track_accuracy and _is_much_to_match(processor, count))
        )
    if command.operation in ("list_models", "clear_all_memory"):
        return processor.models > _LONG_LIST
    if command.operation == "delete_model" and processor.models > _LONG_COMPACTION:
        return True
    return command.operation in _ALWAYS_LONG or _is_long_memory(processor)


def is_long_to_foresee(processor: Processor) -> bool:
    """Whether to foresee may take so long that it must not be done on the reactor."""
    return _is_long_matching(processor, _FORECAST) or _is_long_matching(processor, _PREDICTIONS)


def _is_long_matching(processor: Processor, command: Command) -> bool:
    if _is_known(processor, command.params):
        return command.operation == "get_cognition_data" and _is_long_memory(processor)
    return _is_much_to_match(processor)


def _is_much_to_match(processor: Processor, times: int = 1) -> bool:
    """Whether to match all models, after so many events one by one, may take long."""
    start, end = processor.window
    events = end - start + times - 1
    return (
        processor.models * times > _LONG_MODELS[processor.matcher]
        or processor.memory.models * events * times > _LONG_WORK
    )


def _is_known(processor: Processor, params: Params) -> bool:
    """Whether what is asked for has been computed, and nothing has changed since."""
    if isinstance(params, GetForecast):
        return processor.has_forecast(params.limit)
    unique_id = params.unique_id if isinstance(params, GetPredictions) else None
    return processor.has_predictions(unique_id)


def _is_long_memory(processor: Processor) -> bool:
    window = processor.window
    return window.end - window.start > _LONG_LIST


def _are_long_vectors(processor: Processor, vectors: tuple[tuple[float, ...], ...]) -> bool:
    if not vectors or not processor.vectors:
        return False
    if processor.genes.classifier == "DVC":
        return True
    return processor.vectors * sum(map(len, vectors)) > _LONG_VECTORS
