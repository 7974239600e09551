"""A file of processors, written line by line as they stream in (docs/moving.md)."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from typing import BinaryIO, NamedTuple
from zlib import crc32

import kato
from kato.changes import Deletion, Snapshot
from kato.moving.notation import (
    READERS,
    Line,
    answer_line,
    deletion_line,
    event_line,
    model_line,
    processor_line,
    vector_line,
)
from kato.moving.sealing import Fingerprint, sealed
from kato.moving.trouble import Trouble

VERSION = 1
"""The version of the format."""

STEP = 1000
"""After how many lines whoever watches is told of them."""


class Written(NamedTuple):
    """What a file holds, and the SHA-256 of all of it."""

    processors: int
    models: int
    deletions: int
    size: int
    digest: str


class Writer:
    """Writes one file, from its first line to its last."""

    def __init__(self, file: BinaryIO, *, told: Callable[[int], object]) -> None:
        """@param told: is told of lines that were written, as a number."""
        self._file = file
        self._told = told
        self._untold = 0
        self._crc = 0
        self._digest = sha256()
        self._size = 0
        self._lines = 0
        self._totals = Counter[str]()
        self._broken = False
        self._write({"kato": "export", "version": VERSION, "program": kato.__version__})

    def processor(self, snapshot: Snapshot) -> None:
        """Write all of a processor; for a store to call.

        @raise Trouble: where another one was left in the midst: what was written cannot be taken
            back.
        """
        if self._broken:
            raise Trouble("the storage was lost in the midst of a processor: export it again")
        self._broken = True
        fingerprint = Fingerprint()
        counts = Counter[str]()
        for line in parts(snapshot):
            counts[next(iter(line))] += 1
            fingerprint.add(line)
            self._write(line)
        last = {"end_of": snapshot.processor, **counted(counts)}
        self._write({**last, "fingerprint": fingerprint.told()})
        self._totals["processors"] += 1
        self._totals["models"] += counts["model"]
        self._broken = False

    def deletions(self, deletions: Iterable[Deletion]) -> None:
        """Write what is remembered of processors that were deleted, after all processors."""
        for each in deletions:
            self._totals["deletions"] += 1
            self._write(deletion_line(each))

    def end(self) -> Written:
        """Write the last line."""
        totals = {name: self._totals[name] for name in ("processors", "models", "deletions")}
        self._write({"end": "export", **totals, "sha256": self._digest.hexdigest()})
        self._told(self._untold)
        return Written(**totals, size=self._size, digest=self._digest.hexdigest())

    def _write(self, line: Line) -> None:
        written = sealed(line, self._crc)
        self._crc = crc32(written, self._crc)
        self._digest.update(written)
        self._file.write(written)
        self._size += len(written)
        self._untold += 1
        if self._untold == STEP:
            self._told(STEP)
            self._untold = 0


def parts(snapshot: Snapshot) -> Iterator[Line]:
    """All lines of a processor but the last, as its models stream in."""
    yield processor_line(snapshot.processor, snapshot.state, snapshot.percept)
    yield from map(event_line, snapshot.events)
    yield from map(vector_line, sorted(snapshot.vectors))
    for kind, answers in (("observation", snapshot.observations), ("request", snapshot.requests)):
        for each in answers:
            yield answer_line(kind, each)
    yield from map(model_line, snapshot.models)


def counted(counts: Counter[str]) -> dict[str, int]:
    """How many there are of each part of a processor, as the last of its lines tells."""
    return {f"{kind}s": counts[kind] for kind in READERS}


def fingerprint(snapshot: Snapshot) -> str:
    """The fingerprint of a processor, as its models stream in."""
    made = Fingerprint()
    for line in parts(snapshot):
        made.add(line)
    return made.told()
