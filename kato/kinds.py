"""What a value may be: how it is judged, and the same as JSON Schema for those who want to know
before they ask (SPEC 1, 6 and 8)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kato import schemas
from kato.errors import InvalidRequest
from kato.fields import EXACT, boolean, integer, number, shown, text
from kato.schemas import Schema

Judge = Callable[[object, str], Any]
"""Takes a value and the path of its field, and gives the value made exact, or raises
L{InvalidRequest}."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of values: what judges them, and the schema of those that it takes."""

    judge: Judge
    schema: Schema


TEXT = Kind(text, schemas.STRING)
FLAG = Kind(boolean, schemas.BOOLEAN)


def whole(least: int, most: int = EXACT) -> Kind:
    """Integers from C{least} to C{most}."""

    def judge(value: object, path: str) -> int:
        return integer(value, path, least=least, most=most)

    return Kind(judge, {"type": "integer", "minimum": least, "maximum": most})


def decimal(least: float, most: float | None = None) -> Kind:
    """Numbers from C{least} to C{most}, or from C{least} up."""
    bounds = f"from {least} to {most}" if most is not None else f"from {least} up"

    def judge(value: object, path: str) -> float:
        result = number(value, path)
        if result < least or (most is not None and result > most):
            raise InvalidRequest(f"{path}: expected a number {bounds}, got {shown(value)}")
        return result

    upper = {} if most is None else {"maximum": most}
    return Kind(judge, {**schemas.NUMBER, "minimum": least, **upper})


def choice(*choices: str) -> Kind:
    """One of these words."""

    def judge(value: object, path: str) -> str:
        word = text(value, path)
        if word not in choices:
            raise InvalidRequest(f"{path}: expected one of {', '.join(choices)}, got {shown(word)}")
        return word

    return Kind(judge, schemas.one_of(choices))


def or_null(kind: Kind) -> Kind:
    """The same, or null."""
    return Kind(
        lambda value, path: None if value is None else kind.judge(value, path),
        schemas.or_null(kind.schema),
    )
