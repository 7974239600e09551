"""The order of what a store is asked: what hangs together is done one after the other, as it was
asked; what does not, at the same time."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeVar

from twisted.internet.defer import Deferred, DeferredList

_T = TypeVar("_T")


class _Turn(NamedTuple):
    writes: bool
    processors: frozenset[str] | None
    done: "Deferred[None]"

    def hangs_together(self, writes: bool, processors: frozenset[str] | None) -> bool:
        if self.writes and writes:
            return True
        if not self.writes and not writes:
            return False
        if self.processors is None or processors is None:
            return True
        return not self.processors.isdisjoint(processors)


class Turns:
    """Writing waits for all writing that was asked before; reading for all writing that was asked
    before of the same processors; and writing for such reading."""

    def __init__(self) -> None:
        self._turns: list[_Turn] = []

    def take(
        self,
        call: Callable[[], Awaitable[_T]],
        *,
        writes: bool,
        processors: frozenset[str] | None = None,
    ) -> "Deferred[_T]":
        """Call C{call} when it is its turn.

        @param processors: those that it concerns; C{None}: all.
        """
        before = [each.done for each in self._turns if each.hangs_together(writes, processors)]
        done: Deferred[None] = Deferred()
        turn = _Turn(writes, processors, done)
        self._turns.append(turn)
        return Deferred.fromCoroutine(self._call(call, before, turn))

    async def _call(
        self, call: Callable[[], Awaitable[_T]], before: "list[Deferred[None]]", turn: _Turn
    ) -> _T:
        try:
            for each in before:
                await _after(each)
            return await call()
        finally:
            self._turns.remove(turn)
            turn.done.callback(None)

    def at_rest(self) -> "Deferred[Any]":
        """When all that was asked by now is done."""
        return DeferredList([_after(each.done) for each in self._turns])


def _after(done: "Deferred[None]") -> "Deferred[None]":
    """Fires with C{done}, which others wait for, too."""
    waiting: Deferred[None] = Deferred()

    def pass_on(result: None) -> None:
        waiting.callback(None)

    done.addCallback(pass_on)
    return waiting
