"""Messages as frames: each is written once for a sub-protocol, compressed once where that pays, and
sent to all who want it (SPEC 9)."""

import zlib
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from autobahn.websocket.protocol import PreparedMessage

from kato.codec import decode_json, encode_json, is_small
from kato.events import Event
from kato.messagepack import pack, unpack

DEFLATED_FROM = 2048
"""A message of fewer bytes goes as it is: what is saved fits into the same packets,"""
DEFLATED_UP_TO = 256 * 1024
"""and so does one of more: to compress it takes longer than others should wait."""

WINDOW_BITS = 15
"""The window in which we compress, in powers of two.  All connections share what is compressed, so
all must take this one, and no message refers to another."""

_LEVEL = 1
_SYNC = b"\x00\x00\xff\xff"
_COMPRESSED = 0x40


def _json(value: Mapping[str, Any]) -> bytes:
    """A map whose members may be maps of what writes itself."""
    members = (encode_json(key) + b":" + encode_json(each) for key, each in value.items())
    return b"{" + b",".join(members) + b"}"


class Codec(Enum):
    """The sub-protocols, by their names."""

    JSON = "kato.v1.json"
    MESSAGEPACK = "kato.v1.msgpack"

    @property
    def binary(self) -> bool:
        """Whether its frames are binary ones."""
        return self is Codec.MESSAGEPACK

    @property
    def decode(self) -> Callable[[bytes], object]:
        """Reads a message; raises L{InvalidRequest} where it is none."""
        return decode_json if self is Codec.JSON else unpack

    @property
    def encode(self) -> Callable[[Mapping[str, Any]], bytes]:
        """Writes a message."""
        return _json if self is Codec.JSON else pack


class Written:
    """A message that is written when it is first sent, and not again."""

    __slots__ = ("_frames", "_value", "is_long")

    def __init__(self, value: Mapping[str, Any]) -> None:
        self._value = value
        self._frames: dict[tuple[Codec, bool], bytes] = {}
        self.is_long = not is_small(value)
        """Whether to write it takes a while, which the reactor has not."""

    def is_written(self, codec: Codec, *, deflated: bool) -> bool:
        """Whether it need not be written any more."""
        return (codec, deflated) in self._frames

    def frame(self, codec: Codec, *, deflated: bool) -> bytes:
        """The message as it is sent.

        @param deflated: whether the reader takes it compressed; it is where that pays.
        """
        frame = self._frames.get((codec, deflated))
        if frame is None:
            frame = self._deflated(codec) if deflated else _frame(codec.encode(self._value), codec)
            self._frames[codec, deflated] = frame
        return frame

    def _deflated(self, codec: Codec) -> bytes:
        plain = self.frame(codec, deflated=False)
        pays = DEFLATED_FROM <= len(plain) <= DEFLATED_UP_TO
        return _deflated(_payload(plain), codec) if pays else plain


class Announced(Written):
    """An event, as it is told to all who listen."""

    __slots__ = ("event",)

    def __init__(self, event: Event) -> None:
        super().__init__(event.as_map())
        self.event = event

    def after(self, skipped: int) -> "Announced":
        """The same, where so many of its topic were passed over before it."""
        return self if skipped == self.event.skipped else Announced(self.event.after(skipped))


def _frame(payload: bytes, codec: Codec) -> bytes:
    """A message in one frame, which a server does not mask."""
    prepared = PreparedMessage(payload, codec.binary, applyMask=False, doNotCompress=True)
    return prepared.payloadHybi


def _payload(frame: bytes) -> bytes:
    """What is in a frame, behind one byte, its length in 7, 16 or 64 bits, and no mask."""
    return frame[{126: 4, 127: 10}.get(frame[1], 2) :]


def _deflated(payload: bytes, codec: Codec) -> bytes:
    """A message compressed by itself (RFC 7692): its frame says so in a bit of its first byte."""
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -WINDOW_BITS)
    short = compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH)
    frame = _frame(short.removesuffix(_SYNC), codec)
    return bytes((frame[0] | _COMPRESSED,)) + frame[1:]
