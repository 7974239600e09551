"""Messages that are wrong, each in its own way, and how each must be answered.

C{frame} is the last frame of a message.  All of them may be sent about processor C{p1}; no
processor is called C{ghost}.
"""

import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgpack

from kato.codec import MAX_MESSAGE
from tests.rest.malformed import OBSERVATIONS

_INVALID = "INVALID_REQUEST"


@dataclass(frozen=True)
class Malformed:
    """A frame, and the answer that it must get: its code, and what it names."""

    frame: bytes
    names: str
    error_code: str = _INVALID

    @property
    def title(self) -> str:
        return f"{self.frame[:80]!r}, {len(self.frame)} bytes: {self.names}"


def pack(value: object) -> bytes:
    """MessagePack, in which strings need not be valid Unicode."""
    packed: bytes = msgpack.packb(value, unicode_errors="surrogatepass", default=_beyond_64_bits)
    return packed


def _beyond_64_bits(value: object) -> msgpack.ExtType:
    if isinstance(value, int):
        return msgpack.ExtType(2, b"%d" % value)
    raise TypeError(f"MessagePack has no {value!r}")


def _request(method: object, params: object = None, **rest: Any) -> bytes:
    request: dict[str, Any] = {"method": method, "processor": "p1", **rest}
    if params is not None:
        request["params"] = params
    return pack(request)


def _observe(**params: Any) -> bytes:
    return _request("observe", params)


def _map(*pairs: tuple[bytes, bytes]) -> bytes:
    """A map with such keys and values, packed, be they equal."""
    return bytes([0x80 + len(pairs)]) + b"".join(key + value for key, value in pairs)


