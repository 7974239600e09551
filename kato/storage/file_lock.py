"""One server to a file: a lock that dies with the process that holds it."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from kato.storage.interface import InUse


class FileLock:
    """Held from L{take} to L{release}, or to the end of the process, however it ends.

    A process that is forked holds it too, and goes on to hold it when its parent ends.
    """

    def __init__(self, path: Path) -> None:
        """@param path: a file beside the one that is guarded; it stays when the lock is gone."""
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take the lock.

        @raise InUse: where another holds it; it tells which process that is.
        @raise OSError: where there can be no such file.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(descriptor, 20).decode("ascii", "replace").strip()
            os.close(descriptor)
            if isinstance(error, BlockingIOError):
                raise InUse(f"another server uses it (process {holder or 'unknown'})") from None
            raise
        self._descriptor = descriptor
        self.sign()

    def sign(self) -> None:
        """Write into the file which process holds it: this one, which may have been forked."""
        if self._descriptor is not None:
            with suppress(OSError):  # a full disk: the lock holds without a signature
                os.ftruncate(self._descriptor, 0)
                os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let go of the lock."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
