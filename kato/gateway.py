"""C{twistd kato-gateway}: the whole system in one process (SPEC 10).

With L{kato.processor_service}, the only place that knows how the parts are made.  What can go wrong
at the start is tried in L{makeService}, while a process can still refuse to start: the store is
opened and every port bound.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from twisted.application.service import IService
from twisted.internet.defer import DeferredList
from twisted.internet.interfaces import IListeningPort, IReactorTime
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

from kato.binding import bound_endpoint, shown, stopped
from kato.dispatch import Dispatch
from kato.gateway_options import GatewayOptions
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
from kato.protocols.rest import Access, RestSite, make_site
from kato.protocols.zmq.interface import Sockets
from kato.protocols.zmq.server import ZmqServer
from kato.running import Ending, Running
from kato.settings import Settings
from kato.storage.interface import IStore
from kato.vitals import Vitals
from kato.worker import InThread
from kato.zmq_hosting import ZmqPorts, bound_zmq, make_server


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a gateway, made and joined, not started."""

    host: Host
    dispatch: Dispatch
    site: RestSite
    server: ZmqServer | None


def build(
    settings: Settings,
    store: IStore,
    *,
    clock: IReactorTime,
    in_thread: InThread,
    zmq: ZmqPorts | None = None,
) -> Parts:
    """Make and join the parts of a gateway.

    @param store: an open store.
    @param in_thread: calls a function off the reactor.
    @param zmq: where clients of ZeroMQ are answered, if anywhere.
    """
    host = make_host(settings, store, clock=clock, in_thread=in_thread)
    dispatch = Dispatch(host.worker, clock=clock, timeout=settings.timeout)
    vitals = Vitals(clock=clock)
    server = None
    if zmq is not None:
        server = make_server(
            settings, zmq, dispatch, host.worker.sole, clock=clock, in_thread=in_thread
        )

    def statistics() -> dict[str, object]:
        told = {**vitals.as_dict(), "connections": site.connections, **dispatch.statistics()}
        return told if server is None else {**told, "zmq": server.statistics()}

    site = make_site(
        dispatch,
        clock=clock,
        in_thread=in_thread,
        access=Access(api_key=settings.api_key, hosts=settings.hosts),
        statistics=statistics,
        ready=lambda: host.worker.ready,
    )
    return Parts(host, dispatch, site, server)


class Gateway(Running):
    """Starts and stops the parts of a gateway in order."""

    log = Logger()

    def __init__(
        self,
        settings: Settings,
        parts: Parts,
        ports: Sequence[IListeningPort],
        *,
        zmq: ZmqPorts | None = None,
        sockets: Sockets,
        clock: IReactorTime,
        threads: ThreadPool,
        stop_reactor: Callable[[], None],
    ) -> None:
        """@param ports: bound already; what comes to them waits until the reactor runs."""
        super().__init__(settings, clock=clock, threads=threads, stop_reactor=stop_reactor)
        self._parts = parts
        self._ports = ports
        self._zmq = zmq
        self._sockets = sockets

    async def begin(self) -> None:
        """Load what is stored, then make the processor that was asked for."""
        for port in self._ports:
            self.log.info("listening on {address}", address=shown(port))
        if self._zmq is not None and self._parts.server is not None:
            self.log.info("listening on {address}", address=self._zmq.router.address)
            self._parts.server.open(self._sockets, self._zmq.router)
        await load(self._parts.host, self.log)
        await make_first(self._settings, self._parts.dispatch)

    def endings(self) -> Sequence[Ending]:
        """Stop listening, finish what is under way, make all durable, let go of the store."""
        parts = self._parts
        return (
            Ending("listening", lambda: DeferredList([stopped(port) for port in self._ports])),
            Ending(
                "answering",
                lambda: DeferredList(
                    [parts.dispatch.stop(), parts.site.drain()], consumeErrors=True
                ),
            ),
            *saving(parts.host),
            Ending("closing ZeroMQ", self._sockets.close),
            Ending("closing the storage", parts.host.store.close),
        )


def Options() -> GatewayOptions:
    """The options, with the environment of this process: what C{twistd} looks for."""
    return GatewayOptions(os.environ)


def makeService(options: GatewayOptions) -> IService:
    """Make the service, or refuse in one line with exit status 1."""
    from twisted.internet import reactor

    from kato.protocols.zmq.sockets import ZmqSockets

    settings = options.settings
    store = opened_store(settings, reactor)
    threads = make_threads()
    in_thread = off_the_reactor(reactor, threads)
    zmq = bound_zmq(settings)
    parts = build(settings, store, clock=reactor, in_thread=in_thread, zmq=zmq)
    size_threads(threads, parts.host.matcher)
    ports = [bound_endpoint(each, parts.site, settings, reactor) for each in settings.listen]
    return Gateway(
        settings,
        parts,
        ports,
        zmq=zmq,
        sockets=ZmqSockets(reactor=reactor, in_thread=in_thread),
        clock=reactor,
        threads=threads,
        stop_reactor=reactor.stop,
    )
