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
from kato.gate import Gate
from kato.gateway import build as build_gateway
from kato.hosting import Host
from kato.key_reading import make_keeper
from kato.ledger import GATHERED
from kato.monitoring import make_monitoring_site
from kato.processor_service import ProcessorService, build
from kato.protocols.zmq.addresses import Address, BoundPort
from kato.routed import Routed
from kato.settings import Settings
from kato.storage.memory import MemoryStore
from kato.zmq_hosting import ZmqPorts
from tests.doubles import at_once
from tests.metrics.world import samples, summed
from tests.rest.talking import Answer, Wire, get, logged, post, read_answers
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
        self.parts = parts
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

    # What is told of them

    def speak(self, site: Any, raw: bytes) -> Answer:
        """Ask over HTTP."""
        wire = Wire()
        channel = site.buildProtocol(wire.getPeer())
        channel.makeConnection(wire)
        channel.dataReceived(raw)
        self.network.pump()
        [answer] = read_answers(wire.value())
        return answer

    def test_way_of_a_request(self) -> None:
        """Gateway and service tell of a request under the same id, by which its way is found; also
        of one that is refused."""
        events = logged(self)
        self.service()
        parts = self.gateway()
        for method in ("learn", "genes"):
            raw = get(f"/p1/{method}") if method == "genes" else post("/p1/learn")
            self.speak(parts.site, raw.replace(b"\r\n\r\n", b"\r\nX-Request-ID: way\r\n\r\n"))
        self.clock.advance(GATHERED)
        lines = [line.as_dict() for each in events for line in each.get("lines", ())]
        way = [each for each in lines if each["request_id"] == "way"]
        told = [(each["transport"], each["operation"], each.get("path")) for each in way]
        self.assertEqual(
            sorted(told, key=str),
            sorted(
                [
                    ("rest", "learn", None),
                    ("rest", "get_genes", None),
                    ("rest", "learn", "/p1/learn"),
                    ("rest", "get_genes", "/p1/genes"),
                ],
                key=str,
            ),
        )
        self.assertEqual({(each["outcome"], each["processor"]) for each in way}, {("okay", "p1")})

    def test_metrics(self) -> None:
        """Both tell of what was asked; the gateway also of the service, as it sees it."""
        service = self.service()
        parts = self.gateway()
        self.speak(parts.site, post("/p1/learn"))
        told = samples(self.speak(parts.site, get("/metrics")).body.decode())
        for name, value in (
            ("kato_service_up", 1),
            ("kato_service_requests_total", 1),
            ("kato_service_seconds_count", 1),
            ("kato_service_processors", 1),
            ("kato_service_failures_total", 0),
        ):
            self.assertEqual(summed(told, name, service="service:5555"), value, name)
        self.assertEqual(summed(told, "kato_processors"), 1)
        site = self.monitoring_site()
        told = samples(self.speak(site, get("/metrics")).body.decode())
        self.assertEqual(
            summed(told, "kato_requests_total", operation="learn", transport="rest"), 1
        )
        self.assertEqual(summed(told, "kato_ready"), 1)
        self.successResultOf(service.stopService())
        self.network.pump()
        told = samples(self.speak(parts.site, get("/metrics")).body.decode())
        self.assertEqual(summed(told, "kato_service_up"), 0)

    def monitoring_site(self, **settings: Any) -> Any:
        """What the service serves to those who watch over it."""
        chosen, parts = Settings(**settings), self.parts
        gate = Gate(parts.dispatch, make_keeper(chosen, clock=self.clock), clock=self.clock)
        return make_monitoring_site(
            chosen, parts.monitoring, gate, parts.host, clock=self.clock, in_thread=at_once
        )

    def test_monitoring(self) -> None:
        """Over HTTP a service says how it is, and answers nothing else: neither operations nor
        files nor streams."""
        self.service()
        site = self.monitoring_site()
        for path, status in (
            *(("/metrics", 200), ("/live", 200), ("/ready", 200)),
            *(("/stats", 404), ("/p1/status", 404), ("/processors", 404), ("/", 404), ("/ws", 404)),
        ):
            self.assertEqual(self.speak(site, get(path)).status, status, path)
        self.assertEqual(self.speak(site, post("/p1/observe", {"strings": ["a"]})).status, 404)

    def test_monitoring_key(self) -> None:
        """Its metrics need the key that the service has."""
        self.service(api_key=b"secret")
        site = self.monitoring_site(api_key=b"secret")
        self.assertEqual(self.speak(site, get("/metrics")).status, 401)
        self.assertEqual(self.speak(site, get("/live")).status, 200)
        answer = self.speak(site, get("/metrics", "Authorization: Bearer secret"))
        self.assertEqual(answer.status, 200)
