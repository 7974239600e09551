"""Operations asked for over REST, by the table of paths."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from kato.protocols.rest.routes import ROUTES, Body, Route
from tests.rest.talking import request


def asked(operation: str, params: Mapping[str, Any], processor: str | None) -> bytes:
    """The request that asks for this, by the first path that does."""
    return asked_by(_route(operation, processor), params, processor)


def asked_by(route: Route, params: Mapping[str, Any], processor: str | None) -> bytes:
    """The same, by this path."""
    path = route.path.replace("{processor}", processor or "")
    left = dict(params)
    for name in [name for name in left if f"{{{name}}}" in path]:
        path = path.replace(f"{{{name}}}", quote(left.pop(name), safe=""))
    query = {name: left.pop(name) for name in route.query if name in left}
    if query:
        path += "?" + urlencode(query)
    body = json.dumps(left).encode() if route.body is not Body.NONE and left else None
    return request(route.method, path, body)


def _route(operation: str, processor: str | None) -> Route:
    return next(
        each
        for each in ROUTES
        if each.serves == operation and ("{processor}" in each.path) == (processor is not None)
    )
