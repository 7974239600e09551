"""The worked cases of the contract (SPEC 7), which lie beside the checkout, and how to compare."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TOLERANCE = 1e-9


def cases() -> Iterator[dict[str, Any]]:
    """Every case: C{name}, C{genes} and C{steps}.

    The environment's C{KATO_CONFORMANCE} names another file than the one that is shared.

    @raise FileNotFoundError: where there is none; a proof without its cases is none.
    """
    shared = Path(__file__).resolve().parents[2] / "shared" / "conformance" / "cases.jsonl"
    path = Path(os.environ.get("KATO_CONFORMANCE", shared))
    if not path.is_file():
        raise FileNotFoundError(f"no worked cases at {path}; KATO_CONFORMANCE may name their file")
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def same(given: object, expected: object) -> bool:
    """Whether two decoded answers are equal: floats within L{TOLERANCE}, all else exactly."""
    if isinstance(given, float) or isinstance(expected, float):
        return (
            isinstance(given, int | float)
            and isinstance(expected, int | float)
            and not isinstance(given, bool)
            and not isinstance(expected, bool)
            and abs(given - expected) <= TOLERANCE
        )
    if type(given) is not type(expected):
        return False
    if isinstance(given, dict) and isinstance(expected, dict):
        return given.keys() == expected.keys() and all(
            same(given[key], expected[key]) for key in given
        )
    if isinstance(given, list) and isinstance(expected, list):
        return len(given) == len(expected) and all(map(same, given, expected))
    return given == expected
