"""Copies of a SQLite store, each with a file of its checksum beside it."""

import hashlib
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from kato.moving.new_file import new_file
from kato.moving.trouble import Damaged
from kato.storage import InUse
from kato.storage.sqlite import Copied, copy_database, put_in_place

Told = Callable[[int, int], object]


class Restored(NamedTuple):
    """Where the store that was there before lies now, if one was; whether the copy had a checksum
    beside it."""

    old: Path | None
    checked: bool


def back_up(database: Path, file: Path, *, told: Told) -> tuple[Copied, str]:
    """Copy a database, also while a server uses it, and write its SHA-256 beside the copy, as
    C{sha256sum --check} reads it; gives what is in it, and that.

    @raise Trouble: where there is a file of this name.
    @raise CannotOpen: where the database cannot be read, or is damaged.
    @raise OSError: where the copy cannot be written.
    """
    with new_file(file) as partial:
        copied = copy_database(database, partial, told=told)
        digest = _digest(partial)
        _write_digest(_beside(file), f"{digest}  {file.name}\n")
    return copied, digest


def restore(file: Path, database: Path, *, told: Told) -> Restored:
    """Put a copy in the place of a database, and that aside.

    @raise InUse: where a server uses the database.
    @raise Damaged: where the copy is not as it was written.
    @raise CannotOpen: where it is no store that this program knows, or damaged.
    @raise OSError: where it cannot be written.
    """
    written = _written_digest(_beside(file))
    if written is not None and written != _digest(file):
        raise Damaged(f"{file} is not the copy that {_beside(file)} tells of: it was altered")
    try:
        return Restored(put_in_place(file, database, told=told), written is not None)
    except InUse as error:
        raise InUse(f"{error}; stop that first") from None


def _beside(file: Path) -> Path:
    return file.with_name(file.name + ".sha256")


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _write_digest(path: Path, line: str) -> None:
    """Write a checksum; one that is there is of a copy that is not."""
    fresh = path.with_name(path.name + ".partial")
    try:
        with fresh.open("w", encoding="utf-8") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        with suppress(FileNotFoundError):
            fresh.unlink()


def _written_digest(path: Path) -> str | None:
    """The checksum that was written beside a copy; C{None}: none was.

    @raise Damaged: where it is none.
    """
    try:
        line = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    if re.match(r"[0-9a-f]{64} ", line) is None:
        raise Damaged(f"{path}, line 1: this is no SHA-256")
    return line[:64]
