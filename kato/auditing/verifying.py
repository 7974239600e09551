"""A log gone over from its first line to its last (docs/audit.md)."""

import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kato.audit.chain import Head
from kato.audit.files import LOCK
from kato.audit.reading import Place, Torn, files_of, read_log
from kato.moving.trouble import Damaged, Trouble


@dataclass(frozen=True, slots=True)
class Verified:
    """A log that is as it was written.

    C{written} says that a process writes it now.
    """

    files: int
    head: Head
    written: bool


def verify(
    folder: Path,
    *,
    after: str | None = None,
    expected: str | None = None,
    told: Callable[[int], object] = lambda _: None,
) -> Verified:
    """Go over a whole log.

    @param after: the head after which the first file goes on, where older ones were put away.
    @param expected: a head that was noted, which must be that of one of its lines.
    @param told: is told of bytes that were read, as a number.
    @raise Fault: at the first line that is not as it was written.
    @raise Trouble: where there is no log, or it does not hold what was expected.
    """
    files = files_of(folder) if folder.is_dir() else []
    if not files:
        raise Trouble(f"{folder}: there is no audit log")
    written = _is_written(folder)
    head, found = Head(), expected is None
    try:
        for read in read_log(folder, after=after, told=told):
            head = read.head
            found = found or head.digest == expected
    except Torn as torn:
        if not (written and torn.place.path == files[-1][1]):
            raise
    if not found:
        last = Place(files[-1][1], 0).path.name
        raise Damaged(
            f"{folder}: no line has the hash {expected}; what it ended with is gone from {last}, "
            "or another log was meant"
        )
    return Verified(len(files), head, written)


def size_of(folder: Path) -> int:
    """How many bytes the files of a log have."""
    return sum(path.stat().st_size for _, path in files_of(folder)) if folder.is_dir() else 0


def _is_written(folder: Path) -> bool:
    """Whether a process has the log to write it."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False
