"""The processors of this process: made, loaded, saved (SPEC 10 and 11)."""

import gc
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

from kato.commands import Command
from kato.dispatch import Dispatch
from kato.engine.matchers import Provider, best_provider, provider
from kato.options import refuse
from kato.running import Ending
from kato.settings import Settings
from kato.storage import open_store
from kato.storage.interface import CannotOpen, IStore
from kato.worker import InThread, Worker

_THREADS = 2
"""How many long turns may go on at a time where Python matches: it runs one of them at any moment.
The kernel lets others run, so there may be one for each core."""


class TurnThreads(ThreadPool):
    """Threads for long turns, which do not hold up the end of the process."""

    threadFactory = partial(Thread, daemon=True)  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Host:
    """What holds the processors of this process, made and joined, not started."""

    store: IStore
    matcher: Provider
    worker: Worker


def make_host(
    settings: Settings, store: IStore, *, clock: IReactorTime, in_thread: InThread
) -> Host:
    """Make what holds processors.

    @param store: an open store.
    @param in_thread: calls a function off the reactor.
    """
    names = {}
    if settings.processor_id is not None and settings.processor_name is not None:
        names[settings.processor_id] = settings.processor_name
    matcher = _matcher(settings)
    worker = Worker(
        store,
        clock=clock,
        in_thread=in_thread,
        genes=settings.genes,
        names=names,
        max_processors=settings.max_processors,
        max_events=settings.max_events,
        checkpoint=settings.checkpoint,
        matcher=matcher,
    )
    return Host(store, matcher, worker)


def _matcher(settings: Settings) -> Provider:
    """Who matches: what was said, or the best there is."""
    if settings.matcher is None:
        return best_provider()
    return provider(settings.matcher, "KATO_MATCHER says so")


async def load(host: Host, log: Logger) -> None:
    """Load all processors; what is loaded lives long, so the collector need not go over it while it
    comes in, nor ever after."""
    if host.matcher.kind == "python":
        log.warn(
            "models are matched in Python, many times slower than by the compiled kernel: {why}",
            why=host.matcher.why,
        )
    gc.disable()
    try:
        await host.worker.start()
    finally:
        gc.enable()
    gc.freeze()


async def make_first(settings: Settings, dispatch: Dispatch) -> None:
    """Make the processor that was asked for, if there is none yet."""
    if settings.processor_id is not None:
        await dispatch.ask(Command.parse("create_processor", processor=settings.processor_id))


def saving(host: Host) -> Sequence[Ending]:
    """The steps in which processors are saved, once nobody asks any more."""
    return (
        Ending("saving", lambda: Deferred.fromCoroutine(host.worker.stop())),
        Ending("keeping indexes", lambda: Deferred.fromCoroutine(host.worker.keep_indexes())),
    )


def opened_store(settings: Settings, reactor: Any) -> IStore:
    """Open the storage, or refuse to start."""
    try:
        store = open_store(settings.storage, reactor=reactor)
        store.open()
    except CannotOpen as error:
        refuse(str(error))
    return store


def make_threads() -> TurnThreads:
    """The threads for long turns."""
    return TurnThreads(0, _THREADS, "turns")


def size_threads(threads: ThreadPool, matcher: Provider) -> None:
    """Let as many long turns go on as the matcher makes sense of."""
    if matcher.kind == "native":
        threads.adjustPoolsize(0, max(_THREADS, os.cpu_count() or 1))


def off_the_reactor(reactor: Any, threads: ThreadPool) -> InThread:
    """What calls functions in these threads."""

    def in_thread(call: Callable[[], Any]) -> "Deferred[Any]":
        from twisted.internet.threads import deferToThreadPool

        return deferToThreadPool(reactor, threads, call)

    return in_thread
