"""A file of processors, gone over once to see that it is whole (docs/moving.md)."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from kato.changes import Deletion
from kato.moving.lines import START, Lines, Place
from kato.moving.notation import READERS, Line, read_deletion, read_processor
from kato.moving.reading import Contents, Section
from kato.moving.sealing import Fingerprint
from kato.moving.trouble import Damaged
from kato.moving.writing import counted


def survey(path: Path, *, told: Callable[[int], object]) -> Contents:
    """Go over all of a file.

    @param told: is told of bytes that were read, as a number.
    @raise Damaged: where anything in it is not as it was written.
    @raise OSError: where it cannot be read.
    """
    with path.open("rb") as file:
        lines = Lines(path, file, START, told=told)
        contents = _Survey(path, lines).run()
        if file.read(1):
            raise Damaged(f"{path}, line {lines.place.number + 1}: it stands after the end")
    return contents


class _Survey:
    """Goes over the lines of one file."""

    def __init__(self, path: Path, lines: Lines) -> None:
        self._path = path
        self._lines = lines
        self._sections: dict[str, Section] = {}
        self._deletions: list[Deletion] = []

    def run(self) -> Contents:
        """Read from the first line to the last."""
        lines = self._lines
        lines.head()
        while True:
            begins = lines.place
            line = lines.next()
            if lines.kind == "processor" and not self._deletions:
                self._keep(self._section(begins, line))
            elif lines.kind == "deletion":
                self._deletions.append(lines.read(read_deletion, line))
            elif lines.kind == "end":
                self._judge_end(line)
                return Contents(self._sections, tuple(self._deletions))
            else:
                raise lines.damaged(f"{lines.kind}: no such line is expected here")

    def _keep(self, section: Section) -> None:
        if section.processor in self._sections:
            raise self._lines.damaged(f"processor {section.processor} stands in it twice")
        self._sections[section.processor] = section

    def _section(self, begins: Place, line: Line) -> Section:
        """Go over one processor, of which the first line was read."""
        lines = self._lines
        processor, _, _ = lines.read(read_processor, line)
        fingerprint = Fingerprint()
        fingerprint.add(line)
        counts, models_begin, last = self._parts(fingerprint)
        told = fingerprint.told()
        lines.judge(last, {"end_of": processor, **counted(counts), "fingerprint": told})
        return Section(
            path=self._path,
            processor=processor,
            begins=begins,
            models=counts["model"],
            models_begin=models_begin,
            size=lines.place.offset - begins.offset,
            fingerprint=told,
        )

    def _parts(self, fingerprint: Fingerprint) -> tuple[Counter[str], Place, Line]:
        """Go over the rest of a processor; gives how many parts of each kind there are, where the
        models begin, and the last line."""
        lines = self._lines
        expected = list(READERS)
        counts = Counter[str]()
        models_begin = lines.place
        while (line := lines.next()) and lines.kind != "end_of":
            if lines.kind not in expected:
                raise lines.damaged(f"{lines.kind}: no such line is expected here")
            del expected[: expected.index(lines.kind)]
            lines.read(READERS[lines.kind], line)
            fingerprint.add(line)
            counts[lines.kind] += 1
            if lines.kind != "model":
                models_begin = lines.place
        return counts, models_begin, line

    def _judge_end(self, line: Line) -> None:
        models = sum(each.models for each in self._sections.values())
        expected: Line = {
            "end": "export",
            "processors": len(self._sections),
            "models": models,
            "deletions": len(self._deletions),
            "sha256": self._lines.digest,
        }
        self._lines.judge(line, expected)
        self._lines.tell_rest()
