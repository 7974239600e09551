"""All models of a processor as bytes, from which they are taken in sooner than one by one.

What the matcher dumped goes on as it is; before it stand the emotives and the fingerprint,
which it does not hold.
"""

import json
import struct
from collections.abc import Mapping
from hashlib import blake2b
from typing import NamedTuple

from kato.model import Felt

_MAGIC = b"KATOENG2"
"""What it is, and the version of its format."""

_DIGEST = 32
_HEAD = struct.Struct(f"<8s{_DIGEST}sQ")
"""The magic, and the checksum and the length of the JSON that follows."""


class Packed(NamedTuple):
    """Models as they are packed."""

    emotives: Mapping[str, Felt]
    """Those of the models that have any, by name."""
    fingerprint: bytes | None
    """What other models would have another of, where that was known."""
    dumped: bytes
    """What the matcher gave."""


def pack(packed: Packed) -> bytes:
    """All of it as bytes."""
    fingerprint = None if packed.fingerprint is None else packed.fingerprint.hex()
    beside = {"emotives": packed.emotives, "fingerprint": fingerprint}
    text = json.dumps(beside, ensure_ascii=False, separators=(",", ":")).encode()
    return b"".join((_HEAD.pack(_MAGIC, _digest(text), len(text)), text, packed.dumped))


def unpack(index: bytes) -> Packed | None:
    """The reverse of L{pack}.  C{None}: it is of another version, or damaged before the dump, which
    the matcher judges itself."""
    if len(index) < _HEAD.size:
        return None
    magic, digest, length = _HEAD.unpack_from(index)
    dump = _HEAD.size + length
    if magic != _MAGIC or _digest(text := index[_HEAD.size : dump]) != digest:
        return None
    beside = json.loads(text)
    emotives = {name: tuple(felt) for name, felt in beside["emotives"].items()}
    told = beside["fingerprint"]
    return Packed(emotives, None if told is None else bytes.fromhex(told), index[dump:])


def _digest(text: bytes) -> bytes:
    return blake2b(text, digest_size=_DIGEST).digest()
