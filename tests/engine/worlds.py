"""What hypothesis makes up for the engine: observations, operations, and what comes of them."""

from typing import Any

from hypothesis import strategies as st

from kato.codec import decode_json, encode_json
from kato.commands import Command, Reply
from kato.engine import Processor
from kato.errors import KatoError
from kato.genes import RANKINGS
from kato.turn import take_turn

SYMBOLS = st.sampled_from(["a", "b", "c", "d", "", "é", "𝔸"])
EVENTS = st.lists(SYMBOLS, min_size=1, max_size=3)
SEQUENCES = st.lists(EVENTS, min_size=1, max_size=6)
VECTORS = st.lists(st.sampled_from([-1.0, -0.0, 0.0, 1.0, 2.0]), min_size=1, max_size=2)
EMOTIVES = st.dictionaries(
    st.sampled_from(["joy", "fear"]), st.sampled_from([0.0, 1.0, -0.5, 0.1, 1e308]), max_size=2
)
IDS = st.sampled_from(["", *(f"u{i}" for i in range(6))])

REQUEST_IDS = st.sampled_from([*[None] * 30, *(f"r{i}" for i in range(6))])

_REST: dict[str, st.SearchStrategy[Any]] = {
    "vectors": st.lists(VECTORS, max_size=2),
    "emotives": EMOTIVES,
    "unique_id": IDS,
    "metadata": st.just({"from": ["here", 1]}),
}
_STRINGS = st.sampled_from([0, 1, 1, 1, 2, 2, 3]).flatmap(
    lambda count: st.lists(SYMBOLS, min_size=count, max_size=count)
)
OBSERVATIONS = st.sets(st.sampled_from(list(_REST)), max_size=2).flatmap(
    lambda keys: st.fixed_dictionaries(
        {"strings": _STRINGS, **{key: _REST[key] for key in sorted(keys)}}
    )
)

_GENES: dict[str, st.SearchStrategy[Any]] = {
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
    "track_accuracy": st.booleans(),
}
GENES = st.sets(st.sampled_from(list(_GENES)), max_size=3).flatmap(
    lambda names: st.fixed_dictionaries({name: _GENES[name] for name in sorted(names)})
)
_MANY_GENES = st.fixed_dictionaries({}, optional=_GENES)

Operation = tuple[str, dict[str, Any], str | None]
"""A name, parameters, and perhaps a request id; a model is named by its place in the list."""

_NONE: st.SearchStrategy[dict[str, Any]] = st.just({})
_PLACES = 4
_PARAMS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "observe": OBSERVATIONS,
    "observe_sequence": st.fixed_dictionaries(
        {"observations": st.lists(OBSERVATIONS, min_size=1, max_size=4) | st.just([])},
        optional={"learn_after_each": st.booleans(), "learn_at_end": st.booleans()},
    ),
    "learn": _NONE,
    "change_genes": st.fixed_dictionaries({"genes": GENES}),
    "update_model": st.fixed_dictionaries(
        {"model_name": st.integers(0, _PLACES)},
        optional={"emotives": st.lists(EMOTIVES, max_size=3), "frequency": st.integers(1, 5)},
    ).filter(lambda params: len(params) > 1),
    "delete_model": st.fixed_dictionaries({"model_name": st.integers(0, _PLACES)}),
    "clear_short_term_memory": _NONE,
    "clear_all_memory": _NONE,
}
_OFTEN = {"observe": 16, "observe_sequence": 6, "learn": 8, "change_genes": 3, "update_model": 2}

CHANGES: st.SearchStrategy[Operation] = st.sampled_from(
    [name for name in _PARAMS for _ in range(_OFTEN.get(name, 1))]
).flatmap(lambda name: st.tuples(st.just(name), _PARAMS[name], REQUEST_IDS))
"""An operation that changes something."""


@st.composite
def histories(draw: st.DrawFn, most: int) -> list[Operation]:
    """Genes, and up to C{most} operations out of a few, so that sequences are learned again, ids
    come twice, and requests are sent again, also under other ids.

    They are at least half as many, since little happens in a short history.
    """
    genes: Operation = ("change_genes", {"genes": draw(_MANY_GENES)}, None)
    few = draw(st.lists(CHANGES, min_size=4, max_size=12))
    length = draw(st.integers(most // 2, most))
    steps = st.tuples(st.sampled_from(few), REQUEST_IDS)
    history = draw(st.lists(steps, min_size=length, max_size=length))
    return [genes, *((name, params, first or then) for (name, params, first), then in history)]


def carry_out(processor: Processor, operation: Operation, now: float = 0.0) -> dict[str, Any]:
    """Carry out an operation; gives the answer, or the code of the error."""
    name, params, request_id = operation
    if isinstance(params.get("model_name"), int):
        params = {**params, "model_name": name_at(processor, params["model_name"])}
    command = Command.parse(name, params, processor.id, request_id)
    try:
        outcome = take_turn(processor, command, now=now, make_id=lambda: "made")
    except KatoError as error:
        return {"error_code": error.error_code}
    return sent(outcome.reply)


def sent(reply: Reply) -> dict[str, Any]:
    """An answer as a client reads it."""
    answer: Any = decode_json(encode_json(reply.as_dict()))
    return dict(answer)


def name_at(processor: Processor, place: int) -> str:
    """The name of the model at this place in the list, gone round if it is short; the last place
    is of a model that nobody has."""
    models, _ = processor.list_models(_PLACES, None)
    return models[place % len(models)].name if models and place < _PLACES else "unknown"


READS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("get_status", {}),
    ("get_predictions", {}),
    ("get_forecast", {}),
    ("get_short_term_memory", {}),
    ("get_percept_data", {}),
    ("get_cognition_data", {}),
    ("get_genes", {}),
    ("list_models", {}),
    *((("get_predictions", {"unique_id": f"u{i}"})) for i in range(6)),
    ("get_predictions", {"unique_id": ""}),
)


def everything(processor: Processor) -> list[dict[str, Any]]:
    """All that a processor can be asked, but for how many bytes that takes."""
    models, _ = processor.list_models(1000, None)
    told = [carry_out(processor, (name, params, None)) for name, params in READS]
    for answer in told:
        answer.pop("memory", None)
    return told + [each.as_dict() for each in models]
