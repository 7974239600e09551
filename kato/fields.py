"""Judging the fields of a request: each function returns the value it was given, made exact, or
raises L{InvalidRequest} with the path of the field and what was wrong with it (SPEC 1).

A path reads as a client would write it: C{observations[2].strings[0]}.
"""

from collections.abc import Mapping
from typing import Any

from kato.errors import InvalidRequest

MAX_DEPTH = 64
"""How many lists and objects may lie in each other within free-form JSON."""

EXACT = 2**53 - 1
"""The largest integer that every JSON reader takes exactly."""

MAX_DIGITS = 400
"""An integer with more digits is beyond float64, and needs no parsing to be refused."""

_SHOWN = 80


class RepeatedKey(dict[str, Any]):
    """An object in which a key stood twice, as a decoder hands it on: L{mapping} refuses it."""

    def __init__(self, pairs: list[tuple[Any, Any]]) -> None:
        super().__init__(pairs)
        self.key: object = None
        seen: set[object] = set()
        for key, _ in pairs:
            if key in seen:
                self.key = key
                break
            seen.add(key)


def shown(value: object) -> str:
    """Write C{value} for an error message: short, printable, on one line."""
    if isinstance(value, int):
        text = _digits(value)
    elif isinstance(value, str) and not value.isprintable():
        text = ascii(value)
    else:
        text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def kind(value: object) -> str:
    """Name the type of C{value} in the words of JSON's readers."""
    return "null" if value is None else type(value).__name__


def wrong(path: str, expected: str, value: object) -> InvalidRequest:
    """Make the error for a field of a wrong type."""
    return InvalidRequest(f"{path}: expected {expected}, got {kind(value)}{_detail(value)}")


def _detail(value: object) -> str:
    return f" {shown(value)}" if isinstance(value, str | int | float) else ""


def text(value: object, path: str) -> str:
    """Take a string of valid Unicode; the empty one is as good as any."""
    if not isinstance(value, str):
        raise wrong(path, "a string", value)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise InvalidRequest(
                f"{path}: not valid Unicode, {shown(value)} has a lone surrogate "
                f"at position {error.start}"
            ) from None
    return value


def boolean(value: object, path: str) -> bool:
    """Take C{true} or C{false} and nothing that merely resembles them."""
    if not isinstance(value, bool):
        raise wrong(path, "a boolean", value)
    return value


def number(value: object, path: str) -> float:
    """Take a finite float64; an integer is taken where float64 can hold its size."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong(path, "a number", value)
    try:
        result = float(value)
    except OverflowError:
        raise InvalidRequest(f"{path}: a number beyond float64") from None
    if result - result != 0.0:  # only NaN and the infinities differ from themselves so
        raise InvalidRequest(f"{path}: expected a finite number, got {shown(value)}")
    return result


def integer(value: object, path: str, *, least: int, most: int = EXACT) -> int:
    """Take an integer from C{least} to C{most}; an integral float passes for one."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong(path, "an integer", value)
    if not least <= value <= most:
        raise InvalidRequest(
            f"{path}: expected an integer from {least} to {most}, got {_digits(value)}"
        )
    return value


def _digits(value: int) -> str:
    """Write an integer; one that CPython may refuse to print is told by its size."""
    return str(value) if value.bit_length() < 200 else f"one of {value.bit_length()} bits"


def array(value: object, path: str) -> list[Any]:
    """Take a list."""
    if not isinstance(value, list | tuple):
        raise wrong(path, "a list", value)
    return list(value)


def mapping(value: object, path: str, known: frozenset[str] | None = None) -> Mapping[str, Any]:
    """Take an object whose keys are valid strings, all of them in C{known} where that is given."""
    if not isinstance(value, dict):
        raise wrong(path, "an object", value)
    if isinstance(value, RepeatedKey):
        key = value.key
        raise InvalidRequest(
            f"{within(path, key if isinstance(key, str) else shown(key))}: given twice"
        )
    for key in value:
        if not isinstance(key, str):
            raise wrong(f"{path}: key", "a string", key)
        if known is None:
            if not key.isascii():
                text(key, f"{path}: key {shown(key)}")
        elif key not in known:
            raise InvalidRequest(f"{within(path, key)}: unknown key{_known(known)}")
    return value


def _known(known: frozenset[str]) -> str:
    return f", known are {', '.join(sorted(known))}" if known else ""


def within(path: str, key: str) -> str:
    """The path of the field C{key} in the object at C{path}; at the top it is the key alone."""
    plain = key.isprintable() and 0 < len(key) <= _SHOWN
    name = key if plain else shown(key)
    return f"{path}.{name}" if path not in ("", "body", "params") else name


def free_form(value: object, path: str, depth: int = MAX_DEPTH) -> Any:
    """Take any JSON value whose strings are valid, whose numbers are finite, and which is not
    nested deeper than C{depth}."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return text(value, path)
    if isinstance(value, int | float):
        number(value, path)
        return value
    if depth == 0:
        raise InvalidRequest(f"{path}: nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, list | tuple):
        return [free_form(item, f"{path}[{i}]", depth - 1) for i, item in enumerate(value)]
    if isinstance(value, dict):
        return {
            key: free_form(item, within(path, key), depth - 1)
            for key, item in mapping(value, path).items()
        }
    raise wrong(path, "a JSON value", value)
