"""Answers as bytes: the head of HTTP, and the envelopes of SPEC 8 as JSON."""

from collections.abc import Iterator, Mapping
from email.utils import formatdate
from http import HTTPStatus

from kato.codec import PART, SelfWriting, encode_json
from kato.errors import KatoError, Unauthorized
from kato.protocols.rest.routes import NotAllowedHere
from kato.replies import error_map

_FEW = 16
"""So many entries of a list are encoded at a time."""

CLOSE = b"Connection: close\r\n"
"""The header that says that this is a connection's last answer."""

_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}

_ALWAYS = (
    b"Server: KATO\r\n"
    b"Content-Type: application/json\r\n"
    b"Cache-Control: no-store\r\n"
    b"X-Content-Type-Options: nosniff\r\n"
)


class DateHeader:
    """The C{Date} of answers, made once a second."""

    def __init__(self) -> None:
        self._second = -1
        self._value = b""

    def at(self, now: float) -> bytes:
        """@param now: the time, in Unix seconds."""
        second = int(now)
        if second != self._second:
            self._second = second
            self._value = formatdate(second, usegmt=True).encode()
        return self._value


def head(status: int, length: int, *, date: bytes, request_id: bytes, extra: bytes = b"") -> bytes:
    """The status line and the headers of an answer, with the empty line behind them.

    @param length: of the body, in bytes.
    @param extra: more headers, each with its line end.
    """
    return b"%bDate: %b\r\n%bContent-Length: %d\r\nX-Request-ID: %b\r\n%b\r\n" % (
        _STATUS_LINES[status],
        date,
        _ALWAYS,
        length,
        request_id,
        extra,
    )


def extra_headers(error: KatoError) -> bytes:
    """The headers that belong to an error."""
    lines = []
    if isinstance(error, Unauthorized):
        lines.append("WWW-Authenticate: Bearer\r\n")
    if isinstance(error, NotAllowedHere):
        lines.append(f"Allow: {error.allow}\r\n")
    if error.retry_after is not None:
        lines.append(f"Retry-After: {error.retry_after}\r\n")
    return "".join(lines).encode()


def error_body(error: KatoError, *, time_stamp: float, processor: str | None) -> bytes:
    """The envelope of an error; when the same may succeed is told in a header.

    @param processor: whom the request was about, where that is known.
    """
    envelope = error_map(error, time_stamp=time_stamp, processor=processor)
    envelope.pop("retry_after", None)
    return encode_json(envelope)


_SCALARS = frozenset({bool, float, int, str, type(None)})


def is_small(value: object) -> bool:
    """Whether C{value} is encoded at once without anybody noticing."""
    if isinstance(value, dict):
        for member in value.values():
            if type(member) not in _SCALARS and not is_small(member):
                return False
        return True
    if isinstance(value, SelfWriting):
        return value.is_short(_FEW)
    return not isinstance(value, list) or len(value) <= _FEW


def slices(value: object) -> Iterator[bytes]:
    """Encode C{value} in parts of about L{PART} bytes, so that time can be taken between them."""
    part = bytearray()
    for piece in _pieces(value):
        part += piece
        if len(part) >= PART:
            yield bytes(part)
            part.clear()
    yield bytes(part)


def _pieces(value: object) -> Iterator[bytes]:
    if isinstance(value, dict) and not is_small(value):
        yield from _members(value)
    elif isinstance(value, list) and not is_small(value):
        yield from _entries(value)
    elif isinstance(value, SelfWriting):
        yield from value.parts()
    else:
        yield encode_json(value)


def _members(value: Mapping[str, object]) -> Iterator[bytes]:
    before = b"{"
    for key, member in value.items():
        yield before + encode_json(key) + b":"
        yield from _pieces(member)
        before = b","
    yield b"}"


def _entries(value: list[object]) -> Iterator[bytes]:
    before = b"["
    for start in range(0, len(value), _FEW):
        yield before + encode_json(value[start : start + _FEW])[1:-1]
        before = b","
    yield b"]"
