"""Lines with a running checksum, and the fingerprint of a processor (docs/moving.md)."""

import json
import zlib
from hashlib import sha256

from kato.codec import decode_json
from kato.errors import InvalidRequest
from kato.moving.notation import Line
from kato.moving.trouble import Damaged

_write = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_canonical = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True
).encode

_SEAL = b',"crc":"%08x"}\n'
_LENGTH = len(_SEAL % 0)


def sealed(line: Line, before: int) -> bytes:
    """A line as it stands in a file: with the CRC-32 of all that stands before that.

    @param before: the CRC-32 of all lines before this one.
    """
    body = _write(line).encode()[:-1]
    return body + _SEAL % zlib.crc32(body, before)


def unsealed(written: bytes, before: int) -> Line:
    """The reverse of L{sealed}.

    @raise Damaged: where the line is cut off, or it or one before it is another than was written.
    """
    if not written.endswith(b"\n"):
        raise Damaged("the file was cut off within it")
    body = written[:-_LENGTH]
    if written[-_LENGTH:] != _SEAL % zlib.crc32(body, before):
        raise Damaged("its checksum is wrong: it was altered, or lines before it are missing")
    try:
        line = decode_json(body + b"}")
    except InvalidRequest as error:
        raise Damaged(error.message.removeprefix("body: ")) from None
    if not isinstance(line, dict) or not line:
        raise Damaged("it is no object that tells what it is")
    return line


class Fingerprint:
    """Tells one state of a processor from any other, in whatever order its parts are added."""

    def __init__(self) -> None:
        self._sum = 0

    def add(self, line: Line) -> None:
        """Take in a part."""
        self._sum += int.from_bytes(sha256(_canonical(line).encode()).digest(), "big")

    def told(self) -> str:
        """The sum of the SHA-256s of all parts, as far as it fits into as many bits, in hex."""
        return f"{self._sum % 2**256:064x}"
