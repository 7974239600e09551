"""Who has more to read than fits into one turn of the reactor, and when they go on."""

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

AT_ONCE = 4
"""So many go on in one turn, each for about a millisecond; the others in the next ones, in order,
however many there are."""

GoOn = Callable[[], None]


class Turns:
    """Lets those who wait go on, a few in each turn of the reactor."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._waiting: dict[GoOn, None] = {}
        self._planned = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def wait(self, go_on: GoOn) -> None:
        """Go on in a later turn."""
        self._waiting[go_on] = None
        self._plan()

    def leave(self, go_on: GoOn) -> None:
        """Do not go on."""
        self._waiting.pop(go_on, None)

    def _plan(self) -> None:
        if self._planned < min(AT_ONCE, len(self._waiting)):
            self._planned += 1
            self._clock.callLater(0, self._next)

    def _next(self) -> None:
        self._planned -= 1
        go_on = next(iter(self._waiting), None)
        if go_on is not None:
            self.leave(go_on)
            self._plan()
            go_on()
