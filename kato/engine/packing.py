"""All models of a processor as bytes, from which they are taken in sooner than one by one.

What the matcher dumped goes on as it is; before it stand the emotives, which it does not hold.
"""

import json
import struct
from collections.abc import Mapping
from hashlib import blake2b
from typing import NamedTuple

from kato.model import Felt

_MAGIC = b"KATOENG1"
"""What it is, and the version of its format."""

_DIGEST = 32
_HEAD = struct.Struct(f"<8s{_DIGEST}sQ")
"""The magic, and the checksum and the length of the emotives that follow, as JSON."""


class Packed(NamedTuple):
    """Models as they are packed."""

    emotives: Mapping[str, Felt]
    """Those of the models that have any, by name."""
    dumped: bytes
    """What the matcher gave."""


def pack(packed: Packed) -> bytes:
    """All of it as bytes."""
    emotives = json.dumps(packed.emotives, ensure_ascii=False, separators=(",", ":")).encode()
    head = _HEAD.pack(_MAGIC, _digest(emotives), len(emotives))
    return b"".join((head, emotives, packed.dumped))


def unpack(index: bytes) -> Packed | None:
    """The reverse of L{pack}.  C{None}: it is of another version, or damaged before the dump, which
    the matcher judges itself."""
    if len(index) < _HEAD.size:
        return None
    magic, digest, length = _HEAD.unpack_from(index)
    dump = _HEAD.size + length
    if magic != _MAGIC or _digest(text := index[_HEAD.size : dump]) != digest:
        return None
    emotives = {name: tuple(felt) for name, felt in json.loads(text).items()}
    return Packed(emotives, index[dump:])


def _digest(text: bytes) -> bytes:
    return blake2b(text, digest_size=_DIGEST).digest()
