"""What waits to be told of one processor: events and answers, in the order of its turns (SPEC 8).

Both wait for the commit of all that they saw; and what needs no commit does not overtake what does.
"""

from collections import deque
from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure


class _Told:
    """One thing to tell, once it may be told."""

    __slots__ = ("may_be_told", "tell")

    def __init__(self, tell: Callable[[], None]) -> None:
        self.tell = tell
        self.may_be_told = False


class Telling:
    """Tells one thing after the other."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: deque[_Told] = deque()

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self._waiting)

    def add(
        self,
        durable: "Deferred[None] | None",
        tell: Callable[[], None],
        fail: Callable[[Failure], None],
    ) -> None:
        """Tell something after all that was added before.

        @param durable: when it may be told; C{None}: now.
        @param fail: is called in place of C{tell} where C{durable} fails.
        """
        if durable is None and not self._waiting:
            tell()
            return
        told = _Told(tell)
        self._waiting.append(told)
        if durable is None:
            told.may_be_told = True
        else:
            durable.addCallbacks(self._ready, self._failed, (told,), {}, (told, fail))

    def _ready(self, _: object, told: _Told) -> None:
        told.may_be_told = True
        self._flush()

    def _failed(self, failure: Failure, told: _Told, fail: Callable[[Failure], None]) -> None:
        self._waiting.remove(told)
        fail(failure)
        self._flush()

    def _flush(self) -> None:
        while self._waiting and self._waiting[0].may_be_told:
            self._waiting.popleft().tell()
