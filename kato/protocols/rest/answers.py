"""Answers as bytes: the head of HTTP, and the envelopes of SPEC 8 as JSON."""

from collections.abc import Iterator, Mapping
from email.utils import formatdate
from http import HTTPStatus

from kato.codec import FEW, PART, SelfWriting, encode_json, is_small
from kato.errors import KatoError, Unauthorized
from kato.protocols.rest.browsers import SAFE
from kato.protocols.rest.routes import NotAllowedHere
from kato.replies import error_map

CLOSE = b"Connection: close\r\n"
"""The header that says that this is a connection's last answer."""

_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}

NO_CONTENT = 204
"""The status of an answer that has no body, and so says nothing of one."""

_ALWAYS = b"Server: KATO\r\n" + SAFE

JSON = b"Content-Type: application/json\r\nCache-Control: no-store\r\n"
"""The headers of what is an answer to this request alone."""


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


def head(
    status: int,
    length: int,
    *,
    date: bytes,
    request_id: bytes,
    kind: bytes = JSON,
    extra: bytes = b"",
) -> bytes:
    """The status line and the headers of an answer, with the empty line behind them.

    @param length: of the body, in bytes.
    @param kind: the headers that say what it is, and how long it may be kept.
    @param extra: more headers, each with its line end.
    """
    if status == NO_CONTENT:
        return b"%bDate: %b\r\n%bX-Request-ID: %b\r\n%b\r\n" % (
            *(_STATUS_LINES[status], date, _ALWAYS, request_id, extra),
        )
    return b"%bDate: %b\r\n%b%bContent-Length: %d\r\nX-Request-ID: %b\r\n%b\r\n" % (
        _STATUS_LINES[status],
        date,
        _ALWAYS,
        kind,
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
    for start in range(0, len(value), FEW):
        yield before + encode_json(value[start : start + FEW])[1:-1]
        before = b","
    yield b"]"
