"""Deletions that carried a request id: sent again, they must not delete a successor (SPEC 8)."""

from collections.abc import Iterable

from kato.changes import Deletion, Remembered
from kato.commands import Command
from kato.storage.interface import MAX_DELETIONS


class DeletedProcessors:
    """The last L{MAX_DELETIONS} deletions that carried a request id, each with its answer."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str | None, str], Remembered] = {}
        self._next = 0

    def load(self, deletions: Iterable[Deletion]) -> None:
        """Take in what the store has, oldest first."""
        for deletion in deletions:
            if deletion.request is not None:
                self._answers[deletion.processor, deletion.request.key] = deletion.request
                self._next = deletion.request.ordinal + 1

    def find(self, command: Command) -> Remembered | None:
        """What this deletion was answered when it came first."""
        if command.request_id is None:
            return None
        return self._answers.get((command.processor, command.request_id))

    def remember(self, command: Command, interval: int, now: float) -> Remembered | None:
        """Keep the answer of a deletion, if it can come again; the oldest is forgotten."""
        key = command.request_id
        if key is None:
            return None
        request = Remembered(self._next, key, command.digest(), {}, None, interval, now)
        self._answers[command.processor, key] = request
        self._next += 1
        if len(self._answers) > MAX_DELETIONS:
            del self._answers[next(iter(self._answers))]
        return request

    def forget(self, processor: str, request: Remembered) -> None:
        """The deletion did not become durable."""
        self._answers.pop((processor, request.key), None)
