"""The one table of paths: which of them asks for which operation, with what (SPEC 9)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from itertools import groupby

from kato.commands import parse_processor_id
from kato.errors import InvalidRequest, KatoError, MethodNotAllowed, UnknownOperation
from kato.fields import shown
from kato.protocols.rest.target import REMEMBERED, parse_target

_MAX_DIGITS = 20


class Who(Enum):
    """Who may see a page."""

    ALL = "all"
    ADMINS = "admins"
    """Who has the scope C{admin}, and a key for all processors."""


class Page(Enum):
    """What the server answers without asking a processor: a word for it, and who may see it."""

    LIVE = "live", Who.ALL
    READY = "ready", Who.ALL
    STATISTICS = "statistics", Who.ADMINS
    METRICS = "metrics", Who.ADMINS
    """Those of Prometheus."""
    STREAM = "stream", Who.ALL
    """The connection becomes a WebSocket, on which every request is judged."""
    GRAPHQL = "graphql", Who.ALL
    """Documents, of which every command is judged; streams of them; and a page to try it."""
    ASSET = "asset", Who.ALL
    """A file: of a page of ours, or one that other pages use."""
    PREFLIGHT = "preflight", Who.ALL
    """What a page of an allowed origin may ask for."""

    def __init__(self, word: str, who: Who) -> None:
        self.word = word
        self.is_open = who is Who.ALL


QUIET = frozenset({Page.LIVE, Page.READY, Page.METRICS})
"""What is asked every few seconds by programs: the log tells of it to who debugs alone."""


class Body(Enum):
    """Whether a request has a body."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


def _flag(value: str, name: str) -> bool:
    if value not in ("true", "false"):
        raise InvalidRequest(f"{name}: expected true or false, got {shown(value)}")
    return value == "true"


def _whole(value: str, name: str) -> int:
    digits = value.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= _MAX_DIGITS):
        raise InvalidRequest(f"{name}: expected a whole number, got {shown(value)}")
    return int(value)


def _text(value: str, name: str) -> str:
    return value


Judge = Callable[[str, str], bool | int | str]

_BRIEF: Mapping[str, Judge] = {"brief": _flag}
_PAGED: Mapping[str, Judge] = {"limit": _whole, "after": _text}

_DOCUMENT: Mapping[str, Judge] = {
    "query": _text,
    "variables": _text,
    "operationName": _text,
    "extensions": _text,
}

_OF_THE_PAGE: Mapping[str, Judge] = {"read-only": _text}
"""What the dashboard reads of its own address."""


@dataclass(frozen=True, slots=True)
class Route:
    """A row of the table.

    Words of C{path} in braces become parameters, but C{processor}, which is who is spoken to.
    C{query} says which keys a query may have and how their values are read; C{also} which keys of
    the body are other names of a parameter.
    """

    method: str
    path: str
    serves: str | Page
    query: Mapping[str, Judge] = field(default_factory=dict)
    body: Body = Body.NONE
    also: Mapping[str, str] = field(default_factory=dict)

    @property
    def word(self) -> str:
        """What is asked for in one word: an operation, or a page."""
        return self.serves.word if isinstance(self.serves, Page) else self.serves


ROUTES = (
    Route("GET", "/", Page.ASSET, _OF_THE_PAGE),
    Route("GET", "/static/{name}", Page.ASSET),
    Route("GET", "/static/{folder}/{name}", Page.ASSET),
    Route("GET", "/openapi.json", Page.ASSET),
    Route("GET", "/docs", Page.ASSET),
    Route("GET", "/ws", Page.STREAM),
    Route("GET", "/graphql", Page.GRAPHQL, _DOCUMENT),
    Route("POST", "/graphql", Page.GRAPHQL, body=Body.REQUIRED),
    Route("GET", "/kato-api/ping", "ping"),
    Route("GET", "/connect", "list_processors", _PAGED),
    Route("GET", "/processors", "list_processors", _PAGED),
    Route("GET", "/stats", Page.STATISTICS),
    Route("GET", "/metrics", Page.METRICS),
    Route("GET", "/live", Page.LIVE),
    Route("GET", "/ready", Page.READY),
    Route("PUT", "/{processor}", "create_processor", body=Body.OPTIONAL),
    Route("DELETE", "/{processor}", "delete_processor"),
    Route("GET", "/{processor}/ping", "ping"),
    Route("GET", "/{processor}/status", "get_status"),
    Route("GET", "/{processor}/short-term-memory", "get_short_term_memory"),
    Route("GET", "/{processor}/predictions", "get_predictions", {"unique_id": _text}),
    Route("GET", "/{processor}/forecast", "get_forecast", {"limit": _whole}),
    Route("GET", "/{processor}/explain/{model_name}", "explain"),
    Route("GET", "/{processor}/percept-data", "get_percept_data"),
    Route("GET", "/{processor}/cognition-data", "get_cognition_data"),
    Route("GET", "/{processor}/genes", "get_genes"),
    Route("GET", "/{processor}/gene/{gene}", "get_gene"),
    Route("GET", "/{processor}/models", "list_models", _PAGED),
    Route("GET", "/{processor}/model/{model_name}", "get_model"),
    Route("POST", "/{processor}/observe", "observe", _BRIEF, Body.REQUIRED),
    Route("POST", "/{processor}/observe-sequence", "observe_sequence", _BRIEF, Body.REQUIRED),
    Route("POST", "/{processor}/learn", "learn", body=Body.OPTIONAL),
    Route(
        "POST",
        "/{processor}/clear-short-term-memory",
        "clear_short_term_memory",
        body=Body.OPTIONAL,
    ),
    Route(
        "POST",
        "/{processor}/short-term-memory/clear",
        "clear_short_term_memory",
        body=Body.OPTIONAL,
    ),
    Route("POST", "/{processor}/clear-all-memory", "clear_all_memory", body=Body.OPTIONAL),
    Route("POST", "/{processor}/memory/clear-all", "clear_all_memory", body=Body.OPTIONAL),
    Route(
        "POST",
        "/{processor}/genes/change",
        "change_genes",
        body=Body.REQUIRED,
        also={"data": "genes"},
    ),
    Route("POST", "/{processor}/gene/{gene}/change", "change_gene", body=Body.REQUIRED),
    Route("PUT", "/{processor}/model/{model_name}", "update_model", body=Body.REQUIRED),
    Route("DELETE", "/{processor}/model/{model_name}", "delete_model"),
)


