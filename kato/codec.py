"""JSON bytes to plain values and back (SPEC 9).

The standard library's parser is used for what faster ones do not tell: a key that stands twice, and
a number that is too large, both of which the fields then refuse by their path.
"""

import json
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

from kato.errors import InvalidRequest
from kato.fields import MAX_DIGITS, RepeatedKey

MAX_MESSAGE = 16 * 2**20
"""How many bytes a request may have."""

PART = 2**16
"""How many bytes of a long answer are written at a time."""

FEW = 16
"""So many entries of a list are written at a time."""


def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its members; one in which a key stands twice remembers that."""
    value = dict(pairs)
    return value if len(value) == len(pairs) else RepeatedKey(pairs)


def integer_of(digits: str) -> int | float:
    """Read an integer; one that is beyond float64 needs no parsing to be refused."""
    return int(digits) if len(digits) <= MAX_DIGITS else float(digits)


class SelfWriting(Sequence[Any]):
    """A list that writes its own JSON, so that its entries need not be built to be sent."""

    __slots__ = ()

    @abstractmethod
    def parts(self) -> Iterator[bytes]:
        """Its JSON as L{encode_json} would write it, in parts each of which is made in a moment;
        what was written once is not made again."""

    def json(self) -> bytes:
        """Its JSON, whole."""
        return b"".join(self.parts())

    def is_short(self, entries: int) -> bool:
        """Whether it takes no longer to write than so many entries of other lists."""
        return len(self) <= entries


_SCALARS = frozenset({bool, float, int, str, type(None)})


def is_small(value: object) -> bool:
    """Whether C{value} is encoded at once without anybody noticing."""
    if isinstance(value, dict):
        for member in value.values():
            if type(member) not in _SCALARS and not is_small(member):
                return False
        return True
    if isinstance(value, SelfWriting):
        return value.is_short(FEW)
    return not isinstance(value, list) or len(value) <= FEW


def _built(value: object) -> list[Any]:
    """What the encoder is given for a L{SelfWriting} that lies deeper than L{encode_json} looks."""
    if isinstance(value, SelfWriting):
        return list(value)
    raise TypeError(f"JSON has no {type(value).__name__}")


_DECODER = json.JSONDecoder(object_pairs_hook=object_of, parse_int=integer_of)
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_built
)


def decode_json(body: bytes) -> object:
    """Read one JSON value.

    NaN, the infinities and numbers that overflow are handed on as floats: who judges the field
    names it.

    @raise InvalidRequest: where C{body} is not JSON in UTF-8.
    """
    try:
        return _DECODER.decode(body.decode())
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"body: not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise InvalidRequest(f"body: not JSON, {error.msg} at {where}") from None
    except RecursionError:
        raise InvalidRequest("body: nested too deeply") from None


_PLAIN = frozenset({bool, dict, float, int, list, str, tuple, type(None)})
"""What an answer is mostly made of: nothing of it writes itself."""


def encode_json(value: object) -> bytes:
    """Write one JSON value, compactly, in UTF-8."""
    if isinstance(value, SelfWriting):
        return value.json()
    if isinstance(value, dict) and not all(type(each) in _PLAIN for each in value.values()):
        members = (_written(key) + b":" + encode_json(each) for key, each in value.items())
        return b"{" + b",".join(members) + b"}"
    return _written(value)


def _written(value: object) -> bytes:
    return _ENCODER.encode(value).encode()
