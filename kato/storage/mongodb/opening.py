"""What is judged and made before the server starts, at once and in order, with MongoDB's driver.

Twisted's reactor does not run yet, and whoever is refused is to hear it in one line: so this is
not for txmongo.  Nothing of the driver is left when it is done.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any, NamedTuple
from uuid import uuid4

from pymongo import ASCENDING, MongoClient, ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import (
    AutoReconnect,
    ConfigurationError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)
from pymongo.write_concern import WriteConcern

from kato.storage.interface import CannotOpen
from kato.storage.mongodb import lease
from kato.storage.mongodb.address import Address, selection_milliseconds
from kato.storage.mongodb.documents import (
    ANSWERS,
    DELETIONS,
    EVENTS,
    MODELS,
    OF_A_PROCESSOR,
    PIECES,
    VECTORS,
    Fields,
)
from kato.storage.mongodb.lease import LEASES, WHICH

VERSION = 1
"""Of the layout of the documents."""

FORMATS = "kato"
"""The collection that says what the database is."""

_FORMAT: Fields = {"_id": "format"}

OWNERS = "owners"

INDEXES: dict[str, list[tuple[str, ...]]] = {
    MODELS: [("processor",)],
    VECTORS: [("processor", "learned")],
    EVENTS: [("processor", "number")],
    ANSWERS: [("processor", "kind", "ordinal")],
    DELETIONS: [("deleted",)],
    OWNERS: [("service",)],
    PIECES: [("processor", "collection"), ("of", "piece")],
}
"""The fields by which documents are found, beside C{_id}."""

SHARING = ("services", OWNERS, "epochs")
"""What there is where several services use a database."""

_COLLECTIONS = (*OF_A_PROCESSOR, DELETIONS, PIECES, LEASES, *SHARING)

_WAITING = 0.25
"""Seconds between two looks at a lease that another holds."""

_BEATING = 4.5
"""Seconds in which the beat of a service that lives has risen."""

_WRITE_CONFLICT = 112

_Server = MongoClient[Fields]
_Kept = Database[Fields]


class Taken(NamedTuple):
    """A lease that is held."""

    token: str
    epoch: int
    commit: int
    pieces: bool
    """Whether any document is stored in pieces."""


def prepare(address: Address) -> Taken:
    """See that the database can be used, make its collections and indexes, and take its lease.

    @raise CannotOpen: in one line.
    """
    with _database(address) as database:
        _see_services_end(database)
        return _take(database, uuid4().hex)


def prepare_shared(address: Address) -> Taken:
    """See that the database can be used, and make its collections and indexes; no server may have
    it for itself.

    @raise CannotOpen: in one line.
    """
    with _database(address) as database:
        _fence_off(database)
        return Taken("", 0, 0, True)


@contextmanager
def _database(address: Address) -> "Iterator[Database[Fields]]":
    """The database, with its collections and indexes; whatever is wrong is told in one line."""
    try:
        with _server(address) as server:
            _judge(server)
            database = server[address.database]
            _know(database)
            _make(database)
            yield database
    except CannotOpen as error:
        raise CannotOpen(f"storage {address.shown} cannot be used: {error}") from None
    except PyMongoError as error:
        raise CannotOpen(f"storage {address.shown} cannot be used: {told(error)}") from None


@contextmanager
def _server(address: Address) -> Iterator[_Server]:
    server: _Server = MongoClient(
        address.url,
        w="majority",
        journal=True,
        serverSelectionTimeoutMS=selection_milliseconds(address.url),
        appname="kato",
    )
    with server:
        yield server


def told(error: PyMongoError) -> str:
    """The essence of what the driver says, in one line; it may go on for pages."""
    message = str(error)
    if isinstance(error, OperationFailure) and error.details:
        message = str(error.details.get("errmsg", message))
    message = message.partition(", full error")[0].partition(" (configured")[0]
    message = message.partition(", Timeout:")[0]
    if isinstance(error, ServerSelectionTimeoutError):
        message = f"it cannot be reached: {message}"
    return " ".join(message.split())


def _judge(server: _Server) -> None:
    """See that there are transactions."""
    hello = server.admin.command("hello")
    if not hello.get("setName") and hello.get("msg") != "isdbgrid":
        raise CannotOpen(
            "it is a standalone server, which has no transactions; start it with --replSet, and"
            " call rs.initiate() once"
        )


def _know(database: _Kept) -> None:
    """See that the database is ours, or empty, and not newer than this program."""
    found = database[FORMATS].find_one(_FORMAT)
    if found is None:
        foreign = [name for name in database.list_collection_names() if name not in _COLLECTIONS]
        if [name for name in foreign if name != FORMATS and not name.startswith("system.")]:
            raise CannotOpen("it is a database of another program")
        return
    if found.get("program") != "kato":
        raise CannotOpen("it is a database of another program")
    if found["version"] > VERSION:
        raise CannotOpen(
            f"it has version {found['version']} and this program knows {VERSION}:"
            " a newer program made it"
        )


def _make(database: _Kept) -> None:
    """Make what is missing of collections and indexes, and say whose they are."""
    _sure(database, FORMATS).update_one(
        _FORMAT, {"$setOnInsert": {"program": "kato", "version": VERSION}}, upsert=True
    )
    standing = set(database.list_collection_names())
    for name in _COLLECTIONS:
        if name not in standing:
            _create(database, name)
        for fields in INDEXES.get(name, ()):
            database[name].create_index([(field, ASCENDING) for field in fields])


def _create(database: _Kept, name: str) -> None:
    try:
        database.create_collection(name)
    except PyMongoError:
        if name not in database.list_collection_names():  # another server was faster
            raise


def _sure(database: _Kept, collection: str) -> Any:
    return database[collection].with_options(write_concern=WriteConcern("majority", j=True))


# Several services, or one server


def _fence_off(database: _Kept) -> None:
    """See that no server has the database for itself, nor can write to it when it comes back.

    @raise CannotOpen: where one that lives holds its lease.
    """
    leases = _sure(database, LEASES)
    now = database.client.admin.command("hello")["localTime"]
    found = leases.find_one(WHICH)
    if found is not None and found["until"] > now and not lease.is_gone(found["holder"]):
        raise CannotOpen(_in_use(found))
    leases.update_one(WHICH, {"$inc": {"epoch": 1}})


def _see_services_end(database: _Kept) -> None:
    """See that no services share the database: none whose beat still rises.

    @raise CannotOpen: where some do.
    """
    services = _sure(database, SHARING[0])
    beats = {each["_id"]: each["beat"] for each in services.find()}
    if not beats:
        return
    sleep(_BEATING)
    for each in services.find():
        if each["beat"] != beats.get(each["_id"]):
            raise CannotOpen(f"services share it, one of them at {each['address']}")
    services.delete_many({"_id": {"$in": list(beats)}})


# The lease


def _take(database: _Kept, token: str) -> Taken:
    """Take the lease; that of a server that has ended is waited for, until it is over.

    @raise CannotOpen: where a server that lives holds it.
    """
    first: Fields | None = None
    deadline = monotonic() + 2 * lease.SECONDS
    while True:
        held = _try_to_take(database, token)
        if isinstance(held, Taken):
            return held
        if held is not None:
            first = first or held
            if held["until"] != first["until"] or lease.is_gone(held["holder"]) is False:
                raise CannotOpen(_in_use(held))
        if monotonic() > deadline:
            raise CannotOpen(_in_use(held or {}))
        sleep(_WAITING)


def _in_use(held: Fields) -> str:
    holder = held.get("holder", {})
    host, process = holder.get("host", "unknown"), holder.get("process", "unknown")
    return f"another server uses it (process {process} on {host})"


def _try_to_take(database: _Kept, token: str) -> Taken | Fields | None:
    """The lease; else the document of whoever has it; or C{None} where somebody writes to it just
    now."""
    now = database.client.admin.command("hello")["localTime"]
    try:
        with database.client.start_session() as session, session.start_transaction():
            return _take_if_free(database, session, token, now)
    except ConfigurationError:
        raise
    except (AutoReconnect, OperationFailure) as error:
        if not error.has_error_label("TransientTransactionError"):
            raise
        return None


def _take_if_free(
    database: _Kept, session: "ClientSession", token: str, now: Any
) -> Taken | Fields:
    leases = database[LEASES]
    found = leases.find_one(WHICH, session=session)
    if found is not None and found["until"] > now and not lease.is_gone(found["holder"]):
        return found
    epoch = 1 if found is None else found["epoch"] + 1
    commit = 0 if found is None else found["commit"]
    leases.find_one_and_update(
        WHICH,
        lease.until(token=token, epoch=epoch, commit=commit, holder=lease.holder()),
        upsert=True,
        return_document=ReturnDocument.AFTER,
        session=session,
    )
    pieces = database[PIECES].find_one({}, {"_id": 1}, session=session) is not None
    return Taken(token, epoch, commit, pieces)
