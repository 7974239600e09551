"""Bytes as a row of choices: so what is made of them can be mutated, and is the same each time."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

_T = TypeVar("_T")

AWKWARD: Sequence[Any] = (
    None,
    True,
    0,
    -1,
    1.5,
    2**53,
    2**63,
    2**64,
    -(2**63),
    10**30,
    10**401,
    float("nan"),
    float("-inf"),
    5e-324,
    -0.0,
    "",
    "\0",
    "a\r\nb",
    "\ud800",
    "é\u2028𝔸",
    "x" * 300,
    b"a",
    [],
    [[]],
    [None],
    ["a", 1],
    {},
    {"": {}},
    {"a": None},
    {1: 2},
    ["a"] * 300,
)
"""Values that somebody may not have thought of."""


class Choices:
    """Chooses by bytes, one after the other; where there are none left it is always the first."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def over(self) -> bool:
        """Whether nothing is left to choose by."""
        return self._at >= len(self._data)

    def below(self, number: int) -> int:
        """A number from 0, below this one, which is at most 256."""
        if self.over:
            return 0
        self._at += 1
        return self._data[self._at - 1] % number

    def pick(self, options: Sequence[_T]) -> _T:
        """One of several."""
        return options[self.below(len(options))]

    def some(self, most: int) -> bytes:
        """Some bytes."""
        size = self.below(most + 1)
        self._at += size
        return self._data[self._at - size : self._at]

    def rest(self) -> bytes:
        """All that is left."""
        rest, self._at = self._data[self._at :], len(self._data)
        return rest

    def text(self) -> str:
        """A string, which need not be valid Unicode."""
        return self.some(12).decode("utf-8", "surrogateescape")

    def value(self, depth: int = 3) -> Any:
        """Any value."""
        kind = self.below(8 if depth else 5)
        if kind == 5:
            return {self.text(): self.value(depth - 1) for _ in range(self.below(4))}
        if kind > 5:
            return [self.value(depth - 1) for _ in range(self.below(4))]
        return (self._awkward, self.text, self._whole, self._number, self.flag)[kind]()

    def flag(self) -> bool:
        """Yes or no."""
        return self.below(2) == 1

    def _awkward(self) -> Any:
        return self.pick(AWKWARD)

    def _whole(self) -> int:
        return self.below(256) - 100

    def _number(self) -> float:
        return self.below(256) / 16

    def spoilt(self, value: Any, depth: int = 4) -> Any:
        """A value with something in it that is another, missing, or too much."""
        if depth and isinstance(value, dict) and self.below(4):
            return self._spoilt_map(value, depth)
        if depth and isinstance(value, list | tuple) and value and self.below(4):
            place = self.below(min(len(value), 256))
            return [
                self.spoilt(each, depth - 1) if i == place else each for i, each in enumerate(value)
            ]
        return self.value()

    def _spoilt_map(self, value: Mapping[Any, Any], depth: int) -> dict[Any, Any]:
        spoilt = dict(value)
        how = self.below(4)
        if how == 0 or not value:
            spoilt[self.text()] = self.value()
        else:
            key = self.pick(list(value)[:256])
            if how == 1:
                del spoilt[key]
            else:
                spoilt[key] = self.spoilt(value[key], depth - 1)
        return spoilt
