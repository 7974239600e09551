"""The lines of an audit log from the newest back, as far as somebody is willing to look
(docs/audit.md).

All here blocks, a little at a time: it is for a thread.
"""

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from kato.audit.lines import parsed
from kato.audit.reading import files_of

_STEP = 2**18
"""How many bytes are looked at at a time: others wait for no more than that."""


class Spot(NamedTuple):
    """Where a line begins: in which file, and at which byte."""

    file: int
    begins: int


class Found(NamedTuple):
    """A line that holds what was looked for."""

    spot: Spot
    told: dict[str, Any]


class Backwards:
    """Goes back through a log.

    C{read} counts the bytes that were looked at; C{whole} says whether the log was gone through to
    its beginning, and not given up before.
    """

    def __init__(self, folder: Path, *, most: int) -> None:
        """@param most: after how many bytes looking is given up."""
        self._files = dict(files_of(folder))
        self._most = most
        self.read = 0
        self.whole = False

    def lines(
        self, processor: str, words: Collection[bytes], *, before: Spot | None = None
    ) -> Iterator[Found]:
        """The lines about a processor that hold any of C{words}, the newest first.

        @param before: from which line back; from the last, where none is given.
        @raise OSError: where the log cannot be read.
        """
        about = b'"processor":"%s"' % processor.encode()
        for number, path in sorted(self._files.items(), reverse=True):
            if before is not None and number > before.file:
                continue
            end = None if before is None or number < before.file else before.begins
            for begins, line in self._lines(path, end):
                if about in line and any(word in line for word in words):
                    told = parsed(line)
                    if told.get("processor") == processor:
                        yield Found(Spot(number, begins), told)
            if self.read >= self._most:
                return
        self.whole = True

    def _lines(self, path: Path, end: int | None) -> Iterator[tuple[int, bytes]]:
        """The lines of a file that end at C{end} or before, the last first."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            until = os.fstat(descriptor).st_size if end is None else end
            step = _STEP
            while until > 0 and self.read < self._most:
                start = max(until - step, 0)
                block = os.pread(descriptor, until - start, start)
                self.read += len(block)
                cut = 0 if start == 0 else block.find(b"\n") + 1
                if start > 0 and (cut == 0 or cut == len(block)):
                    step *= 2  # one line is longer than all that was looked at
                    continue
                yield from _split(block[cut:], start + cut)
                until, step = start + cut, _STEP
        finally:
            os.close(descriptor)


def _split(block: bytes, begins: int) -> Iterator[tuple[int, bytes]]:
    """The whole lines of a block, the last first."""
    end = begins + block.rfind(b"\n") + 1
    for line in reversed(block[: end - begins].split(b"\n")[:-1]):
        end -= len(line) + 1
        yield end, line
