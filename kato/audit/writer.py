"""Hands lines to the files of an audit log: while some are being written, the next gather
(docs/audit.md)."""

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from kato.audit.files import LogFiles
from kato.audit.lines import Entry
from kato.errors import StorageUnavailable

InThread = Callable[[Callable[[], Any]], "Deferred[Any]"]
"""Calls a function off the reactor, after those that it was given before."""


_SLOW = 0.01
"""After a write that took more seconds than this, lines are written in the thread"""
_CAUTION = 1.0
"""for so many seconds, twice as many each time that the next one is slow as well,"""
_MOST_CAUTION = 64.0
"""but no more than this."""


class _Batch:
    """Lines that are written together, and who waits for them."""

    __slots__ = ("entries", "waiters")

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.waiters: list[Deferred[None]] = []


class Writer:
    """Writes lines in the order in which they come, and syncs them when somebody asks for it.

    A short line that nothing is in the way of is written at once: that takes a few microseconds,
    of which a thread would make a hundred.  Whatever may take long is done in a thread, and what
    comes meanwhile gathers; and so is all else for a while when a write was slow.  A sync does not
    hold up what comes after it.
    """

    log = Logger()

    def __init__(
        self,
        files: LogFiles,
        *,
        clock: IReactorTime,
        writing: InThread,
        syncing: InThread,
        failed: Callable[[Sequence[Entry], StorageUnavailable], None],
    ) -> None:
        """
        @param files: open ones.
        @param writing: the thread that writes; C{syncing} is the one that syncs.
        @param failed: is told what could not be written: a line, and all that came after it.
        """
        self._files = files
        self._clock = clock
        self._writing = writing
        self._syncing = syncing
        self._failed = failed
        self._gathering = _Batch()
        self._under_way: _Batch | None = None
        self._unsynced = False
        self._one_sync = DeferredLock()
        self._in_thread_until = 0.0
        self._caution = _CAUTION
        self.failures = 0

    def add(self, entry: Entry) -> None:
        """Write a line after all that came before."""
        if self._under_way is None and self._written_at_once(entry):
            return
        self._gathering.entries.append(entry)
        if self._under_way is None:
            self._begin()

    def _written_at_once(self, entry: Entry) -> bool:
        if self._one_sync.locked or not self._files.is_plain or not entry.is_short:
            return False
        begun = self._clock.seconds()
        if begun < self._in_thread_until:
            return False
        try:
            self._files.append((entry,))
        except OSError:
            return False  # the thread tries again, and tells everybody
        self._unsynced = True
        ended = self._clock.seconds()
        if ended - begun > _SLOW:
            self._in_thread_until = ended + self._caution
            self._caution = min(2 * self._caution, _MOST_CAUTION)
        else:
            self._caution = _CAUTION
        return True

    def pending(self) -> "Deferred[None] | None":
        """When all that came so far is written; C{None}: it is."""
        batch = self._gathering if self._gathering.entries else self._under_way
        if batch is None:
            return None
        waiter: Deferred[None] = Deferred()
        batch.waiters.append(waiter)
        return waiter

    async def synced(self) -> None:
        """See that all that came so far survives a loss of power.

        @raise StorageUnavailable: where it does not, or nobody knows.
        """
        written = self.pending()
        if written is not None:
            await written
        async with self._one_sync:
            if self._unsynced:
                self._unsynced = False
                await self._sync()

    async def _sync(self) -> None:
        try:
            await self._syncing(self._files.sync)
        except OSError as error:
            self._unsynced = True
            self.failures += 1
            raise _unavailable(error) from None

    def _begin(self) -> None:
        batch, self._gathering = self._gathering, _Batch()
        self._under_way = batch
        entries = batch.entries
        written = self._writing(lambda: self._files.append(entries))
        written.addCallbacks(self._succeeded, self._not_written, (batch,), {}, (batch,), {})
        written.addErrback(self._defect)

    def _succeeded(self, _: object, batch: _Batch) -> None:
        self._unsynced = True
        self._go_on()
        for waiter in batch.waiters:
            waiter.callback(None)

    def _not_written(self, failure: Failure, batch: _Batch) -> None:
        """What gathers tells of what came after it, so it is void, too."""
        self.failures += 1
        self.log.error("the audit log cannot be written: {error}", error=failure.value)
        after, self._gathering = self._gathering, _Batch()
        error = _unavailable(failure.value)
        self._failed([*batch.entries, *after.entries], error)
        self._go_on()
        for waiter in (*batch.waiters, *after.waiters):
            waiter.errback(error)

    def _go_on(self) -> None:
        self._under_way = None
        if self._gathering.entries:
            self._begin()

    def _defect(self, failure: Failure) -> None:
        self.log.failure("defect in the audit log", failure=failure)


def _unavailable(error: BaseException | None) -> StorageUnavailable:
    why = error.strerror if isinstance(error, OSError) and error.strerror else error
    return StorageUnavailable(f"the audit log cannot be written: {why}: not done", retry_after=1)