_METHOD = (pack("method"), pack("observe"))
_PROCESSOR = (pack("processor"), pack("p1"))
_PING = _request("ping")
_WORD = "message: not MessagePack"
_BOMB = zlib.compress(b"\0" * (64 * MAX_MESSAGE // 16))
_DEEP = 100_000


def _compressed(data: bytes) -> bytes:
    return pack(msgpack.ExtType(3, data))


NO_MESSAGEPACK = [
    Malformed(b"", _WORD),
    Malformed(b"\xc1", _WORD),
    Malformed(b"hello", _WORD),
    Malformed(b'{"method": "ping"}', _WORD),
    Malformed(_PING[:-1], _WORD),
    Malformed(_PING[:1], _WORD),
    Malformed(_PING + b"\0", _WORD),
    Malformed(_PING + _PING, _WORD),
    Malformed(b"\x81\xa6method", _WORD),
    Malformed(b"\xd9", _WORD),
    Malformed(b"\xdd" + struct.pack(">I", 2**32 - 1), _WORD),
    Malformed(b"\xdf" + struct.pack(">I", 2**32 - 1), _WORD),
    Malformed(b"\xdb" + struct.pack(">I", 2**32 - 1) + b"a", _WORD),
    Malformed(b"\xc6" + struct.pack(">I", 2**31), _WORD),
    Malformed(b"\xc9" + struct.pack(">I", 2**31) + b"\1", _WORD),
    Malformed(b"\xdd" + struct.pack(">I", 2**20) + b"\xc0" * 10, _WORD),
    Malformed(b"\x91" * _DEEP + b"\xc0", "message: nested too deeply"),
    Malformed(b"\x81\xa1a" * _DEEP + b"\xc0", "message: nested too deeply"),
    Malformed(b"\x91" * _DEEP, "message: n"),
    Malformed(_map((b"\x90", b"\1")), "message: a list or a map is no key"),
    Malformed(_map((b"\x80", b"\1")), "message: a list or a map is no key"),
]
"""What cannot be read at all."""

NO_REQUEST = [
    Malformed(pack(None), "body: expected an object, got null"),
    Malformed(pack(True), "body: expected an object, got bool"),
    Malformed(pack(1), "body: expected an object, got int"),
    Malformed(pack(1.5), "body: expected an object, got float"),
    Malformed(pack("ping"), "body: expected an object, got str"),
    Malformed(pack(b"ping"), "body: expected an object, got bytes"),
    Malformed(pack([]), "body: expected an object, got list"),
    Malformed(pack(["ping", {}]), "body: expected an object, got list"),
    Malformed(pack(msgpack.ExtType(9, b"x")), "body: expected an object"),
    Malformed(pack(msgpack.ExtType(1, b"{}")), "body: expected an object"),
    Malformed(pack(msgpack.Timestamp(1, 2)), "body: expected an object"),
    Malformed(pack({}), "method: missing"),
    Malformed(pack({1: "ping"}), "body: key: expected a string, got int 1"),
    Malformed(pack({None: "ping"}), "body: key: expected a string, got null"),
    Malformed(pack({b"method": "ping"}), "body: key: expected a string, got bytes"),
    Malformed(pack({1.5: "ping"}), "body: key: expected a string, got float"),
    Malformed(_map(_METHOD, _METHOD), "method: given twice"),
    Malformed(_map(_METHOD, _PROCESSOR, _PROCESSOR), "processor: given twice"),
    Malformed(pack({"method": "ping", "surprise": 1}), "surprise: unknown key"),
    Malformed(pack({"method": "ping", "Params": {}}), "Params: unknown key"),
    Malformed(pack({"method": "ping", "id": 7}), "id: unknown key"),
    Malformed(pack({"method": "ping", "": 7}), "'': unknown key"),
    Malformed(pack({"method": "ping", "\ud800": 7}), "unknown key"),
    Malformed(_request(b"observe"), "method: expected a string, got bytes"),
    Malformed(_request(1), "method: expected a string, got int"),
    Malformed(_request(None), "method: expected a string, got null"),
    Malformed(_request(["ping"]), "method: expected a string, got list"),
    Malformed(_request("\ud800"), "method: not valid Unicode"),
    Malformed(_request(""), "method: no operation is called ''", "UNKNOWN_OPERATION"),
    Malformed(_request("Observe"), "method: no operation is called", "UNKNOWN_OPERATION"),
    Malformed(_request("_observe"), "method: no operation is called", "UNKNOWN_OPERATION"),
    Malformed(_request("observe\0"), "method: no operation is called", "UNKNOWN_OPERATION"),
    Malformed(pack({"type": "surprise"}), "type: no request is of type", "UNKNOWN_OPERATION"),
    Malformed(pack({"type": 1}), "type: expected a string, got int"),
    Malformed(pack({"type": b"heartbeat"}), "type: expected a string, got bytes"),
    Malformed(pack({"type": "heartbeat", "extra": 1}), "extra: unknown key"),
    Malformed(pack({"type": "heartbeat", "method": "ping"}), "method: unknown key"),
]
"""What is no request."""

PARTS = [
    Malformed(_request("observe", []), "params: expected an object, got list"),
    Malformed(_request("observe", "x"), "params: expected an object, got str"),
    Malformed(_request("observe", b"\x80"), "params: expected an object, got bytes"),
    Malformed(_request("observe", {1: 2}), "params: key: expected a string, got int"),
    Malformed(_request("learn", {"x": 1}), "x: unknown key"),
    Malformed(_request("ping", {"strings": []}), "strings: unknown key"),
    Malformed(_request("learn", processor=1), "processor: expected an id, got int"),
    Malformed(_request("learn", processor=b"p1"), "processor: expected an id, got bytes"),
    Malformed(_request("learn", processor=""), "processor: '' is no id"),
    Malformed(_request("learn", processor="p/1"), "processor: 'p/1' is no id"),
    Malformed(_request("learn", processor="p" * 65), "processor: "),
    Malformed(_request("learn", processor="stats"), "processor: 'stats' is a word"),
    Malformed(_request("learn", processor="\udcff"), "processor: "),
    Malformed(_request("learn", processor="ghost"), "'ghost'", "PROCESSOR_NOT_FOUND"),
    Malformed(_request("list_processors"), "processor: this operation speaks to the server"),
    Malformed(_request("learn", request_id=1), "request_id: expected a string, got int"),
    Malformed(_request("learn", request_id=b"r"), "request_id: expected a string, got bytes"),
    Malformed(_request("learn", request_id=""), "request_id: expected 1 to 255 characters"),
    Malformed(_request("learn", request_id="r" * 256), "request_id: expected 1 to 255 characters"),
    Malformed(_request("learn", request_id="\ud800"), "request_id: not valid Unicode"),
    Malformed(_request("learn", api_key=1), "api_key: expected a string, got int"),
    Malformed(_request("learn", api_key=b"key"), "api_key: expected a string, got bytes"),
    Malformed(_request("learn", accept="zlib"), "accept: expected a list, got str"),
    Malformed(_request("learn", accept=[1]), "accept[0]: expected a string, got int"),
    Malformed(_request("learn", accept=["zlib", "gzip"]), "accept: 'gzip' is unknown"),
    Malformed(_observe(strings=[b"a"]), "strings[0]: expected a string, got bytes"),
    Malformed(_observe(strings=b"ab"), "strings: expected a list, got bytes"),
    Malformed(_observe(strings=["a", "\udcff"]), "strings[1]: not valid Unicode"),
    Malformed(
        _observe(strings=["§"]).replace("§".encode(), b"\xff\xfe"), "strings[0]: not valid Unicode"
    ),
    Malformed(_observe(strings=[msgpack.ExtType(9, b"a")]), "strings[0]: expected a string"),
    Malformed(_observe(strings=[msgpack.Timestamp(1)]), "strings[0]: expected a string"),
    Malformed(_observe(strings=msgpack.ExtType(1, b'["a"]')), "strings: expected a list"),
    Malformed(_observe(strings=msgpack.ExtType(1, b"no JSON")), "strings: expected a list"),
    Malformed(_observe(strings=msgpack.ExtType(3, b"x")), "strings: expected a list"),
    Malformed(_observe(emotives={"joy": msgpack.ExtType(9, b"")}), "emotives.joy: expected a num"),
    Malformed(_observe(emotives={1: 1.0}), "emotives: key: expected a string, got int"),
    Malformed(_observe(emotives={b"joy": 1.0}), "emotives: key: expected a string, got bytes"),
    Malformed(_observe(metadata={"a": b"x"}), "metadata.a: expected a JSON value, got bytes"),
    Malformed(_observe(metadata={"a": {1: 2}}), "metadata.a: key: expected a string, got int"),
    Malformed(_observe(metadata={"a": msgpack.Timestamp(1)}), "metadata.a: expected a JSON value"),
    Malformed(_observe(emotives={"joy": msgpack.ExtType(2, b"ten")}), "expected decimal digits"),
    Malformed(_observe(emotives={"joy": msgpack.ExtType(2, b"")}), "expected decimal digits"),
    Malformed(_observe(emotives={"joy": msgpack.ExtType(2, b"1" * 10**6)}), "emotives.joy: "),
    Malformed(_request("get_forecast", {"limit": 2**64 - 1}), "limit: expected an integer"),
    Malformed(_request("get_forecast", {"limit": -(2**63)}), "limit: expected an integer"),
    Malformed(_request("get_forecast", {"limit": 10**30}), "limit: expected an integer"),
    Malformed(
        _request("get_gene", {"gene_name": "sort", "gene": "sort"}), "gene_name: another name of"
    ),
    Malformed(_request("get_gene", {"gene_name": "no"}), "'no'", "UNKNOWN_GENE"),
    Malformed(_request("change_gene", {"gene_name": "sort", "gene_value": 1}), "sort: expected"),
    Malformed(_request("clear_stm", {"x": 1}), "x: unknown key"),
]
"""Requests with a part that is wrong."""

LARGE = [
    Malformed(_observe(strings=["x" * MAX_MESSAGE]), "over the limit", "PAYLOAD_TOO_LARGE"),
    Malformed(b"\0" * (17 * 2**20), "over the limit", "PAYLOAD_TOO_LARGE"),
    Malformed(_compressed(_BOMB), "over the limit", "PAYLOAD_TOO_LARGE"),
    Malformed(
        _compressed(zlib.compress(_observe(strings=["x" * MAX_MESSAGE]))),
        "over the limit",
        "PAYLOAD_TOO_LARGE",
    ),
    Malformed(_compressed(_compressed(zlib.compress(_PING))), "message: not compressed with zlib"),
    Malformed(
        _compressed(zlib.compress(_compressed(zlib.compress(_PING)))), "message: compressed twice"
    ),
    Malformed(_compressed(b""), "message: not compressed with zlib"),
    Malformed(_compressed(b"no zlib"), "message: not compressed with zlib"),
    Malformed(_compressed(zlib.compress(_PING)[:-1]), "message: not compressed with zlib"),
    Malformed(_compressed(zlib.compress(_PING) + b"x"), "message: something follows"),
    Malformed(_compressed(zlib.compress(b"")), _WORD),
    Malformed(_compressed(zlib.compress(pack(7))), "body: expected an object, got int"),
    Malformed(_compressed(zlib.compress(b"\x91" * 10**7)), "message: n"),
    Malformed(_observe(strings=["x"] * 900_000, surprise=1), "surprise: unknown key"),
]
"""Frames that are large, or become it."""


def _as_over_rest() -> Iterator[Malformed]:
    """Observations that REST refuses, said over ZeroMQ, where they can be."""
    for body, names in OBSERVATIONS:
        try:
            params = json.loads(body, object_pairs_hook=_distinct)
        except (ValueError, RecursionError):
            continue
        yield Malformed(_request("observe", params), names)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a key stands twice")
    return value


_ALL = [*NO_MESSAGEPACK, *NO_REQUEST, *PARTS, *LARGE, *_as_over_rest()]
MALFORMED = list({each.frame: each for each in _ALL}.values())
"""All of them, none twice."""
