"""Errors, and the headers that go with requests and answers."""

from collections.abc import Iterable, Iterator, Mapping
from inspect import getdoc
from itertools import groupby
from typing import Any

from kato.commands import REQUEST_ID
from kato.errors import (
    BY_CODE,
    Conflict,
    Forbidden,
    HeadersTooLarge,
    InternalError,
    InvalidRequest,
    KatoError,
    LimitReached,
    MethodNotAllowed,
    PayloadTooLarge,
    ProcessorNotFound,
    ProcessorUnavailable,
    RequestTimeout,
    StorageUnavailable,
    Timeout,
    TooManyRequests,
    Unauthorized,
    UnsupportedMediaType,
)
from kato.operations import Operation
from kato.protocols.rest.access import is_open
from kato.protocols.rest.openapi.naming import words_of
from kato.protocols.rest.routes import ROUTES, Body, Route
from kato.schemas import NUMBER, STRING, Schema, always, named, record, said

Kind = type[KatoError]

HEADERS: Mapping[str, Any] = {
    "X-Request-ID": {
        "description": "The id of the request, under which it stands in the log.",
        "schema": STRING,
        "required": True,
    },
    "Retry-After": {
        "description": "Seconds until the same request may succeed.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "WWW-Authenticate": {"description": "How a key is sent.", "schema": STRING},
    "Allow": {"description": "The methods that the path has.", "schema": STRING},
}

PARAMETERS: Mapping[str, Any] = {
    "X-Request-ID": {
        "name": "X-Request-ID",
        "in": "header",
        "description": "Comes back in the answer and stands in the log. 1 to 128 printable ASCII "
        "characters without blanks; made where it is missing or unfit.",
        "schema": STRING,
    },
    "Idempotency-Key": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Makes it safe to send the request again: it is done once, and answered as "
        "the first time.",
        "schema": REQUEST_ID,
    },
}

_HEADERS_OF: Mapping[Kind, str] = {
    Unauthorized: "WWW-Authenticate",
    MethodNotAllowed: "Allow",
    TooManyRequests: "Retry-After",
    ProcessorUnavailable: "Retry-After",
    StorageUnavailable: "Retry-After",
}

_OF_EVERY_HEAD: tuple[Kind, ...] = (
    InvalidRequest,
    Forbidden,
    RequestTimeout,
    HeadersTooLarge,
    InternalError,
)
_OF_EVERY_OPERATION: tuple[Kind, ...] = (
    TooManyRequests,
    ProcessorUnavailable,
    StorageUnavailable,
    Timeout,
)
_OF_EVERY_BODY: tuple[Kind, ...] = (PayloadTooLarge, UnsupportedMediaType)

ERROR: Schema = record(
    {
        "status": always("error"),
        "message": said("What is wrong, with the field and the value.", STRING),
        "error_code": {"type": "string", "enum": sorted(BY_CODE)},
        "processor": said("Whom the request was about.", STRING),
        "outcome": said("Nobody can say whether the change was made.", always("unknown")),
        "time_stamp": said("Unix seconds.", NUMBER),
    },
    optional=("processor", "outcome"),
)


def errors_at(route: Route) -> Iterator[Kind]:
    """What any request to this path may fail with."""
    yield from _OF_EVERY_HEAD
    if not is_open(words_of(route.path)):
        yield Unauthorized


def errors_of(route: Route, row: Operation) -> Iterator[Kind]:
    """What an operation may fail with, at this path."""
    yield from errors_at(route)
    yield from _OF_EVERY_OPERATION
    if _may_be_another(route):
        yield MethodNotAllowed
    if "{processor}" in route.path and not row.creates:
        yield ProcessorNotFound
    if row.creates:
        yield LimitReached
    if row.changes:
        yield Conflict
    if route.body is not Body.NONE:
        yield from _OF_EVERY_BODY
    yield from row.fails


def _may_be_another(route: Route) -> bool:
    """Whether there is a more special path that this one's words may make, without its method:
    C{DELETE /stats} is none of a processor."""
    special = {each.path for each in ROUTES if _is_special(each.path, route.path)}
    known = {each.path for each in ROUTES if each.method == route.method}
    return not special <= known


def _is_special(path: str, general: str) -> bool:
    words, others = words_of(path), words_of(general)
    if path == general or len(words) != len(others):
        return False
    pairs = zip(words, others, strict=True)
    return all(other == word or other.startswith("{") for word, other in pairs)


def failing(errors: Iterable[Kind]) -> dict[str, Any]:
    """The responses for these errors by status; those of one status are one response."""
    by_status = sorted(set(errors), key=lambda each: (each.http_status, each.error_code))
    return {
        str(status): _response(list(kinds))
        for status, kinds in groupby(by_status, lambda each: each.http_status)
    }


def _response(kinds: list[Kind]) -> dict[str, Any]:
    if len(kinds) == 1:
        return {"$ref": f"#/components/responses/{kinds[0].error_code}"}
    return _told(kinds)


def _told(kinds: list[Kind]) -> dict[str, Any]:
    headers = sorted({_HEADERS_OF[each] for each in kinds if each in _HEADERS_OF})
    codes = [each.error_code for each in kinds]
    narrowed = {"properties": {"error_code": {"enum": codes}}}
    return {
        "description": " ".join(f"`{each.error_code}`: {getdoc(each)}" for each in kinds),
        "headers": referred(["X-Request-ID", *headers]),
        "content": {"application/json": {"schema": {"allOf": [named("Error"), narrowed]}}},
    }


def referred(headers: Iterable[str]) -> dict[str, Any]:
    """These headers, as a response shows them."""
    return {each: {"$ref": f"#/components/headers/{each}"} for each in headers}


def responses() -> dict[str, Any]:
    """A response for each error, by its code."""
    return {code: _told([kind]) for code, kind in BY_CODE.items()}
