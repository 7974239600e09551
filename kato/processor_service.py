"""C{twistd kato-processor}: processors that are reached over ZeroMQ (SPEC 9 and 10)."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from twisted.application.service import IService
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

from kato.dispatch import Dispatch
from kato.hosting import (
    Host,
    load,
    make_first,
    make_host,
    make_threads,
    off_the_reactor,
    opened_store,
    saving,
    size_threads,
)
from kato.options import refuse
from kato.protocols.zmq.interface import Sockets
from kato.protocols.zmq.server import ZmqServer
from kato.running import Ending, Running
from kato.service_options import ServiceOptions
from kato.settings import Settings
from kato.storage.interface import IStore
from kato.worker import InThread
from kato.zmq_hosting import ZmqPorts, bound_zmq, make_server


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a processor service, made and joined, not started."""

    host: Host
    dispatch: Dispatch
    server: ZmqServer


def build(
    settings: Settings,
    store: IStore,
    *,
    clock: IReactorTime,
    in_thread: InThread,
    zmq: ZmqPorts,
) -> Parts:
    """Make and join the parts of a processor service.

    @param store: an open store.
    @param in_thread: calls a function off the reactor.
    @param zmq: where it is reached.
    """
    host = make_host(settings, store, clock=clock, in_thread=in_thread)
    dispatch = Dispatch(host.worker, clock=clock, timeout=settings.timeout)
    server = make_server(
        settings, zmq, dispatch, host.worker.sole, clock=clock, in_thread=in_thread
    )
    return Parts(host, dispatch, server)


class ProcessorService(Running):
    """Starts and stops the parts of a processor service in order."""

    log = Logger()

    def __init__(
        self,
        settings: Settings,
        parts: Parts,
        zmq: ZmqPorts,
        *,
        sockets: Sockets,
        clock: IReactorTime,
        threads: ThreadPool,
        stop_reactor: Callable[[], None],
    ) -> None:
        """@param zmq: bound already; what comes there waits until the reactor runs."""
        super().__init__(settings, clock=clock, threads=threads, stop_reactor=stop_reactor)
        self._parts = parts
        self._zmq = zmq
        self._sockets = sockets

    async def begin(self) -> None:
        """Load what is stored, then make the processor that was asked for."""
        self.log.info("listening on {address}", address=self._zmq.router.address)
        self._parts.server.open(self._sockets, self._zmq.router)
        await load(self._parts.host, self.log)
        await make_first(self._settings, self._parts.dispatch)

    def endings(self) -> Sequence[Ending]:
        """Finish what is under way, make all durable, let go of the store."""
        parts = self._parts
        return (
            Ending("answering", parts.dispatch.stop),
            *saving(parts.host),
            Ending("closing ZeroMQ", self._sockets.close),
            Ending("closing the storage", parts.host.store.close),
        )


def Options() -> ServiceOptions:
    """The options, with the environment of this process: what C{twistd} looks for."""
    return ServiceOptions(os.environ)


def makeService(options: ServiceOptions) -> IService:
    """Make the service, or refuse in one line with exit status 1."""
    from twisted.internet import reactor

    from kato.protocols.zmq.sockets import ZmqSockets

    settings = options.settings
    store = opened_store(settings, reactor)
    threads = make_threads()
    in_thread = off_the_reactor(reactor, threads)
    zmq = bound_zmq(settings)
    if zmq is None:
        refuse("--zmq: a processor service is reached by ZeroMQ alone")
    parts = build(settings, store, clock=reactor, in_thread=in_thread, zmq=zmq)
    size_threads(threads, parts.host.matcher)
    return ProcessorService(
        settings,
        parts,
        zmq,
        sockets=ZmqSockets(reactor=reactor, in_thread=in_thread),
        clock=reactor,
        threads=threads,
        stop_reactor=reactor.stop,
    )
