"""Any JSON value as BSON can hold it, and back.

BSON has no names with a NUL, no integers beyond 64 bits, and 100 levels at most; and MongoDB's
languages read dots and dollars in names.  What that concerns is written under one of three names:

  - C{{"pairs": [[name, value], ...]}}: an object with such a name in it;
  - C{{"integer": "123..."}}: a large integer, in decimals, or in hexadecimals with
    C{0x} before them;
  - C{{"json": "..."}}: what is nested too deeply.

An object that has just one of these names is written as pairs, so nothing is taken for another.
"""

import json
from typing import Any

_ESCAPES = frozenset({"pairs", "integer", "json"})
_LEVELS = 48
"""Below so many levels of BSON a value is written as JSON: pairs take three levels each, and
documents have some of their own."""

_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
_DECIMALS = 10**4000
"""Python reads and prints no decimals beyond 4,300 of them."""


def write(value: Any, levels: int = _LEVELS) -> Any:
    """C{value} as BSON can hold it."""
    if isinstance(value, int) and not _SMALLEST <= value <= _LARGEST:
        return {"integer": _digits(value)}
    if not isinstance(value, dict | list | tuple):
        return value
    if levels <= 0:
        return {"json": json.dumps(value, ensure_ascii=False, separators=(",", ":"))}
    if not isinstance(value, dict):
        return [write(each, levels - 1) for each in value]
    if _is_plain(value):
        return {name: write(each, levels - 1) for name, each in value.items()}
    return {"pairs": [[name, write(each, levels - 3)] for name, each in value.items()]}


def _digits(value: int) -> str:
    return str(value) if abs(value) < _DECIMALS else hex(value)


def _is_plain(value: dict[str, Any]) -> bool:
    """Whether all names can stand as names of fields."""
    if len(value) == 1 and not _ESCAPES.isdisjoint(value):
        return False
    return not any("\0" in name or "." in name or name[:1] in ("", "$") for name in value)


def read(value: Any) -> Any:
    """The reverse of L{write}.

    @raise ValueError, TypeError: where it is not as L{write} writes.
    """
    if isinstance(value, dict):
        if len(value) == 1 and not _ESCAPES.isdisjoint(value):
            [(escape, escaped)] = value.items()
            return _unescaped(escape, escaped)
        return {name: read(each) for name, each in value.items()}
    if isinstance(value, list):
        return [read(each) for each in value]
    if isinstance(value, bool) or not isinstance(value, int):
        return value
    return int(value)  # a 64-bit integer is read as one of BSON's own class


def _unescaped(escape: str, escaped: Any) -> Any:
    match escape:
        case "pairs":
            return {name: read(each) for name, each in escaped}
        case "integer":
            return int(escaped, 0)
        case _:
            return json.loads(escaped)
