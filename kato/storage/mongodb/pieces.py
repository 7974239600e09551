"""Documents that are longer than MongoDB allows are stored in pieces.

In its place stands the head, with the number of C{pieces}.  A piece has the same head, so that what
deletes the one deletes the other, the C{collection}, which document it is C{of}, its C{number}, and
C{data}: a part of the BSON of the whole.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import bson
from bson.raw_bson import RawBSONDocument

from kato.storage.mongodb.documents import PIECES, Document, Fields

WHOLE = 4 * 2**20
"""To how many bytes a document is stored as it is.  MongoDB allows 16 MiB; a server reads and
copies what it is sent in one piece, during which others wait."""

_CHUNK = 1000
"""How many documents are named in one condition."""


class Written(NamedTuple):
    """A document as it goes to the server."""

    collection: str
    id: Any
    processor: str | None
    document: RawBSONDocument


def written(document: Document) -> Iterator[Written]:
    """The document, or its head and its pieces."""
    collection, head, body = document
    whole = bson.encode({**head, **body})
    if len(whole) <= WHOLE:
        yield _written(collection, head, whole)
        return
    starts = range(0, len(whole), WHOLE)
    yield _written(collection, head, bson.encode({**head, "pieces": len(starts)}))
    of = _name(collection, head["_id"])
    for number, start in enumerate(starts):
        data = whole[start : start + WHOLE]
        piece = {
            **head,
            "_id": f"{of}/{number}",
            "collection": collection,
            "of": of,
            "piece": number,
            "data": data,
        }
        yield _written(PIECES, piece, bson.encode(piece))


def _written(collection: str, head: Fields, encoded: bytes) -> Written:
    document = RawBSONDocument(encoded)
    return Written(collection, head["_id"], head.get("processor"), document)


def _name(collection: str, key: object) -> str:
    return f"{collection}/{key}"


def pieces_of(collection: str, condition: Fields) -> Fields:
    """Which pieces go with the documents of a collection that fit a condition on their heads."""
    found = {name: each for name, each in condition.items() if name != "_id"}
    if "_id" in condition:
        found["of"] = _name(collection, condition["_id"])
    return {**found, "collection": collection}


def pieces_replaced(documents: Iterable[Written]) -> Iterator[Fields]:
    """Which pieces are those of documents in whose place others are written."""
    names = [_name(each.collection, each.id) for each in documents if each.collection != PIECES]
    for start in range(0, len(names), _CHUNK):
        yield {"of": {"$in": names[start : start + _CHUNK]}}


def where(collection: str, document: Fields) -> Fields:
    """Which pieces make up the document whose head was found."""
    return {"of": _name(collection, document["_id"])}


def joined(head: Fields, pieces: Iterable[Fields]) -> Fields:
    """The whole of a document, of its pieces in order.

    @raise ValueError: where they do not make it up.
    """
    data = [bytes(each["data"]) for each in pieces]
    if len(data) != head["pieces"]:
        raise ValueError(f"{len(data)} of {head['pieces']} pieces are there")
    return dict(bson.decode(b"".join(data)))
