"""A file of processors, gone over once to see that it is whole, and read again as it is imported
(docs/moving.md).

Whatever is wrong is L{Damaged}, and told with the file and the line.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from zlib import crc32

from kato.changes import Changes, Deletion
from kato.errors import InvalidRequest
from kato.model import Model
from kato.moving.notation import READERS, Line, read_deletion, read_model, read_processor
from kato.moving.sealing import Fingerprint, unsealed
from kato.moving.trouble import Damaged
from kato.moving.writing import STEP, VERSION, counted

_HEAD = re.compile(rb'{"kato":"export","version":([0-9]+),')
_LONGEST_HEAD = 4096


class Place(NamedTuple):
    """Where a line begins, and what is known of all before it."""

    offset: int
    number: int
    """How many lines stand before it."""
    crc: int


_START = Place(0, 0, 0)


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


@dataclass(frozen=True, slots=True)
class Section:
    """One processor in a file that was found whole."""

    path: Path
    processor: str
    begins: Place
    models: int
    models_begin: Place
    size: int
    """How many bytes it takes."""
    fingerprint: str

    def changes(self, told: Callable[[int], object]) -> Changes:
        """All of it, as a store takes it into an empty place.  Its models stay in the file, and
        are read as the store iterates them."""
        found: dict[str, list[Any]] = {kind: [] for kind in READERS}
        with self.path.open("rb") as file:
            lines = Lines(self.path, file, self.begins, told=told)
            _, state, percept = lines.read(read_processor, lines.next())
            while lines.place != self.models_begin:
                line = lines.next()
                found[lines.kind].append(lines.read(READERS[lines.kind], line))
            lines.tell_rest()
        return Changes(
            processor=self.processor,
            state=state,
            percept=percept,
            events=tuple(found["event"]),
            vectors=tuple(found["vector"]),
            observations=tuple(found["observation"]),
            requests=tuple(found["request"]),
            models=ModelsInFile(self, told),
        )


class ModelsInFile(Collection[Model]):
    """The models of a section, read from the file whenever they are iterated."""

    def __init__(self, section: Section, told: Callable[[int], object]) -> None:
        self._section = section
        self._told = told

    def __len__(self) -> int:
        return self._section.models

    def __contains__(self, sought: object) -> bool:
        return any(each == sought for each in self)

    def __iter__(self) -> Iterator[Model]:
        section = self._section
        with section.path.open("rb") as file:
            lines = Lines(section.path, file, section.models_begin, told=self._told)
            for _ in range(section.models):
                yield lines.read(read_model, lines.next())
            lines.tell_rest()


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a file that was found whole: processors by id, and deletions, oldest first."""

    sections: dict[str, Section]
    deletions: tuple[Deletion, ...]


def survey(path: Path, *, told: Callable[[int], object]) -> Contents:
    """Go over all of a file.

    @param told: is told of bytes that were read, as a number.
    @raise Damaged: where anything in it is not as it was written.
    @raise OSError: where it cannot be read.
    """
    with path.open("rb") as file:
        lines = Lines(path, file, _START, told=told)
        lines.head()
        sections: dict[str, Section] = {}
        deletions: list[Deletion] = []
        while True:
            begins = lines.place
            line = lines.next()
            if lines.kind == "processor" and not deletions:
                section = _section(path, lines, begins, line)
                if section.processor in sections:
                    raise lines.damaged(f"processor {section.processor} stands in it twice")
                sections[section.processor] = section
            elif lines.kind == "deletion":
                deletions.append(lines.read(read_deletion, line))
            elif lines.kind == "end":
                _judge_end(lines, line, sections, deletions)
                if file.read(1):
                    raise Damaged(f"{path}, line {lines.place.number + 1}: it stands after the end")
                return Contents(sections, tuple(deletions))
            else:
                raise lines.damaged(f"{lines.kind}: no such line is expected here")


def _section(path: Path, lines: Lines, begins: Place, line: Line) -> Section:
    """Go over one processor."""
    processor, _, _ = lines.read(read_processor, line)
    fingerprint = Fingerprint()
    counts = Counter[str]()
    rest = list(READERS)
    while True:
        fingerprint.add(line)
        place = lines.place
        line = lines.next()
        if lines.kind == "model" and not counts["model"]:
            models_begin = place
        if lines.kind == "end_of":
            break
        if lines.kind not in rest:
            raise lines.damaged(f"{lines.kind}: no such line is expected here")
        del rest[: rest.index(lines.kind)]
        counts[lines.kind] += 1
        lines.read(READERS[lines.kind], line)
    told = fingerprint.told()
    lines.judge(line, {"end_of": processor, **counted(counts), "fingerprint": told})
    return Section(
        path,
        processor,
        begins,
        counts["model"],
        models_begin if counts["model"] else place,
        place.offset - begins.offset,
        told,
    )


def _judge_end(
    lines: Lines, line: Line, sections: dict[str, Section], deletions: list[Deletion]
) -> None:
    lines.judge(
        line,
        {
            "end": "export",
            "processors": len(sections),
            "models": sum(each.models for each in sections.values()),
            "deletions": len(deletions),
            "sha256": lines.digest,
        },
    )
    lines.tell_rest()
