"""Two services and two gateways, over real sockets, in one process (SPEC 10)."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import TestCase

from kato import roster
from kato.commands import Command
from kato.dispatch import Dispatch
from kato.errors import KatoError, ProcessorNotFound, ProcessorUnavailable
from kato.hosting import Host
from kato.key_reading import make_keeper
from kato.processor_service import ProcessorService, build
from kato.protocols.zmq.addresses import Address, bind
from kato.protocols.zmq.sockets import ZmqSockets
from kato.routed import Routed
from kato.settings import Settings
from kato.storage.memory import MemoryStore
from kato.zmq_hosting import ZmqPorts
from tests.gates import make_gate
from tests.live.ports import HeldPort

SETTLING = 0.5
KEY = b"secret"
LOOPBACK = Address("127.0.0.1", 0)


def in_thread(call: Callable[[], Any]) -> "Deferred[Any]":
    return deferToThread(call)


class Service:
    """A processor service, which may be ended and started again with what it has stored."""

    def __init__(self, reactor: Any, port: Address, gateways: tuple[Address, ...]) -> None:
        self.reactor = reactor
        self.port = port
        self.gateways = gateways
        self.store = MemoryStore()

    async def start(self) -> None:
        """Load what is stored, and be there for gateways."""
        settings = Settings(api_key=KEY, checkpoint=0, timeout=5, gateways=self.gateways)
        host = Host(settings, self.store, clock=self.reactor, in_thread=in_thread)
        ports = ZmqPorts(bind(self.port), bind(LOOPBACK))
        self.service = ProcessorService(
            settings,
            build(
                settings,
                host,
                keeper=make_keeper(settings, clock=self.reactor),
                clock=self.reactor,
                in_thread=in_thread,
                zmq=ports,
            ),
            ports,
            sockets=ZmqSockets(reactor=self.reactor, in_thread=in_thread),
            clock=self.reactor,
            threads=(ThreadPool(0, 1),),
            stop_reactor=lambda: None,
        )
        await self.service.begin()

    async def stop(self) -> None:
        """End as a service does that is told to."""
        for ending in self.service.endings():
            await ending.begin()


class Gateway:
    """A gateway, from its registry to what it answers."""

    def __init__(self, reactor: Any, port: Address) -> None:
        self.reactor = reactor
        self.port = port

    async def start(self) -> None:
        """Hear services."""
        self.sockets = ZmqSockets(reactor=self.reactor, in_thread=in_thread)
        self.routed = Routed(
            Settings(api_key=KEY, registry=self.port),
            sockets=self.sockets,
            clock=self.reactor,
            in_thread=in_thread,
            keeper=make_gate(None, KEY, clock=self.reactor).keeper,
            registry=bind(self.port),
        )
        self.dispatch = Dispatch(self.routed.processors, clock=self.reactor, timeout=5)
        await self.routed.begin(self.dispatch, Logger())

    async def stop(self) -> None:
        """End."""
        await self.dispatch.stop()
        for ending in self.routed.endings():
            await ending.begin()
        await self.sockets.close()

    def services(self) -> dict[str, Any]:
        told: dict[str, Any] = self.routed.routing.statistics()["services"]
        return told

    async def ask(self, operation: str, processor: str | None, **params: Any) -> dict[str, Any]:
        asked = self.dispatch.ask(Command.parse(operation, params, processor))
        return (await asked).as_dict()

    async def where(self) -> dict[str, str]:
        """Which service has which processor."""
        told = await self.ask("list_processors", None)
        return {each["id"]: each["service"] for each in told["processors"]}


class DiscoveryTests(TestCase):
    """Services that announce themselves, and gateways that learn of them."""

    timeout = 120

    async def start(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.patch(roster, "SETTLING", SETTLING)
        held = HeldPort(4)
        self.addCleanup(held.close)
        ports = [Address(LOOPBACK.host, held.port + place) for place in range(4)]
        addresses = tuple(ports[:2])
        self.gateways = [Gateway(reactor, each) for each in addresses]
        self.services = [Service(reactor, each, addresses) for each in ports[2:]]
        self.running: list[Service | Gateway] = []
        self.addCleanup(self.stop_all)
        for gateway in self.gateways:
            await self.run_part(gateway)
        for service in self.services:
            await self.run_part(service)
        await self.all_ready()

    async def run_part(self, part: Service | Gateway) -> None:
        await part.start()
        self.running.append(part)

    async def end(self, part: Service | Gateway) -> None:
        self.running.remove(part)
        await part.stop()

    async def stop_all(self) -> None:
        for part in reversed(self.running):
            await part.stop()

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await deferLater(self.reactor, 0.01)

    async def all_ready(self) -> None:
        await self.until(lambda: all(map(self.is_ready, self.gateways)))

    def is_ready(self, gateway: Gateway) -> bool:
        answering = [each["healthy"] for each in gateway.services().values()]
        return gateway.routed.ready and answering == [True, True]

    async def refused(self, gateway: Gateway, operation: str, processor: str) -> KatoError:
        try:
            await gateway.ask(operation, processor)
        except KatoError as error:
            return error
        raise AssertionError(f"{operation} on {processor} was answered")

    async def answered(
        self, gateway: Gateway, operation: str, processor: str, **params: Any
    ) -> dict[str, Any]:
        """Ask until the service is there again."""
        while True:
            try:
                return await gateway.ask(operation, processor, **params)
            except ProcessorUnavailable:
                await deferLater(self.reactor, 0.01)

    async def test_placed(self) -> None:
        """New processors are placed on the services evenly, through whatever gateway they are
        made; each gateway finds them at once, and tells the same of who has them."""
        await self.start()
        one, other = self.gateways
        for number in range(4):
            here, there = (one, other) if number % 2 else (other, one)
            await here.ask("observe", f"p{number}", strings=["a"])
            told = await there.ask("get_short_term_memory", f"p{number}")
            self.assertEqual(told["short_term_memory"], [["a"]])
        where = await one.where()
        self.assertEqual(await other.where(), where)
        self.assertEqual(sorted(where), ["p0", "p1", "p2", "p3"])
        names = [each.port.name for each in self.services]
        self.assertEqual(sorted(where.values()), sorted(names * 2))
        self.assertIsInstance(await self.refused(other, "learn", "none"), ProcessorNotFound)

    async def test_service_comes_back(self) -> None:
        """A processor whose service has ended is unavailable at all gateways, and there again with
        its service."""
        await self.start()
        await self.gateways[0].ask("create_processor", "p")
        name = (await self.gateways[0].where())["p"]
        [service] = [each for each in self.services if each.port.name == name]
        await self.end(service)
        for gateway in self.gateways:
            error = await self.refused(gateway, "observe", "p")
            self.assertIsInstance(error, ProcessorUnavailable)
            self.assertEqual(error.retry_after, 1)
        await self.run_part(service)
        for gateway in self.gateways:
            await self.answered(gateway, "observe", "p", strings=["a"])

    async def test_first_gateway_comes_back(self) -> None:
        """While the first gateway is away, the other one goes on with what is known, and places
        nothing; the first one knows all again when it is back."""
        await self.start()
        first, other = self.gateways
        await first.ask("create_processor", "p")
        where = await other.where()
        await self.end(first)
        await self.answered(other, "observe", "p", strings=["a"])
        for operation in ("observe", "get_status"):
            error = await self.refused(other, operation, "new")
            self.assertIsInstance(error, ProcessorUnavailable)
        self.patch(roster, "SETTLING", 60.0)
        await self.run_part(first)
        self.assertIsInstance(await self.refused(first, "observe", "new"), ProcessorUnavailable)
        self.patch(roster, "SETTLING", SETTLING)
        await self.until(lambda: self.is_ready(first))
        self.assertEqual(await first.where(), where)
        await first.ask("observe", "p", strings=["b"])
        await other.ask("observe", "new", strings=["a"])
        self.assertEqual(await first.where(), await other.where())

    async def test_both_go(self) -> None:
        """A gateway that was started again while a service is away does not place anew what may be
        there, since another service remembers it."""
        await self.start()
        first, _ = self.gateways
        for number in range(4):
            await first.ask("observe", f"p{number}", strings=["a"])
        where = await first.where()
        [service] = [each for each in self.services if each.port.name == where["p0"]]
        await self.end(service)
        await self.end(first)
        await self.run_part(first)
        await self.until(lambda: first.routed.ready)
        error = await self.refused(first, "observe", "p0")
        self.assertIn(str(service.port), error.message)
        await self.run_part(service)
        told = await self.answered(first, "observe", "p0", strings=["b"])
        self.assertEqual(told["short_term_memory"], [["a"], ["b"]])

    async def test_deleted(self) -> None:
        """A deleted processor is gone at all gateways."""
        await self.start()
        one, other = self.gateways
        await one.ask("create_processor", "p")
        await other.ask("delete_processor", "p")
        for gateway in self.gateways:
            self.assertIsInstance(await self.refused(gateway, "learn", "p"), ProcessorNotFound)
            self.assertEqual(await gateway.where(), {})

    async def test_second_claim(self) -> None:
        """A service that comes with a copy of what another one holds is refused at all gateways,
        and the first one goes on."""
        await self.start()
        await self.gateways[0].ask("observe", "p", strings=["a"])
        where = await self.gateways[0].where()
        [second] = [each for each in self.services if each.port.name != where["p"]]
        [owner] = [each for each in self.services if each is not second]
        second.store = owner.store
        await self.end(second)
        await self.run_part(second)
        await self.all_ready()
        for gateway in self.gateways:
            self.assertEqual(await gateway.where(), where)
            await self.answered(gateway, "observe", "p", strings=["b"])
        refused = self.gateways[0].services()[second.port.name]["refused"]
        self.assertEqual(list(refused), ["p"])
