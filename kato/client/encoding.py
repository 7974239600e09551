"""What is sent as JSON, with numbers of other libraries, and an error that says what cannot be."""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from math import isfinite
from numbers import Real
from typing import Any

from kato.client.given import is_unicode, shown
from kato.errors import InvalidRequest


def encoded(body: Mapping[str, Any]) -> bytes:
    """The body of a request.

    @raise InvalidRequest: which names what of it is no JSON.
    """
    try:
        text = json.dumps(
            body, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain
        )
        return text.encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidRequest(_why(body) or f"this is no JSON: {error}") from None


def _plain(value: Any) -> Any:
    """A number as Python has it: of numpy, torch and their like, or a fraction."""
    if getattr(value, "shape", None) == ():
        return value.item()
    if isinstance(value, Real | Decimal):
        return float(value)
    raise TypeError(f"a {type(value).__name__} is no JSON")


def _why(body: Mapping[str, Any]) -> str | None:
    try:
        return next(_misfits(body, ""), None)
    except RecursionError:
        return "this is no JSON: it is too deep, or a part of itself"


def _misfits(value: Any, path: str) -> Iterator[str]:
    """What is wrong in a value, each with its place."""
    if isinstance(value, str):
        if not is_unicode(value):
            yield f"{path}: not valid Unicode, {shown(value)}"
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _misfits(name, f"{path}.{name!a}".lstrip("."))
            yield from _misfits(each, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list | tuple):
        for i, each in enumerate(value):
            yield from _misfits(each, f"{path}[{i}]")
    elif value is not None:
        yield from _no_number(value, path)


def _no_number(value: Any, path: str) -> Iterator[str]:
    try:
        number = float(value if isinstance(value, int | float) else _plain(value))
    except OverflowError:
        yield f"{path}: too large a number"
    except (TypeError, ValueError):
        yield f"{path}: {shown(value)} is no JSON"
    else:
        if not isfinite(number):
            yield f"{path}: expected a finite number, got {shown(value)}"
