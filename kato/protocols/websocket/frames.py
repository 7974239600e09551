"""Messages as frames: each is written once for a sub-protocol, compressed once where that pays, and
sent to all who want it (SPEC 9)."""

import zlib
from collections.abc import Callable, Mapping
from enum import Enum
from functools import partial
from struct import pack as packed
from typing import Any

from kato.codec import PART, encode_json, is_small
from kato.events import Event
from kato.messagepack import pack, unpack
from kato.steady_json import decode_steadily

DEFLATED_FROM = 2048
"""A message of fewer bytes goes as it is: what is saved fits into the same packets,"""
DEFLATED_UP_TO = 256 * 1024
"""and so does one of more that is not written in a thread: others would wait for it."""

WINDOW_BITS = 15
"""The window in which we compress, in powers of two.  All connections share what is compressed, so
all must take this one, and no message refers to another."""

_LEVEL = 1
SYNC = b"\x00\x00\xff\xff"

_LAST = 0x80
_COMPRESSED = 0x40
_TEXT, _BINARY, _CONTINUED = 1, 2, 0
"""The bits of a frame's first byte (RFC 6455, 5.2)."""

Frames = tuple[bytes, ...]
"""A message as it is sent: in one frame, a long one in several, between which there is room for
others' pings and for the reader's pace."""


def _json(value: Mapping[str, Any]) -> bytes:
    """A map whose members may be maps of what writes itself."""
    members = (encode_json(key) + b":" + encode_json(each) for key, each in value.items())
    return b"{" + b",".join(members) + b"}"


_unpack_plain = partial(unpack, plain=True)


class Codec(Enum):
    """The sub-protocols, by their names."""

    JSON = "kato.v1.json"
    MESSAGEPACK = "kato.v1.msgpack"
    GRAPHQL = "graphql-transport-ws"
    """JSON, too; what is said in it is not ours."""

    __hash__ = object.__hash__  # that of Enum is slower, and counts in what a thousand are told

    @property
    def binary(self) -> bool:
        """Whether its frames are binary ones."""
        return self is Codec.MESSAGEPACK

    @property
    def decode(self) -> Callable[..., object]:
        """Reads a message of no more than C{max_values}; raises L{KatoError} where it is none."""
        return _unpack_plain if self.binary else decode_steadily

    @property
    def encode(self) -> Callable[[Mapping[str, Any]], bytes]:
        """Writes a message."""
        return pack if self.binary else _json


class Written:
    """A message that is written when it is first sent, and not again."""

    __slots__ = ("_frames", "_value", "is_long")

    def __init__(self, value: Mapping[str, Any]) -> None:
        self._value = value
        self._frames: dict[tuple[Codec, bool], Frames] = {}
        self.is_long = not is_small(value)
        """Whether to write it takes a while, which the reactor has not."""

    def is_written(self, codec: Codec, *, deflated: bool) -> bool:
        """Whether it need not be written any more."""
        return (codec, deflated) in self._frames

    def frames(self, codec: Codec, *, deflated: bool) -> Frames:
        """The message as it is sent.

        @param deflated: whether the reader takes it compressed; it is where that pays.
        """
        frames = self._frames.get((codec, deflated))
        if frames is None:
            frames = self._deflated(codec) if deflated else self._plain(codec)
            self._frames[codec, deflated] = frames
        return frames

    def _encoded(self, codec: Codec) -> bytes:
        return codec.encode(self._value)

    def _plain(self, codec: Codec) -> Frames:
        return _framed(self._encoded(codec), _first(codec))

    def _deflated(self, codec: Codec) -> Frames:
        known = self._frames.get((codec, False))
        payload = self._encoded(codec) if known is None else _payload(known)
        quick = self.is_long or len(payload) <= DEFLATED_UP_TO
        if quick and len(payload) >= DEFLATED_FROM:
            return _framed(_compressed(payload), _first(codec) | _COMPRESSED)
        return _framed(payload, _first(codec)) if known is None else known


class Announced(Written):
    """An event, as it is told to all who listen."""

    __slots__ = ("event",)

    def __init__(self, event: Event) -> None:
        super().__init__(event.as_map())
        self.event = event

    def after(self, skipped: int) -> "Announced":
        """The same, where so many of its topic were passed over before it."""
        return self if skipped == self.event.skipped else Announced(self.event.after(skipped))

    def light(self) -> "Announced":
        """The same for who will be told later: what takes long to write, and may be large, is not
        kept for so long."""
        return Announced(self.event) if self.is_long else self


def _first(codec: Codec) -> int:
    return _BINARY if codec.binary else _TEXT


def _framed(payload: bytes, first: int) -> Frames:
    """A message in frames, which a server does not mask; only the first of them says what it is."""
    if len(payload) <= PART:
        return (_frame(first | _LAST, payload),)
    starts = range(0, len(payload), PART)
    return tuple(
        _frame(
            (_CONTINUED if start else first) | (_LAST if start == starts[-1] else 0),
            payload[start : start + PART],
        )
        for start in starts
    )


def _frame(first: int, payload: bytes) -> bytes:
    """A frame, its length in 7, 16 or 64 bits."""
    length = len(payload)
    if length < 126:
        return packed("!BB", first, length) + payload
    if length < 2**16:
        return packed("!BBH", first, 126, length) + payload
    return packed("!BBQ", first, 127, length) + payload


def _payload(frames: Frames) -> bytes:
    """What is in frames of ours."""
    return b"".join(frame[{126: 4, 127: 10}.get(frame[1], 2) :] for frame in frames)


def _compressed(payload: bytes) -> bytes:
    """A message compressed by itself (RFC 7692)."""
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -WINDOW_BITS)
    short = compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return short.removesuffix(SYNC)
