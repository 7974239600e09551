"""The lines of a file of processors, each checked before it is given (docs/moving.md).

Whatever is wrong is L{Damaged}, and told with the file and the line.
"""

import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from zlib import crc32

from kato.errors import InvalidRequest
from kato.moving.notation import Line
from kato.moving.sealing import unsealed
from kato.moving.trouble import Damaged
from kato.moving.writing import STEP, VERSION

_HEAD = re.compile(rb'{"kato":"export","version":([0-9]+),')
_LONGEST_HEAD = 4096


class Place(NamedTuple):
    """Where a line begins, and what is known of all before it."""

    offset: int
    number: int
    """How many lines stand before it."""
    crc: int


START = Place(0, 0, 0)


class Lines:
    """The lines of a file from some place on, each checked before it is given."""

    def __init__(
        self, path: Path, file: BinaryIO, place: Place, *, told: Callable[[int], object]
    ) -> None:
        """@param told: is told of bytes that were read, as a number."""
        self._path = path
        self._file = file
        self._told = told
        self._untold = 0
        self._digest = sha256()
        self.digest = ""
        """The SHA-256 of all lines before the last that was read, where none was passed over."""
        self.place = place
        """Where the next line begins."""
        self.kind = ""
        """The first key of the last line."""
        file.seek(place.offset)

    def next(self) -> Line:
        """The next line.

        @raise Damaged: where there is none, or it is not as it was written.
        """
        written = self._file.readline()
        offset, number, crc = self.place
        self.place = Place(offset + len(written), number + 1, crc32(written, crc))
        if not written:
            raise self.damaged("the file was cut off before it")
        try:
            line = unsealed(written, crc)
        except Damaged as error:
            raise self.damaged(str(error)) from None
        self.digest = self._digest.hexdigest() if "end" in line else ""
        self._digest.update(written)
        self._tell(len(written))
        self.kind = next(iter(line))
        return line

    def _tell(self, size: int) -> None:
        self._untold += size
        if self.place.number % STEP == 0:
            self.tell_rest()

    def tell_rest(self) -> None:
        """Tell of all that was read so far."""
        self._told(self._untold)
        self._untold = 0

    def head(self) -> None:
        """Read the first line.

        @raise Damaged: where it is not of a file that this program can read.
        """
        head = _HEAD.match(self._file.read(_LONGEST_HEAD))
        self._file.seek(0)
        if head is None:
            raise Damaged(f"{self._path}, line 1: this is no export of KATO's")
        if int(head[1]) != VERSION:
            raise Damaged(
                f"{self._path}, line 1: it has version {int(head[1])} and this program knows "
                f"{VERSION}: a newer program made it"
            )
        self.next()

    def read(self, reader: Callable[[Line], Any], line: Line) -> Any:
        """What a line holds.

        @raise Damaged: where it is no such line.
        """
        try:
            return reader(line)
        except InvalidRequest as error:
            raise self.damaged(error.message) from None

    def damaged(self, why: str) -> Damaged:
        """Make the error for the last line."""
        return Damaged(f"{self._path}, line {self.place.number}: {why}")

    def judge(self, line: Line, expected: Line) -> None:
        """See that a line which sums up those before it is right."""
        for name, value in expected.items():
            if line.get(name) != value:
                raise self.damaged(f"{name}: it says {line.get(name)!r}, and should say {value!r}")
