"""A service that publishes, and those who follow it, in a network in memory."""

from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from kato.dispatch import Dispatch
from kato.protocols.zmq.addresses import Address, BoundPort
from kato.protocols.zmq.remote import RemoteProcessors
from kato.storage.memory import MemoryStore
from kato.worker import Worker
from kato.zmq_hosting import ZmqPorts, make_publisher, make_server
from tests.doubles import at_once
from tests.gates import make_gate
from tests.zmq.memory import MemorySockets


class Port:
    """A port of the network in memory, known by an address."""

    def __init__(self, port: int) -> None:
        self.where = Address("service", port)
        self.address = str(self.where)


class PublishingService:
    """A processor service: its worker, and the two sockets."""

    def __init__(
        self,
        network: MemorySockets,
        *,
        port: int = 5555,
        store: MemoryStore | None = None,
        api_key: bytes | None = None,
    ) -> None:
        self.network = network
        self.clock = network.clock
        if store is None:
            store = MemoryStore()
            store.open()
        self.store = store
        router, events = (cast(BoundPort, Port(each)) for each in (port, port + 1))
        self.ports = ZmqPorts(router, events)
        self.address, self.events_address = router.address, events.address
        self.worker = Worker(store, clock=self.clock, in_thread=at_once, checkpoint=0)
        starting = Deferred.fromCoroutine(self.worker.start())
        assert starting.called
        self.publisher = make_publisher(self.worker, clock=self.clock)
        self.server = make_server(
            self.ports,
            make_gate(Dispatch(self.worker, clock=self.clock, timeout=30), api_key),
            self.worker.sole,
            clock=self.clock,
            in_thread=at_once,
            publisher=self.publisher,
            boot="boot",
        )
        self.server.open(network, self.ports.router)
        self.publisher.open(network, self.ports.events)

    def kill(self) -> None:
        """The process ends, without a word."""
        self.server.close()
        self.publisher.close()

    def restart(self) -> "PublishingService":
        """Another process goes on with what is stored."""
        self.kill()
        return PublishingService(self.network, port=self.ports.router.where.port, store=self.store)


def follow(network: MemorySockets, service: PublishingService, **options: Any) -> RemoteProcessors:
    """A gateway's side of a service."""
    return RemoteProcessors(
        service.address,
        sockets=network,
        clock=network.clock,
        in_thread=at_once,
        random=lambda: 0.5,
        **{"api_key": None, **options},
    )


class StepClock(Clock):
    """A clock that may do one thing at a time."""

    def step(self) -> bool:
        """Make the next call that is due; C{False}: there is none."""
        if not self.calls or self.calls[0].getTime() > self.seconds():
            return False
        call = self.calls.pop(0)
        call.called = 1
        call.func(*call.args, **call.kw)
        return True


def network_in_memory() -> tuple[MemorySockets, StepClock]:
    """A network at some time."""
    clock = StepClock()
    clock.advance(1_000_000)
    return MemorySockets(clock), clock
