"""An audit log, gone over line by line, each held against the one before (docs/audit.md)."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from kato.audit.chain import GENESIS, Broken, Head, linked
from kato.audit.lines import parsed

_NAME = re.compile(r"audit-([0-9]{6,})\.jsonl")
_LONGEST = 2**28
"""No line is longer: the longest request makes one of less than a tenth of that."""


class Place(NamedTuple):
    """Where a line stands."""

    path: Path
    line: int

    def __str__(self) -> str:
        return f"{self.path.name}, line {self.line}"


class Read(NamedTuple):
    """A line that was found as it was written, and the head that it makes.

    C{begins} is where it begins in its file, in bytes.
    """

    place: Place
    begins: int
    told: dict[str, Any]
    head: Head


class Fault(Exception):
    """A log is not as it was written."""

    def __init__(self, place: Place, why: str) -> None:
        super().__init__(f"{place}: {why}")
        self.place = place
        self.why = why


class Torn(Fault):
    """The last line is not whole; all before it, C{whole} bytes of its file, is."""

    def __init__(self, place: Place, whole: int) -> None:
        super().__init__(place, "it is the last line, and not whole")
        self.whole = whole


def name_of(number: int) -> str:
    """The name of the file of this number."""
    return f"audit-{number:06}.jsonl"


def files_of(folder: Path) -> list[tuple[int, Path]]:
    """The files of a log with their numbers, in order."""
    found = ((_NAME.fullmatch(path.name), path) for path in folder.iterdir())
    return sorted((int(name[1]), path) for name, path in found if name is not None)


def read_log(
    folder: Path, *, after: str | None = None, told: Callable[[int], object] = lambda _: None
) -> Iterator[Read]:
    """Go over a whole log.

    @param after: the head after which the first file goes on, where older ones were put away.
    @param told: is told of bytes that were read, as a number.
    @raise Fault: at the first line that is not as it was written.
    @raise OSError: where it cannot be read.
    """
    head = Head() if after in (None, GENESIS) else None
    expected = 1 if head is not None else None
    for number, path in files_of(folder):
        if expected not in (None, number):
            raise Fault(Place(path, 1), f"the file before it is missing, {name_of(number - 1)}")
        for read in read_file(path, number, head, told=told):
            if head is None and after is not None:
                _judge_begin(path, after)
            head = read.head
            yield read
        expected = number + 1


def _judge_begin(path: Path, after: str) -> None:
    with path.open("rb") as file:
        _, digest = linked(file.readline(_LONGEST))
    if digest != after:
        raise Fault(Place(path, 1), f"it goes on after {digest}, not after {after}")


def read_file(
    path: Path, number: int, head: Head | None, *, told: Callable[[int], object] = lambda _: None
) -> Iterator[Read]:
    """Go over one file of a log.

    @param head: what its first line follows; C{None} where that is not known: it is believed.
    @raise Fault: at the first line that is not as it was written.
    @raise Torn: where the last line is not whole.
    """
    begins = 0
    with path.open("rb") as file:
        for place in (Place(path, count) for count in _counting()):
            line = file.readline(_LONGEST)
            if not line:
                return
            if not line.endswith(b"\n") or line.startswith(b"\0"):
                raise _unended(place, line, begins)
            read = _read(place, begins, line[:-1], head)
            if place.line == 1 and (read.told.get("event"), read.told.get("file")) != (
                "file",
                number,
            ):
                raise Fault(place, f"it is not the first line of file {number}")
            yield read
            head, begins = read.head, begins + len(line)
            told(len(line))


def _counting() -> Iterator[int]:
    number = 0
    while True:
        yield (number := number + 1)


def _unended(place: Place, line: bytes, begins: int) -> Fault:
    if len(line) == _LONGEST:
        return Fault(place, "it is longer than any line of a log")
    return Torn(place, begins)


def _read(place: Place, begins: int, line: bytes, head: Head | None) -> Read:
    try:
        if head is None:
            before, digest = linked(line)
            head = Head(before - 1, digest)
        after = head.follow(line)
        return Read(place, begins, parsed(line), after)
    except (Broken, ValueError) as error:
        raise Fault(place, str(error)) from None
