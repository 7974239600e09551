"""The processors of this process: made, loaded, saved (SPEC 10 and 11)."""

import gc
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

from kato.audit.explaining import Explaining
from kato.audit_hosting import Audit, make_audit
from kato.caching import Cache, make_cache
from kato.commands import Command
from kato.dispatch import Dispatch, IProcessors
from kato.engine.arrays import provider as arrays
from kato.engine.matchers import Provider, best_provider, provider
from kato.engines import Engines
from kato.errors import Moved
from kato.long_turns import LongTurns
from kato.metrics import Readings
from kato.metrics.sources import read_worker
from kato.options import refuse
from kato.running import Ending
from kato.settings import Settings
from kato.storage import open_store
from kato.storage.interface import CannotOpen, IStore
from kato.tenure import Tenure
from kato.threads import FEW, InThread, off_the_reactor
from kato.worker import Worker


class Holder(Protocol):
    """What holds the processors that are asked: this process, or services elsewhere."""

    @property
    def processors(self) -> IProcessors:
        """Whom to ask."""

    @property
    def ready(self) -> bool:
        """Whether processors can be asked now."""

    @property
    def source(self) -> Worker | None:
        """Whose events are published here: those of processors in this process."""

    def sole(self, sees: Callable[[str], bool]) -> str | None:
        """The only processor there is of those that are seen, if there is just one."""

    def read(self, readings: Readings) -> None:
        """Take the readings of what it holds."""

    async def begin(self, dispatch: Dispatch, log: Logger) -> None:
        """Do what must be done before anybody is answered."""

    def endings(self) -> Sequence[Ending]:
        """The steps of the end, once nobody asks any more."""


class Host:
    """Holds processors in this process."""

    def __init__(
        self,
        settings: Settings,
        store: IStore,
        *,
        clock: IReactorTime,
        in_thread: InThread,
        tenure: Tenure | None = None,
        audit: Audit | None = None,
        cache: Cache | None = None,
    ) -> None:
        """
        @param store: an open store.
        @param in_thread: calls a function off the reactor.
        @param tenure: which processors are this process's, where others use the store, too.
        @param audit: the audit log, if there is to be one.
        @param cache: where services keep answers for each other, if there is such.
        """
        self._cache = cache
        self._first = settings.processor_id
        self._settings = settings
        self._store = store
        self._audit = audit
        self.matcher = _matcher(settings)
        self.worker = Worker(
            store,
            clock=clock,
            in_thread=in_thread,
            engines=_engines(settings, self.matcher, fingerprinted=cache is not None),
            tenure=tenure,
            audit=None if audit is None else audit.log,
            long_turns=LongTurns(in_thread, cache),
            max_processors=settings.max_processors,
            max_waiting=settings.limits.waiting,
            checkpoint=settings.checkpoint,
        )
        self._processors: IProcessors = self.worker
        if audit is not None:
            self._processors = Explaining(self.worker, audit.folder, in_thread=in_thread)

    @property
    def processors(self) -> IProcessors:
        """Whom to ask."""
        return self._processors

    @property
    def ready(self) -> bool:
        """Whether processors can be asked now."""
        return self.worker.ready

    @property
    def source(self) -> Worker:
        """Whose events are published."""
        return self.worker

    def sole(self, sees: Callable[[str], bool]) -> str | None:
        """The only processor there is of those that are seen, if there is just one."""
        return self.worker.sole(sees)

    def read(self, readings: Readings) -> None:
        """Take the readings of the processors."""
        settings = self._settings
        read_worker(
            readings,
            self.worker,
            most=settings.metrics_processors,
            checkpoint=settings.checkpoint,
        )

    def may_answer(self) -> bool:
        """Whether what was found out may still be said: who has all for himself always may."""
        return True

    async def begin(self, dispatch: Dispatch, log: Logger) -> None:
        """Load all processors, then make the one that was asked for, if it is not there."""
        if self._cache is not None:
            self._cache.start()
        if self.matcher.kind == "python":
            log.warn(
                "models are matched in Python, many times slower than by the compiled kernel: "
                "{why}",
                why=self.matcher.why,
            )
        if self._audit is not None:
            self._audit.begin()
        await self._load()
        await self.join()
        if self._first is not None:
            await self._make(self._first, dispatch)

    async def join(self) -> None:
        """Nobody else uses the store."""

    async def _make(self, processor: str, dispatch: Dispatch) -> None:
        """See that there is a processor, here or at another service."""
        with suppress(Moved):
            await dispatch.ask(Command.parse("create_processor", processor=processor))

    async def _load(self) -> None:
        """Load all processors; what is loaded lives long, so the collector need not go over it
        while it comes in, nor ever after."""
        gc.disable()
        try:
            await self.worker.start()
        finally:
            gc.enable()
        gc.freeze()

    def endings(self) -> Sequence[Ending]:
        """Make all durable, keep what makes the next start fast, and let go of the store."""
        return (
            Ending("saving", lambda: Deferred.fromCoroutine(self.worker.stop())),
            Ending("keeping indexes", lambda: Deferred.fromCoroutine(self.worker.keep_indexes())),
            *(() if self._audit is None else self._audit.endings()),
            Ending("closing the storage", self._store.close),
            Ending("closing the cache", self._close_cache),
        )

    def _close_cache(self) -> "Deferred[Any]":
        return succeed(None) if self._cache is None else self._cache.close()


def _matcher(settings: Settings) -> Provider:
    """Who matches: what was said, or the best there is."""
    if settings.matcher is None:
        return best_provider()
    return provider(settings.matcher, "KATO_MATCHER says so")


def _engines(settings: Settings, matcher: Provider, *, fingerprinted: bool) -> Engines:
    """What makes engines as the settings say."""
    names = {}
    if settings.processor_id is not None and settings.processor_name is not None:
        names[settings.processor_id] = settings.processor_name
    return Engines(
        genes=settings.genes,
        names=names,
        max_events=settings.max_events,
        max_models=settings.max_models,
        max_vectors=settings.max_vectors,
        max_gathered=settings.max_gathered,
        matcher=matcher,
        arrays=arrays(settings.vectors),
        fingerprinted=fingerprinted,
    )


def make_host(settings: Settings, reactor: Any, threads: ThreadPool) -> Host:
    """Open the storage that the settings name, and make what holds processors there, or refuse."""
    store = _opened_store(settings, reactor)
    in_thread = off_the_reactor(reactor, threads)
    audit = make_audit(settings, reactor)
    cache = cache_of(settings, reactor)
    host = Host(settings, store, clock=reactor, in_thread=in_thread, audit=audit, cache=cache)
    use_cores(host, threads)
    return host


def cache_of(settings: Settings, reactor: Any) -> Cache | None:
    """The cache that the settings name."""
    if settings.cache is None:
        return None
    return make_cache(settings.cache, ttl=settings.cache_ttl, reactor=reactor)


def use_cores(host: Host, threads: ThreadPool) -> None:
    """Let as many long turns go on at a time as the matcher does."""
    if host.matcher.kind == "native":
        threads.adjustPoolsize(0, max(FEW, os.cpu_count() or 1))


def _opened_store(settings: Settings, reactor: Any) -> IStore:
    """Open the storage, or refuse to start."""
    try:
        store = open_store(settings.storage, reactor=reactor)
        store.open()
    except CannotOpen as error:
        refuse(str(error))
    return store
