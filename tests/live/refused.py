"""What may be sent over WebSocket, or in its place, and must be refused, each in its own way."""

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgpack

from kato.codec import MAX_MESSAGE
from tests.live.streaming import JSON

KEY = "sesame"
"""The server's; no handshake here has it."""

TEXT, BINARY, CLOSE, PING = 0x81, 0x82, 0x88, 0x89
CONTINUED, LAST, RESERVED = 0x00, 0x80, 0x40

DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate"


@dataclass(frozen=True)
class Handshake:
    """A handshake that is answered with an error, and what that says.

    C{changed} are the headers that are not as they should be; what is C{None} is left out.
    """

    title: str
    changed: Mapping[str, str | None]
    status: int
    error_code: str
    names: str
    line: str = "GET /ws HTTP/1.1"

    def headers(self, host: str) -> dict[str, str]:
        """All headers, for a server there."""
        given = {
            "Host": host,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version": "13",
            **self.changed,
        }
        return {name: value for name, value in given.items() if value is not None}


_INVALID = (400, "INVALID_REQUEST")
_UNAUTHORIZED = (401, "UNAUTHORIZED")
_FORBIDDEN = (403, "FORBIDDEN")


def _offering(*protocols: str) -> dict[str, str | None]:
    return {"Sec-WebSocket-Protocol": ", ".join(protocols)}


HANDSHAKES = (
    Handshake("no upgrade", {"Upgrade": None}, *_INVALID, "Upgrade"),
    Handshake("another upgrade", {"Upgrade": "h2c"}, *_INVALID, "'h2c'"),
    Handshake("no connection", {"Connection": "close"}, *_INVALID, "Connection"),
    Handshake("no version", {"Sec-WebSocket-Version": None}, *_INVALID, "Version"),
    Handshake("an old version", {"Sec-WebSocket-Version": "8"}, *_INVALID, "'8'"),
    Handshake("no key of a socket", {"Sec-WebSocket-Key": None}, *_INVALID, "Key"),
    Handshake("a short one", {"Sec-WebSocket-Key": "c2hvcnQ="}, *_INVALID, "Key"),
    Handshake("no sub-protocol of ours", _offering("kato.v2.json"), *_INVALID, "'kato.v2.json'"),
    Handshake("a sub-protocol twice", _offering(JSON, JSON), *_INVALID, "twice"),
    Handshake("two keys", _offering(JSON, "kato.key.a", "kato.key.b"), *_INVALID, "one key"),
    Handshake("a key alone", _offering("kato.key.a"), *_INVALID, "a key"),
    Handshake("a foreign page", {"Origin": "http://evil.example"}, *_FORBIDDEN, "evil.example"),
    Handshake("a page in a file", {"Origin": "null"}, *_FORBIDDEN, "null"),
    Handshake("another port", {"Origin": "http://127.0.0.1:1"}, *_FORBIDDEN, "127.0.0.1:1"),
    Handshake("an unknown name", {"Host": "evil.example"}, *_FORBIDDEN, "evil.example"),
    Handshake("no host", {"Host": None}, *_INVALID, "Host"),
    Handshake("a wrong key", {"X-API-Key": "wrong"}, *_UNAUTHORIZED, "key"),
    Handshake("a wrong bearer", {"Authorization": "Bearer x"}, *_UNAUTHORIZED, "key"),
    Handshake("a right and a wrong key", {"X-API-Key": f"{KEY}x"}, *_UNAUTHORIZED, "key"),
    Handshake(
        *("POST", {"Content-Length": "0"}, 405, "METHOD_NOT_ALLOWED", "POST", "POST /ws HTTP/1.1")
    ),
)
"""Handshakes, all of them without the server's key."""


def frame(
    first: int, payload: bytes = b"", *, length: int | None = None, masked: int = 0x80
) -> bytes:
    """A frame by its first byte; the mask is nothing, which is one as good as others.

    @param length: that it says it has.
    """
    size = len(payload) if length is None else length
    if size < 126:
        head = struct.pack("!BB", first, masked | size)
    elif size < 2**16:
        head = struct.pack("!BBH", first, masked | 126, size)
    else:
        head = struct.pack("!BBQ", first, masked | 127, size)
    return head + (bytes(4) if masked else b"") + payload


def bomb(first: int) -> bytes:
    """A frame of some kilobytes that become more than a message may have."""
    deflating = zlib.compressobj(wbits=-15)
    data = deflating.compress(bytes(MAX_MESSAGE + 1)) + deflating.flush(zlib.Z_SYNC_FLUSH)
    return frame(first | RESERVED, data.removesuffix(b"\x00\x00\xff\xff"))


def in_pieces() -> Iterator[bytes]:
    """A message too large, none of whose frames is."""
    piece = MAX_MESSAGE // 4
    yield frame(TEXT & ~LAST, b" " * piece)
    for _ in range(4):
        yield frame(CONTINUED, b" " * piece)


@dataclass(frozen=True)
class Broken:
    """Bytes after which a connection is closed, with this code and a reason that says as much."""

    title: str
    sent: bytes
    code: int
    says: str
    headers: tuple[str, ...] = ()


_PING_TEXT = frame(TEXT, b'{"method": "ping"}')
_PROTOCOL_ERROR = 1002

