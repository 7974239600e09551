"""A processor as SPEC 1, 2, 4 and 8 tell, as plainly as can be, without predictions and vectors.

It shares no code with the one that it judges.  A state is never changed: an operation makes
another one.  What is JSON's is frozen: tuples in the place of lists, sorted pairs in the place of
objects.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import fsum, isclose
from typing import Any

from tests.cluster.layers import Layers

Event = tuple[str, ...]
Pairs = tuple[tuple[str, Any], ...]
Answer = dict[str, Any]

GENES: Mapping[str, Any] = {
    "classifier": "CVC",
    "max_predictions": 100,
    "recall_threshold": 0.1,
    "min_prediction_symbols": 2,
    "rank_by": "potential",
    "max_sequence_length": 0,
    "stm_mode": "TAIL",
    "persistence": 5,
    "sort": True,
    "process_predictions": True,
    "vector_neighbors": 3,
    "vector_max_distance": None,
    "search_depth": 10,
    "track_accuracy": False,
}


def frozen(value: Any) -> Any:
    """What JSON told, so that it can be compared and hashed."""
    if isinstance(value, list | tuple):
        return tuple(map(frozen, value))
    if isinstance(value, Mapping):
        return tuple(sorted((name, frozen(each)) for name, each in value.items()))
    return value


def alike(one: Any, other: Any) -> bool:
    """Whether two frozen values are the same, numbers within 1e-9."""
    same: bool = one == other
    if same:
        return True
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    numbers = isinstance(one, float) and isinstance(other, int | float)
    return bool(numbers and isclose(one, other, rel_tol=1e-9, abs_tol=1e-9))


def explains(said: Answer, told: Answer) -> bool:
    """Whether a machine that says this explains that a client was told that."""
    if "error_code" in said:
        return bool(told.get("error_code") == said["error_code"])
    return told.get("status") == "okay" and all(
        name in told and alike(value, told[name]) for name, value in said.items()
    )


@dataclass(frozen=True, slots=True)
class Model:
    """A learned sequence."""

    sequence: tuple[Event, ...]
    frequency: int
    felt: tuple[Pairs, ...] = ()

    @property
    def length(self) -> int:
        """How many symbols it has."""
        return sum(map(len, self.sequence))


@dataclass(frozen=True, slots=True)
class Seen:
    """An observation with an id of the client's, and what was answered."""

    observation: Pairs
    learned: str | None
    stm: tuple[Event, ...]
    interval: int


@dataclass(frozen=True)
class State:
    """All that there is of a processor, or that there is none.

    C{felt} has the emotives of each observation since the last learn or clear; C{answered} has the
    requests that were done, with what was said to each; C{deletions} has those of them that deleted
    it, which are known for ever.
    """

    exists: bool = False
    stm: tuple[Event, ...] = ()
    felt: tuple[Pairs, ...] = ()
    genes: Pairs = tuple(sorted(GENES.items()))
    interval: int = 0
    models: Layers[Model] = field(default_factory=Layers)
    seen: Layers[Seen] = field(default_factory=Layers)
    answered: Layers["Done"] = field(default_factory=Layers)
    deletions: Layers["Done"] = field(default_factory=Layers)

    @cached_property
    def key(self) -> int:
        """Tells it from others by what it holds."""
        plain = (self.exists, self.stm, self.felt, self.genes, self.interval)
        layers = (self.models.key, self.seen.key, self.answered.key, self.deletions.key)
        return hash((plain, layers))

    def gene(self, name: str) -> Any:
        """The value of a gene."""
        return dict(self.genes)[name]


@dataclass(frozen=True, slots=True)
class Done:
    """A request that was done."""

    what: tuple[str, Pairs]
    answer: Answer


@dataclass(frozen=True, slots=True)
class Request:
    """An operation with what makes it the same when it is sent again."""

    operation: str
    params: Mapping[str, Any]
    id: str

    @property
    def changes(self) -> bool:
        """Whether it may change something."""
        return self.operation in _CHANGES

    @property
    def what(self) -> tuple[str, Pairs]:
        """What is asked for, whoever asks."""
        return self.operation, frozen(self.params)


@dataclass(frozen=True, slots=True)
class Step:
    """What a request came to; C{lasts} tells whether SPEC 11 promises that it stays."""

    state: State
    answer: Answer
    lasts: bool = False


class Refused(Exception):
    """It cannot be done: nothing is changed.  Says C{error_code}."""


def step(state: State, request: Request) -> Step:
    """Carry out a request, once: what was done already is answered as it was."""
    if not request.changes:
        return _asked(state, request)
    done = state.answered.get(request.id) or state.deletions.get(request.id)
    if done is not None:
        same = done.what == request.what
        return Step(state, done.answer if same else {"error_code": "CONFLICT"})
    try:
        after, fields, lasts = _changed(state, request)
    except Refused as error:
        return Step(state, {"error_code": str(error)})
    return Step(_remembering(after, request, fields), fields, lasts)


