"""Group commit: while one transaction is being made durable, the next gathers (SPEC 8, 11)."""

from collections.abc import Callable, Iterable
from functools import partial
from time import perf_counter

from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger
from twisted.python.failure import Failure

from kato.changes import Changes, Deletion
from kato.counting import PROCESSORS, Histogram
from kato.errors import KatoError, StorageUnavailable
from kato.storage.interface import IStore


class _Batch:
    """The changes of one transaction, and who waits for it, by processor."""

    __slots__ = ("changes", "waiters", "wanted")

    def __init__(self) -> None:
        self.changes: list[Changes | Deletion] = []
        self.wanted: dict[str, None] = {}
        self.waiters: dict[str, list[Deferred[None]]] = {}

    def wait(self, processor: str) -> "Deferred[None]":
        waiter: Deferred[None] = Deferred()
        self.waiters.setdefault(processor, []).append(waiter)
        return waiter

    def holds(self, processor: str) -> bool:
        return processor in self.waiters

    def give_up(self, processor: str) -> "list[Deferred[None]]":
        """Take out all that concerns one processor; gives who waited for it."""
        self.changes = [each for each in self.changes if each.processor != processor]
        self.wanted.pop(processor, None)
        return self.waiters.pop(processor, [])


class GroupCommit:
    """Makes the state of processors durable, many at a time.

    A processor that wants it is drained when its transaction begins, so all that it did until then
    goes with it.
    """

    log = Logger()

    def __init__(
        self,
        store: IStore,
        *,
        drain: Callable[[str], Changes | None],
        roll_back: Callable[[str], None],
    ) -> None:
        """
        @param drain: gives what changed in a processor, C{None} where it is gone by now.
        @param roll_back: puts a processor back to its last durable state.
        """
        self._store = store
        self._drain = drain
        self._roll_back = roll_back
        self._gathering = _Batch()
        self._under_way: _Batch | None = None
        self.seconds = Histogram()
        """How long commits took that succeeded, as those who wait for them see it,"""
        self.sizes = Histogram(PROCESSORS)
        """and of how many processors they were."""

    def request(self, processor: str) -> "Deferred[None]":
        """Make the state of a processor durable as it is, or as it is a little later.

        @raise StorageUnavailable: (the Deferred fails) and the processor was rolled back.
        """
        self._gathering.wanted[processor] = None
        waiter = self._gathering.wait(processor)
        self._begin()
        return waiter

    def pending(self, processor: str) -> "Deferred[None] | None":
        """When all is durable that was requested for this processor; C{None}: it is already."""
        if self._gathering.holds(processor):
            return self._gathering.wait(processor)
        if self._under_way is not None and self._under_way.holds(processor):
            return self._under_way.wait(processor)
        return None

    def is_pending(self, processor: str) -> bool:
        """Whether something was requested for this processor that is not durable yet."""
        under_way = self._under_way is not None and self._under_way.holds(processor)
        return under_way or self._gathering.holds(processor)

    def delete(self, deletion: Deletion) -> "Deferred[None]":
        """Delete what is stored of a processor, after all that was requested for it so far."""
        self._gathering.changes.append(deletion)
        waiter = self._gathering.wait(deletion.processor)
        self._begin()
        return waiter

    def give_up(self, processor: str) -> Callable[[KatoError], None]:
        """What gathers for a processor is void; gives what tells those who wait for it why, for
        when whatever they do then finds everything in its place."""
        return partial(_fail_all, self._gathering.give_up(processor))

    def drain_now(self, processor: str) -> None:
        """The processor is about to change for a long time: what it is wanted for is taken now."""
        if processor in self._gathering.wanted:
            self._take(self._gathering, processor)

    def _take(self, batch: _Batch, processor: str) -> None:
        batch.wanted.pop(processor)
        changes = self._drain(processor)
        if changes is not None:
            batch.changes.append(changes)

    def _begin(self) -> None:
        if self._under_way is not None or not self._gathering.waiters:
            return
        batch, self._gathering = self._gathering, _Batch()
        self._under_way = batch
        for processor in list(batch.wanted):
            self._take(batch, processor)
        succeeded = partial(self._succeeded, perf_counter())
        self._store.commit(batch.changes).addCallbacks(
            succeeded, self._failed, (batch,), {}, (batch,), {}
        )

    def _succeeded(self, began: float, _: object, batch: _Batch) -> None:
        self.seconds.add(perf_counter() - began)
        self.sizes.add(len(batch.changes))
        self._under_way = None
        self._begin()
        for waiters in batch.waiters.values():
            for waiter in waiters:
                waiter.callback(None)

    def _failed(self, failure: Failure, batch: _Batch) -> None:
        """Nothing of the batch is durable, and what was done since on top of it is void as well."""
        self.log.error(
            "commit failed for {processors}: {error}",
            processors=sorted(batch.waiters),
            error=failure.value,
        )
        error = failure.value
        if not isinstance(error, KatoError):
            error = StorageUnavailable(f"nothing can be stored: {error}", outcome_unknown=True)
        self._under_way = None
        failed = []
        for processor, waiters in batch.waiters.items():
            failed += waiters + self._gathering.give_up(processor)
            self._roll_back(processor)
        self._begin()
        _fail_all(failed, error)


def both(
    first: "Deferred[None] | None", second: "Deferred[None] | None"
) -> "Deferred[None] | None":
    """When both have fired; C{None}: nothing is to be waited for."""
    if first is None or second is None:
        return first or second
    return gatherResults([first, second], consumeErrors=True).addCallbacks(
        lambda _: None, lambda failure: failure.value.subFailure
    )


def _fail_all(waiters: "Iterable[Deferred[None]]", error: Exception) -> None:
    for waiter in waiters:
        waiter.errback(error)
