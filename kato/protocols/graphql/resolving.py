"""Which field asks which operation, and what of the answer it gives (SPEC 8).

A field that is not here is looked up in what its parent is: the map that an operation answered, or
for a processor its id.  Where an error stands there, what came did not fit into the answer.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any

from kato.commands import MAX_PAGE, Command, Reply
from kato.errors import KatoError, bare
from kato.fields import integer
from kato.protocols.graphql.answers import Answers
from kato.protocols.graphql.naming import ours
from kato.protocols.graphql.selecting import Info, selects

Fields = Mapping[str, Any]
Resolver = Callable[..., Any]

Gives = Callable[[Reply, Fields], Any]
"""Takes of an answer what a field is, by the field's arguments."""


def looked_up(source: Any, info: Info, **arguments: object) -> Any:
    """What a field is that asks nothing."""
    return _there(source.get(ours(info.field_name)))


def _there(value: Any) -> Any:
    """What stands in an answer.

    @raise KatoError: where what came was too long for it.
    """
    if isinstance(value, KatoError):
        raise bare(value)  # it may be raised again and again
    return value


# What is asked


def _ask(
    info: Info,
    operation: str,
    processor: str | None = None,
    params: Fields | None = None,
) -> Reply | None:
    answers: Answers = info.context
    return answers.ask(Command.parse(operation, params or {}, processor))


def _question(operation: str, gives: Gives, *params: str, name: str = "name") -> Resolver:
    """A field of a processor that asks it.

    @param params: the arguments that are parameters of the operation; null is as if left out.
    @param name: what the argument C{name} is called among them.
    """

    def resolve(processor: str, info: Info, **arguments: Any) -> Any:
        said = {name if each == "name" else each: arguments.get(each) for each in params}
        reply = _ask(info, operation, processor, _given(said))
        return None if reply is None else gives(reply, arguments)

    return resolve


def _given(arguments: Fields) -> dict[str, Any]:
    return {key: value for key, value in arguments.items() if value is not None}


def _whole(reply: Reply, arguments: Fields) -> Fields:
    return reply.as_dict()


def _field(key: str) -> Gives:
    return lambda reply, arguments: reply.fields[key]


def _models(reply: Reply, arguments: Fields) -> Fields:
    return {
        **reply.fields,
        "nodes": [_of(reply.processor, each) for each in reply.fields["models"]],
    }


def _model(reply: Reply, arguments: Fields) -> Fields:
    return _of(reply.processor, reply.fields["model"])


def _predictions(reply: Reply, arguments: Fields) -> Iterator[Fields]:
    return _first(reply.as_dict(), "predictions", arguments["limit"])


def _first(source: Fields, key: str, limit: int) -> Iterator[Fields]:
    """The first entries of a list, each with the processor that it is of, made one by one: those
    that do not fit are not made."""
    return (_of(source["processor"], each) for each in islice(source[key], limit))


def _judged(resolve: Resolver) -> Resolver:
    """A field that cuts a list itself: its limit is judged as those of operations are, and before
    anything is asked."""

    def judged(source: Any, info: Info, limit: int, **arguments: Any) -> Any:
        integer(limit, "limit", least=1, most=MAX_PAGE)
        return resolve(source, info, limit=limit, **arguments)

    return judged


def _of(processor: str | None, fields: Fields) -> Fields:
    return {**fields, "processor": processor}


def _ping(source: object, info: Info) -> Fields | None:
    reply = _ask(info, "ping")
    return None if reply is None else reply.as_dict()


def _processor(source: object, info: Info, id: str) -> str:
    return Command.parse("ping", {}, id).processor or ""


def _processors(source: object, info: Info, **page: Any) -> Fields | None:
    reply = _ask(info, "list_processors", params=_given(page))
    if reply is None:
        return None
    fields = reply.fields
    return {**fields, "nodes": fields["processors"], "unavailable": fields.get("unavailable", ())}


def _of_model(key: str) -> Resolver:
    """What a list of models does not tell of each."""

    def resolve(model: Fields, info: Info) -> Any:
        if key in model:
            return model[key]
        reply = _ask(info, "get_model", model["processor"], {"model_name": model["name"]})
        return None if reply is None else reply.fields["model"][key]

    return resolve


def _named_model(key: str, source: Fields, info: Info) -> Fields | None:
    """The model of which a field tells the name, if it does."""
    if not source[key]:
        return None
    reply = _ask(info, "get_model", source["processor"], {"model_name": source[key]})
    return None if reply is None else _model(reply, {})


def _explained(source: Fields, info: Info) -> Fields | None:
    reply = _ask(info, "explain", source["processor"], {"model_name": source["name"]})
    return None if reply is None else reply.as_dict()


def _within(key: str) -> Resolver:
    """A model or prediction that stands in an answer."""

    def resolve(source: Fields, info: Info) -> Fields | None:
        found = _there(source[key])
        return None if found is None else _of(source["processor"], found)

    return resolve


# What is changed

