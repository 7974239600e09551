"""JSON bytes to plain values and back (SPEC 9).

The standard library's parser is used for what faster ones do not tell: a key that stands twice, and
a number that is too large, both of which the fields then refuse by their path.
"""

import json
from typing import Any

from kato.errors import InvalidRequest
from kato.fields import RepeatedKey

MAX_MESSAGE = 16 * 2**20
"""How many bytes a request may have."""

_MAX_DIGITS = 400
"""An integer with more digits is beyond float64, and needs no parsing to be refused."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    return value if len(value) == len(pairs) else RepeatedKey(pairs)


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MAX_DIGITS else float(digits)


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_int=_integer)
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


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


def encode_json(value: object) -> bytes:
    """Write one JSON value, compactly, in UTF-8."""
    return _ENCODER.encode(value).encode()