def was_done(state: State, request: Request) -> bool:
    """Whether it is remembered."""
    name = request.id
    return state.answered.get(name) is not None or state.deletions.get(name) is not None


def _asked(state: State, request: Request) -> Step:
    if not state.exists:
        return Step(state, {"error_code": "PROCESSOR_NOT_FOUND"})
    try:
        fields = _QUESTIONS[request.operation](state, request.params)
    except Refused as error:
        return Step(state, {"error_code": str(error)})
    return Step(state, {**fields, "interval": state.interval})


def _changed(state: State, request: Request) -> tuple[State, Answer, bool]:
    if not state.exists and request.operation not in _MAKES:
        raise Refused("PROCESSOR_NOT_FOUND")
    there = state if state.exists else replace(state, exists=True)
    params = {**request.params, "created": not state.exists}
    after, fields, lasts = _CHANGES[request.operation](there, params)
    if after.exists:
        fields.setdefault("interval", after.interval)
    return after, fields, lasts


def _remembering(state: State, request: Request, fields: Answer) -> State:
    done = Done(request.what, fields)
    mark = hash((request.what, frozen(fields)))
    if state.exists:
        return replace(state, answered=state.answered.put(request.id, done, mark))
    return replace(state, deletions=state.deletions.put(request.id, done, mark))


# What is observed and learned

_Changed = tuple[State, Answer, bool]


def _event(state: State, params: Mapping[str, Any]) -> Event:
    if params.get("vectors"):
        raise NotImplementedError("vectors are not known here")
    strings = params.get("strings", ())
    return tuple(sorted(strings) if state.gene("sort") else strings)


def _observation(params: Mapping[str, Any]) -> Pairs:
    names = ("strings", "emotives", "unique_id", "metadata")
    return frozen({name: params[name] for name in names if params.get(name)})  # type: ignore[no-any-return]


def _take_in(state: State, params: Mapping[str, Any]) -> tuple[State, str | None]:
    """Observe; gives the model that was learned by that."""
    event = _event(state, params)
    emotives = frozen(params.get("emotives", {}))
    stm = (*state.stm, event) if event else state.stm
    felt = (*state.felt, emotives) if emotives else state.felt
    after = replace(state, stm=stm, felt=felt, interval=state.interval + 1)
    most = state.gene("max_sequence_length")
    if not (event and most and len(stm) >= most):
        return after, None
    learned, name = _learned(after)
    left = {"TAIL": stm[-1:], "CLEAR": (), "ROLLING": stm[1:]}[state.gene("stm_mode")]
    return replace(learned, stm=() if most == 1 else left), name or None


def _learned(state: State) -> tuple[State, str]:
    """Learn; gives the name of the model, C{""} where there is none."""
    empty = replace(state, stm=(), felt=())
    if sum(map(len, state.stm)) < 2:
        return empty, ""
    printed = str([list(event) for event in state.stm])
    name = "MODEL|" + hashlib.sha1(printed.encode()).hexdigest()
    known = state.models.get(name) or Model(state.stm, 0)
    felt = (*known.felt, _averages(state.felt)) if state.felt else known.felt
    kept = felt[-state.gene("persistence") :]
    model = replace(known, frequency=known.frequency + 1, felt=kept)
    return _with(empty, name, model), name


def _with(state: State, name: str, model: Model) -> State:
    return replace(state, models=state.models.put(name, model, hash(model)))


def _averages(felt: tuple[Pairs, ...]) -> Pairs:
    names = sorted({name for each in felt for name, _ in each})
    values = {name: [dict(each)[name] for each in felt if name in dict(each)] for name in names}
    return tuple((name, fsum(values[name]) / len(values[name])) for name in names)


def _memory(state: State, params: Mapping[str, Any], stm: tuple[Event, ...]) -> Answer:
    return {"events": len(stm)} if params.get("brief") else {"short_term_memory": stm}


def _seen(state: State, params: Mapping[str, Any]) -> Seen | None:
    """What was answered to an observation that is sent again."""
    known = state.seen.get(params["unique_id"]) if "unique_id" in params else None
    if known is not None and known.observation != _observation(params):
        raise Refused("CONFLICT")
    return known


def _accepted(state: State, params: Mapping[str, Any]) -> tuple[State, Seen]:
    known = _seen(state, params)
    if known is not None:
        return state, known
    after, learned = _take_in(state, params)
    seen = Seen(_observation(params), learned, after.stm, after.interval)
    if "unique_id" in params:
        after = replace(after, seen=after.seen.put(params["unique_id"], seen, hash(seen)))
    return after, seen


def _observe(state: State, params: Mapping[str, Any]) -> _Changed:
    after, seen = _accepted(state, params)
    fields = {"auto_learned_model": seen.learned, "interval": seen.interval}
    if "unique_id" in params:
        fields["unique_id"] = params["unique_id"]
    fields |= _memory(after, params, seen.stm)
    return after, fields, after is not state and seen.learned is not None


