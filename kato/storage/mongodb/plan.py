"""What a commit does to the collections: first what it deletes, then what it writes.

A transaction of MongoDB takes one statement after the other, each with many operations at best, so
all records of a commit are drawn together.  What one of them writes and a later one deletes is not
written; it is deleted all the same, since it may have been stored before.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from kato.changes import Changes, Deletion
from kato.storage.mongodb import documents
from kato.storage.mongodb.documents import (
    ANSWERS,
    DELETIONS,
    EVENTS,
    MODELS,
    OF_A_PROCESSOR,
    PIECES,
    VECTORS,
    Document,
    Fields,
)
from kato.storage.mongodb.pieces import Written, pieces_of, pieces_replaced, written


class Plan(NamedTuple):
    """Conditions by collection whose documents go, then documents by collection that are put in
    the place of those with the same C{_id}; both in any order among themselves."""

    deletes: dict[str, list[Fields]]
    writes: dict[str, list[Written]]


def make_plan(changes: Sequence[Changes | Deletion], *, pieces: bool = True) -> Plan:
    """What carries out all of C{changes}, in order.

    @param pieces: whether any document may be stored in pieces.
    @raise OverflowError, ValueError: where something cannot be written as BSON.
    """
    drawn: dict[str, _Drawn] = {}
    deletions: list[Document] = []
    for each in changes:
        of_processor = drawn.setdefault(each.processor, _Drawn(each.processor))
        if isinstance(each, Deletion):
            of_processor.delete_all()
            if each.request is not None:
                deletions.append(documents.deletion_document(each.processor, each.request))
        else:
            of_processor.apply(each)
    plan = _as_plan(list(drawn.values()), deletions)
    if not pieces:
        plan.deletes.pop(PIECES, None)
    return plan


def _as_plan(drawn: "list[_Drawn]", deletions: list[Document]) -> Plan:
    deletes: dict[str, list[Fields]] = {}
    writes: dict[str, list[Written]] = {}
    for of_processor in drawn:
        for collection, condition in of_processor.deletes():
            deletes.setdefault(collection, []).append(condition)
            deletes.setdefault(PIECES, []).append(pieces_of(collection, condition))
        for document in of_processor.writes():
            for each in written(document):
                writes.setdefault(each.collection, []).append(each)
    replaced = [each for many in writes.values() for each in many]
    for condition in pieces_replaced(replaced):
        deletes.setdefault(PIECES, []).append(condition)
    for document in deletions:
        writes.setdefault(DELETIONS, []).extend(written(document))
    return Plan(deletes, writes)


class _Drawn:
    """The records of one processor, drawn together."""

    def __init__(self, processor: str) -> None:
        self._processor = processor
        self._conditions: dict[str, list[Fields]] = {}
        self._written: dict[str, dict[Any, Document]] = {}

    def deletes(self) -> Iterator[tuple[str, Fields]]:
        """Collections, and what goes of them."""
        for collection, conditions in self._conditions.items():
            for condition in conditions:
                yield collection, condition

    def writes(self) -> Iterator[Document]:
        """What is written in the end."""
        for many in self._written.values():
            yield from many.values()

    def delete_all(self) -> None:
        """All of the processor goes."""
        for collection in OF_A_PROCESSOR:
            self._written.pop(collection, None)
            self._conditions[collection] = [{"processor": self._processor}]

    def apply(self, changes: Changes) -> None:
        """In the order of L{Changes}: what is forgotten, what is deleted, what is written."""
        self._forget(changes)
        for name in changes.deleted_models:
            self._delete_one(MODELS, f"{self._processor}/{name}")
        for start, end in changes.dropped_events:
            if start < end:
                self._delete_between(EVENTS, "number", start, end)
        self._write_all(changes)

    def _forget(self, changes: Changes) -> None:
        if changes.forgets_memory:
            self._delete(MODELS, {}, lambda head: True)
            self._delete(VECTORS, {}, lambda head: True)
        if changes.forgets_pending:
            self._delete(VECTORS, {"learned": False}, lambda head: not head["learned"])
        for kind, oldest in (
            ("observation", changes.oldest_observation),
            ("request", changes.oldest_request),
        ):
            if oldest:
                self._delete_between(ANSWERS, "ordinal", None, oldest, kind=kind)

    def _delete_between(
        self, collection: str, field: str, start: int | None, end: int, **more: str
    ) -> None:
        least = {} if start is None else {"$gte": start}
        self._delete(
            collection,
            {**more, field: {**least, "$lt": end}},
            lambda head: (
                (start is None or head[field] >= start)
                and head[field] < end
                and all(head[name] == value for name, value in more.items())
            ),
        )

    def _delete(self, collection: str, condition: Fields, fits: Callable[[Fields], bool]) -> None:
        """What is stored under a condition goes, and what was to be written and fits."""
        where = {"processor": self._processor, **condition}
        self._conditions.setdefault(collection, []).append(where)
        planned = self._written.get(collection, {})
        for key in [key for key, document in planned.items() if fits(document.head)]:
            self._delete_one(collection, key)

    def _delete_one(self, collection: str, key: object) -> None:
        self._written.get(collection, {}).pop(key, None)
        condition = {"_id": key, "processor": self._processor}
        self._conditions.setdefault(collection, []).append(condition)

    def _write_all(self, changes: Changes) -> None:
        processor = self._processor
        self._write(documents.state_document(processor, changes.state))
        if changes.percept is not None:
            self._write(documents.percept_document(processor, changes.percept))
        for model in changes.models:
            self._write(documents.model_document(processor, model))
        for vector in changes.vectors:
            self._write(documents.vector_document(processor, vector))
        for event in changes.events:
            self._write(documents.event_document(processor, event))
        for kind, answers in (("observation", changes.observations), ("request", changes.requests)):
            for answer in answers:
                self._write(documents.answer_document(processor, kind, answer))

    def _write(self, document: Document) -> None:
        self._written.setdefault(document.collection, {})[document.head["_id"]] = document
