"""From a file into a store: each processor whole, or not at all."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from enum import Enum
from typing import NamedTuple

from kato.changes import Changes, Deletion
from kato.moving.reading import Contents, Section
from kato.moving.trouble import Trouble
from kato.moving.writing import fingerprint
from kato.storage import IStore


class Fate(Enum):
    """What becomes of a processor in a file."""

    IMPORTED = "imported"
    REPLACED = "replaced"
    SKIPPED = "is there already, and equal"


class Moved(NamedTuple):
    """A processor, and what became of it."""

    processor: str
    fate: Fate
    models: int


class Import:
    """One import.  What was imported whole before it was broken off is skipped the next time."""

    def __init__(
        self,
        store: IStore,
        contents: Contents,
        *,
        chosen: Sequence[str],
        replaces: bool,
        told: Callable[[int], object],
        moved: Callable[[Moved], object],
    ) -> None:
        """
        @param chosen: which processors; all of them, and all deletions, where none is named.
        @param replaces: a processor that is there, and differs, is replaced.
        @param told: is told of bytes that were done with, as a number.
        @param moved: is told of each processor that is done with.
        """
        self._store = store
        self._contents = contents
        self._chosen = frozenset(chosen)
        self._replaces = replaces
        self._told = told
        self._moved = moved

    async def run(self) -> None:
        """Import what is missing.

        @raise Trouble: where a processor is not in the file, or differs from one that is there;
            nothing was imported then.
        @raise Damaged: where the file is not any more as it was found.
        @raise StorageUnavailable: where the store cannot be read or written.
        """
        sections = self._sections()
        stored = frozenset(await self._store.processors())
        fates = {each.processor: await self._fate(each, stored) for each in sections}
        self._judge([name for name, fate in fates.items() if fate is Fate.REPLACED])
        deletions = await self._deletions()
        for section in sections:
            await self._move(section, fates[section.processor], deletions)
        gone = [each for each in deletions if each.processor not in {*stored, *fates}]
        if gone and not self._chosen:
            await self._store.commit(gone)

    def _sections(self) -> list[Section]:
        missing = sorted(self._chosen - self._contents.sections.keys())
        if missing:
            raise Trouble(f"the file holds no processor {', '.join(missing)}")
        sections = self._contents.sections.values()
        return [each for each in sections if not self._chosen or each.processor in self._chosen]

    async def _fate(self, section: Section, stored: frozenset[str]) -> Fate:
        if section.processor not in stored:
            return Fate.IMPORTED
        there = await self._store.load(section.processor, fingerprint)
        return Fate.SKIPPED if there == section.fingerprint else Fate.REPLACED

    def _judge(self, differing: Sequence[str]) -> None:
        if differing and not self._replaces:
            raise Trouble(
                f"{', '.join(differing)}: the storage holds another one of this name; nothing was "
                "imported. Choose others with --processor, or replace it with --replace"
            )

    async def _deletions(self) -> list[Deletion]:
        """Those of the file which the store does not remember, as the last that it will."""
        known = await self._store.deletions()
        remembered = {(each.processor, each.request.key) for each in known if each.request}
        last = max((each.request.ordinal for each in known if each.request), default=-1)
        return list(_renumbered(self._contents.deletions, remembered, last + 1))

    async def _move(self, section: Section, fate: Fate, deletions: Sequence[Deletion]) -> None:
        """Bring in one processor, in one transaction with the deletions of those before it."""
        name = section.processor
        if fate is Fate.SKIPPED:
            self._told(section.size)
        else:
            before = [each for each in deletions if each.processor == name]
            if fate is Fate.REPLACED:
                before.insert(0, Deletion(name))
            changes: list[Changes | Deletion] = [*before, section.changes(self._told)]
            await self._store.commit(changes)
            await self._compare(section)
        self._moved(Moved(name, fate, section.models))

    async def _compare(self, section: Section) -> None:
        """See that what was written reads back."""
        there = await self._store.load(section.processor, fingerprint)
        if there != section.fingerprint:
            raise Trouble(
                f"{section.processor}: it was imported, but the storage does not give it back as "
                "it stands in the file: this is a defect, of that storage or of this program"
            )


def _renumbered(
    deletions: Sequence[Deletion], remembered: set[tuple[str, str]], number: int
) -> Iterator[Deletion]:
    """The deletions that are not remembered, numbered on."""
    for each in deletions:
        if each.request is not None and (each.processor, each.request.key) not in remembered:
            yield replace(each, request=replace(each.request, ordinal=number))
            number += 1
