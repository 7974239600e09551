"""Services that share one MongoDB, and a gateway to them, in processes of their own."""

from collections import Counter
from collections.abc import Callable
from threading import Event, Thread
from time import monotonic
from typing import Any, Self

from tests.live.family import LiveService
from tests.live.server import PATIENCE, Connection, LiveServer
from tests.storage.mongod import MongoServer

_LOOK = 0.05

ONCE_MORE = {"observations": [{"strings": ["a"]}, {"strings": ["b"]}], "learn_at_end": True}
"""What is learned, again and again: its frequency counts how often."""


class Cluster:
    """A database, a gateway, and as many services as are started."""

    def __init__(self) -> None:
        self.mongo = MongoServer("--sync-on-commit")
        self.gateway = LiveServer("--registry", "tcp://127.0.0.1:0")
        self.services: list[LiveService] = []
        self._registry = ""

    def start(self, services: int) -> Self:
        """Start all; wait until the gateway knows the services."""
        self.mongo.start()
        self.gateway.start()
        said = self.gateway.wait_for(r"announce themselves at (tcp://127\.0\.0\.1:\d+)")
        self._registry = said.group(1)
        for _ in range(services):
            self.add()
        self.until(lambda: self.ready(services))
        return self

    def add(self) -> LiveService:
        """Start one more service; wait until it is ready."""
        service = LiveService(*("--storage", self.mongo.url("kato"), "--registry", self._registry))
        self.services.append(service)
        service.start()
        return service

    def ready(self, services: int) -> bool:
        told = self.stats()["services"]
        there = [each for each in told.values() if each["there"] and each["healthy"]]
        connection = self.gateway.connect()
        ready = connection.send("GET", "/ready")[0] == 200
        connection.close()
        return len(there) == services and ready

    def stats(self) -> dict[str, Any]:
        connection = self.gateway.connect()
        told = connection.get("/stats")
        connection.close()
        return told

    def shares(self) -> dict[str, int]:
        """How many processors each service has, as the gateway knows."""
        return {
            address: each["processors"]
            for address, each in self.stats()["services"].items()
            if each["there"]
        }

    def port_of(self, processor: str) -> int:
        """The port of the service that has a processor."""
        connection = self.gateway.connect()
        listed = connection.get("/processors")["processors"]
        connection.close()
        [service] = [each["service"] for each in listed if each["id"] == processor]
        return int(service.rpartition(":")[2])

    def owner(self, processor: str) -> LiveService:
        """The service that has a processor."""
        port = self.port_of(processor)
        [service] = [each for each in self.services if each.port == port]
        return service

    def until(self, so: Callable[[], bool]) -> None:
        """Wait until it is so."""
        end = monotonic() + PATIENCE
        while not so():
            if monotonic() > end:
                raise AssertionError("\n".join(["it never was so", *self.logs()[-200:]]))
            Event().wait(_LOOK)

    def logs(self) -> list[str]:
        processes = [self.gateway, *self.services]
        return [line for process in processes for line in process.log]

    def stop(self) -> None:
        """End all that is left of it."""
        for service in self.services:
            service.stop()
        self.gateway.stop()
        self.mongo.remove()


class Load:
    """Clients that learn one sequence in each of some processors, as fast as they are answered, and
    count what they are told."""

    def __init__(self, cluster: Cluster, processors: list[str], *, clients: int) -> None:
        self._cluster = cluster
        self._processors = processors
        self._ended = Event()
        self.tried: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.failed: list[tuple[float, str]] = []
        self.longest = 0.0
        self._threads = [Thread(target=self._run, args=(i, clients)) for i in range(clients)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    def _run(self, number: int, clients: int) -> None:
        """Each client has processors of its own, so that what it counts is only its own."""
        mine = self._processors[number::clients]
        connection = self._cluster.gateway.connect()
        while not self._ended.is_set():
            for processor in mine:
                self._learn(connection, processor)
        connection.close()

    def _learn(self, connection: Connection, processor: str) -> None:
        self.tried[processor] += 1
        began = monotonic()
        path = f"/{processor}/observe-sequence"
        status, answer = connection.send("POST", path, ONCE_MORE)
        took = monotonic() - began
        self.longest = max(self.longest, took)
        if status == 200:
            self.done[processor] += 1
        else:
            self.failed.append((monotonic(), answer["message"]))
            self._ended.wait(0.05)

    def go_on(self, seconds: float) -> None:
        """Let it go on for some time."""
        self._ended.wait(seconds)

    def frequencies(self) -> dict[str, int]:
        """How often each processor has learned, as it says itself."""
        connection = self._cluster.gateway.connect()
        told = {}
        for each in self._processors:
            models = connection.get(f"/{each}/models")["models"]
            told[each] = sum(model["frequency"] for model in models)
        connection.close()
        return told

    def wrong(self) -> dict[str, tuple[int, int, int]]:
        """The processors that have not learned what was acknowledged, or more than was asked."""
        told = self.frequencies()
        return {
            each: (self.done[each], told[each], self.tried[each])
            for each in self._processors
            if not self.done[each] <= told[each] <= self.tried[each]
        }
