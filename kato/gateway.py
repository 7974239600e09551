"""C{twistd kato-gateway}: the whole system in one process (SPEC 10).

The only place that knows how the parts are made.  What can go wrong at the start is tried in
L{makeService}, while a process can still refuse to start: the store is opened and every port bound.
"""

import gc
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from threading import Thread
from typing import Any

from twisted.application.service import IService, Service
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IReactorTime
from twisted.logger import ILogObserver, Logger
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool
from twisted.web.server import Site

from kato.commands import Command
from kato.dispatch import Dispatch
from kato.engine.matchers import Provider, best_provider, provider
from kato.logs import log_to
from kato.options import Options as GatewayOptions
from kato.options import Settings, refuse
from kato.protocols.rest import Access, RestSite, make_site
from kato.storage import open_store
from kato.storage.interface import CannotOpen, IStore
from kato.worker import InThread, Worker

PATIENCE = 10.0
"""Seconds that each step has when the service stops: to answer, to save, and to close."""

_THREADS = 2
"""How many long turns may go on at a time where Python matches: it runs one of them at any moment.
The kernel lets others run, so there may be one for each core."""

_SWITCH = 0.001
"""Seconds after which a long turn lets the reactor run.  Python's own 5 ms are paid several times
in every answer that is given beside such a turn."""


_COLLECTED = (10_000, 20, 100)
"""How many objects that may form circles are made before the collector looks at the youngest, and
how often it goes on to the older ones.  A prediction makes and drops very many, and each look at
all there is would stall the reactor, the more the more is known."""


class TurnThreads(ThreadPool):
    """Threads for long turns, which do not hold up the end of the process."""

    threadFactory = partial(Thread, daemon=True)  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a gateway, made and joined, not started."""

    matcher: Provider
    worker: Worker
    dispatch: Dispatch
    site: RestSite


def build(settings: Settings, store: IStore, *, clock: IReactorTime, in_thread: InThread) -> Parts:
    """Make and join the parts of a gateway.

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
    dispatch = Dispatch(worker, clock=clock, timeout=settings.timeout)
    site = make_site(
        dispatch,
        clock=clock,
        in_thread=in_thread,
        access=Access(api_key=settings.api_key, hosts=settings.hosts),
        statistics=dispatch.statistics,
        ready=lambda: worker.ready,
    )
    return Parts(matcher, worker, dispatch, site)


def _matcher(settings: Settings) -> Provider:
    """Who matches: what was said, or the best there is."""
    if settings.matcher is None:
        return best_provider()
    return provider(settings.matcher, "KATO_MATCHER says so")


