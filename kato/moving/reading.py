"""A file of processors that was found whole, and is read again as it is imported."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kato.changes import Changes, Deletion
from kato.model import Model
from kato.moving.lines import Lines, Place
from kato.moving.notation import READERS, read_model, read_processor


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
