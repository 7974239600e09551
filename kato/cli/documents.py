"""JSON that people give, read strictly; and observations in it.  Pure."""

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any, NoReturn

from kato.client import Observation

_KEYS = ("strings", "vectors", "emotives", "unique_id", "metadata")


class Unfit(ValueError):
    """What was given is not what is expected; the text names it."""


def decoded(text: str) -> Any:
    """A value out of JSON, all of whose numbers are finite, and whose keys stand once.

    @raise Unfit: it is no such JSON.
    """
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_finite
        )
        text.encode()
        json.dumps(value, ensure_ascii=False).encode()
    except Unfit:
        raise
    except json.JSONDecodeError as error:
        raise Unfit(f"not JSON: {error.msg} at character {error.pos + 1}") from None
    except UnicodeEncodeError:
        raise Unfit("half of a surrogate pair is no character") from None
    except (ValueError, RecursionError):
        raise Unfit("not JSON that can be read: too deep, or a number too long") from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise Unfit("a key stands twice in an object")
    return made


def _constant(text: str) -> NoReturn:
    raise Unfit(f"{text} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise Unfit(f"{text} is too large a number")
    return value


def mapping(value: object, where: str) -> Mapping[str, Any]:
    """An object.

    @raise Unfit: it is none.
    """
    if not isinstance(value, dict):
        raise Unfit(f"{where}: expected an object, got {_shown(value)}")
    return value


def observation(value: object) -> Observation:
    """An observation: an object with the fields of SPEC 1, or a list of its strings.

    @raise Unfit: it is none; the text names the field and the value.
    """
    if isinstance(value, list):
        return Observation(_strings(value))
    given = mapping(value, "observation")
    for key in given:
        if key not in _KEYS:
            raise Unfit(f"{_shown(key)}: expected one of {', '.join(_KEYS)}")
    return Observation(
        _strings(given.get("strings", [])),
        [
            _vector(each, f"vectors[{i}]")
            for i, each in enumerate(_list(given.get("vectors", []), "vectors"))
        ],
        {
            name: _number(each, f"emotives.{name}")
            for name, each in mapping(given.get("emotives", {}), "emotives").items()
        },
        _text(given["unique_id"], "unique_id") if "unique_id" in given else None,
        mapping(given.get("metadata", {}), "metadata"),
    )


def _strings(value: object) -> list[str]:
    return [_text(each, f"strings[{i}]") for i, each in enumerate(_list(value, "strings"))]


def _vector(value: object, where: str) -> list[float]:
    components = [_number(each, f"{where}[{i}]") for i, each in enumerate(_list(value, where))]
    if not components:
        raise Unfit(f"{where}: a vector needs at least one component")
    return components


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise Unfit(f"{where}: expected a list, got {_shown(value)}")
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise Unfit(f"{where}: expected a string, got {_shown(value)}")
    return value


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unfit(f"{where}: expected a number, got {_shown(value)}")
    return value


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)[:60]
