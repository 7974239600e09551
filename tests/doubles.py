"""Doubles that several tests share."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, overload

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from zope.interface import implementer

from kato.changes import Changes, Deletion, Snapshot
from kato.codec import SelfWriting, encode_json
from kato.errors import StorageUnavailable
from kato.storage.interface import IStore
from kato.storage.memory import MemoryStore

_T = TypeVar("_T")


@implementer(IStore)
class HeldStore:
    """A memory store whose commits and loads wait until the test lets them go, or fail; what it
    does not say is done in the order in which it was asked, as L{IStore} promises."""

    def __init__(self, inner: MemoryStore | None = None) -> None:
        self.inner = inner or MemoryStore()
        self.held: list[tuple[Sequence[Changes | Deletion], Deferred[None]]] = []
        self.holds_loads = False
        self.held_loads: list[tuple[str, Callable[[Snapshot], Any], Deferred[Any]]] = []
        self.fails_loads = False
        self.fails_indexes = False

    def open(self) -> None:
        self.inner.open()

    def processors(self) -> "Deferred[Sequence[str]]":
        return self._in_order(self.inner.processors)

    def deletions(self) -> "Deferred[Sequence[Deletion]]":
        return self._in_order(self.inner.deletions)

    def load(self, processor: str, restore: Callable[[Snapshot], Any]) -> "Deferred[Any]":
        if self.fails_loads:
            failed: Deferred[Any] = Deferred()
            failed.errback(StorageUnavailable("the test says so"))
            return failed
        if not self.holds_loads:
            return self._in_order(lambda: self.inner.load(processor, restore))
        held: Deferred[Any] = Deferred()
        self.held_loads.append((processor, restore, held))
        return held

    def release_loads(self) -> None:
        loads, self.held_loads = self.held_loads, []
        for processor, restore, held in loads:
            self.inner.load(processor, restore).chainDeferred(held)

    def commit(self, changes: Sequence[Changes | Deletion]) -> "Deferred[None]":
        held: Deferred[None] = Deferred()
        self.held.append((changes, held))
        return held

    def release(self) -> None:
        """Let the oldest commit succeed."""
        changes, held = self.held.pop(0)
        self.inner.commit(changes).chainDeferred(held)

    def release_all(self) -> None:
        while self.held:
            self.release()

    def fail(self, error: Exception | None = None) -> None:
        """Let the oldest commit fail, and keep nothing of it."""
        _, held = self.held.pop(0)
        held.errback(error or StorageUnavailable("the disk is full", retry_after=1))

    def keep_index(self, processor: str, index: bytes) -> "Deferred[bool]":
        if self.fails_indexes:
            failed: Deferred[bool] = Deferred()
            failed.errback(StorageUnavailable("the test says so"))
            return failed
        return self._in_order(lambda: self.inner.keep_index(processor, index))

    def _in_order(self, ask: "Callable[[], Deferred[_T]]") -> "Deferred[_T]":
        """Ask when all commits that were asked before have ended."""
        if not self.held:
            return ask()
        answer: Deferred[_T] = Deferred()

        def ask_now(result: Any) -> Any:
            ask().chainDeferred(answer)
            return result

        self.held[-1][1].addBoth(ask_now)
        return answer

    def statistics(self) -> dict[str, Any]:
        return self.inner.statistics()

    def close(self) -> "Deferred[None]":
        return self.inner.close()


def at_once(call: Callable[[], Any]) -> "Deferred[Any]":
    """A thread that is over before anybody looks."""
    done: Deferred[Any] = succeed(None)
    return done.addCallback(lambda _: call())


class TurningClock(Clock):
    """A clock that goes as a reactor does: what is to be done at once is done in the next turn,
    not in this one."""

    def advance(self, amount: float) -> None:
        """Let time pass, and one turn be taken."""
        self.rightNow += amount
        for call in sorted(self.calls, key=lambda each: each.getTime()):
            if call.active() and call.getTime() <= self.rightNow:
                self.calls.remove(call)
                call.called = 1
                call.func(*call.args, **call.kw)


class Threads:
    """Threads that wait until the test lets them run."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Callable[[], Any], Deferred[Any]]] = []

    def __call__(self, call: Callable[[], Any]) -> "Deferred[Any]":
        done: Deferred[Any] = Deferred()
        self.waiting.append((call, done))
        return done

    def run(self) -> None:
        """Let the oldest run to its end."""
        call, done = self.waiting.pop(0)
        at_once(call).chainDeferred(done)


class Written(SelfWriting):
    """A list that writes itself, one entry a part, and counts what it wrote and what was built."""

    def __init__(self, entries: Sequence[Any]) -> None:
        self._entries = entries
        self.wrote = 0
        self.built = 0

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, place: int) -> Any: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Any]: ...

    def __getitem__(self, place: int | slice) -> Any:
        self.built += 1
        return self._entries[place]

    def parts(self) -> Iterator[bytes]:
        before = b"["
        for entry in self._entries:
            self.wrote += 1
            yield before + encode_json(entry)
            before = b","
        yield b"]" if self._entries else b"[]"
