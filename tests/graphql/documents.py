"""The operations of SPEC 8 as documents that ask for all that there is, and what is answered as the
other transports tell it."""

import re
from collections.abc import Mapping
from typing import Any

from graphql import get_named_type, is_leaf_type

from kato.protocols.graphql.resolving import ASKING_FIELDS
from kato.protocols.graphql.schema import make_schema

Params = Mapping[str, Any]

QUESTIONS: Mapping[str, str] = {
    "ping": "ping",
    "get_status": "status",
    "get_predictions": "predictions(uniqueId: $unique_id, limit: 100)",
    "get_forecast": "forecast(limit: $limit)",
    "explain": "explain(name: $model_name)",
    "get_short_term_memory": "shortTermMemory",
    "get_gene": "gene(name: $gene)",
    "get_genes": "genes",
    "get_model": "model(name: $model_name)",
    "list_models": "models(limit: $limit, after: $after)",
    "get_percept_data": "percept",
    "get_cognition_data": "cognition",
}
"""What is asked of a processor."""

CHANGES: Mapping[str, str] = {
    "create_processor": "createProcessor(genes: $genes, ",
    "delete_processor": "deleteProcessor(",
    "observe": "observe(observation: $observation, ",
    "observe_sequence": "observeSequence(observations: $observations, "
    "learnAfterEach: $learn_after_each, learnAtEnd: $learn_at_end, ",
    "learn": "learn(",
    "clear_short_term_memory": "clearShortTermMemory(",
    "clear_all_memory": "clearAllMemory(",
    "change_gene": "changeGene(gene: $gene, value: $value, ",
    "change_genes": "changeGenes(genes: $new_genes, ",
    "update_model": "updateModel(name: $model_name, frequency: $frequency, emotives: $emotives, ",
    "delete_model": "deleteModel(name: $model_name, ",
}
"""What changes one."""

TYPES: Mapping[str, str] = {
    "after": "ID",
    "emotives": "[Emotives!]",
    "frequency": "Long",
    "gene": "Gene!",
    "genes": "GenesInput",
    "learn_after_each": "Boolean! = false",
    "learn_at_end": "Boolean! = false",
    "limit": "Int! = 10",
    "model_name": "ID!",
    "new_genes": "GenesInput!",
    "observation": "ObservationInput!",
    "observations": "[ObservationInput!]!",
    "processor": "ID",
    "request_id": "ID",
    "unique_id": "ID",
    "value": "JSON",
}

_LISTS = {"get_predictions": "predictions", "get_forecast": "forecast"}
_PLAIN = {"get_short_term_memory": "short_term_memory", "get_genes": "genes"}


def selection(kind: str) -> str:
    """All fields of a type that ask nothing, and all of theirs."""
    chosen = []
    for name, field in make_schema().type_map[kind].fields.items():  # type: ignore[attr-defined]
        below = get_named_type(field.type)
        if f"{kind}.{name}" in ASKING_FIELDS and kind != "Model":
            continue
        if is_leaf_type(below):
            chosen.append(name)
        elif name == "processor":
            chosen.append("processor { id }")
        elif (kind, name) not in (("Explanation", "prediction"), ("Model", "explanation")):
            chosen.append(f"{name} {selection(below.name)}")
    return "{ " + " ".join(chosen) + " }"


def camel(name: str) -> str:
    """C{unique_id} as C{uniqueId}."""
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)


def snake(name: str) -> str:
    """C{uniqueId} as C{unique_id}."""
    return re.sub(r"([A-Z]|(?<=[a-z])\d)", r"_\1", name).lower()


def asked(
    operation: str, params: Params, processor: str | None, request_id: str | None = None
) -> dict[str, Any]:
    """An operation as a request of GraphQL."""
    variables = {key: _variable(key, value) for key, value in params.items() if key != "brief"}
    if operation == "observe":
        observation = {camel(key): value for key, value in variables.items()}
        variables = {"observation": observation}
    elif operation == "change_genes":
        variables = {"new_genes": variables["genes"]}
    if operation == "list_processors":
        page = "processors(limit: $limit, after: $after)"
        return _request("query", f"{page} {selection('ProcessorPage')}", variables)
    if processor is None:
        return _request("query", "ping { timeStamp }", variables)
    variables["processor"] = processor
    if operation in QUESTIONS:
        below = f"{QUESTIONS[operation]} {_selected('Processor', QUESTIONS[operation])}"
        return _request("query", f"processor(id: $processor) {{ id {below} }}", variables)
    variables["request_id"] = request_id
    field = CHANGES[operation]
    asks = f"{field}processor: $processor, requestId: $request_id)"
    return _request("mutation", f"{asks} {_selected('Mutation', field)}", variables)


def _request(kind: str, text: str, variables: dict[str, Any]) -> dict[str, Any]:
    named = dict.fromkeys(re.findall(r"\$(\w+)", text))
    said = ", ".join(f"${each}: {_type(each)}" for each in named)
    given = {key: value for key, value in variables.items() if value is not None or key == "value"}
    return {
        "query": f"{kind} Q{f'({said})' if said else ''} {{ {text} }}",
        "variables": given,
    }


def _type(name: str) -> str:
    return f"{TYPES[name]}!" if name == "processor" else TYPES[name]


def _selected(kind: str, text: str) -> str:
    name = re.split(r"\W", text)[0]
    field = make_schema().type_map[kind].fields[name]  # type: ignore[attr-defined]
    below = get_named_type(field.type)
    return "" if is_leaf_type(below) else selection(below.name)


def _variable(key: str, value: Any) -> Any:
    if key == "genes" and isinstance(value, Mapping):
        return {camel(name): _gene(name, each) for name, each in value.items()}
    if key == "gene":
        return value.upper()
    if key == "observations":
        return [{camel(name): each for name, each in one.items()} for one in value]
    return value


def _gene(name: str, value: Any) -> Any:
    return value.upper() if name == "rank_by" else value


def answered(operation: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """What was answered, as the other transports tell it, as far as that is comparable."""
    if result.get("errors"):
        error = result["errors"][0]
        code = error["extensions"]["code"]
        return {"status": "error", "error_code": code, "message": error["message"]}
    [came] = result["data"].values()
    if operation in QUESTIONS and "id" in came:
        [told] = [value for key, value in came.items() if key != "id"]
        answer: dict[str, Any] = {"status": "okay", "processor": came["id"]}
    else:
        told, answer = came, {"status": "okay"}
    told = ours(told)
    if operation in _LISTS:
        return {**answer, _LISTS[operation]: told}
    if operation in _PLAIN:
        return {**answer, _PLAIN[operation]: told}
    if operation == "get_gene":
        return {**answer, "value": told}
    if operation == "get_model":
        return {**answer, "model": told}
    if "processor" in told:
        told["processor"] = told["processor"]["id"]
    return {**answer, **told}


_THEIRS = frozenset({"emotives", "metadata", "numbers", "value"})
"""Below these are names of clients."""


def ours(value: Any) -> Any:
    """An answer with the names that other transports have for its fields."""
    if isinstance(value, dict):
        return {
            snake(name): each if name in _THEIRS else _small(name, ours(each))
            for name, each in value.items()
        }
    return list(map(ours, value)) if isinstance(value, list) else value


def _small(name: str, value: Any) -> Any:
    return value.lower() if name in ("rankBy", "gene") and isinstance(value, str) else value
