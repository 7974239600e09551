"""What a request asks for: judged by its head first, made a command once its body is there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from kato.commands import OPERATIONS, Command, parse_request_id
from kato.errors import InvalidRequest, PayloadTooLarge
from kato.fields import mapping, shown
from kato.gate import Bearer, Gate
from kato.letting_go import let_go
from kato.limits import Limits
from kato.protocols.rest.access import Access, Headers, Segments, given_keys, is_open
from kato.protocols.rest.body import check_media, read_body
from kato.protocols.rest.browsers import PREFLIGHT, accepts_html, asks_for_stream, is_preflight
from kato.protocols.rest.routes import Body, Match, Page, Route, find
from kato.protocols.rest.target import Target, parse_query, parse_target
from kato.steady_json import SHORT

STREAM: Segments = ("ws",)
"""Where a connection becomes a WebSocket: its key may come later, since browsers set no headers."""

GRAPHQL: Segments = ("graphql",)
"""Where it becomes one, too, if there is no query."""

_HOW = "send it as X-API-Key, or as Authorization: Bearer"

_ASKS_KEY: Mapping[Segments, str] = {
    ("docs",): "/static/docs/index.html",
    GRAPHQL: "/static/graphql/index.html",
}
"""Pages that need a key, which browsers do not send with an address, and where each is among the
files: those are open (SPEC 9), and the page asks for the key."""

_PREFLIGHT = Route(PREFLIGHT.decode(), "*", Page.PREFLIGHT)


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a request.

    C{length} is that of the body in bytes, C{None} where only its end will tell; C{local} is the
    address on which the connection came in, C{client} that of who asks, where they have one;
    C{host} what a proxy says by which name it was called.
    """

    method: bytes
    target: bytes
    version: bytes
    headers: Headers
    length: int | None
    local: str | None
    host: bytes | None = None
    client: str | None = None


class Seen(Protocol):
    """Takes what is known of a request by now, be it refused: the name of the C{key} that it came
    with, C{None} where none is asked for; and the C{route} that it asks for."""

    key: str | None
    route: Route | None


@dataclass(frozen=True, slots=True)
class Intent:
    """What a request with a good head asks for, and who does; C{given} is what path and query
    say."""

    bearer: Bearer
    match: Match
    given: Mapping[str, Any]
    request_id: str | None
    headers: Headers

    @property
    def page(self) -> Page | None:
        """The page that is asked for, if it is no operation."""
        serves = self.match.route.serves
        return serves if isinstance(serves, Page) else None

    def command(self, body: bytes, limits: Limits) -> Command:
        """Read the body, and put all together.

        @raise KatoError: which names the field at fault.
        """
        given = self.parameters(body, limits)
        try:
            command = Command.parse(
                self.match.route.serves, given, self.match.processor, self.request_id
            )
            limits.check(command)
        finally:
            if len(body) > SHORT:
                let_go(given)
        return command

    def parameters(self, body: bytes, limits: Limits) -> Mapping[str, Any]:
        """The parameters from path, query and body, none of them given twice.

        @raise InvalidRequest: where one is, or where there is no body and must be, or the reverse.
        """
        route = self.match.route
        if not body:
            if route.body is Body.REQUIRED:
                raise InvalidRequest(f"body: missing, {_named(route)} needs one")
            return self.given
        if route.body is Body.NONE:
            raise InvalidRequest(f"body: {_named(route)} takes none, got {len(body)} bytes")
        written = _object(read_body(body, self.headers, limits.values))
        return _renamed(_joined(self.given, written), route.also)


def judge(head: Head, access: Access, gate: Gate, limits: Limits, seen: Seen) -> Intent:
    """Judge the head of a request, before its body is read: also whether who asks may do so.

    @param seen: takes what becomes known.
    @raise KatoError: for the first thing that is wrong with it.
    """
    access.check_host(head.headers, version=head.version, local=head.local, told=head.host)
    target = parse_target(head.target)
    if target.host is not None:
        access.known_host(target.host, head.local)
    if head.method == PREFLIGHT and is_preflight(head.headers, access):
        return _preflight(head, gate.anybody)
    bearer = _bearer(head, target, gate)
    seen.key = bearer.name
    bearer = bearer.begin()
    match = find(head.method.decode("ascii"), target.segments)
    seen.route = match.route
    _judge_bearer(bearer, match)
    if head.length != 0:
        check_length(head.length, limits.message)
        check_media(head.headers)
    given = match.words
    if target.query:
        given = _joined(given, _queried(match.route, target.query))
    return Intent(bearer, match, given, _request_id(match.route, head.headers), head.headers)


