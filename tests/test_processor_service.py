"""A processor service and a gateway before it: started, joined and stopped (SPEC 10)."""

import gc
import sys
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import SynchronousTestCase

from kato.commands import Command
from kato.errors import ProcessorUnavailable
from kato.gateway import build as build_gateway
from kato.hosting import Host
from kato.key_reading import make_keeper
from kato.processor_service import ProcessorService, build
from kato.protocols.zmq.addresses import Address, BoundPort
from kato.routed import Routed
from kato.settings import Settings
from kato.storage.memory import MemoryStore
from kato.zmq_hosting import ZmqPorts
from tests.doubles import at_once
from tests.zmq.memory import MemorySockets


class MemoryPort:
    """A port of the network in memory, known by an address."""

    def __init__(self, port: int) -> None:
        self.where = Address("service", port)
        self.address = str(self.where)


class ServiceTests(SynchronousTestCase):
    """Both halves in one network in memory."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_000_000)
        self.network = MemorySockets(self.clock)
        self.addCleanup(sys.setswitchinterval, sys.getswitchinterval())
        self.addCleanup(gc.set_threshold, *gc.get_threshold())
        self.addCleanup(gc.unfreeze)

    def service(self, **settings: Any) -> ProcessorService:
        """Start a service with the processor p1."""
        chosen = Settings(processor_id="p1", processor_name="Weather", **settings)
        store = MemoryStore()
        store.open()
        host = Host(chosen, store, clock=self.clock, in_thread=at_once)
        router, events = (cast(BoundPort, MemoryPort(port)) for port in (5555, 5556))
        ports = ZmqPorts(router, events)
        keeper = make_keeper(chosen, clock=self.clock)
        parts = build(chosen, host, keeper=keeper, clock=self.clock, in_thread=at_once, zmq=ports)
        made = ProcessorService(
            chosen,
            parts,
            ports,
            sockets=self.network.process(),
            clock=self.clock,
            threads=(ThreadPool(0, 1),),
            stop_reactor=lambda: self.fail("it cannot start"),
        )
        made.startService()
        self.addCleanup(lambda: made.running and made.stopService())
        return made

    def gateway(self, **settings: Any) -> Any:
        """Start a gateway whose only processor lives in that service."""
        chosen = Settings(services={"p1": Address("service", 5555)}, **settings)
        keeper = make_keeper(chosen, clock=self.clock)
        holder = Routed(
            chosen,
            sockets=self.network.process(),
            clock=self.clock,
            in_thread=at_once,
            keeper=keeper,
        )
        parts = build_gateway(chosen, holder, keeper=keeper, clock=self.clock, in_thread=at_once)
        self.successResultOf(Deferred.fromCoroutine(holder.begin(parts.dispatch, Logger())))
        for ending in holder.endings():
            self.addCleanup(ending.begin)
        self.network.pump()
        return parts

    def ask(self, parts: Any, operation: str, **params: object) -> "Deferred[Any]":
        answer: Deferred[Any] = parts.dispatch.ask(Command.parse(operation, params, "p1"))
        self.network.pump()
        return answer

    def test_together(self) -> None:
        """What a gateway is asked, the service does, with its own genes and names."""
        self.service()
        parts = self.gateway()
        self.assertTrue(parts.holder.ready)
        self.assertEqual(parts.holder.sole(lambda _: True), "p1")
        self.successResultOf(self.ask(parts, "observe", strings=["a", "b"]))
        status = self.successResultOf(self.ask(parts, "get_status"))
        self.assertEqual((status.fields["name"], status.fields["events"]), ("Weather", 1))
        [told] = parts.dispatch.statistics()["services"].values()
        self.assertEqual((told["healthy"], told["requests"]), (True, 2))

    def test_key(self) -> None:
        """A gateway shows the key that it has itself."""
        self.service(api_key=b"secret")
        self.successResultOf(self.ask(self.gateway(api_key=b"secret"), "learn"))
        error = self.failureResultOf(self.ask(self.gateway(), "learn")).value
        self.assertEqual(error.error_code, "UNAUTHORIZED")

    def test_stop(self) -> None:
        """When a service has stopped, its gateway knows at once."""
        service = self.service()
        parts = self.gateway()
        self.successResultOf(self.ask(parts, "observe", strings=["a"]))
        self.successResultOf(service.stopService())
        self.network.pump()
        self.failureResultOf(self.ask(parts, "learn"), ProcessorUnavailable)
