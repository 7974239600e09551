"""C{twistd kato-processor}: processors that are reached over ZeroMQ (SPEC 9 and 10)."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from random import random
from secrets import token_hex
from typing import Any

from twisted.application.service import IService
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.interfaces import IListeningPort, IReactorTime
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

from kato.binding import bound_endpoint, shown, stopped
from kato.dispatch import Dispatch
from kato.encrypting import make_guard, make_sockets
from kato.gate import Gate
from kato.holdings import Member
from kato.hosting import Host, make_host
from kato.intake import Intake
from kato.keeper import Keeper
from kato.key_reading import make_keeper
from kato.metrics.sources import read_guard, read_keeper, read_zmq
from kato.monitoring import Monitoring, make_monitoring_site
from kato.options import refuse
from kato.protocols.zmq.addresses import Address, reachable
from kato.protocols.zmq.announcer import Announcer, Identity
from kato.protocols.zmq.interface import Sockets
from kato.protocols.zmq.publisher import EventPublisher
from kato.protocols.zmq.server import ZmqServer
from kato.reloading import Reloading
from kato.running import Ending, Running
from kato.service_options import ServiceOptions
from kato.settings import Settings
from kato.sharing_host import SharingHost, make_sharing_host
from kato.threads import DaemonThreads, InThread, make_threads, off_the_reactor
from kato.zmq_hosting import ZmqPorts, bound_zmq, make_publisher, make_server


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a processor service, made and joined, not started."""

    host: Host
    dispatch: Dispatch
    gate: Gate
    server: ZmqServer
    publisher: EventPublisher
    monitoring: Monitoring
    boot: str


def build(
    settings: Settings,
    host: Host,
    *,
    keeper: Keeper,
    clock: IReactorTime,
    in_thread: InThread,
    zmq: ZmqPorts,
    pools: Sequence[DaemonThreads] = (),
) -> Parts:
    """Make and join the parts of a processor service.

    @param host: holds its processors.
    @param in_thread: calls a function off the reactor.
    @param keeper: knows who has a key.
    @param zmq: where it is reached.
    @param pools: all threads, to tell of them.
    """
    dispatch = Dispatch(
        host.processors,
        clock=clock,
        timeout=settings.timeout,
        max_requests=settings.limits.requests,
    )
    monitoring = Monitoring(dispatch, host, clock=clock, in_thread=in_thread, pools=pools)
    gate = Gate(dispatch, keeper, clock=clock)
    publisher = make_publisher(host.source, clock=clock)
    boot = token_hex(8)
    server = make_server(
        zmq,
        gate,
        host.sole,
        clock=clock,
        in_thread=in_thread,
        intake=Intake(in_thread, settings.limits),
        publisher=publisher,
        boot=boot,
        may_answer=host.may_answer,
        ledger=monitoring.ledger,
    )
    monitoring.add(lambda readings: read_zmq(readings, server, publisher))
    monitoring.add(partial(read_keeper, keeper))
    return Parts(host, dispatch, gate, server, publisher, monitoring, boot)


def make_announcer(
    settings: Settings, parts: Parts, zmq: ZmqPorts, *, sockets: Sockets, clock: IReactorTime
) -> Announcer | None:
    """Make who tells gateways of this service; C{None} where there is nobody to tell."""
    if not settings.gateways:
        return None
    where = _advertised(settings, zmq)
    tenancy = parts.host.tenancy if isinstance(parts.host, SharingHost) else None
    announcer = Announcer(
        Identity(
            service=settings.processor_name or where.name,
            address=str(where),
            boot=parts.boot,
            events=zmq.events.where.port,
        ),
        [str(each) for each in settings.gateways],
        held=parts.host.worker.held,
        under_way=lambda: parts.server.under_way,
        sockets=sockets,
        clock=clock,
        random=random,
        api_key=settings.api_key,
        epochs=None if tenancy is None else lambda: tenancy.held,
    )
    if tenancy is None:
        parts.host.worker.held_changed = announcer.changed
    else:
        tenancy.changed = announcer.changed
    return announcer


