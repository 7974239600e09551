"""What the original KATO left in a MongoDB database, read and never written (docs/from-kato.md).

The layout is that of another program, so nothing of it is believed here: documents are handed on
as they are.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import PyMongoError

from kato.storage.interface import CannotOpen
from kato.storage.mongodb.address import Address, selection_milliseconds
from kato.storage.mongodb.opening import told

Document = Mapping[str, Any]


class OriginalDatabase:
    """One database of the original, which is one processor."""

    def __init__(self, database: "Database[dict[str, Any]]", shown: str) -> None:
        self._database = database
        self.name: str = database.name
        self.shown = shown
        """Where it is, without user and password."""

    def counts(self) -> dict[str, int]:
        """How many documents its collections hold, those that are empty left out."""
        names = sorted(self._database.list_collection_names())
        counted = {name: self._database[name].count_documents({}) for name in names}
        return {name: count for name, count in counted.items() if count}

    def documents(self, collection: str) -> Iterator[Document]:
        """The documents of a collection, as they stream in."""
        yield from self._database[collection].find({}, {"_id": False})


@contextmanager
def original_database(url: str) -> Iterator[OriginalDatabase]:
    """A database of the original.

    @param url: C{mongodb://host/database}.
    @raise CannotOpen: where it cannot be read, also in the midst of that.
    """
    address = Address.parse(url, "--from")
    waits = selection_milliseconds(url)
    try:
        with MongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=waits) as server:
            yield OriginalDatabase(server[address.database], address.shown)
    except PyMongoError as error:
        raise CannotOpen(f"{address.shown} cannot be read: {told(error)}") from None
