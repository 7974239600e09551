"""What hypothesis makes up for the engine: observations, operations, and what comes of them."""

from typing import Any

from hypothesis import strategies as st

from kato.commands import Command
from kato.engine import Processor
from kato.errors import KatoError
from kato.genes import RANKINGS
from kato.turn import take_turn

SYMBOLS = st.sampled_from(["a", "b", "c", "d", "", "é", "𝔸"])
EVENTS = st.lists(SYMBOLS, min_size=1, max_size=3)
SEQUENCES = st.lists(EVENTS, min_size=1, max_size=6)
VECTORS = st.lists(st.sampled_from([-1.0, -0.0, 0.0, 1.0, 2.0]), min_size=1, max_size=2)
EMOTIVES = st.dictionaries(
    st.sampled_from(["joy", "fear"]), st.sampled_from([0.0, 1.0, -0.5, 0.1]), max_size=2
)
IDS = st.sampled_from([f"u{i}" for i in range(6)])

OBSERVATIONS = st.fixed_dictionaries(
    {},
    optional={
        "strings": st.lists(SYMBOLS, max_size=3),
        "vectors": st.lists(VECTORS, max_size=2),
        "emotives": EMOTIVES,
        "unique_id": IDS,
        "metadata": st.just({"from": ["here", 1]}),
    },
)

GENES = st.fixed_dictionaries(
    {},
    optional={
        "classifier": st.sampled_from(["CVC", "DVC"]),
        "max_predictions": st.integers(1, 4),
        "recall_threshold": st.sampled_from([0.0, 0.1, 0.4, 0.6, 1.0]),
        "min_prediction_symbols": st.integers(1, 3),
        "rank_by": st.sampled_from(RANKINGS),
        "max_sequence_length": st.integers(0, 4),
        "stm_mode": st.sampled_from(["TAIL", "CLEAR", "ROLLING"]),
        "persistence": st.integers(1, 3),
        "sort": st.booleans(),
        "vector_neighbors": st.integers(0, 2),
        "vector_max_distance": st.sampled_from([None, 0.0, 1.5]),
        "search_depth": st.integers(1, 3),
    },
)

_Operation = tuple[str, dict[str, Any], str | None]


def _operation(
    name: str, params: st.SearchStrategy[dict[str, Any]]
) -> st.SearchStrategy[_Operation]:
    request_ids = st.one_of(st.none(), st.sampled_from([f"r{i}" for i in range(6)]))
    return st.tuples(st.just(name), params, request_ids)


_NONE: st.SearchStrategy[dict[str, Any]] = st.just({})
_SEQUENCE = st.fixed_dictionaries(
    {"observations": st.lists(OBSERVATIONS, max_size=4)},
    optional={"learn_after_each": st.booleans(), "learn_at_end": st.booleans()},
)

CHANGES = st.one_of(
    _operation("observe", OBSERVATIONS),
    _operation("observe", OBSERVATIONS),
    _operation("observe", OBSERVATIONS),
    _operation("observe_sequence", _SEQUENCE),
    _operation("learn", _NONE),
    _operation("learn", _NONE),
    _operation("clear_short_term_memory", _NONE),
    _operation("change_genes", st.fixed_dictionaries({"genes": GENES})),
    _operation(
        "update_model",
        st.fixed_dictionaries(
            {"model_name": st.integers(0, 3)},
            optional={"emotives": st.lists(EMOTIVES, max_size=3), "frequency": st.integers(1, 5)},
        ).filter(lambda params: len(params) > 1),
    ),
    _operation("delete_model", st.fixed_dictionaries({"model_name": st.integers(0, 3)})),
    _operation("clear_all_memory", _NONE),
)
"""An operation that changes something, with parameters and perhaps a request id; a model is named
by its place in the list."""


def carry_out(processor: Processor, operation: _Operation, now: float = 0.0) -> dict[str, Any]:
    """Carry out an operation; gives the answer, or the code of the error."""
    name, params, request_id = operation
    if "model_name" in params:
        models, _ = processor.list_models(10, None)
        place = params["model_name"]
        known = models[place].name if place < len(models) else "unknown"
        params = {**params, "model_name": known}
    command = Command.parse(name, params, processor.id, request_id)
    try:
        outcome = take_turn(processor, command, now=now, make_id=lambda: "made")
    except KatoError as error:
        return {"error_code": error.error_code}
    return outcome.reply.as_dict()


_READS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("get_status", {}),
    ("get_predictions", {}),
    ("get_forecast", {}),
    ("get_short_term_memory", {}),
    ("get_percept_data", {}),
    ("get_cognition_data", {}),
    ("get_genes", {}),
    ("list_models", {}),
    *((("get_predictions", {"unique_id": f"u{i}"})) for i in range(6)),
)


def everything(processor: Processor) -> list[dict[str, Any]]:
    """All that a processor can be asked."""
    models, _ = processor.list_models(1000, None)
    told = [carry_out(processor, (name, params, None)) for name, params in _READS]
    return told + [each.as_dict() for each in models]
