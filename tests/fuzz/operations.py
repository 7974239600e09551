"""Requests made from the table of operations: fit, nearly fit and unfit, one after the other."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from kato.commands import OPERATIONS, About, Command, Observe, Reply
from kato.errors import KatoError
from kato.genes import NAMES, RANKINGS
from kato.limits import Limits
from kato.model import model_name
from kato.observation import KEYS
from kato.requests import Request
from tests.fuzz.choices import Choices
from tests.fuzz.laws import judge_refusal
from tests.fuzz.systems import World, no_defects
from tests.fuzz.target import Target, hold

_MOST = 16
"""How many requests follow each other."""

_UNMET = frozenset(
    {
        "PROCESSOR_NOT_FOUND",
        "MODEL_NOT_FOUND",
        "OBSERVATION_NOT_FOUND",
        "CONFLICT",
        "LIMIT_REACHED",
    }
)
"""What may be said to a request that is fit."""

_SYMBOLS = ("a", "b", "c", "", "é\u2028", "MODEL|x", "\0")
_NUMBERS = (0.0, -0.0, 1, -1.5, 1e308, 5e-324, 2**53)
_MODELS = (
    model_name([("b", "a"), ("a",)]),
    model_name([("a", "b")]),
    "none",
    "",
    "MODEL|",
)
_PROCESSORS = ("p1", "p1", "p1", "p2", "p3")


def _symbols(by: Choices) -> list[str]:
    return [by.pick(_SYMBOLS) for _ in range(by.below(4))]


def _vectors(by: Choices) -> list[list[float]]:
    return [[by.pick(_NUMBERS) for _ in range(1 + by.below(3))] for _ in range(by.below(3))]


def _emotives(by: Choices) -> dict[str, float]:
    return {by.pick(_SYMBOLS): by.pick(_NUMBERS) for _ in range(by.below(3))}


def _observation(by: Choices) -> dict[str, Any]:
    return {key: FIT[key](by) for key in sorted(KEYS) if by.flag()}


_GENES: Mapping[str, Callable[[Choices], Any]] = {
    "classifier": lambda by: by.pick(("CVC", "DVC")),
    "max_predictions": lambda by: by.pick((1, 3, 10_000)),
    "recall_threshold": lambda by: by.pick((0.0, 1.0, 0.1, 1)),
    "min_prediction_symbols": lambda by: by.pick((1, 2, 2**53 - 1)),
    "rank_by": lambda by: by.pick(RANKINGS),
    "max_sequence_length": lambda by: by.pick((0, 1, 2, 3)),
    "stm_mode": lambda by: by.pick(("TAIL", "CLEAR", "ROLLING")),
    "persistence": lambda by: by.pick((1, 2, 2**53 - 1)),
    "vector_neighbors": lambda by: by.pick((0, 3, 2**53 - 1)),
    "vector_max_distance": lambda by: by.pick((None, 0, 1e308)),
    "search_depth": lambda by: by.pick((1, 10, 100)),
}
"""What some genes accept; all others a boolean."""


def _gene(name: str, by: Choices) -> Any:
    return _GENES.get(name, lambda by: by.flag())(by)


def _genes(by: Choices) -> dict[str, Any]:
    return {name: _gene(name, by) for name in (by.pick(NAMES) for _ in range(by.below(4)))}


FIT: Mapping[str, Callable[[Choices], Any]] = {
    "strings": _symbols,
    "vectors": _vectors,
    "emotives": _emotives,
    "unique_id": lambda by: by.pick(("u", "mine", "")),
    "metadata": lambda by: by.pick(({}, {"k": [1, None, {"": True}]})),
    "brief": lambda by: by.flag(),
    "observations": lambda by: [_observation(by) for _ in range(by.below(5))],
    "learn_after_each": lambda by: by.flag(),
    "learn_at_end": lambda by: by.flag(),
    "limit": lambda by: by.pick((1, 3, 10_000, 2.0)),
    "after": lambda by: by.pick((*_MODELS, "p1")),
    "genes": _genes,
    "gene": lambda by: by.pick(NAMES),
    "model_name": lambda by: by.pick(_MODELS),
    "frequency": lambda by: by.pick((1, 7, 2**53 - 1)),
}
"""A fit value for each parameter of an operation, by its name."""


def parameters(operation: str) -> dict[str, bool]:
    """The names of an operation's parameters, and whether each must be there."""
    row = OPERATIONS[operation].params
    names = {each.name: each.metadata["judge"] is not None for each in fields(row)}
    if issubclass(row, Observe):
        del names["observation"]
        return {**dict.fromkeys(sorted(KEYS), False), **dict.fromkeys(names, False)}
    required = {each.name for each in fields(row) if "MISSING" in repr(each.default)}
    return {name: name in required for name in names}


def fit(operation: str, by: Choices) -> dict[str, Any]:
    """Parameters that an operation accepts."""
    names = parameters(operation)
    if operation == "change_gene":
        gene = by.pick(NAMES)
        return {"gene": gene, "value": _gene(gene, by)}
    given = {name: FIT[name](by) for name, must in names.items() if must or by.below(2)}
    if operation == "update_model":
        given["frequency"] = FIT["frequency"](by)
        if "emotives" in given:
            given["emotives"] = [_emotives(by) for _ in range(by.below(3))]
    return given


def request(by: Choices) -> tuple[dict[str, Any], bool]:
    """A request as a map, and whether it is fit."""
    operation = by.pick(list(OPERATIONS))
    asked: dict[str, Any] = {"method": operation, "params": fit(operation, by)}
    if OPERATIONS[operation].about is not About.SERVER:
        asked["processor"] = by.pick(_PROCESSORS)
    if by.below(4) == 3:
        asked["request_id"] = by.pick(("r", "s"))
    how = by.below(4)
    if how == 2:
        return {**asked, "params": by.spoilt(asked["params"])}, False
    if how == 3:
        return by.spoilt(asked), False
    return asked, True


def _operations(data: bytes) -> None:
    """A refusal changes nothing, whatever came before; what is fit is carried out."""
    by = Choices(data)
    world = World(processors=2, events=6)
    with no_defects():
        before = world.state()
        for _ in range(_MOST):
            if by.over:
                break
            asked, is_fit = request(by)
            answer = _asked(world, asked)
            if isinstance(answer, Reply):
                before = world.state()
                continue
            judge_refusal(answer)
            known = answer.error_code in _UNMET or not is_fit
            hold(known, "what is fit is refused", asked, answer)
            hold(world.state() == before, "what is refused changes something", asked, answer)


def _asked(world: World, asked: Any) -> Reply | KatoError:
    try:
        command: Command = Request.parse(asked).command(world.worker.sole, Limits())
    except KatoError as error:
        return error
    return world.ask(command)


_SEEDS = [bytes([number, *range(number * 7, number * 7 + 40)]) for number in range(len(OPERATIONS))]

OPERATED = (Target("operations", _operations, _SEEDS, longest=512),)
