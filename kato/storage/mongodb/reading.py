"""What is stored, read in a thread that waits for it, while the reactor goes on."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from bson.errors import BSONError
from pymongo.errors import PyMongoError
from twisted.internet.threads import blockingCallFromThread

from kato.changes import Deletion, Percept, Remembered, Snapshot
from kato.errors import StorageUnavailable
from kato.storage.mongodb import documents, pieces
from kato.storage.mongodb.connection import LOST, Batches, Connection, reason
from kato.storage.mongodb.documents import (
    ANSWERS,
    DAMAGE,
    DELETIONS,
    EVENTS,
    MODELS,
    PERCEPTS,
    PIECES,
    PROCESSORS,
    VECTORS,
    Fields,
)


class Reader:
    """Used by one thread, which is not the reactor's."""

    def __init__(self, connection: Connection, *, reactor: Any) -> None:
        self._connection = connection
        self._reactor = reactor
        self._unfinished: list[Batches] = []

    async def close(self) -> None:
        """Let go of what was not read to its end, in the reactor's thread."""
        for batches in self._unfinished:
            await batches.close()

    def processors(self) -> list[str]:
        """The ids of all processors that are stored, sorted."""
        with _reading("the list of processors"):
            found = self._find(PROCESSORS, {}, fields=["_id"])
            return sorted(each["_id"] for each in found)

    def deletions(self) -> list[Deletion]:
        """The deletions that carried a request id, oldest first."""
        with _reading("the list of deletions"):
            found = self._find(DELETIONS, {}, sort=[("_id", 1)])
            return list(map(documents.read_deletion, found))

    def load(self, processor: str, restore: Callable[[Snapshot], Any]) -> Any:
        """What C{restore} makes of all that is stored of a processor; C{None} if there is none."""
        with _reading(f"processor {processor}"):
            snapshot = self._snapshot(processor)
        if snapshot is None:
            return None
        try:
            return restore(snapshot)
        except (PyMongoError, BSONError, *LOST) as error:
            raise _unreadable(f"processor {processor}", error) from None

    def _snapshot(self, processor: str) -> Snapshot | None:
        whole = {"processor": processor}
        found = list(self._find(PROCESSORS, {"_id": processor}))
        if not found:
            return None
        percepts = list(self._find(PERCEPTS, {"_id": processor}))
        events = self._find(EVENTS, whole, sort=[("number", 1)])
        return Snapshot(
            processor,
            documents.read_state(found[0]),
            documents.read_percept(percepts[0]) if percepts else Percept(),
            tuple(map(documents.read_event, events)),
            tuple(map(documents.read_vector, self._find(VECTORS, whole))),
            self._answers(processor, "observation"),
            self._answers(processor, "request"),
            documents.read_models(self._find(MODELS, whole)),
        )

    def _answers(self, processor: str, kind: str) -> tuple[Remembered, ...]:
        which = {"processor": processor, "kind": kind}
        found = self._find(ANSWERS, which, sort=[("ordinal", 1)])
        return tuple(map(documents.read_answer, found))

    def _find(
        self,
        collection: str,
        condition: Fields,
        *,
        fields: Sequence[str] = (),
        sort: Sequence[tuple[str, int]] = (),
    ) -> Iterator[Fields]:
        """The documents that fit, as they come, each of them whole."""
        find = self._connection.find
        for found in self._stream(lambda: find(collection, condition, fields=fields, sort=sort)):
            yield self._joined(collection, found) if "pieces" in found else found

    def _joined(self, collection: str, head: Fields) -> Fields:
        condition, find = pieces.where(collection, head), self._connection.find
        order = [("piece", 1)]
        found = self._stream(lambda: find(PIECES, condition, sort=order, batch=1))
        try:
            return pieces.joined(head, found)
        except (BSONError, *DAMAGE) as error:
            raise documents.damaged(condition["of"], error) from None

    def _stream(self, find: Callable[[], Batches]) -> Iterator[Fields]:
        """It cleans up nothing: who knows in which thread it is when nobody iterates it further."""
        batches: Batches = self._wait(find)
        self._unfinished.append(batches)
        while batch := self._wait(batches.next):
            yield from batch
        self._unfinished.remove(batches)

    def _wait(self, call: Callable[[], Any]) -> Any:
        """What comes of a call in the reactor's thread."""
        return blockingCallFromThread(self._reactor, call)


def _unreadable(what: str, error: Exception) -> StorageUnavailable:
    return StorageUnavailable(f"{what} cannot be read: {reason(error)}", retry_after=1)


@contextmanager
def _reading(what: str) -> Iterator[None]:
    """Whatever goes wrong with it is told as L{StorageUnavailable}."""
    try:
        yield
    except (PyMongoError, *LOST) as error:
        raise _unreadable(what, error) from None
    except (BSONError, *DAMAGE) as error:
        raise documents.damaged(what, error) from None
