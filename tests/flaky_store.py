"""One service's way to a shared store: it may be cut, lose answers, or keep things waiting."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from kato.errors import KatoError, StorageUnavailable
from tests.shared_memory import SharedMemory

_AT_ONCE = frozenset({"open", "statistics", "close"})


class FlakyStore:
    """Hands on what is asked of it, as far as it is let; what is asked first is done first.

    @ivar cut: nothing reaches the store.
    @ivar loses_answers: all is done, and nobody learns of it.
    @ivar loses: what is asked so is done, and nobody learns of it.
    @ivar holds: what is asked waits, until L{release}; who asks may be told meanwhile that nobody
        knows what becomes of it (L{give_up}), while it still waits.
    """

    def __init__(self, inner: SharedMemory) -> None:
        self.inner = inner
        self.cut = False
        self.loses_answers = False
        self.loses = ""
        self.holds = False
        self._waiting: list[tuple[Callable[[], Deferred[Any]], Deferred[Any]]] = []

    def __getattr__(self, name: str) -> Any:
        real = getattr(self.inner, name)
        if name in _AT_ONCE:
            return real

        def ask(*args: Any, **kwargs: Any) -> "Deferred[Any]":
            return self._ask(name, lambda: real(*args, **kwargs))

        return ask

    def _ask(self, name: str, call: "Callable[[], Deferred[Any]]") -> "Deferred[Any]":
        if self.cut:
            return fail(StorageUnavailable("the store is not there: not done", retry_after=1))
        if self.holds:
            held: Deferred[Any] = Deferred()
            self._waiting.append((call, held))
            return held
        if self.loses_answers or name == self.loses:
            return call().addBoth(_lost)
        return call()

    def release(self) -> None:
        """Let all be done that waits."""
        self.holds = False
        waiting, self._waiting = self._waiting, []
        for call, held in waiting:
            call().addBoth(_answer, held)

    def give_up(self) -> None:
        """Tell all who wait that nobody knows what becomes of it; it is still done later."""
        for _, held in list(self._waiting):
            if not held.called:
                held.errback(_unknown())


def _answer(result: Any, held: "Deferred[Any]") -> None:
    if not held.called:
        held.errback(result) if isinstance(result, Failure) else held.callback(result)


def _lost(result: Any) -> Failure:
    if isinstance(result, Failure) and not result.check(KatoError):
        return result
    return Failure(_unknown())


def _unknown() -> StorageUnavailable:
    return StorageUnavailable("no answer of the store", retry_after=1, outcome_unknown=True)
