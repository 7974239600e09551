"""A gateway with all its transports in memory, and one client of each, who counts for itself."""

import json
from collections import Counter
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from kato.gateway import Parts, build
from kato.hosting import Host
from kato.key_reading import make_keeper
from kato.messagepack import pack, unpack
from kato.settings import Settings
from kato.storage.memory import MemoryStore
from kato.zmq_hosting import ZmqPorts
from tests.doubles import at_once
from tests.rest.talking import Wire, get, read_answers, request
from tests.websocket.memory import System
from tests.zmq.memory import MemoryPort, MemorySockets

ADDRESS = "tcp://127.0.0.1:5555"

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
"""What a page of metrics says, by name and labels."""


class World(System):
    """All of it, on one clock."""

    def __init__(self, case: SynchronousTestCase, settings: Settings | None = None) -> None:
        super().__init__(case, settings)
        settings = settings or Settings()
        store = MemoryStore()
        store.open()
        host = Host(settings, store, clock=self.clock, in_thread=at_once)
        router, events = MemoryPort(ADDRESS), MemoryPort("tcp://127.0.0.1:5556")
        self.network = MemorySockets(self.clock)
        ports: Any = ZmqPorts(router, events)  # type: ignore[arg-type]  # a network in memory
        keeper = make_keeper(settings, clock=self.clock)
        self.parts: Parts = build(
            settings, host, keeper=keeper, clock=self.clock, in_thread=at_once, zmq=ports
        )
        case.successResultOf(Deferred.fromCoroutine(host.worker.start()))
        assert self.parts.server is not None and self.parts.publisher is not None
        self.parts.server.open(self.network, router)
        self.parts.publisher.open(self.network, events)
        self.came: list[list[bytes]] = []
        self.dealer = self.network.dealer(
            ADDRESS, received=self.came.append, up=_ignore, down=_ignore
        )
        self.network.pump()
        self.stream = self.connect()
        self.counted: Counter[str] = Counter()
        """Answers that the clients got, by what became of their requests."""

    def rest(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Ask over REST."""
        raw = request(method, path, None if body is None else json.dumps(body).encode())
        [answer] = self.raw(raw)
        told: dict[str, Any] = answer.json
        return self._count(told)

    def raw(self, raw: bytes) -> list[Any]:
        """Send bytes over a connection of their own."""
        wire = Wire()
        channel = self.parts.site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 50000))
        assert channel is not None
        channel.makeConnection(wire)
        channel.dataReceived(raw)
        self.flush()
        return read_answers(wire.value(), [raw.split(b" ")[0].decode("latin-1")])

    def websocket(self, message: Any) -> dict[str, Any]:
        """Ask over WebSocket."""
        self.stream.send(json.dumps(message).encode())
        [answer] = [each for each in self.stream.told() if "event" not in each]
        return self._count(answer)

    def zmq(self, message: Any) -> dict[str, Any]:
        """Ask over ZeroMQ."""
        self.dealer.send([pack(message)])
        self.network.pump()
        answer: Any = unpack(self.came.pop()[-1])
        return self._count(answer)

    def _count(self, answer: dict[str, Any]) -> dict[str, Any]:
        self.counted[answer.get("error_code", answer["status"])] += 1
        return answer

    def metrics(self) -> Samples:
        """What C{/metrics} says; that request itself is not in it yet."""
        [answer] = self.raw(get("/metrics"))
        assert answer.status == 200, answer
        return samples(answer.body.decode())


def samples(page: str) -> Samples:
    """Read a page in Prometheus' text format."""
    from prometheus_client.parser import text_string_to_metric_families

    return {
        (each.name, frozenset(each.labels.items())): each.value
        for family in text_string_to_metric_families(page)
        for each in family.samples
    }


def summed(told: Samples, name: str, **labels: str) -> float:
    """The sum of a metric over all that has these labels."""
    wanted = labels.items()
    return sum(
        value for (each, has), value in told.items() if each == name and wanted <= dict(has).items()
    )


def _ignore(*_: object) -> None:
    """Connections are not looked at here."""