def _advertised(settings: Settings, zmq: ZmqPorts) -> Address:
    """Where gateways reach this service."""
    return settings.advertise or reachable(zmq.router.where)


def make_member(settings: Settings, zmq: ZmqPorts) -> Member:
    """This service, as others that share its store know it."""
    where = _advertised(settings, zmq)
    return Member(token_hex(8), str(where), settings.processor_name or where.name)


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
        threads: Sequence[ThreadPool],
        stop_reactor: Callable[[], None],
        metrics: IListeningPort | None = None,
    ) -> None:
        """
        @param zmq: bound already; what comes there waits until the reactor runs.
        @param metrics: where those are answered who watch over it; bound already, too.
        """
        super().__init__(settings, clock=clock, threads=threads, stop_reactor=stop_reactor)
        self._parts = parts
        self._zmq = zmq
        self._sockets = sockets
        self._metrics = metrics
        self._announcer = make_announcer(settings, parts, zmq, sockets=sockets, clock=clock)

    async def begin(self) -> None:
        """Be reachable, tell who wants to know it, then load what is stored."""
        self._parts.monitoring.start()
        if self._metrics is not None:
            self.log.info("metrics at {address}", address=shown(self._metrics))
        self.log.info("listening on {address}", address=self._zmq.router.address)
        self._parts.server.open(self._sockets, self._zmq.router)
        self._parts.publisher.open(self._sockets, self._zmq.events)
        if self._announcer is not None:
            self._announcer.start()
        await self._parts.host.begin(self._parts.dispatch, self.log)

    def endings(self) -> Sequence[Ending]:
        """Have nobody ask any more, finish what is under way, make all durable, let go of the
        store."""
        parts, announcer = self._parts, self._announcer
        handing_over = parts.host.leaving() if isinstance(parts.host, SharingHost) else ()
        leaving = () if announcer is None else (Ending("leaving the gateways", announcer.stop),)
        return (
            *handing_over,
            *leaving,
            Ending("answering", parts.dispatch.stop),
            *parts.host.endings(),
            Ending("publishing", partial(maybeDeferred, parts.publisher.close)),
            Ending("closing ZeroMQ", self._sockets.close),
            Ending("closing the metrics", self._stop_metrics),
            parts.monitoring.ending(),
        )

    def _stop_metrics(self) -> "Deferred[Any]":
        """They are told until the end: how it goes is what somebody may want to see."""
        return succeed(None) if self._metrics is None else stopped(self._metrics)


def Options() -> ServiceOptions:
    """The options, with the environment of this process: what C{twistd} looks for."""
    return ServiceOptions(os.environ)


def makeService(options: ServiceOptions) -> IService:
    """Make the service, or refuse in one line with exit status 1."""
    from twisted.internet import reactor

    settings = options.settings
    reloading = Reloading()
    reloading.heed_hangups(reactor)
    pools = turns, messages = make_threads("turns"), make_threads("messages")
    in_thread = off_the_reactor(reactor, messages)
    guard = make_guard(settings, reloading, clock=reactor)
    zmq = bound_zmq(settings)
    if zmq is None:
        refuse("--zmq: a processor service is reached by ZeroMQ alone")
    sharing = make_sharing_host(settings, make_member(settings, zmq), reactor, turns)
    host = sharing or make_host(settings, reactor, turns)
    keeper = make_keeper(settings, clock=reactor, reloading=reloading)
    parts = build(
        settings, host, keeper=keeper, clock=reactor, in_thread=in_thread, zmq=zmq, pools=pools
    )
    if guard is not None:
        parts.monitoring.add(partial(read_guard, guard))
    metrics = None
    if settings.metrics is not None:
        site = make_monitoring_site(
            settings, parts.monitoring, parts.gate, host, clock=reactor, in_thread=in_thread
        )
        metrics = bound_endpoint(
            settings.metrics, site, settings, reactor, reloading, option="--metrics"
        )
    return ProcessorService(
        settings,
        parts,
        zmq,
        sockets=make_sockets(settings, guard, reactor=reactor, in_thread=in_thread),
        clock=reactor,
        threads=pools,
        stop_reactor=reactor.stop,
        metrics=metrics,
    )
