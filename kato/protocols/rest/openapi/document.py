"""The description as a whole."""

from typing import Any

from kato import __version__
from kato.limits import Limits
from kato.observation import OBSERVATION
from kato.operations import OPERATIONS, Topic
from kato.protocols.rest.openapi.bounds import bounded
from kato.protocols.rest.openapi.documents import described_documents
from kato.protocols.rest.openapi.failures import ERROR, HEADERS, PARAMETERS, responses
from kato.protocols.rest.openapi.naming import Names, answer_name
from kato.protocols.rest.openapi.operations import described
from kato.protocols.rest.openapi.pages import described_page
from kato.protocols.rest.routes import ROUTES, Page, Route
from kato.results import SHAPES

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_ABOUT = """\
KATO observes events, learns the sequence of them, and predicts from every sequence that it knows.

The id of a processor is made up by whoever uses it: the first `observe` makes the processor. \
Every answer is one JSON object. A success has `status` `"okay"`; an error has a code, and says in \
a sentence what is wrong. Where the server has keys, a request brings one as `X-API-Key` or as \
`Authorization: Bearer`. A body has at most {message:,} bytes.

A change that brings an `Idempotency-Key` may be sent again, and is done once. `HEAD` is answered \
wherever `GET` is.

The same operations, and events as they happen, are spoken over **WebSocket** at `/ws`, for which \
[`kato.js`](/static/kato.js) is a client ([RFC 6455](https://www.rfc-editor.org/rfc/rfc6455), \
`docs/websocket.md`), by documents of **GraphQL** at [`/graphql`](/graphql) (`docs/graphql.md`), \
and in MessagePack over **ZeroMQ** ([request and reply](https://rfc.zeromq.org/spec/28/), \
`docs/zeromq.md`).
"""

_SECURITY = {
    "ApiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "Where the server has keys. What is named beside it is the scope that the "
        "key must have.",
    },
    "Bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The same key in another header.",
    },
}


def description(limits: Limits) -> dict[str, Any]:
    """REST as an OpenAPI document, in JSON's types.

    @param limits: how much may be asked for on this server.
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "KATO",
            "version": __version__,
            "summary": "A deterministic sequence memory, served over the network.",
            "description": _ABOUT.format(message=limits.message),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "jsonSchemaDialect": DIALECT,
        "servers": [{"url": "/", "description": "This server."}],
        "tags": [{"name": each.word, "description": each.says} for each in Topic],
        "paths": _paths(limits),
        "components": {
            "schemas": {
                **SHAPES,
                "Observation": bounded(OBSERVATION, limits),
                **{answer_name(name): row.answer() for name, row in OPERATIONS.items()},
                "Error": ERROR,
            },
            "responses": responses(),
            "parameters": dict(PARAMETERS),
            "headers": dict(HEADERS),
            "securitySchemes": _SECURITY,
        },
    }


def _paths(limits: Limits) -> dict[str, dict[str, Any]]:
    names = Names()
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _told(route, names, limits)
    return paths


def _told(route: Route, names: Names, limits: Limits) -> dict[str, Any]:
    if route.serves is Page.GRAPHQL:
        return described_documents(route, names)
    if isinstance(route.serves, Page):
        return described_page(route, route.serves, names)
    return described(route, route.serves, OPERATIONS[route.serves], names, limits)