Params = Callable[[dict[str, Any]], Fields]
"""Makes parameters of a field's arguments, those left out that are null."""


def _change(operation: str, params: Params = dict, *, nullable: str = "") -> Resolver:
    """A field that changes something.

    @param nullable: an argument of which null is a value like others.
    """

    def resolve(
        source: object,
        info: Info,
        processor: str,
        request_id: str | None = None,
        **arguments: Any,
    ) -> Fields | None:
        def command() -> Command:
            said = {k: v for k, v in arguments.items() if v is not None or k == nullable}
            made = params(said)
            if operation in _BRIEF and not selects(info, "shortTermMemory"):
                made = {**made, "brief": True}
            return Command.parse(operation, made, processor, request_id)

        answers: Answers = info.context
        reply = answers.change(str(info.path.key), command)
        return None if reply is None else reply.as_dict()

    return resolve


_BRIEF = frozenset({"observe", "observe_sequence"})
"""These tell the length of short-term memory alone, where no more is asked for."""


def _observation(arguments: Fields) -> Fields:
    return _given(arguments["observation"])


def _observations(arguments: Fields) -> Fields:
    return {**arguments, "observations": list(map(_given, arguments["observations"]))}


def _naming_model(arguments: dict[str, Any]) -> Fields:
    return {"model_name": arguments.pop("name"), **arguments}


def _events(source: Fields, info: Info) -> int:
    told = source.get("events")
    return len(_there(source["short_term_memory"])) if told is None else told


def _bounded(source: Fields, info: Info) -> bool:
    return bool(source.get("classifier_bounded"))


def _changes(source: Fields, info: Info) -> list[Fields]:
    old, new = source["old_values"], source["new_values"]
    return [{"gene": each, "old_value": old[each], "new_value": new[each]} for each in new]


def _itself(source: object, info: Info) -> object:
    return source


def _id(source: Fields, info: Info) -> object:
    return source["id"]


def _cut(key: str) -> Resolver:
    return _judged(lambda source, info, limit: _first(source, key, limit))


_OBSERVED = {"events": _events, "classifierBounded": _bounded}

RESOLVERS: Mapping[str, Mapping[str, Resolver]] = {
    "Query": {"ping": _ping, "processors": _processors, "processor": _processor},
    "ProcessorEntry": {"processor": _id},
    "Processor": {
        "id": _itself,
        "ping": _question("ping", _whole),
        "status": _question("get_status", _whole),
        "shortTermMemory": _question("get_short_term_memory", _field("short_term_memory")),
        "predictions": _judged(_question("get_predictions", _predictions, "unique_id")),
        "forecast": _question("get_forecast", _field("forecast"), "limit"),
        "genes": _question("get_genes", _field("genes")),
        "gene": _question("get_gene", _field("value"), "name", name="gene"),
        "models": _question("list_models", _models, "limit", "after"),
        "model": _question("get_model", _model, "name", name="model_name"),
        "explain": _question("explain", _whole, "name", name="model_name"),
        "percept": _question("get_percept_data", _whole),
        "cognition": _question("get_cognition_data", _whole),
    },
    "Model": {
        "sequence": _of_model("sequence"),
        "emotives": _of_model("emotives"),
        "explanation": _explained,
    },
    "Prediction": {"model": partial(_named_model, "name"), "explanation": _explained},
    "Explanation": {"model": _within("model"), "prediction": _within("prediction")},
    "Cognition": {"predictions": _cut("predictions")},
    "PredictionsEvent": {"predictions": _cut("predictions"), "forecast": _cut("forecast")},
    "Mutation": {
        "createProcessor": _change("create_processor"),
        "deleteProcessor": _change("delete_processor"),
        "observe": _change("observe", _observation),
        "observeSequence": _change("observe_sequence", _observations),
        "learn": _change("learn"),
        "clearShortTermMemory": _change("clear_short_term_memory"),
        "clearAllMemory": _change("clear_all_memory"),
        "changeGene": _change("change_gene", nullable="value"),
        "changeGenes": _change("change_genes"),
        "updateModel": _change("update_model", _naming_model),
        "deleteModel": _change("delete_model", _naming_model),
    },
    "Observed": _OBSERVED,
    "SequenceObserved": _OBSERVED,
    "Learned": {"model": partial(_named_model, "model_name")},
    "GenesChanged": {"changes": _changes},
    "ModelUpdated": {"model": _within("model")},
}
"""The fields that are more than looked up, by their types."""

_ASKING_SOMETIMES = ("Model.sequence", "Model.emotives", "Model.explanation", "Learned.model")

ASKING_FIELDS: frozenset[str] = frozenset(
    {
        "Query.ping",
        "Query.processors",
        *(f"Processor.{name}" for name in RESOLVERS["Processor"] if name != "id"),
        *(f"Mutation.{name}" for name in RESOLVERS["Mutation"]),
        *(f"Prediction.{name}" for name in RESOLVERS["Prediction"]),
        *_ASKING_SOMETIMES,
    }
)
"""The fields that may ask a processor or the server."""
