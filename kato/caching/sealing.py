"""Values as they are kept: compressed where that is worth it, with a checksum of key and value."""

import struct
import zlib
from hashlib import blake2b

_MAGIC = b"KATO"
_DIGEST = 16
_HEAD = struct.Struct(f"<4sB{_DIGEST}s")
"""What it is, whether it is compressed, and the checksum of all that follows."""

_PLAIN, _COMPRESSED = 0, 1

LARGE = 4_096
"""Fewer bytes are not compressed."""

_LEVEL = 1
"""Higher levels take several times as long, for a few per cent."""

MAX_SEALED = 2**20
"""More bytes are not kept: to read them takes about as long as to compute them anew."""

MAX_OPENED = 2**24
"""More bytes are never made of what was kept, whatever it is."""


def seal(key: str, text: bytes) -> bytes | None:
    """C{text} as it is kept under C{key}; C{None}: it is too large for that."""
    if len(text) > MAX_OPENED:
        return None
    form, body = _PLAIN, text
    if len(text) >= LARGE:
        form, body = _COMPRESSED, zlib.compress(text, _LEVEL)
    sealed = _HEAD.pack(_MAGIC, form, _digest(key, form, body)) + body
    return sealed if len(sealed) <= MAX_SEALED else None


def unseal(key: str, sealed: bytes) -> bytes | None:
    """The reverse of L{seal}; C{None}: it is damaged, or was kept under another key."""
    if len(sealed) < _HEAD.size:
        return None
    magic, form, digest = _HEAD.unpack_from(sealed)
    body = sealed[_HEAD.size :]
    if magic != _MAGIC or _digest(key, form, body) != digest:
        return None
    return body if form == _PLAIN else _inflated(body)


def _inflated(body: bytes) -> bytes | None:
    inflating = zlib.decompressobj()
    try:
        text = inflating.decompress(body, MAX_OPENED)
    except zlib.error:
        return None
    return text if inflating.eof else None


def _digest(key: str, form: int, body: bytes) -> bytes:
    hashed = blake2b(b"%b %d " % (key.encode(), form), digest_size=_DIGEST)
    hashed.update(body)
    return hashed.digest()
