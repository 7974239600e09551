"""Folders and what is made in them, so that it is found there after a loss of power."""

import os
from contextlib import suppress
from pathlib import Path


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, for nobody else to look into."""
    if not folder.exists():
        make_folder(folder.parent)
        folder.mkdir(mode=0o700)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """See that what was made in a folder is found there after a loss of power."""
    with suppress(OSError):  # not every kind of file system can be asked for that
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
