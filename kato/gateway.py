"""C{twistd kato-gateway}: the whole system in one process (SPEC 10).

With L{kato.processor_service}, the only place that knows how the parts are made.  What can go wrong
at the start is tried in L{makeService}, while a process can still refuse to start: the store is
opened and every port bound.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from secrets import token_hex

from twisted.application.service import IService
from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.internet.interfaces import IListeningPort, IReactorTime
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

from kato.binding import bound_endpoint, bound_port, shown, stopped
from kato.dashboard_files import dashboard
from kato.dispatch import Dispatch
from kato.encrypting import make_guard, make_sockets
from kato.gate import Gate
from kato.gateway_options import GatewayOptions
from kato.hosting import Holder, make_host
from kato.intake import Intake
from kato.keeper import Keeper
from kato.key_reading import make_keeper
from kato.metrics import Readings
from kato.metrics.sources import read_guard, read_keeper, read_streams, read_zmq
from kato.monitoring import Monitoring
from kato.protocols.graphql import Graphql, Weight
from kato.protocols.rest import Access, RestSite, make_site
from kato.protocols.websocket import Streams
from kato.protocols.zmq.guard import Guard
from kato.protocols.zmq.interface import Sockets
from kato.protocols.zmq.publisher import EventPublisher
from kato.protocols.zmq.server import ZmqServer
from kato.reloading import Reloading
from kato.routed import Routed
from kato.running import Ending, Running
from kato.settings import Settings
from kato.threads import DaemonThreads, InThread, make_threads, off_the_reactor
from kato.vitals import Vitals
from kato.zmq_hosting import ZmqPorts, bound_zmq, make_publisher, make_server


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a gateway, made and joined, not started."""

    holder: Holder
    dispatch: Dispatch
    site: RestSite
    streams: Streams
    server: ZmqServer | None
    publisher: EventPublisher | None
    monitoring: Monitoring


def build(
    settings: Settings,
    holder: Holder,
    *,
    keeper: Keeper,
    clock: IReactorTime,
    in_thread: InThread,
    zmq: ZmqPorts | None = None,
    guard: Guard | None = None,
    pools: Sequence[DaemonThreads] = (),
) -> Parts:
    """Make and join the parts of a gateway.

    @param holder: what holds the processors, in this process or elsewhere.
    @param keeper: knows who has a key.
    @param in_thread: calls a function off the reactor.
    @param zmq: where clients of ZeroMQ are answered, if anywhere.
    @param guard: who lets them in, and services, where that is encrypted.
    @param pools: all threads, to tell of them.
    """
    dispatch = Dispatch(
        holder.processors,
        clock=clock,
        timeout=settings.timeout,
        max_requests=settings.limits.requests,
    )
    intake = Intake(in_thread, settings.limits)
    gate = Gate(dispatch, keeper, clock=clock)
    vitals = Vitals(clock=clock)
    monitoring = Monitoring(dispatch, holder, clock=clock, in_thread=in_thread, pools=pools)
    server = publisher = None
    if zmq is not None:
        if holder.source is not None:
            publisher = make_publisher(holder.source, clock=clock)
        server = make_server(
            zmq,
            gate,
            holder.sole,
            clock=clock,
            in_thread=in_thread,
            intake=intake,
            publisher=publisher,
            boot=token_hex(8),
            ledger=monitoring.ledger,
        )

    def statistics() -> dict[str, object]:
        told = {
            **vitals.as_dict(),
            "connections": site.connections,
            **dispatch.statistics(),
            "streams": streams.statistics(),
            "keys": keeper.statistics(),
        }
        if server is not None:
            told["zmq"] = server.statistics()
        if publisher is not None:
            told["published"] = publisher.statistics()
        if guard is not None:
            told["curve"] = guard.statistics()
        return told

    graphql = Graphql(
        clock=clock,
        in_thread=in_thread,
        intake=intake,
        ledger=monitoring.ledger,
        most=Weight(settings.graphql_depth, settings.graphql_cost),
    )
    streams = Streams(
        gate,
        clock=clock,
        in_thread=in_thread,
        intake=intake,
        ledger=monitoring.ledger,
        graphql=graphql,
    )
    site = make_site(
        gate,
        clock=clock,
        in_thread=in_thread,
        intake=intake,
        access=Access(settings.hosts, settings.origins, settings.proxies),
        streams=streams,
        assets=dashboard(settings.limits),
        statistics=statistics,
        ready=lambda: holder.ready,
        ledger=monitoring.ledger,
        metrics=monitoring.exposition,
        graphql=graphql,
    )
    parts = Parts(holder, dispatch, site, streams, server, publisher, monitoring)
    monitoring.add(partial(_read, parts, clock))
    monitoring.add(partial(read_keeper, keeper))
    if guard is not None:
        monitoring.add(partial(read_guard, guard))
    return parts