def _observe_sequence(state: State, params: Mapping[str, Any]) -> _Changed:
    names: list[str] = []
    observed = 0
    for each in params["observations"]:
        before = state
        state, seen = _accepted(state, each)
        if state is not before:
            observed += 1
            names.append(seen.learned or "")
        if params.get("learn_after_each"):
            state, name = _learned(state)
            names.append(name)
    if params.get("learn_at_end"):
        state, name = _learned(state)
        names.append(name)
    learned = tuple(filter(None, names))
    lasts = bool(learned or params.get("learn_after_each") or params.get("learn_at_end"))
    fields = {"observed": observed, "learned_models": learned}
    return state, fields | _memory(state, params, state.stm), lasts


def _learn(state: State, params: Mapping[str, Any]) -> _Changed:
    after, name = _learned(state)
    return after, {"model_name": name, "short_term_memory": ()}, True


def _clear(state: State, params: Mapping[str, Any]) -> _Changed:
    return replace(state, stm=(), felt=()), {"short_term_memory": ()}, False


def _clear_all(state: State, params: Mapping[str, Any]) -> _Changed:
    empty = replace(state, stm=(), felt=(), interval=0, models=Layers())
    return empty, {"short_term_memory": ()}, True


# Processors, genes and models


def _create(state: State, params: Mapping[str, Any]) -> _Changed:
    after = _changed_genes(state, params.get("genes") or {})
    return after, {"created": params["created"]}, True


def _delete(state: State, params: Mapping[str, Any]) -> _Changed:
    return State(deletions=state.deletions), {}, True


def _changed_genes(state: State, genes: Mapping[str, Any]) -> State:
    return replace(state, genes=tuple(sorted({**dict(state.genes), **genes}.items())))


def _change_gene(state: State, params: Mapping[str, Any]) -> _Changed:
    name, value = params["gene"], params["value"]
    fields = {"gene": name, "old_value": state.gene(name), "new_value": value}
    return _changed_genes(state, {name: value}), fields, True


def _change_genes(state: State, params: Mapping[str, Any]) -> _Changed:
    genes = params["genes"]
    old = frozen({name: state.gene(name) for name in genes})
    fields = {"old_values": old, "new_values": frozen(genes)}
    return _changed_genes(state, genes), fields, True


def _named(state: State, params: Mapping[str, Any]) -> tuple[str, Model]:
    name = "MODEL|" + params["model_name"].removeprefix("MODEL|")
    model = state.models.get(name)
    if model is None:
        raise Refused("MODEL_NOT_FOUND")
    return name, model


def _shown(name: str, model: Model) -> Answer:
    fields = {
        "name": name,
        "sequence": model.sequence,
        "frequency": model.frequency,
        "emotives": model.felt,
        "length": model.length,
    }
    return {"model": frozen(fields)}


def _update_model(state: State, params: Mapping[str, Any]) -> _Changed:
    name, model = _named(state, params)
    felt = frozen(params["emotives"]) if "emotives" in params else model.felt
    updated = replace(model, frequency=params.get("frequency", model.frequency), felt=felt)
    return _with(state, name, updated), _shown(name, updated), True


def _delete_model(state: State, params: Mapping[str, Any]) -> _Changed:
    name, _ = _named(state, params)
    return replace(state, models=state.models.without(name)), {}, True


def _list_models(state: State, params: Mapping[str, Any]) -> Answer:
    after, limit = params.get("after") or "", params.get("limit", 100)
    behind = [(name, model) for name, model in state.models.items() if name > after]
    summaries = [
        {"name": name, "frequency": model.frequency, "length": model.length}
        for name, model in behind[:limit]
    ]
    following = behind[limit - 1][0] if len(behind) > limit else None
    return {"models": frozen(summaries), "total": state.models.size, "next": following}


_MAKES = frozenset(
    {"create_processor", "observe", "observe_sequence", "change_gene", "change_genes"}
)
"""Operations that make a processor which is not there."""

_CHANGES: Mapping[str, Callable[[State, Mapping[str, Any]], _Changed]] = {
    "create_processor": _create,
    "delete_processor": _delete,
    "observe": _observe,
    "observe_sequence": _observe_sequence,
    "learn": _learn,
    "clear_short_term_memory": _clear,
    "clear_all_memory": _clear_all,
    "change_gene": _change_gene,
    "change_genes": _change_genes,
    "update_model": _update_model,
    "delete_model": _delete_model,
}

_QUESTIONS: Mapping[str, Callable[[State, Mapping[str, Any]], Answer]] = {
    "ping": lambda state, params: {},
    "get_short_term_memory": lambda state, params: {"short_term_memory": state.stm},
    "get_genes": lambda state, params: {"genes": state.genes},
    "get_gene": lambda state, params: {
        "gene": params["gene"],
        "value": state.gene(params["gene"]),
    },
    "get_model": lambda state, params: _shown(*_named(state, params)),
    "list_models": _list_models,
}

OPERATIONS = frozenset(_CHANGES) | frozenset(_QUESTIONS)
"""What a machine can do."""
