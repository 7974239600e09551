"""What ties each line of an audit log to the one before it (docs/audit.md).

A line holds its number and the SHA-256 of the line before, so that none can be altered, taken out
or put elsewhere without the next one telling.
"""

import re
from hashlib import sha256
from typing import NamedTuple

GENESIS = "0" * 64
"""What the first line of a log holds in place of a digest."""

_BEGINS = re.compile(rb'\{"n":([1-9][0-9]{0,17}),"prev":"([0-9a-f]{64})",')


class Broken(Exception):
    """A line does not follow the one before it."""


class Head(NamedTuple):
    """Where a log ends: how many lines it has, and the SHA-256 of the last, in hex."""

    lines: int = 0
    digest: str = GENESIS

    def link(self, told: bytes) -> tuple[bytes, "Head"]:
        """Make the next line of what it is to tell.

        @param told: a JSON object that is not empty.
        @return: the line, without an end, and the head that it makes.
        """
        line = b'{"n":%d,"prev":"%s",%s' % (self.lines + 1, self.digest.encode(), told[1:])
        return line, Head(self.lines + 1, sha256(line).hexdigest())

    def follow(self, line: bytes) -> "Head":
        """Go on to the next line; gives the head that it makes.

        @raise Broken: where it is not the next one.
        """
        number, digest = linked(line)
        if number > self.lines + 1:
            first, last = self.lines + 1, number - 1
            raise Broken(f"{_lines(first, last)} missing before it")
        if number <= self.lines:
            raise Broken(f"line {number} of the log stands where {self.lines + 1} belongs")
        if digest != self.digest:
            raise Broken("the line before it is not as it was written, or this one is not")
        return Head(number, sha256(line).hexdigest())


def linked(line: bytes) -> tuple[int, str]:
    """The number of a line, and the digest of the one before it.

    @raise Broken: where it is no line of an audit log.
    """
    found = _BEGINS.match(line)
    if found is None:
        raise Broken("it is no line of an audit log")
    return int(found[1]), found[2].decode()


def _lines(first: int, last: int) -> str:
    return (
        f"line {first} of the log is"
        if first == last
        else f"lines {first} to {last} of the log are"
    )