def _bearer(head: Head, target: Target, gate: Gate) -> Bearer:
    """Who asks; a key is asked for unless the path is open to all, or it may be told later."""
    if gate.is_open or is_open(target.segments):
        return gate.anybody
    given = given_keys(head.headers)
    if not given and _waits_for_key(head, target):
        return gate.anybody
    return gate.identify(given, how=_how(head, target), peer=head.client)


def _waits_for_key(head: Head, target: Target) -> bool:
    """Whether a stream is wanted, which is told its key later."""
    if target.segments != GRAPHQL:
        return target.segments == STREAM
    return asks_for_stream(head.headers) and head.method != b"POST" and not target.query


def _how(head: Head, target: Target) -> str:
    """How a key is told, to a browser also on which page."""
    page = _ASKS_KEY.get(target.segments)
    if page is None or not accepts_html(head.headers):
        return _HOW
    return f"{_HOW}; a browser is asked for it at {page}"


def _judge_bearer(bearer: Bearer, match: Match) -> None:
    serves = match.route.serves
    if not isinstance(serves, Page):
        bearer.judge(serves, match.processor)
    elif not serves.is_open:
        bearer.judge_server(serves.word)


def _preflight(head: Head, bearer: Bearer) -> Intent:
    """A browser asks for a page whether it may ask; it sends no key with that."""
    if head.length != 0:
        raise InvalidRequest("body: OPTIONS takes none")
    return Intent(bearer, Match(_PREFLIGHT, {}, None), {}, None, head.headers)


def check_length(length: int | None, most: int) -> None:
    """See that a body, of which C{length} bytes are known of, has no more than C{most}.

    @raise PayloadTooLarge: where it is.
    """
    if length is not None and length > most:
        raise PayloadTooLarge(f"body: {length:,} bytes are over the limit of {most:,}")


def _queried(route: Route, query: bytes) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in parse_query(query):
        read = route.query.get(name)
        if read is None:
            known = ", ".join(route.query) or "none"
            raise InvalidRequest(f"{shown(name)}: unknown in the query, known are {known}")
        if name in values:
            raise InvalidRequest(f"{name}: given twice in the query")
        values[name] = read(value, name)
    return values


def _object(value: object) -> Mapping[str, Any]:
    """Take an object in which no key stands twice; its keys are judged as parameters."""
    if type(value) is dict:
        return value
    return mapping(value, "body")


def _joined(given: Mapping[str, Any], more: Mapping[str, Any]) -> Mapping[str, Any]:
    if not given:
        return more
    twice = next((name for name in more if name in given), None)
    if twice is not None:
        raise InvalidRequest(f"{twice}: given twice, the path or query says it already")
    return {**given, **more}


def _renamed(params: Mapping[str, Any], names: Mapping[str, str]) -> Mapping[str, Any]:
    """The parameters under their own names."""
    if names.keys().isdisjoint(params):
        return params
    for other, name in names.items():
        if other in params and name in params:
            raise InvalidRequest(f"{other}: another name of {name}, which is given too")
    return {names.get(key, key): value for key, value in params.items()}


def _request_id(route: Route, headers: Headers) -> str | None:
    keys = headers.get(b"Idempotency-Key")
    if keys is None or isinstance(route.serves, Page) or not OPERATIONS[route.serves].changes:
        return None
    if len(keys) > 1:
        raise InvalidRequest(f"Idempotency-Key: expected once, given {len(keys)} times")
    try:
        return parse_request_id(keys[0].decode(), "Idempotency-Key")
    except UnicodeDecodeError:
        raise InvalidRequest("Idempotency-Key: not UTF-8") from None


def _named(route: Route) -> str:
    return f"{route.method} {route.path}"
