"""The whole system in memory: a gateway's parts on a clock, and requests to them as bytes."""

from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from kato.gateway import build
from kato.hosting import Host
from kato.key_reading import make_keeper
from kato.settings import Settings
from kato.storage.memory import MemoryStore
from tests.doubles import at_once
from tests.rest.talking import Answer, Wire, get, read_answers

STATE = [
    "/p1/status",
    "/p1/short-term-memory",
    "/p1/models",
    "/p1/genes",
    "/p1/percept-data",
    "/p1/cognition-data",
    "/processors",
]


class System:
    """A gateway's parts in memory."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_000_000)
        store = MemoryStore()
        store.open()
        host = Host(Settings(), store, clock=self.clock, in_thread=at_once)
        self.parts = build(
            Settings(),
            host,
            keeper=make_keeper(Settings(), clock=self.clock),
            clock=self.clock,
            in_thread=at_once,
        )
        self.start = Deferred.fromCoroutine(host.worker.start())

    def ask(self, raw: bytes) -> list[Answer]:
        """Send bytes over a connection of their own; what came back."""
        wire = Wire()
        channel = self.parts.site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 50000))
        assert channel is not None
        channel.makeConnection(wire)
        channel.dataReceived(raw)
        while not wire.value() and self.clock.getDelayedCalls():
            self.clock.advance(0.1)
        return read_answers(wire.value())

    def state(self) -> list[dict[str, Any]]:
        """All that may be told of the processor, and which processors there are."""
        answers = [self.ask(get(path))[0].json for path in STATE]
        return [{key: answer[key] for key in answer if key != "time_stamp"} for answer in answers]