BROKEN = (
    Broken("binary for text", frame(BINARY, msgpack.packb({"method": "ping"})), 1003, "text"),
    Broken("no UTF-8", frame(TEXT, b'{"method": "\xff"}'), 1007, "UTF"),
    Broken("half a character", frame(TEXT, b'"\xe2\x82'), 1007, "UTF"),
    Broken("too large", frame(TEXT, length=MAX_MESSAGE + 1), 1009, ""),
    Broken("far too large", frame(TEXT, length=2**62), 1009, ""),
    Broken("too large in pieces", b"".join(in_pieces()), 1009, ""),
    Broken("too large when it is unpacked", bomb(TEXT), 1009, "", (DEFLATE,)),
    Broken("longer than there is", frame(TEXT, length=2**63), _PROTOCOL_ERROR, ""),
    Broken("no mask", frame(TEXT, b"{}", masked=0), _PROTOCOL_ERROR, "mask"),
    Broken("a reserved bit", frame(TEXT | RESERVED, b"{}"), _PROTOCOL_ERROR, "RSV"),
    Broken("a reserved opcode", frame(0x83, b"{}"), _PROTOCOL_ERROR, "opcode"),
    Broken("a reserved control", frame(0x8B), _PROTOCOL_ERROR, "opcode"),
    Broken("a long ping", frame(PING, bytes(126)), _PROTOCOL_ERROR, "control"),
    Broken("a ping in pieces", frame(PING & ~LAST, b"x"), _PROTOCOL_ERROR, "control"),
    Broken("the end of nothing", frame(CONTINUED | LAST, b"x"), _PROTOCOL_ERROR, "continuation"),
    Broken("a message within another", frame(TEXT & ~LAST, b"{") + _PING_TEXT, _PROTOCOL_ERROR, ""),
    Broken("half a code", frame(CLOSE, b"\x03"), _PROTOCOL_ERROR, "close"),
    Broken(
        "a code that nobody has", frame(CLOSE, struct.pack("!H", 999)), _PROTOCOL_ERROR, "close"
    ),
    Broken("no UTF-8 at the end", frame(CLOSE, b"\x03\xe8\xff"), 1007, "UTF"),
)


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


UNHEARD: tuple[tuple[bytes, str, str], ...] = (
    (b"", "INVALID_REQUEST", "not JSON"),
    (b"ping", "INVALID_REQUEST", "not JSON"),
    (b'{"method": "ping"} {}', "INVALID_REQUEST", "not JSON"),
    (nested(100_000), "INVALID_REQUEST", "deep"),
    (b"[]", "INVALID_REQUEST", "body"),
    (b"null", "INVALID_REQUEST", "body"),
    (b'{"method": "ping", "method": "learn"}', "INVALID_REQUEST", "method"),
    (b'{"params": {}}', "INVALID_REQUEST", "method"),
    (b'{"method": 7}', "INVALID_REQUEST", "method"),
    (b'{"method": "ping", "surprise": 1}', "INVALID_REQUEST", "surprise"),
    (b'{"method": "ping", "params": []}', "INVALID_REQUEST", "params"),
    (b'{"method": "ping", "id": NaN}', "INVALID_REQUEST", "id"),
    (b'{"method": "forecast"}', "UNKNOWN_OPERATION", "forecast"),
    (b'{"method": "learn"}', "INVALID_REQUEST", "processor"),
    (b'{"method": "learn", "processor": "/"}', "INVALID_REQUEST", "processor"),
    (b'{"method": "learn", "processor": "nobody"}', "PROCESSOR_NOT_FOUND", "nobody"),
    (
        b'{"method": "observe", "processor": "p1", "params": {"strings": [1]}}',
        *("INVALID_REQUEST", "strings[0]"),
    ),
    (
        b'{"method": "observe", "processor": "p1", "params": {"strings": ["\\ud800"]}}',
        *("INVALID_REQUEST", "strings[0]"),
    ),
    (
        b'{"method": "observe", "processor": "p1", "params": {"emotives": {"joy": 1e999}}}',
        *("INVALID_REQUEST", "joy"),
    ),
    (b'{"method": "subscribe", "processor": "nobody"}', "PROCESSOR_NOT_FOUND", "nobody"),
    (
        b'{"method": "subscribe", "processor": "p1", "params": {"topics": ["dreams"]}}',
        *("INVALID_REQUEST", "'dreams'"),
    ),
    (
        b'{"method": "subscribe", "params": {"topics": ["learning"]}}',
        *("INVALID_REQUEST", "'learning'"),
    ),
    (
        b'{"method": "subscribe", "processor": "p1", "params": {"since": -1}}',
        *("INVALID_REQUEST", "since"),
    ),
    (
        b'{"method": "subscribe", "processor": "p1", "params": {"until": 1}}',
        *("INVALID_REQUEST", "until"),
    ),
    (b'{"method": "unsubscribe", "processor": "p1"}', "INVALID_REQUEST", "not subscribed"),
    (b'{"method": "authenticate"}', "INVALID_REQUEST", "api_key"),
    (b'{"method": "authenticate", "params": {"api_key": 7}}', "INVALID_REQUEST", "api_key"),
)
"""Messages that are answered with an error, and after which the connection goes on."""
