"""Where processors are kept: the stores, and the URL by which an operator chooses one (SPEC 10)."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from platformdirs import user_data_path

from kato.storage.interface import CannotOpen, InUse, IStore
from kato.storage.memory import MemoryStore
from kato.storage.shared import IShared
from kato.storage.sqlite import SqliteStore

__all__ = [
    "CannotOpen",
    "IStore",
    "InUse",
    "MemoryStore",
    "SqliteStore",
    "open_store",
    "without_secrets",
]


def open_store(url: str, *, reactor: Any, option: str = "--storage") -> IStore:
    """The store that C{url} names, not opened yet.

    C{sqlite:} is a file in the user's data folder, C{sqlite:///path/kato.db} an absolute path,
    C{sqlite:path/kato.db} one below the working directory, C{mongodb://host/database} a database
    that other machines can reach, and C{memory:} keeps nothing.

    @param option: by which it was given.
    @raise CannotOpen: where it names none.
    """
    scheme, colon, rest = url.partition(":")
    if colon and scheme == "memory" and not rest:
        store: IStore = MemoryStore()
        return store
    if colon and scheme == "sqlite":
        return _sqlite(url, rest, reactor, option)
    if colon and scheme == "mongodb":
        return _mongodb(url, reactor, option)
    raise CannotOpen(
        f"{option} {without_secrets(url)}: expected sqlite:, sqlite:///path/kato.db,"
        " sqlite:path/kato.db, mongodb://host/database or memory:"
    )


def without_secrets(url: str) -> str:
    """C{url} with nothing in place of what stands before its last C{@}."""
    return re.sub(r"//.*@", "//…@", url, flags=re.DOTALL)


def _mongodb(url: str, reactor: Any, option: str) -> IStore:
    """Its libraries are loaded where they are needed alone: they take their time, and install the
    reactor."""
    from kato.storage.mongodb.address import Address
    from kato.storage.mongodb.store import MongoStore

    store: IStore = MongoStore(Address.parse(url, option), reactor=reactor)
    return store


def open_shared(url: str, *, reactor: Any) -> IShared | None:
    """The store that C{url} names as several services use it, not opened yet; C{None} where it is
    one for a single server.

    @raise CannotOpen: where it names none.
    """
    if not url.startswith("mongodb:"):
        return None
    from kato.storage.mongodb.address import Address
    from kato.storage.mongodb.sharing import SharedMongoStore

    store: IShared = SharedMongoStore(Address.parse(url), reactor=reactor)
    return store


def _sqlite(url: str, rest: str, reactor: Any, option: str) -> IStore:
    if not rest:
        path = user_data_path("kato", appauthor=False) / "kato.db"
    elif rest.startswith("///"):
        path = Path(unquote(rest[2:]))
    elif rest.startswith("//"):
        raise CannotOpen(f"{option} {url}: a host makes no sense; write sqlite:///path/kato.db")
    else:
        path = Path(unquote(rest))
    try:
        store: IStore = SqliteStore(path, reactor=reactor)
    except (ValueError, RuntimeError) as error:  # no name, a NUL in it, no such user, a loop
        raise CannotOpen(f"{option} {url}: {error}") from None
    return store