class NotAllowedHere(MethodNotAllowed):
    """The path exists, with the methods that C{allow} names."""

    def __init__(self, message: str, allow: str) -> None:
        super().__init__(message)
        self.allow = allow


@dataclass(frozen=True, slots=True)
class Match:
    """A route that was found, and what the words of the path say."""

    route: Route
    words: Mapping[str, str]
    processor: str | None


@dataclass(frozen=True, slots=True)
class _Place:
    """What is at a path: its routes by method, and its parameters by position."""

    routes: Mapping[str, Route]
    names: Mapping[int, str]

    def match(self, route: Route, segments: tuple[str, ...]) -> Match:
        words = {name: segments[position] for position, name in self.names.items()}
        return Match(route, words, words.pop("processor", None))


_Key = tuple[str | None, ...]


def _key(path: str) -> _Key:
    return tuple(None if word.startswith("{") else word for word in path[1:].split("/"))


def _place(routes: list[Route]) -> _Place:
    words = routes[0].path[1:].split("/")
    names = {at: word[1:-1] for at, word in enumerate(words) if word.startswith("{")}
    methods = {route.method: route for route in routes}
    if "GET" in methods:
        methods["HEAD"] = methods["GET"]
    return _Place(methods, names)


def _places() -> Mapping[_Key, _Place]:
    by_path = sorted(ROUTES, key=lambda route: route.path)
    return {
        _key(path): _place(list(routes))
        for path, routes in groupby(by_path, lambda each: each.path)
    }


_PLACES = _places()

_METHODS = {method for place in _PLACES.values() for method in place.routes}

_OPEN_AT: Mapping[int, list[tuple[int, ...]]] = {
    length: sorted(
        {
            tuple(at for at, word in enumerate(key) if word is None)
            for key in _PLACES
            if len(key) == length
        },
        key=len,
    )
    for length in {len(key) for key in _PLACES}
}
"""At which positions paths of a length may have any word; paths of fixed words go first."""


def _found(segments: tuple[str, ...]) -> _Place | None:
    for positions in _OPEN_AT.get(len(segments), ()):
        key: list[str | None] = list(segments)
        for position in positions:
            key[position] = None
        place = _PLACES.get(tuple(key))
        if place is not None:
            return place
    return None


@lru_cache(maxsize=REMEMBERED)
def find(method: str, segments: tuple[str, ...]) -> Match:
    """Look up what a request asks for.

    @raise UnknownOperation: where the path is none of the table's.
    @raise NotAllowedHere: where it is one, but not with this method.
    """
    place = _found(segments)
    route = place.routes.get(method) if place is not None else None
    if place is not None and route is not None:
        return place.match(route, segments)
    path = "/" + "/".join(segments)
    if place is None or not _may_exist(place, segments):
        raise UnknownOperation(f"path: there is no {shown(path)}")
    allow = ", ".join(sorted(place.routes))
    raise NotAllowedHere(f"{shown(method)} is not for {shown(path)}, which knows {allow}", allow)


def methods_at(segments: tuple[str, ...]) -> str:
    """The methods of a path; of one that is none of the table's all that there are, since that it
    is none is told to who asks for it."""
    place = _found(segments)
    return ", ".join(sorted(_METHODS if place is None else place.routes))


def _may_exist(place: _Place, segments: tuple[str, ...]) -> bool:
    """Whether this path is any processor's, or of fixed words."""
    return 0 not in place.names or _valid(segments[0]) is not None


def _valid(word: str) -> str | None:
    try:
        return parse_processor_id(word)
    except InvalidRequest:
        return None


def named_processor(target: bytes) -> str | None:
    """The processor that a target names, where its path and the id are valid ones."""
    try:
        segments = parse_target(target).segments
    except KatoError:
        return None
    place = _found(segments)
    return _valid(segments[0]) if place is not None and 0 in place.names else None
