"""The audit log of a process that has processors: made as the settings say, and ended (SPEC 10)."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool

from kato.audit.files import LogFiles
from kato.audit.log import AuditLog
from kato.audit.writer import InThread
from kato.options import refuse
from kato.running import Ending
from kato.settings import Settings
from kato.storage.interface import CannotOpen
from kato.storage.threads import OneThread


class Audit:
    """The log in a folder, with the threads in which its files are written.

    C{twistd} may fork after it is made, and no thread survives that: so they are started when they
    are first needed.
    """

    def __init__(self, folder: Path, settings: Settings, reactor: Any) -> None:
        """@raise CannotOpen: where the folder cannot be written, or another process has it."""
        self.folder = folder
        self._files = LogFiles(folder, most=settings.audit_file_size * 2**20, now=reactor.seconds)
        self._cut = self._files.open()
        self._store = settings.storage.partition(":")[0]
        self._reactor = reactor
        self._threads = [OneThread("audit"), OneThread("audit sync")]
        writing, syncing = map(self._in, self._threads)
        self.log = AuditLog(
            self._files,
            clock=reactor,
            writing=writing,
            syncing=syncing,
            genes=settings.genes,
            reads=settings.audit_reads,
        )

    def _in(self, thread: OneThread) -> InThread:
        def call(function: Callable[[], Any]) -> "Deferred[Any]":
            if not thread.started:
                self._files.sign()
                thread.start()
            return deferToThreadPool(self._reactor, thread, function)

        return call

    def begin(self) -> None:
        """Tell that the service begins; for when the reactor runs."""
        self.log.begin(self._cut, self._store)

    def endings(self) -> Sequence[Ending]:
        """The steps of the end, when all is stored."""
        return (Ending("closing the audit log", lambda: Deferred.fromCoroutine(self._end())),)

    async def _end(self) -> None:
        await self.log.end()
        for thread in self._threads:
            if thread.started:
                thread.stop()


def make_audit(settings: Settings, reactor: Any) -> Audit | None:
    """Open the audit log that the settings name, if they name one, or refuse."""
    if settings.audit is None:
        return None
    try:
        return Audit(settings.audit, settings, reactor)
    except CannotOpen as error:
        refuse(str(error))
