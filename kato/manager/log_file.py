"""What a server said: the file to which its output goes."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

_BLOCK = 1 << 16
_FULL = 100 << 20
"""Bytes from which on a log is put aside when its server is started again."""


class LogFile:
    """A log that a process writes, or wrote."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def prepare(self) -> int:
        """Make the file where there is none, and put one that is full aside, in the place of the
        one before; gives its size in bytes."""
        self._path.touch(mode=0o600)
        if self._path.stat().st_size >= _FULL:
            self._path.replace(self._path.with_suffix(".log.1"))
            self._path.touch(mode=0o600)
        return self._path.stat().st_size

    def last(self, count: int, *, since: int = 0) -> list[str]:
        """The last C{count} lines; none where there is no file.

        @param since: bytes at the start that are not looked at.
        """
        try:
            with self._path.open("rb") as file:
                file.seek(_last_lines(file, count, since))
                return file.read().decode("utf-8", "replace").splitlines()
        except FileNotFoundError:
            return []

    def follow(
        self, count: int, *, goes_on: Callable[[], bool], wait: Callable[[], None]
    ) -> Iterator[str]:
        """The last C{count} lines, then what comes, until the writer has ended.

        @param goes_on: whether there is still a writer.
        @param wait: called when there is nothing new.
        """
        with self._path.open("rb") as raw:
            raw.seek(_last_lines(raw, count, 0))
            file = io.TextIOWrapper(raw, encoding="utf-8", errors="replace")
            while True:
                had_writer = goes_on()
                if text := file.read():
                    yield text
                elif not had_writer:
                    return
                else:
                    wait()


def _last_lines(file: BinaryIO, count: int, since: int) -> int:
    """Where the last C{count} lines of a file begin, read from its end."""
    end = file.seek(0, io.SEEK_END)
    if not count:
        return end
    start, wanted = end, count + 1
    while start > since:
        begin = max(since, start - _BLOCK)
        file.seek(begin)
        block = file.read(start - begin)
        if start == end and not block.endswith(b"\n"):
            wanted -= 1
        for place in _newlines_backwards(block):
            wanted -= 1
            if not wanted:
                return begin + place + 1
        start = begin
    return since


def _newlines_backwards(block: bytes) -> Iterator[int]:
    place = block.rfind(b"\n")
    while place >= 0:
        yield place
        place = block.rfind(b"\n", 0, place)
