"""The files of an audit log: one process writes them, and each goes on where the one before ended
(docs/audit.md).

All here blocks: it is for a thread of its own.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock

from kato.audit.chain import Head
from kato.audit.lines import FORMAT, Entry, Event, Forgotten
from kato.audit.reading import Fault, Torn, files_of, name_of, read_file
from kato.storage.file_lock import FileLock
from kato.storage.folders import make_folder, sync_folder
from kato.storage.interface import CannotOpen, InUse

LOCK = "lock"
"""The name of the file by which a process holds the folder."""


class LogFiles:
    """Writes the lines of one log.

    C{revisions} says for each processor which revision the log tells of last.
    """

    def __init__(self, folder: Path, *, most: int, now: Callable[[], float]) -> None:
        """
        @param most: after how many bytes a file is followed by the next.
        @param now: the time, in Unix seconds.
        """
        self.folder = folder
        self.revisions: dict[str, int] = {}
        self.ended: set[str] = set()
        """Those whose last line, when the files were opened, was their deletion."""
        self.head = Head()
        self._most = most
        self._now = now
        self._lock = FileLock(folder / LOCK)
        self._descriptor = -1
        self._swapping = Lock()
        self._number = 0
        self._size = 0
        self._spoilt = False
        """Whether something may stand behind the last whole line."""
        self._lost: OSError | None = None
        """Why nobody knows what is kept: nothing is written any more."""

    # Opening and closing

    def open(self) -> int:
        """Take the folder, and find the end of what is there; a last line that is not whole, which
        nobody was answered, is cut off.  Gives how many bytes that were.

        @raise CannotOpen: in one line.
        """
        try:
            make_folder(self.folder)
            self._lock.take()
        except (InUse, OSError) as error:
            raise self._unusable(error) from None
        try:
            return self._open_last()
        except (Fault, OSError) as error:
            self.close()
            raise self._unusable(error) from None

    def _unusable(self, error: Exception) -> CannotOpen:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        kind = InUse if isinstance(error, InUse) else CannotOpen
        return kind(f"audit log {self.folder} cannot be written: {why}")

    def _open_last(self) -> int:
        files = files_of(self.folder)
        torn = 0
        while files:
            self._number, path = files.pop()
            whole = self._go_over(path)
            torn += path.stat().st_size - whole
            if whole:
                self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
                self._cut(whole)
                return torn
            path.unlink()  # not even its first line was written
        self._number = 0
        self._begin_file()
        return torn

    def _go_over(self, path: Path) -> int:
        """Find out what the last file tells; gives how many of its bytes are whole lines."""
        try:
            for read in read_file(path, self._number, None):
                self.head = read.head
                self._learn(read.told)
        except Torn as torn:
            return torn.whole
        return path.stat().st_size

    def _learn(self, told: dict[str, object]) -> None:
        """Know which revision a line tells of."""
        processor, revision = told.get("processor"), told.get("revision")
        if told.get("event") == "file" and isinstance(told.get("revisions"), dict):
            self.revisions = dict(told["revisions"])  # type: ignore[call-overload]
        elif isinstance(processor, str) and not told.get("read"):
            self.ended.discard(processor)
            if told.get("operation") == "delete_processor":
                self.ended.add(processor)
            self._know(processor, revision if isinstance(revision, int) else None)

    def _know(self, processor: str, revision: int | None) -> None:
        if revision is None:
            self.revisions.pop(processor, None)
        else:
            self.revisions[processor] = revision

    def sign(self) -> None:
        """Say which process holds the folder: it may have been forked."""
        self._lock.sign()

    def close(self) -> None:
        """Let go of the folder."""
        with self._swapping:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1
        self._lock.release()

    # Writing

    @property
    def is_plain(self) -> bool:
        """Whether the next line is just one more in the same file."""
        return self._size < self._most and self._lost is None and not self._spoilt

    def append(self, entries: Sequence[Entry]) -> None:
        """Write a line for each of C{entries}, all of them or none.

        @raise OSError: where they cannot be written; the log is as it was.
        """
        if self._lost is not None:
            raise OSError(*self._lost.args)  # see L{AuditLog.check}
        if self._spoilt:
            self._cut(self._size)
        if self._size >= self._most:
            self._next_file()
        head, lines = self.head, []
        for entry in entries:
            if not isinstance(entry, Forgotten):
                line, head = head.link(entry.told())
                lines.append(line)
        if lines:
            self._write(b"\n".join(lines) + b"\n")
        self.head = head
        for entry in entries:
            self._note(entry)

    def _note(self, entry: Entry) -> None:
        if isinstance(entry, Forgotten):
            if self.revisions.get(entry.processor) == entry.revision:
                del self.revisions[entry.processor]
        elif entry.processor is not None and not entry.read:
            self._know(entry.processor, entry.revision)

    def _write(self, data: bytes) -> None:
        """Write all of C{data}, or leave the file as it was."""
        self._spoilt = True
        try:
            _write_all(self._descriptor, data)
        except OSError:
            with suppress(OSError):  # it is tried again before the next line
                self._cut(self._size)
            raise
        self._size += len(data)
        self._spoilt = False

    def _cut(self, size: int) -> None:
        os.ftruncate(self._descriptor, size)
        self._size = size
        self._spoilt = False

    def sync(self) -> None:
        """See that all that was written survives a loss of power.  May be called while another
        thread appends: what was appended before is what counts.

        @raise OSError: where nobody knows what is kept; nothing is written any more.
        """
        with self._swapping:
            descriptor = os.dup(self._descriptor)
        try:
            os.fdatasync(descriptor)
        except OSError as error:
            self._lost = error
            raise
        finally:
            os.close(descriptor)

    def _next_file(self) -> None:
        """Go on in a new file, when all of the last one is safe: else a loss of power could leave
        a gap between them."""
        self.sync()
        before = self._descriptor
        self._begin_file()
        os.close(before)

    def _begin_file(self) -> None:
        number = self._number + 1
        path = self.folder / name_of(number)
        more = {"file": number, "format": FORMAT, "revisions": self.revisions}
        line, head = self.head.link(Event("file", self._now(), more=more).told())
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        try:
            _write_all(descriptor, line + b"\n")
            os.fsync(descriptor)
            sync_folder(self.folder)
        except OSError:
            os.close(descriptor)
            path.unlink()
            raise
        with self._swapping:
            self._descriptor = descriptor
        self._number, self.head, self._size = number, head, len(line) + 1


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
