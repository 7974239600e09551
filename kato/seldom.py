"""What would be said very often is said seldom."""

from collections.abc import Hashable


class Seldom:
    """Says whether it is time to speak of something; pure, and told the time."""

    def __init__(self, pause: float, *, most: int) -> None:
        """
        @param pause: seconds for which nothing more is said of the same.
        @param most: of so many things within a pause; of others nothing is said.
        """
        self._pause = pause
        self._most = most
        self._said: dict[Hashable, float] = {}

    def is_due(self, about: Hashable, *, now: float) -> bool:
        """Whether it is time; if so, this is taken for said."""
        if now - self._said.get(about, float("-inf")) < self._pause:
            return False
        if len(self._said) >= self._most:
            self._said = {
                each: then for each, then in self._said.items() if now - then < self._pause
            }
        if len(self._said) >= self._most:
            return False
        self._said[about] = now
        return True
