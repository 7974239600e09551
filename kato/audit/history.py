"""What of an audit log still holds: which lines made each processor what it is (docs/audit.md).

A processor that was restored at an earlier revision is as if what came between had never been; so
those lines are void.  Pure: it is told lines, and says which of them to carry out.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple


@dataclass(slots=True)
class Run:
    """Lines of one processor in one log, each a revision more than the one before.

    C{first} and C{last} are numbers of lines; those between them that are of a higher revision than
    C{until} are void.
    """

    log: int
    first: int
    last: int
    revision: int
    until: int
    creates: bool = False
    deletes: bool = False

    def holds(self, log: int, number: int, revision: int) -> bool:
        """Whether this line is one of them."""
        return log == self.log and self.first <= number <= self.last and revision <= self.until


class Restored(NamedTuple):
    """A processor was found to be at a revision; C{None}: it was not there."""

    log: int
    number: int
    revision: int | None


@dataclass(slots=True)
class _Chapter:
    """What one log tells of a processor under one epoch."""

    log: int
    epoch: int
    time: float
    items: list[Run | Restored] = field(default_factory=list)


@dataclass(slots=True)
class Life:
    """A processor from its creation on.

    C{gap} says where something is missing, if anything is; C{base} is the revision before the first
    run.
    """

    base: int
    runs: list[Run] = field(default_factory=list)
    gap: tuple[int, int, str] | None = None

    @property
    def until(self) -> int:
        """The revision that it has reached."""
        return self.runs[-1].until if self.runs else self.base

    @property
    def ended(self) -> bool:
        """Whether it was deleted."""
        return bool(self.runs) and self.runs[-1].deletes

    def knows(self, revision: int) -> bool:
        """Whether it has been at this revision."""
        least = self.base if self.gap else self.base + 1
        return least <= revision <= self.until

    def return_to(self, revision: int) -> None:
        """All after this revision is void."""
        self.runs = [each for each in self.runs if each.revision <= revision]
        if self.runs and self.runs[-1].until > revision:
            self.runs[-1].until = revision
            self.runs[-1].deletes = False


class History:
    """What logs tell of processors, one log after the other."""

    def __init__(self) -> None:
        self._chapters: dict[str, list[_Chapter]] = {}

    def add(self, log: int, number: int, told: Mapping[str, Any]) -> None:
        """Take in the next line of a log.

        @param log: which one; C{number} is that of the line in it.
        """
        processor = told.get("processor")
        if processor is None or told.get("read"):
            return
        chapter = self._chapter(processor, log, told)
        revision = told.get("revision")
        if "operation" not in told:
            chapter.items.append(Restored(log, number, revision))
            return
        creates, deletes = "created" in told, told["operation"] == "delete_processor"
        run = chapter.items[-1] if chapter.items else None
        if isinstance(run, Run) and not (run.deletes or creates) and revision == run.until + 1:
            run.last, run.until, run.deletes = number, revision, deletes
        else:
            assert isinstance(revision, int), "an operation has a revision"
            chapter.items.append(Run(log, number, number, revision, revision, creates, deletes))

    def _chapter(self, processor: str, log: int, told: Mapping[str, Any]) -> _Chapter:
        chapters = self._chapters.setdefault(processor, [])
        epoch = told.get("epoch", 0)
        if not chapters or (chapters[-1].log, chapters[-1].epoch) != (log, epoch):
            chapters.append(_Chapter(log, epoch, told["time"]))
        return chapters[-1]

    def lives(self) -> dict[str, Life]:
        """The processors that are there in the end, each as the life that it lives."""
        found = {name: self._life(chapters) for name, chapters in self._chapters.items()}
        return {name: life for name, life in sorted(found.items()) if life is not None}

    def _life(self, chapters: Iterable[_Chapter]) -> Life | None:
        ordered = sorted(chapters, key=lambda each: (each.epoch, each.time))
        lives: list[Life] = []
        for chapter in ordered:
            for item in chapter.items:
                if isinstance(item, Run):
                    _go_on(lives, item)
                else:
                    _restore(lives, item)
        return lives[-1] if lives and not lives[-1].ended else None


def _go_on(lives: list[Life], run: Run) -> None:
    """What was done next."""
    alive = bool(lives) and not lives[-1].ended
    if run.creates and not alive:
        lives.append(Life(run.revision - 1, [run]))
    elif alive and not run.creates and run.revision == lives[-1].until + 1:
        lives[-1].runs.append(run)
    else:
        before = f"revision {lives[-1].until}" if alive else "nothing that was there"
        why = f"revision {run.revision} follows {before}"
        lives.append(Life(run.revision - 1, [run], (run.log, run.first, why)))


def _restore(lives: list[Life], restored: Restored) -> None:
    """What was found to be there: the newest life that was ever at this revision."""
    revision = restored.revision
    if revision is None:
        if lives and not lives[-1].ended:
            lives.pop()
        return
    while lives and not lives[-1].knows(revision):
        lives.pop()
    if lives:
        lives[-1].return_to(revision)
    else:
        why = f"it was at revision {revision} already, by what no line tells"
        lives.append(Life(revision, gap=(restored.log, restored.number, why)))


class Turn(Enum):
    """What to do with a line."""

    NOW = "now"
    LATER = "later"
    """Another log tells what comes before it."""
    NEVER = "never"


class Plan:
    """Says of line after line, of several logs, whose turn it is."""

    def __init__(self, lives: Mapping[str, Life]) -> None:
        """@param lives: those that are to be lived again."""
        self._due = {name: deque(life.runs) for name, life in lives.items()}

    def turn(self, log: int, number: int, told: Mapping[str, Any]) -> Turn:
        """Whether a line is to be carried out; where it is C{NOW}, it is taken to be."""
        due = self._due.get(told.get("processor", ""))
        revision = told.get("revision")
        if not due or told.get("read") or "operation" not in told or revision is None:
            return Turn.NEVER
        if due[0].holds(log, number, revision):
            if revision == due[0].until:
                due.popleft()
            return Turn.NOW
        later = any(run.holds(log, number, revision) for run in due)
        return Turn.LATER if later else Turn.NEVER

    @property
    def undone(self) -> list[str]:
        """Processors of which something is still to be carried out."""
        return sorted(name for name, due in self._due.items() if due)
