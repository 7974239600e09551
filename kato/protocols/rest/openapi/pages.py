"""What the server answers without asking a processor, described."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kato.errors import KatoError, ProcessorUnavailable, UnknownOperation
from kato.operations import Scope, Topic
from kato.protocols.rest.openapi.failures import errors_at, failing, referred
from kato.protocols.rest.openapi.naming import Names, words_of
from kato.protocols.rest.openapi.operations import parameter, security
from kato.protocols.rest.routes import Page, Route
from kato.schemas import ANYTHING, COUNT, NUMBER, OBJECT, STRING, Schema, always, record, said


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of a path: the name of what it does, a sentence, and the shape of what it gives
    by media type."""

    name: str
    says: str
    gives: Mapping[str, Schema]
    fails: tuple[type[KatoError], ...] = ()


def _answer(page: Page, more: Mapping[str, Schema]) -> Mapping[str, Schema]:
    envelope = {
        "status": always("okay"),
        "message": always(page.word),
        "time_stamp": said("Unix seconds.", NUMBER),
    }
    return {"application/json": record({**envelope, **more})}


_STATISTICS: Mapping[str, Schema] = {
    "uptime": said("Seconds.", NUMBER),
    "memory": said("Bytes.", COUNT),
    "connections": COUNT,
    "requests": said("Those that were answered.", COUNT),
    "under_way": COUNT,
    "processors": COUNT,
    "streams": said("Of WebSockets.", OBJECT),
}

_HTML = {"text/html": STRING}
_FILE = {"*/*": ANYTHING}

PAGES: Mapping[str, Told] = {
    "/": Told("dashboard", "The dashboard, a page for a browser.", _HTML),
    "/docs": Told("documentation", "This description as a page, with operations to try.", _HTML),
    "/openapi.json": Told(
        "description", "This description.", {"application/json": record({"openapi": STRING})}
    ),
    "/static/{name}": Told("file", "A file of a page.", _FILE, (UnknownOperation,)),
    "/static/{folder}/{name}": Told("file", "A file of a page.", _FILE, (UnknownOperation,)),
    "/ws": Told("stream", "Makes the connection a WebSocket.", {}),
    "/live": Told("live", "The server serves.", _answer(Page.LIVE, {})),
    "/ready": Told(
        "ready", "All processors are loaded.", _answer(Page.READY, {}), (ProcessorUnavailable,)
    ),
    "/stats": Told(
        "statistics",
        "What the server counts; what else it tells depends on its parts.",
        _answer(Page.STATISTICS, _STATISTICS),
    ),
    "/metrics": Told(
        "metrics",
        "What the server counts, as Prometheus reads it.",
        {"text/plain": STRING, "application/openmetrics-text": STRING},
        (UnknownOperation,),
    ),
}
"""Every path that asks for no operation."""

_PARAMETERS: Mapping[str, Schema] = {
    "name": said("The file.", STRING),
    "folder": said("In which folder it is.", STRING),
    "read-only": said("The page shall offer nothing that changes anything.", STRING),
}

_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The `ETag` of what is there already.",
    "schema": STRING,
}


def described_page(route: Route, page: Page, names: Names) -> dict[str, Any]:
    """The description of what C{route} shows."""
    told = PAGES[route.path]
    words = [each[1:-1] for each in words_of(route.path) if each.startswith("{")]
    parameters = [parameter(each, "path", _PARAMETERS[each]) for each in words]
    parameters += [parameter(each, "query", _PARAMETERS[each]) for each in route.query]
    if page is Page.ASSET:
        parameters.append(_IF_NONE_MATCH)
    parameters.append({"$ref": "#/components/parameters/X-Request-ID"})
    return {
        "operationId": names.given(told.name),
        "tags": [Topic.SERVER.word],
        "summary": told.says.rstrip("."),
        "parameters": parameters,
        "responses": {**_successes(told, page), **failing([*errors_at(route), *told.fails])},
        "security": security(route, None if page.is_open else Scope.ADMIN),
    }


def _successes(told: Told, page: Page) -> dict[str, Any]:
    if page is Page.STREAM:
        return {"101": {"description": "A WebSocket from now on."}}
    shown: dict[str, Any] = {
        "description": told.says,
        "headers": referred(["X-Request-ID"]),
        "content": {media: {"schema": shape} for media, shape in told.gives.items()},
    }
    if page is not Page.ASSET:
        return {"200": shown}
    return {"200": shown, "304": {"description": "It is what is there already."}}
