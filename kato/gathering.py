"""An object that is read in several pieces, and whether a key stands twice in it."""

from collections.abc import Sequence
from typing import Any

from kato.fields import RepeatedKey


class Gathering:
    """The members of one object, as they come in."""

    def __init__(self) -> None:
        self.members: dict[Any, Any] = {}
        self._twice: list[Any] = []

    def add(self, pairs: Sequence[tuple[Any, Any]], made: dict[Any, Any] | None = None) -> None:
        """Take some members.

        @param made: the object that was made of them already, if one was.
        """
        if not self._twice and not self._are_new(pairs, made):
            self._twice = self._first_again(pairs)
        self.members.update(pairs if made is None else made)

    def _are_new(self, pairs: Sequence[tuple[Any, Any]], made: dict[Any, Any] | None) -> bool:
        if made is None:
            return False
        return len(made) == len(pairs) and self.members.keys().isdisjoint(made)

    def _first_again(self, pairs: Sequence[tuple[Any, Any]]) -> list[Any]:
        """The first key that was there before, if there is one."""
        before: set[Any] = set()
        for key, _ in pairs:
            if key in self.members or key in before:
                return [key]
            before.add(key)
        return []

    def finished(self) -> dict[Any, Any]:
        """The object: a L{RepeatedKey} where one stood twice."""
        if not self._twice:
            return self.members
        repeated = RepeatedKey([])
        repeated.update(self.members)
        [repeated.key] = self._twice
        return repeated
