"""The store that was meant, and what to do where it cannot be had."""

from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import react
from twisted.python.failure import Failure

from kato.moving.trouble import Trouble
from kato.storage import InUse, IStore, MemoryStore, SqliteStore, open_store

_T = TypeVar("_T")

_WHILE_IT_RUNS = (
    "stop that first, or take a copy while it runs (kato-manager.sh backup COPY) and export from "
    "that, with --storage sqlite:COPY"
)


def with_store(
    url: str,
    work: Callable[[IStore], Awaitable[_T]],
    *,
    must_exist: bool,
    option: str = "--storage",
) -> _T:
    """Do what is to be done with a store, in a reactor that ends with it.

    @param must_exist: a file that is not there is not made.
    @param option: by which it was given.
    @raise CannotOpen, Trouble: where it cannot be used.
    @raise KeyboardInterrupt: where the process was asked to end before that.
    """

    from twisted.internet import reactor

    store = opened(url, reactor, must_exist, option)

    async def and_close() -> _T:
        try:
            return await work(store)
        finally:
            await store.close()

    return _in_reactor(and_close)


def _in_reactor(work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    results: list[_T | Failure] = []

    def main(_: object) -> "Deferred[Any]":
        return Deferred.fromCoroutine(work()).addBoth(results.append)

    with suppress(SystemExit):  # so it ends, whatever came of it
        react(main)
    if not results:
        raise KeyboardInterrupt
    [result] = results
    if isinstance(result, Failure):
        result.raiseException()
        raise AssertionError("it was raised")
    return result


def opened(url: str, reactor: Any, must_exist: bool, option: str = "--storage") -> IStore:
    """Open a store.

    @raise CannotOpen, Trouble: where it cannot be used.
    """
    store = open_store(url, reactor=reactor, option=option)
    if isinstance(store, MemoryStore):
        raise Trouble(f"{option} {url}: it holds nothing beyond the process that has it")
    if must_exist and isinstance(store, SqliteStore) and not store.path.exists():
        raise Trouble(f"storage {store.path} cannot be used: there is no such file")
    try:
        store.open()
    except InUse as error:
        copied = must_exist and isinstance(store, SqliteStore)
        raise Trouble(f"{error}; {_WHILE_IT_RUNS if copied else 'stop that first'}") from None
    return store


def sqlite_path(url: str) -> Path:
    """Where the database of a SQLite store lies.

    @raise CannotOpen, Trouble: where it is none.
    """
    store = open_store(url, reactor=None)
    if not isinstance(store, SqliteStore):
        raise Trouble("only a SQLite store is copied so; any is moved by export and import")
    return store.path
