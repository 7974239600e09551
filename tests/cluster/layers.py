"""A mapping that is never changed: what is put into it makes another one, and shares most of it."""

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

Value = TypeVar("Value")

_MOST = 24
"""So many entries differ from the layer below at most, before all becomes one layer."""


class Layers(Generic[Value]):
    """Strings with values, and a number that tells two of them apart by what they hold.

    The number is the same whatever way led there, as those of the entries, which the caller
    gives, are only put together.
    """

    __slots__ = ("_base", "_top", "key", "size")

    def __init__(
        self,
        base: Mapping[str, tuple[Value, int]] | None = None,
        top: Mapping[str, tuple[Value, int] | None] | None = None,
        key: int = 0,
        size: int = 0,
    ) -> None:
        self._base: Mapping[str, tuple[Value, int]] = {} if base is None else base
        self._top: Mapping[str, tuple[Value, int] | None] = {} if top is None else top
        self.key = key
        self.size = size

    def _entry(self, name: str) -> tuple[Value, int] | None:
        return self._top[name] if name in self._top else self._base.get(name)

    def get(self, name: str) -> Value | None:
        """What is there, C{None} where nothing is."""
        entry = self._entry(name)
        return None if entry is None else entry[0]

    def put(self, name: str, value: Value, mark: int) -> "Layers[Value]":
        """
        @param mark: a hash of C{value}.
        """
        return self._with(name, (value, mark))

    def without(self, name: str) -> "Layers[Value]":
        """It without this, if it was there."""
        return self if self._entry(name) is None else self._with(name, None)

    def _with(self, name: str, entry: tuple[Value, int] | None) -> "Layers[Value]":
        before = self._entry(name)
        key, size = self.key, self.size
        if before is not None:
            key, size = key ^ hash((name, before[1])), size - 1
        if entry is not None:
            key, size = key ^ hash((name, entry[1])), size + 1
        top = {**self._top, name: entry}
        if len(top) <= _MOST:
            return Layers(self._base, top, key, size)
        return Layers(_one(self._base, top), {}, key, size)

    def items(self) -> Iterator[tuple[str, Value]]:
        """All of it, by name."""
        whole = _one(self._base, self._top)
        return ((name, whole[name][0]) for name in sorted(whole))


def _one(
    base: Mapping[str, tuple[Value, int]], top: Mapping[str, tuple[Value, int] | None]
) -> dict[str, tuple[Value, int]]:
    whole = {**base, **{name: entry for name, entry in top.items() if entry is not None}}
    for name, entry in top.items():
        if entry is None:
            whole.pop(name, None)
    return whole
