"""One server to a file: a lock that dies with the process that holds it."""

import fcntl
import os
from pathlib import Path

from kato.storage.interface import CannotOpen


class FileLock:
    """Held from L{take} to L{release}, or to the end of the process, however it ends."""

    def __init__(self, path: Path) -> None:
        """@param path: a file beside the one that is guarded; it stays when the lock is gone."""
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take the lock.

        @raise CannotOpen: where another holds it, and which process that is.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise CannotOpen(f"another server uses it (process {holder or 'unknown'})") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Let go of the lock."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
