"""Answers made smaller for clients that ask for it with C{Accept-Encoding} (SPEC 9, RFC 9110)."""

import zlib
from collections.abc import Sequence
from functools import lru_cache

from kato.codec import PART

FROM = 2048
"""An answer of fewer bytes goes as it is: what is saved fits into the same packets, and making it
takes longer than sending it."""

VARIES = b"Vary: Accept-Encoding, Origin\r\n"
"""What an answer says that others may get in another encoding, and pages with other headers."""

GZIP = b"Content-Encoding: gzip\r\n" + VARIES
"""What an answer says that is compressed."""

_LEVEL = 1
_GZIP_FORMAT = 31


def accepts_gzip(values: Sequence[bytes]) -> bool:
    """Whether C{Accept-Encoding} asks for gzip, by name or as any encoding.

    @param values: of all headers of this name.
    """
    return bool(values) and _accepts(b",".join(values))


@lru_cache(maxsize=64)
def _accepts(written: bytes) -> bool:
    weights = dict(map(_weighed, written.lower().split(b",")))
    return weights.get(b"gzip", weights.get(b"*", 0.0)) > 0.0


def _weighed(word: bytes) -> tuple[bytes, float]:
    """An encoding and its weight; one that is no number from 0 to 1 counts as none."""
    name, _, parameter = word.partition(b";")
    key, _, value = parameter.replace(b" ", b"").partition(b"=")
    if key != b"q":
        return name.strip(), 0.0 if parameter else 1.0
    try:
        weight = float(value)
    except ValueError:
        return name.strip(), 0.0
    return name.strip(), weight if 0.0 <= weight <= 1.0 else 0.0


def gzipped(parts: Sequence[bytes]) -> list[bytes]:
    """The same, compressed; it takes a while, and lets other threads go on."""
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_FORMAT)
    whole = b"".join([*map(compressor.compress, parts), compressor.flush()])
    return [whole[start : start + PART] for start in range(0, len(whole), PART)]
