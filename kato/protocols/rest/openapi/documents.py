"""C{/graphql}, described: what is asked there has a schema of its own."""

from typing import Any

from kato.errors import (
    InvalidRequest,
    MethodNotAllowed,
    PayloadTooLarge,
    TooManyRequests,
    UnsupportedMediaType,
)
from kato.operations import Topic
from kato.protocols.rest.openapi.failures import errors_at, failing, referred
from kato.protocols.rest.openapi.naming import Names
from kato.protocols.rest.openapi.operations import parameter, security
from kato.protocols.rest.routes import Body, Route
from kato.schemas import ANYTHING, OBJECT, STRING, Schema, a_list, named, record, said

_MEDIA = "application/graphql-response+json"
_FAILS = (MethodNotAllowed, PayloadTooLarge, TooManyRequests, UnsupportedMediaType)

_REQUEST: Schema = record(
    {
        "query": said("A document of GraphQL.", STRING),
        "variables": said("The values of its variables.", {"type": ["object", "null"]}),
        "operationName": said(
            "Which of its operations is meant, where it has several.", {"type": ["string", "null"]}
        ),
        "extensions": said("Nobody heeds them.", {"type": ["object", "null"]}),
    },
    optional=("variables", "operationName", "extensions"),
)

_RESULT: Schema = record(
    {
        "data": said("What was asked for, in the shape of the document.", ANYTHING),
        "errors": said("What is wrong, with the code in `extensions`.", a_list(OBJECT)),
    },
    optional=("data", "errors"),
)

_PARAMETERS: dict[str, Schema] = {
    "query": said("A document of GraphQL.", STRING),
    "variables": said("The values of its variables, as JSON.", STRING),
    "operationName": said("Which of its operations is meant, where it has several.", STRING),
    "extensions": said("An object in JSON, which nobody heeds.", STRING),
}


def described_documents(route: Route, names: Names) -> dict[str, Any]:
    """The description of C{route}, where documents are answered."""
    says = "Answers a query of GraphQL." if route.query else "Answers a document of GraphQL."
    told: dict[str, Any] = {
        "operationId": names.given("graphql"),
        "tags": [Topic.SERVER.word],
        "summary": says.rstrip("."),
        "description": f"{says} A browser that comes without one is shown a page to try it.",
        "parameters": [
            *(parameter(each, "query", _PARAMETERS[each]) for each in route.query),
            {"$ref": "#/components/parameters/X-Request-ID"},
        ],
        "responses": {**_responses(route), "200": _answer(says)},
        "security": security(route, None),
    }
    if route.body is not Body.NONE:
        content = {"application/json": {"schema": _REQUEST, "example": _EXAMPLE}}
        told["requestBody"] = {"required": True, "content": content}
    return told


_EXAMPLE = {"query": "{ ping { timeStamp } }"}


def _answer(says: str) -> dict[str, Any]:
    content = {media: {"schema": _RESULT} for media in (_MEDIA, "application/json")}
    content["text/html"] = {"schema": STRING}
    return {"description": says, "headers": referred(["X-Request-ID"]), "content": content}


def _responses(route: Route) -> dict[str, Any]:
    """What it may fail with: a head as everywhere, what it says as GraphQL does."""
    either = {"anyOf": [named("Error"), _RESULT]}
    responses = failing(errors_at(route))
    for kind in (InvalidRequest, *_FAILS):
        responses[str(kind.http_status)] = {
            "description": f"`{kind.error_code}`: {kind.__doc__}",
            "headers": referred(["X-Request-ID"]),
            "content": {
                _MEDIA: {"schema": _RESULT},
                "application/json": {"schema": either},
            },
        }
    return responses
