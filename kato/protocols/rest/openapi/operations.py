"""A path and method that ask for an operation, described."""

from collections.abc import Iterator
from typing import Any

from kato.commands import PROCESSOR_ID
from kato.limits import Limits
from kato.operations import Operation, Scope
from kato.protocols.rest.access import is_open
from kato.protocols.rest.openapi.bounds import bounded
from kato.protocols.rest.openapi.examples import Example, example_of
from kato.protocols.rest.openapi.failures import errors_of, failing, referred
from kato.protocols.rest.openapi.naming import Names, answer_name, summary, words_of
from kato.protocols.rest.routes import Body, Route
from kato.schemas import Schema, named, said

_PROCESSOR = said("Whom to ask: its id.", PROCESSOR_ID)
_NO_NUL = "^[^\\u0000]*$"


def described(
    route: Route, name: str, row: Operation, names: Names, limits: Limits
) -> dict[str, Any]:
    """The description of what C{route} does.

    @param name: the operation's.
    @param limits: how much may be asked for.
    """
    example = example_of(name, processor="{processor}" in route.path)
    shape = bounded(row.params.schema(), limits)
    told: dict[str, Any] = {
        "operationId": names.given(name),
        "tags": [row.topic.word],
        "summary": summary(row.says),
        "description": row.says,
        "parameters": list(_parameters(route, row, shape, example)),
        "responses": {**_successes(name, row, example), **failing(errors_of(route, row))},
        "security": security(route, row.scope),
    }
    if route.body is not Body.NONE:
        told["requestBody"] = _body(route, shape, example)
    return told


def security(route: Route, scope: Scope | None) -> list[dict[str, list[str]]]:
    """Which keys a path asks for, where the server has any: their scope is named as a role."""
    if is_open(words_of(route.path)):
        return []
    roles = [] if scope is None else [scope.value]
    return [{"ApiKey": roles}, {"Bearer": roles}]


def _parameters(
    route: Route, row: Operation, shape: Schema, example: Example
) -> Iterator[dict[str, Any]]:
    for word in words_of(route.path):
        if word == "{processor}":
            yield {**parameter(word[1:-1], "path", _PROCESSOR), "example": example.processor}
        elif word.startswith("{"):
            yield _given(word[1:-1], "path", shape, example)
    for name in route.query:
        yield _given(name, "query", shape, example)
    yield {"$ref": "#/components/parameters/X-Request-ID"}
    if row.changes:
        yield {"$ref": "#/components/parameters/Idempotency-Key"}


def _given(name: str, where: str, shape: Schema, example: Example) -> dict[str, Any]:
    made = parameter(name, where, shape["properties"][name])
    if name in example.params:
        made["example"] = example.params[name]
    return made


def parameter(name: str, where: str, schema: Schema) -> dict[str, Any]:
    """A parameter of the path or the query; a NUL may stand in neither."""
    plain = {key: value for key, value in schema.items() if key != "description"}
    if plain.get("type") == "string" and "pattern" not in plain and "enum" not in plain:
        plain["pattern"] = _NO_NUL
    made: dict[str, Any] = {"name": name, "in": where, "schema": plain}
    if where == "path":
        made["required"] = True
    if "description" in schema:
        made["description"] = schema["description"]
    return made


def _body(route: Route, shape: Schema, example: Example) -> dict[str, Any]:
    elsewhere = {word[1:-1] for word in words_of(route.path)} | set(route.query)
    fields = {name: each for name, each in shape["properties"].items() if name not in elsewhere}
    schema: dict[str, Any] = {**shape, "properties": fields}
    required = [name for name in shape.get("required", ()) if name in fields]
    schema.pop("required", None)
    for other, name in route.also.items():
        required.remove(name)
        fields[other] = said(f"Another name of `{name}`.", fields[name])
        schema["oneOf"] = [{"required": [name]}, {"required": [other]}]
    if required:
        schema["required"] = required
    media: dict[str, Any] = {"schema": schema}
    given = {name: value for name, value in example.params.items() if name in fields}
    if given:
        media["example"] = given
    return {"required": route.body is Body.REQUIRED, "content": {"application/json": media}}


def _successes(name: str, row: Operation, example: Example) -> dict[str, Any]:
    answer = {
        "description": f"`{row.message}`: it is done.",
        "headers": referred(["X-Request-ID"]),
        "content": {
            "application/json": {"schema": named(answer_name(name)), "example": example.answer}
        },
    }
    if "created" not in row.gives.get("properties", ()):
        return {"200": answer}
    return {"200": {**answer, "description": "It was there already."}, "201": answer}
