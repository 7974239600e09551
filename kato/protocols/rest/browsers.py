"""What answers tell browsers: what to do with them, which pages may read them (CORS), and to come
back by TLS alone."""

from functools import lru_cache

from kato.protocols.rest.access import Access, Headers, parse_authority
from kato.protocols.rest.proxies import Caller

SAFE = (
    b"X-Content-Type-Options: nosniff\r\n"
    b"X-Frame-Options: DENY\r\n"
    b"Referrer-Policy: no-referrer\r\n"
    b"Cross-Origin-Resource-Policy: same-origin\r\n"
)
"""Of every answer: it is what it says it is, is shown in no frame, tells nobody where one came
from, and is loaded by no foreign page that does not ask by CORS."""

PREFLIGHT = b"OPTIONS"
"""The method by which browsers ask whether a page may ask."""

_STRICT = b"Strict-Transport-Security: max-age=31536000\r\n"
_VARIES = b"Vary: Origin\r\n"
_ASKED = b"Access-Control-Request-Method"


def told(headers: Headers, caller: Caller, access: Access) -> bytes:
    """The headers of an answer, each with its line end, that depend on who asks.

    @param headers: of the request.
    """
    lines = _shared(access.page(headers))
    if caller.secure and not _is_loopback(caller, headers):
        lines += _STRICT
    return lines


def joined(extra: bytes, lines: bytes) -> bytes:
    """Headers of an answer with those of L{told}; where the answer says itself what it varies by,
    it names C{Origin}, too."""
    return extra + (lines.replace(_VARIES, b"") if b"Vary: " in extra else lines)


def is_preflight(headers: Headers, access: Access) -> bool:
    """Whether C{OPTIONS} with these headers is a browser's question for a page that may ask."""
    return _ASKED in headers and access.page(headers) is not None


def accepts_html(headers: Headers) -> bool:
    """Whether a page is asked for, as browsers do where one types an address."""
    return any(b"text/html" in each.lower() for each in headers.get(b"Accept", ()))


def asks_for_stream(headers: Headers) -> bool:
    """Whether the connection is to become a WebSocket; some clients offer HTTP/2 by the same
    header."""
    return any(b"websocket" in each.lower() for each in headers.get(b"Upgrade", ()))


@lru_cache(maxsize=64)
def preflight(methods: str) -> bytes:
    """The headers that answer it.

    @param methods: of the path, commas between.
    """
    return (
        f"Access-Control-Allow-Methods: {methods}\r\n"
        "Access-Control-Allow-Headers: "
        "Authorization, X-API-Key, Content-Type, Idempotency-Key, X-Request-ID\r\n"
        "Access-Control-Max-Age: 600\r\n"
    ).encode("ascii")


@lru_cache(maxsize=64)
def _shared(origin: bytes | None) -> bytes:
    if origin is None:
        return b""
    return (
        b"Access-Control-Allow-Origin: %b\r\n"
        b"Access-Control-Expose-Headers: X-Request-ID, Retry-After\r\n%b" % (origin, _VARIES)
    )


def _is_loopback(caller: Caller, headers: Headers) -> bool:
    """Whether the client called the machine itself: a browser would take its word for every port
    there."""
    given = (caller.host,) if caller.host is not None else headers.get(b"Host", ())
    hosts = [parse_authority(each) for each in given]
    return not hosts or any(each is None or each.loopback for each in hosts)
