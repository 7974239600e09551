"""Files that are there whole, or not at all, and never in the place of others."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kato.moving.trouble import Trouble
from kato.storage.folders import sync_folder


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A file to be written, which is found at C{path} once it is whole and on the disk; what a
    killed process left behind is written over.

    @raise Trouble: where there is a file of this name, or another process is writing one.
    @raise OSError: where it cannot be written.
    """
    if os.path.lexists(path):
        raise Trouble(f"{path} is there already, and is not written over")
    partial = path.with_name(path.name + ".partial")
    descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _claim(descriptor, partial)
        try:
            os.ftruncate(descriptor, 0)
            yield partial
            os.fsync(descriptor)
            _publish(partial, path)
        finally:
            with suppress(FileNotFoundError):
                partial.unlink()
    finally:
        os.close(descriptor)


def _claim(descriptor: int, partial: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Trouble(f"another process is writing {partial}") from None


def _publish(partial: Path, path: Path) -> None:
    """Give a file its name, unless somebody was faster."""
    try:
        os.link(partial, path)
    except FileExistsError:
        raise Trouble(f"{path} is there already, and is not written over") from None
    partial.unlink()
    sync_folder(path.parent)
