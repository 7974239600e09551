"""Loads a file into a processor, so that an interrupted load goes on, and does nothing twice."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from kato.cli.batches import Batch, batches
from kato.cli.notes import Note
from kato.cli.resuming import see_what_was_learned
from kato.cli.source_files import Source
from kato.client import KatoError, Processor, SequenceObserved

_PLACE = re.compile(r"observations\[(\d+)\]")


@dataclass(slots=True)
class Loaded:
    """What a load did: C{observed} observations that were new, and C{learned} times a model."""

    observed: int = 0
    learned: int = 0


class Load:
    """A load under way; C{note} is how far it has come."""

    def __init__(
        self,
        processor: Processor,
        source: Source,
        note: Note,
        *,
        keep: Callable[[Note], object],
        told: Callable[[int], object],
    ) -> None:
        """
        @param keep: keeps a note for when the load is interrupted.
        @param told: is told of how many observations more were taken.
        """
        self._processor = processor
        self._source = source
        self._keep = keep
        self._told = told
        self.note = note
        self.loaded = Loaded()

    @property
    def name(self) -> str:
        """The file that is loaded."""
        return self._source.name

    def run(self) -> None:
        """Load what is left.

        @raise KatoError: what the server said against it; C{note} tells how far it came.
        """
        self._keep(self.note)
        self._told(self.note.done)
        for batch in batches(self._source.entries(), self.note.done):
            self._take(batch, self._send(batch))
        see_what_was_learned(self._processor, self._source.name, self.note)
        self.note = replace(self.note, finished=True)
        self._keep(self.note)

    def _send(self, batch: Batch) -> SequenceObserved:
        load = self.note.load
        try:
            return self._processor.observe_sequence(
                batch.observations(load),
                learn_after_each=batch.learn_after_each,
                learn_at_end=batch.learn_at_end,
                brief=True,
                request_id=batch.request_id(load),
            )
        except KatoError as error:
            error.message = _located(error.message, batch)
            raise

    def _take(self, batch: Batch, came: SequenceObserved) -> None:
        learned = [each for each in came.learned_models if each]
        self.loaded.observed += came.observed
        self.loaded.learned += len(learned)
        self.note = replace(
            self.note,
            done=self.note.done + len(batch.entries),
            line=batch.lines[1],
            last=batch.last_id(self.note.load),
            model=learned[-1] if learned else self.note.model,
        )
        self._keep(self.note)
        self._told(len(batch.entries))


def _located(message: str, batch: Batch) -> str:
    """What the server says, with the line in the place of where it stood in the request."""
    found = _PLACE.search(message)
    if found:
        line = batch.entries[int(found.group(1))].line
        return f"line {line}{message[found.end() :]}"
    first, last = batch.lines
    return f"lines {first} to {last}: {message}"
