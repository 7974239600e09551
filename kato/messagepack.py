"""MessagePack bytes to plain values and back (SPEC 9).

Three extension types carry what MessagePack has no word for: lists that are JSON already, integers
of any size, and a whole message that is compressed.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, overload

import msgpack

from kato.codec import MAX_MESSAGE, PART, SelfWriting, decode_json
from kato.errors import InvalidRequest, PayloadTooLarge
from kato.fields import MAX_DIGITS, RepeatedKey, kind
from kato.steady_messagepack import unpack_steadily

JSON = 1
"""The extension type of a list that is written as JSON."""
INTEGER = 2
"""The extension type of an integer beyond 64 bits: its decimal digits."""
COMPRESSED = 3
"""The extension type of a message that is compressed with zlib."""

_COMPRESSED = bytes([COMPRESSED])
_TYPES = {b"\xc7": 2, b"\xc8": 3, b"\xc9": 5}
"""Where an extension tells its type, by its first byte, where it is longer than 16 bytes."""

ACCEPTED = frozenset({"json", "zlib"})
"""What a receiver may say that it takes beside plain MessagePack."""

LARGE = 4096
"""A message of fewer bytes is not compressed, whoever accepts it: there is little to win."""

_LEVEL = 1
"""Higher levels take several times as long, and make what we send a few per cent smaller."""


class WrittenList(SelfWriting):
    """A list that came as JSON: it is handed on as it is, and read only where somebody looks."""

    __slots__ = ("_json", "_values")

    def __init__(self, json: bytes) -> None:
        self._json = json
        self._values: list[Any] | None = None

    def parts(self) -> Iterator[bytes]:
        """Its JSON, as it came."""
        for start in range(0, len(self._json), PART):
            yield self._json[start : start + PART]

    def json(self) -> bytes:
        """Its JSON, as it came."""
        return self._json

    def is_short(self, entries: int) -> bool:
        """It is written already, and only to be copied."""
        return len(self._json) <= PART

    def _read(self) -> list[Any]:
        if self._values is None:
            values = decode_json(self._json)
            if not isinstance(values, list):
                raise InvalidRequest(f"extension type {JSON}: expected a list, got {kind(values)}")
            self._values = values
        return self._values

    def __len__(self) -> int:
        return len(self._read())

    @overload
    def __getitem__(self, place: int) -> Any: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Any]: ...

    def __getitem__(self, place: int | slice) -> Any:
        return self._read()[place]

    def __eq__(self, other: object) -> bool:
        return self._read() == (list(other) if isinstance(other, SelfWriting) else other)

    __hash__ = None  # type: ignore[assignment]


def pack(value: object, *, accept: frozenset[str] = frozenset()) -> bytes:
    """Write one value.

    @param accept: what the receiver takes beside plain MessagePack, of L{ACCEPTED}.
    """
    packed: bytes = msgpack.packb(value, default=_as_json if "json" in accept else _as_plain)
    if "zlib" in accept and len(packed) >= LARGE:
        shorter = zlib.compress(packed, _LEVEL)
        if len(shorter) < len(packed):
            return _extension(COMPRESSED, shorter)
    return packed


def _extension(code: int, data: bytes) -> bytes:
    packed: bytes = msgpack.packb(msgpack.ExtType(code, data))
    return packed


def _as_json(value: object) -> object:
    if isinstance(value, SelfWriting):
        return msgpack.ExtType(JSON, value.json())
    return _as_plain(value)


def _as_plain(value: object) -> object:
    if isinstance(value, SelfWriting):
        return list(value)
    if isinstance(value, int):
        return msgpack.ExtType(INTEGER, b"%d" % value)
    raise TypeError(f"MessagePack has no {type(value).__name__}")


def is_compressed(body: bytes) -> bool:
    """Whether a message came compressed, by how it begins; how large it is nobody knows."""
    place = _TYPES.get(body[:1])
    return place is not None and body[place : place + 1] == _COMPRESSED


class _Compressed:
    """A message within a message."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


def unpack(
    body: bytes,
    *,
    limit: int = MAX_MESSAGE,
    plain: bool = False,
    max_values: int | None = None,
) -> object:
    """Read one value.

    Strings that are not UTF-8 are handed on with lone surrogates: who judges the field names it.

    @param limit: how many bytes a message may have, also when it is no longer compressed.
    @param plain: whether of the extension types that of integers alone is taken: then no message
        is larger than it came.
    @param max_values: how many values there may be; C{None}: as many as there are.
    @raise InvalidRequest: where C{body} is not MessagePack.
    @raise PayloadTooLarge: where it is over the limit.
    """
    if len(body) > limit:
        raise PayloadTooLarge(f"message: {len(body):,} bytes are over the limit of {limit:,}")
    value = _read(body, _extended_plain if plain else _extended, max_values)
    if isinstance(value, _Compressed):
        value = _read(_decompressed(value.data, limit), _extended, max_values)
        if isinstance(value, _Compressed):
            raise InvalidRequest("message: compressed twice")
    return value


_Extended = Callable[[int, bytes], object]


def _read(body: bytes, extended: _Extended, max_values: int | None) -> object:
    return unpack_steadily(body, partial(_unpacked, extended), max_values=max_values)


def _unpacked(
    extended: _Extended,
    body: bytes,
    object_of: Callable[[list[tuple[Any, Any]]], dict[Any, Any]] | None,
) -> object:
    try:
        value: object = msgpack.unpackb(
            body,
            unicode_errors="surrogateescape",
            strict_map_key=False,
            object_pairs_hook=object_of or _pairs,
            ext_hook=extended,
        )
    except msgpack.StackError:
        raise InvalidRequest("message: nested too deeply") from None
    except msgpack.FormatError:
        raise InvalidRequest("message: not MessagePack") from None
    except ValueError as error:
        raise InvalidRequest(f"message: not MessagePack, {error}") from None
    except TypeError:
        raise InvalidRequest("message: a list or a map is no key of a map") from None
    return value


def _pairs(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    value = dict(pairs)
    return value if len(value) == len(pairs) else RepeatedKey(pairs)


def _extended(code: int, data: bytes) -> object:
    if code == INTEGER:
        return _integer(data)
    if code == JSON:
        return WrittenList(data)
    if code == COMPRESSED:
        return _Compressed(data)
    return msgpack.ExtType(code, data)


def _extended_plain(code: int, data: bytes) -> object:
    if code != INTEGER:
        raise InvalidRequest(f"extension type {code}: not taken here")
    return _integer(data)


def _integer(digits: bytes) -> int | float:
    """An integer; one that is beyond float64 needs no parsing to be refused."""
    if not digits.removeprefix(b"-").isdigit():
        raise InvalidRequest(f"extension type {INTEGER}: expected decimal digits")
    return int(digits) if len(digits) <= MAX_DIGITS else float(digits)


def _decompressed(data: bytes, limit: int) -> bytes:
    """What was compressed; no more than C{limit} bytes of it are ever made."""
    inflating = zlib.decompressobj()
    try:
        body = inflating.decompress(data, limit)
        over = bool(inflating.unconsumed_tail) and bool(
            inflating.decompress(inflating.unconsumed_tail, 1)
        )
    except zlib.error as error:
        raise InvalidRequest(f"message: not compressed with zlib, {error}") from None
    if over:
        raise PayloadTooLarge(f"message: over the limit of {limit:,} bytes when it is unpacked")
    if not inflating.eof:
        raise InvalidRequest("message: not compressed with zlib, it breaks off")
    if inflating.unused_data:
        raise InvalidRequest("message: something follows what is compressed with zlib")
    return body
