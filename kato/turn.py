"""One turn of a processor: a command carried out on an engine (SPEC 8).

This is what every transport and every wire has in common.  It is pure: it is told the time, and
what must be durable before the answer is given stands in what it returns.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from kato import __version__
from kato.changes import Remembered, Window
from kato.commands import (
    ChangeGene,
    ChangeGenes,
    Command,
    CreateProcessor,
    GetForecast,
    GetGene,
    GetPredictions,
    ListModels,
    NamedModel,
    Observe,
    ObserveSequence,
    Params,
    Reply,
    UpdateModel,
)
from kato.engine import Observation, Processor
from kato.genes import Genes
from kato.happenings import Cleared, Foreseen, Forgotten, GenesChanged, Happened, Learned, Updated
from kato.model import Model


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a turn came to.

    C{durable} says that the answer is only true once the processor's state is; C{happened} is what
    those are told who listen, in order.
    """

    reply: Reply
    changed: bool
    durable: bool
    happened: Sequence[Happened] = ()


@dataclass(frozen=True, slots=True)
class _Result:
    """The result of an operation, beside the envelope, and the memory that is told with it."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    window: Window | None = None
    durable: bool = False
    repeated: bool = False
    happened: Sequence[Happened] = ()
    interval: int | None = None
    time_stamp: float | None = None


@dataclass(frozen=True, slots=True)
class _Turn:
    """What an operation is told beside its parameters."""

    now: float
    created: bool
    make_id: Callable[[], str]


def take_turn(
    processor: Processor,
    command: Command,
    *,
    now: float,
    make_id: Callable[[], str],
    created: bool = False,
) -> Outcome:
    """Carry out C{command}, once: an answer that is remembered is given again.

    @param now: the time, in Unix seconds.
    @param make_id: makes the ids of observations that have none.
    @param created: the processor was made for this command.
    @raise KatoError: where the command cannot be carried out; then nothing has changed.
    """
    changes = command.row.changes
    digest = ""
    if changes and command.request_id is not None:
        digest = command.digest()
        known = processor.answered_before(command.request_id, digest)
        if known is not None:
            return Outcome(_answered_before(processor, command, known), False, False)
    result = _OPERATIONS[command.operation](processor, command.params, _Turn(now, created, make_id))
    reply = _reply(processor, command, result, now)
    if changes and command.request_id is not None:
        processor.remember_answer(
            command.request_id,
            digest,
            dict(result.fields),
            result.window,
            _interval(processor, result),
            reply.time_stamp,
        )
    changed = changes and not (result.repeated and command.request_id is None)
    processor.revision += changed
    return Outcome(reply, changed, changed and result.durable, result.happened)


def _answered_before(processor: Processor, command: Command, known: Remembered) -> Reply:
    result = _Result(
        known.fields, known.window, interval=known.interval, time_stamp=known.time_stamp
    )
    return _reply(processor, command, result, known.time_stamp)


def _reply(processor: Processor, command: Command, result: _Result, now: float) -> Reply:
    fields = dict(result.fields)
    if result.window is not None:
        if command.brief:
            fields["events"] = result.window.end - result.window.start
        else:
            fields["short_term_memory"] = processor.short_term_memory(result.window)
    return Reply(
        message=command.row.message,
        time_stamp=now if result.time_stamp is None else result.time_stamp,
        fields=fields,
        processor=processor.id,
        interval=_interval(processor, result),
    )


def _interval(processor: Processor, result: _Result) -> int:
    return processor.interval if result.interval is None else result.interval


def foresee(processor: Processor) -> Foreseen:
    """What C{get_predictions} and C{get_forecast} give now."""
    return Foreseen(processor.predictions(), processor.forecast())


def _ping(processor: Processor, params: Params, turn: _Turn) -> _Result:
    return _Result()


def _get_status(processor: Processor, params: Params, turn: _Turn) -> _Result:
    window = processor.window
    return _Result(
        {
            "name": processor.name,
            "models": processor.models,
            "symbols": processor.symbols,
            "vectors": processor.vectors,
            "events": window.end - window.start,
            "genes": processor.genes.as_dict(),
            "revision": processor.revision,
            "accuracy": None if processor.accuracy is None else processor.accuracy.as_dict(),
            "matcher": processor.matcher,
            "memory": asdict(processor.memory),
            "version": __version__,
        }
    )


def _create_processor(processor: Processor, params: CreateProcessor, turn: _Turn) -> _Result:
    happened: Sequence[Happened] = ()
    if params.genes:
        processor.change_genes(params.genes)
        happened = () if turn.created else (GenesChanged(params.genes),)
    return _Result({"created": turn.created}, durable=True, happened=happened)


def _observe(processor: Processor, params: Observe, turn: _Turn) -> _Result:
    given = params.observation.unique_id
    made_id = turn.make_id() if given is None else None
    observed = processor.observe(params.observation, now=turn.now, made_id=made_id)
    fields: dict[str, Any] = {
        "unique_id": observed.unique_id,
        "auto_learned_model": observed.auto_learned_model,
    }
    if observed.bounded:
        fields["classifier_bounded"] = True
    return _Result(
        fields,
        observed.window,
        durable=observed.auto_learned_model is not None,
        repeated=observed.repeated,
        happened=() if observed.repeated else processor.seen(params.observation, observed),
        interval=observed.interval,
        time_stamp=observed.time_stamp,
    )


def _observe_sequence(processor: Processor, params: ObserveSequence, turn: _Turn) -> _Result:
    done = processor.observe_sequence(
        params.observations,
        learn_after_each=params.learn_after_each,
        learn_at_end=params.learn_at_end,
        now=turn.now,
        make_id=turn.make_id,
    )
    fields: dict[str, Any] = {
        "observed": done.observed,
        "learned_models": list(done.learned_models),
    }
    if done.bounded:
        fields["classifier_bounded"] = True
    learns = params.learn_after_each or params.learn_at_end or bool(done.learned_models)
    return _Result(fields, done.window, durable=learns, happened=done.happened)


def _learn(processor: Processor, params: Params, turn: _Turn) -> _Result:
    learned = processor.learn_and_tell()
    name = learned.model_name if isinstance(learned, Learned) else ""
    return _Result({"model_name": name}, processor.window, durable=True, happened=(learned,))


def _get_predictions(processor: Processor, params: GetPredictions, turn: _Turn) -> _Result:
    return _Result({"predictions": processor.predictions(params.unique_id)})


def _get_forecast(processor: Processor, params: GetForecast, turn: _Turn) -> _Result:
    return _Result({"forecast": processor.forecast(params.limit)})


def _explain(processor: Processor, params: NamedModel, turn: _Turn) -> _Result:
    return _Result({**processor.explain(params.model_name), "learned": None})


def _get_short_term_memory(processor: Processor, params: Params, turn: _Turn) -> _Result:
    return _Result(window=processor.window)


def _clear_short_term_memory(processor: Processor, params: Params, turn: _Turn) -> _Result:
    processor.clear_short_term_memory()
    return _Result(window=processor.window, happened=(Cleared(),))


def _clear_all_memory(processor: Processor, params: Params, turn: _Turn) -> _Result:
    processor.clear_all_memory()
    return _Result(window=processor.window, durable=True, happened=(Cleared(all=True),))


def _get_gene(processor: Processor, params: GetGene, turn: _Turn) -> _Result:
    return _Result({"gene": params.gene, "value": processor.genes.as_dict()[params.gene]})


def _get_genes(processor: Processor, params: Params, turn: _Turn) -> _Result:
    return _Result({"genes": processor.genes.as_dict()})


def _change_gene(processor: Processor, params: ChangeGene, turn: _Turn) -> _Result:
    old = processor.change_genes({params.gene: params.value}).as_dict()
    return _Result(
        {"gene": params.gene, "old_value": old[params.gene], "new_value": params.value},
        durable=True,
        happened=(GenesChanged({params.gene: params.value}),),
    )


def _change_genes(processor: Processor, params: ChangeGenes, turn: _Turn) -> _Result:
    old = processor.change_genes(params.genes)
    return _Result(
        {"old_values": _some(old, params.genes), "new_values": dict(params.genes)},
        durable=True,
        happened=(GenesChanged(params.genes),) if params.genes else (),
    )


def _some(genes: Genes, names: Mapping[str, Any]) -> dict[str, Any]:
    values = genes.as_dict()
    return {name: values[name] for name in names}


def _get_model(processor: Processor, params: NamedModel, turn: _Turn) -> _Result:
    return _Result({"model": processor.model(params.model_name).as_dict()})


def _list_models(processor: Processor, params: ListModels, turn: _Turn) -> _Result:
    models, after = processor.list_models(params.limit, params.after)
    return _Result(
        {"models": list(map(_summary, models)), "total": processor.models, "next": after}
    )


def _summary(model: Model) -> dict[str, Any]:
    return {"name": model.name, "frequency": model.frequency, "length": model.length}


def _update_model(processor: Processor, params: UpdateModel, turn: _Turn) -> _Result:
    model = processor.update_model(params.model_name, params.frequency, params.emotives)
    happened = (Updated(model.name, model.frequency),)
    return _Result({"model": model.as_dict()}, durable=True, happened=happened)


def _delete_model(processor: Processor, params: NamedModel, turn: _Turn) -> _Result:
    model = processor.delete_model(params.model_name)
    return _Result(durable=True, happened=(Forgotten(model.name),))


def _get_percept_data(processor: Processor, params: Params, turn: _Turn) -> _Result:
    observation = processor.percept.observation
    return _Result(_NO_PERCEPT if observation is None else observation.as_dict())


_NO_PERCEPT: Mapping[str, Any] = Observation().as_dict()


def _get_cognition_data(processor: Processor, params: Params, turn: _Turn) -> _Result:
    return _Result(
        {
            "predictions": processor.predictions(),
            "emotives": processor.emotives,
            "symbols": list(processor.percept.event),
        },
        processor.window,
    )


_OPERATIONS: Mapping[str, Callable[[Processor, Any, _Turn], _Result]] = {
    "ping": _ping,
    "get_status": _get_status,
    "create_processor": _create_processor,
    "observe": _observe,
    "observe_sequence": _observe_sequence,
    "learn": _learn,
    "get_predictions": _get_predictions,
    "get_forecast": _get_forecast,
    "explain": _explain,
    "get_short_term_memory": _get_short_term_memory,
    "clear_short_term_memory": _clear_short_term_memory,
    "clear_all_memory": _clear_all_memory,
    "get_gene": _get_gene,
    "get_genes": _get_genes,
    "change_gene": _change_gene,
    "change_genes": _change_genes,
    "get_model": _get_model,
    "list_models": _list_models,
    "update_model": _update_model,
    "delete_model": _delete_model,
    "get_percept_data": _get_percept_data,
    "get_cognition_data": _get_cognition_data,
}