class Gateway(Service):
    """Starts and stops the parts of a gateway in order."""

    log = Logger()

    def __init__(
        self,
        settings: Settings,
        store: IStore,
        parts: Parts,
        ports: list[IListeningPort],
        *,
        clock: IReactorTime,
        threads: ThreadPool,
        stop_reactor: Callable[[], None],
    ) -> None:
        """@param ports: bound already; what comes to them waits until the reactor runs."""
        self._settings = settings
        self._store = store
        self._parts = parts
        self._ports = ports
        self._clock = clock
        self._threads = threads
        self._stop_reactor = stop_reactor

    def setServiceParent(self, parent: Any) -> None:
        """Become part of an application, and tell it who writes its log."""
        settings = self._settings
        observer = log_to(
            settings.log_file, level=settings.log_level, as_json=settings.log_format == "json"
        )
        parent.setComponent(ILogObserver, observer)
        super().setServiceParent(parent)

    def startService(self) -> None:
        """Load what is stored, then make the processor that was asked for."""
        super().startService()
        sys.setswitchinterval(_SWITCH)
        gc.set_threshold(*_COLLECTED)
        self._threads.start()
        Deferred.fromCoroutine(self._start()).addErrback(self._give_up)

    async def _start(self) -> None:
        for port in self._ports:
            self.log.info("listening on {address}", address=_shown(port.getHost()))
        self._tell_matcher(self._parts.matcher)
        await self._load()
        if self._settings.processor_id is not None:
            await self._parts.dispatch.ask(
                Command.parse("create_processor", processor=self._settings.processor_id)
            )
        self.log.info("ready")

    def _tell_matcher(self, matcher: Provider) -> None:
        if matcher.kind == "python":
            self.log.warn(
                "models are matched in Python, many times slower than by the compiled kernel: "
                "{why}",
                why=matcher.why,
            )

    async def _load(self) -> None:
        """Load all processors; what is loaded lives long, so the collector need not go over it
        while it comes in, nor ever after."""
        gc.disable()
        try:
            await self._parts.worker.start()
        finally:
            gc.enable()
        gc.freeze()

    def _give_up(self, failure: Failure) -> None:
        self.log.failure("the gateway cannot start", failure=failure)
        self._stop_reactor()

    def stopService(self) -> "Deferred[None]":
        """Stop listening, finish what is under way, make all durable, let go of the store."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self.log.info("stopping")
        await DeferredList([_stopped(port) for port in self._ports])
        answered = [self._parts.dispatch.stop(), self._parts.site.drain()]
        in_time = await self._in_time("answering", DeferredList(answered, consumeErrors=True))
        await self._in_time("saving", Deferred.fromCoroutine(self._parts.worker.stop()))
        keeping = Deferred.fromCoroutine(self._parts.worker.keep_indexes())
        in_time = await self._in_time("keeping indexes", keeping) and in_time
        await self._in_time("closing the storage", self._store.close())
        if in_time:  # else a thread goes on with what nobody waits for, until the process ends
            self._threads.stop()
        self.log.info("stopped")

    async def _in_time(self, what: str, ending: "Deferred[Any]") -> bool:
        """Wait for the end of something, but not for ever; tells whether it came."""
        late: list[str] = []
        ending.addTimeout(PATIENCE, self._clock, onTimeoutCancel=lambda *_: late.append(what))
        await ending
        for each in late:
            self.log.warn("{what} takes too long, and is given up", what=each)
        return not late


def _shown(address: object) -> str:
    """An address as an operator would write it."""
    if isinstance(address, IPv6Address):
        return f"[{address.host}]:{address.port}"
    if isinstance(address, IPv4Address):
        return f"{address.host}:{address.port}"
    return str(address)


def _stopped(port: IListeningPort) -> "Deferred[Any]":
    stopping: Deferred[Any] | None = port.stopListening()
    if stopping is None:
        stopping = Deferred()
        stopping.callback(None)
    return stopping


def Options() -> GatewayOptions:
    """The options, with the environment of this process: what C{twistd} looks for."""
    return GatewayOptions(os.environ)


def makeService(options: GatewayOptions) -> IService:
    """Make the service, or refuse in one line with exit status 1."""
    from twisted.internet import reactor

    settings = options.settings
    try:
        store = open_store(settings.storage, reactor=reactor)
        store.open()
    except CannotOpen as error:
        refuse(str(error))
    threads = TurnThreads(0, _THREADS, "turns")
    parts = build(settings, store, clock=reactor, in_thread=partial(_in_thread, reactor, threads))
    if parts.matcher.kind == "native":
        threads.adjustPoolsize(0, max(_THREADS, os.cpu_count() or 1))
    ports: list[IListeningPort] = []
    for description in settings.listen:
        ports.append(_bound(description, parts.site, settings, reactor))
    return Gateway(
        settings,
        store,
        parts,
        ports,
        clock=reactor,
        threads=threads,
        stop_reactor=reactor.stop,
    )


def _in_thread(reactor: Any, threads: ThreadPool, call: Callable[[], Any]) -> "Deferred[Any]":
    from twisted.internet.threads import deferToThreadPool

    return deferToThreadPool(reactor, threads, call)


def _bound(description: str, site: Site, settings: Settings, reactor: Any) -> IListeningPort:
    """Bind a port; what is wrong with it is known now or never."""
    try:
        result: list[Any] = []
        serverFromString(reactor, description).listen(site).addBoth(result.append)
        [bound] = result
        if isinstance(bound, Failure):
            bound.raiseException()
        port: IListeningPort = bound
    except CannotListenError as error:
        refuse(f"--listen {description}: {error.socketError}")
    except (ValueError, TypeError, KeyError, OSError, ImportError, AttributeError) as error:
        refuse(f"--listen {description}: {error}")
    if settings.api_key is None and not settings.open and not _is_loopback(port):
        port.stopListening()
        refuse(
            f"--listen {description}: other machines could reach this without a key; "
            "give --api-key-file, or --open if that is meant"
        )
    return port


def _is_loopback(port: IListeningPort) -> bool:
    address = port.getHost()
    if isinstance(address, IPv4Address | IPv6Address):
        return ip_address(address.host).is_loopback
    return True
