"""A file that is loaded: gone through once to see whether it is sound, and then once more."""

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import IO

from kato.cli.exits import Trouble
from kato.cli.items import Bad, Entry

Reader = Callable[[Iterator[bytes]], Iterator[Entry | Bad]]
"""Reads the lines of a file as entries."""

_SHOWN = 10


@dataclass(slots=True)
class Survey:
    """What was seen of a file: how many observations, and a fingerprint of its bytes."""

    observations: int = 0
    digest: str = ""
    bad: list[Bad] = field(default_factory=list)


class Source:
    """A file that can be read twice."""

    def __init__(self, file: IO[bytes], name: str, read: Reader) -> None:
        self._file = file
        self._read = read
        self._state = self._stated()
        self.name = name

    def _stated(self) -> tuple[int, int]:
        now = os.fstat(self._file.fileno())
        return now.st_size, now.st_mtime_ns

    def survey(self) -> Survey:
        """Go through all of it.

        @raise Trouble: there are lines that cannot be read; names them.
        """
        seen, digest = Survey(), hashlib.sha256()
        self._file.seek(0)
        for each in self._read(_digested(self._file, digest.update)):
            if isinstance(each, Bad):
                seen.bad.append(each)
            else:
                seen.observations += 1
        if seen.bad:
            raise Trouble(self._told(seen.bad))
        seen.digest = digest.hexdigest()
        return seen

    def _told(self, bad: list[Bad]) -> str:
        lines = [f"{self.name}, line {each.line}: {each.why}" for each in bad[:_SHOWN]]
        more = len(bad) - len(lines)
        return "\n".join([*lines, *([f"and {more} more bad lines"] if more else [])])

    def entries(self) -> Iterator[Entry]:
        """What it says, having been surveyed.

        @raise Trouble: it is not what it was.
        """
        self._file.seek(0)
        for each in self._read(iter(self._file)):
            if isinstance(each, Bad) or self._stated() != self._state:
                raise Trouble(f"{self.name} was changed while it was loaded")
            yield each


def _digested(file: IO[bytes], digest: Callable[[bytes], object]) -> Iterator[bytes]:
    for line in file:
        digest(line)
        yield line


@contextmanager
def opened(name: str) -> Iterator[IO[bytes]]:
    """Open a file; of what can be read once, as standard input, C{-}, a copy is made.

    @raise Trouble: it cannot be read.
    """
    with ExitStack() as closing:
        try:
            file = sys.stdin.buffer if name == "-" else closing.enter_context(open(name, "rb"))
            if name == "-" or not file.seekable():
                copy = closing.enter_context(tempfile.TemporaryFile())
                shutil.copyfileobj(file, copy)
                copy.flush()
                file = copy
        except OSError as error:
            raise Trouble(f"cannot read {name}: {error.strerror or error}") from None
        yield file