def _read(parts: Parts, clock: IReactorTime, readings: Readings) -> None:
    """Take the readings of all that speaks to clients."""
    readings.take("kato_connections", parts.site.connections, "rest")
    readings.take("kato_connections_turned_away_total", parts.site.turned_away, "rest")
    streams = parts.streams
    read_streams(readings, streams.statistics(), streams.traffic, now=clock.seconds())
    read_zmq(readings, parts.server, parts.publisher)


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
        threads: Sequence[ThreadPool],
        stop_reactor: Callable[[], None],
    ) -> None:
        """@param ports: bound already; what comes to them waits until the reactor runs."""
        super().__init__(settings, clock=clock, threads=threads, stop_reactor=stop_reactor)
        self._parts = parts
        self._ports = ports
        self._zmq = zmq
        self._sockets = sockets

    async def begin(self) -> None:
        """Be reachable, then get ready to answer."""
        self._parts.monitoring.start()
        for port in self._ports:
            self.log.info("listening on {address}", address=shown(port))
        if self._zmq is not None and self._parts.server is not None:
            self.log.info("listening on {address}", address=self._zmq.router.address)
            self._parts.server.open(self._sockets, self._zmq.router)
            if self._parts.publisher is not None:
                self._parts.publisher.open(self._sockets, self._zmq.events)
        await self._parts.holder.begin(self._parts.dispatch, self.log)

    def endings(self) -> Sequence[Ending]:
        """Stop listening, finish what is under way, and let go of the processors."""
        parts = self._parts
        return (
            Ending("listening", lambda: DeferredList([stopped(port) for port in self._ports])),
            Ending(
                "answering",
                lambda: DeferredList(
                    [parts.dispatch.stop(), parts.site.drain()], consumeErrors=True
                ),
            ),
            Ending("closing streams", parts.streams.drain),
            *parts.holder.endings(),
            Ending("publishing", self._stop_publishing),
            Ending("closing ZeroMQ", self._sockets.close),
            parts.monitoring.ending(),
        )

    def _stop_publishing(self) -> "Deferred[None]":
        if self._parts.publisher is not None:
            self._parts.publisher.close()
        return succeed(None)


def Options() -> GatewayOptions:
    """The options, with the environment of this process: what C{twistd} looks for."""
    return GatewayOptions(os.environ)


def makeService(options: GatewayOptions) -> IService:
    """Make the service, or refuse in one line with exit status 1."""
    from twisted.internet import reactor

    settings = options.settings
    reloading = Reloading()
    reloading.heed_hangups(reactor)
    pools = turns, messages = make_threads("turns"), make_threads("messages")
    in_thread = off_the_reactor(reactor, messages)
    guard = make_guard(settings, reloading, clock=reactor)
    sockets = make_sockets(settings, guard, reactor=reactor, in_thread=in_thread)
    keeper = make_keeper(settings, clock=reactor, reloading=reloading)
    holder: Holder
    if settings.routes:
        registry = None
        if settings.registry is not None:
            registry = bound_port("--registry", settings.registry, settings)
        holder = Routed(
            settings,
            sockets=sockets,
            clock=reactor,
            in_thread=in_thread,
            keeper=keeper,
            registry=registry,
        )
    else:
        holder = make_host(settings, reactor, turns)
    zmq = bound_zmq(settings)
    parts = build(
        settings,
        holder,
        keeper=keeper,
        clock=reactor,
        in_thread=in_thread,
        zmq=zmq,
        guard=guard,
        pools=pools,
    )
    ports = [
        bound_endpoint(each, parts.site, settings, reactor, reloading) for each in settings.listen
    ]
    return Gateway(
        settings,
        parts,
        ports,
        zmq=zmq,
        sockets=sockets,
        clock=reactor,
        threads=pools,
        stop_reactor=reactor.stop,
    )
