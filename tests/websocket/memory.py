"""A whole gateway and its clients in memory: a real Site and Autobahn's client, joined by iosim, on
one clock."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import txaio
from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from autobahn.websocket.compress import PerMessageDeflateOffer, PerMessageDeflateResponseAccept
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.test.iosim import FakeTransport, IOPump
from twisted.trial.unittest import SynchronousTestCase

from kato.gateway import Parts, build
from kato.hosting import Host
from kato.key_reading import make_keeper
from kato.messagepack import pack, unpack
from kato.settings import Settings
from kato.storage.interface import IStore
from kato.storage.memory import MemoryStore
from kato.zmq_hosting import ZmqPorts
from tests.doubles import at_once

SERVER = IPv4Address("TCP", "127.0.0.1", 8000)
CLIENT = IPv4Address("TCP", "127.0.0.1", 50000)

NOW = 1_000_000.0


class ServerEnd(FakeTransport):
    """The server's end of a connection.

    Where it is C{stalled} the client does not read: what is written waits here, and the producer is
    paused.  Where C{reads} is off, what the client sends waits there.
    """

    def __init__(self, protocol: Any) -> None:
        super().__init__(protocol, True, SERVER, CLIENT)
        self.stalled = False
        self.reads = True
        self.unread: list[bytes] = []

    def write(self, data: bytes) -> None:
        super().write(data)
        if self.stalled and self.producer is not None:
            self.producer.pauseProducing()

    def getOutBuffer(self) -> Any:
        return None if self.stalled else super().getOutBuffer()

    @property
    def unsent(self) -> int:
        """How many bytes wait here for the client."""
        return sum(map(len, self.stream))

    def pauseProducing(self) -> None:
        self.reads = False

    def resumeProducing(self) -> None:
        self.reads = True
        while self.unread and self.reads:
            super().bufferReceived(self.unread.pop(0))

    def bufferReceived(self, buf: bytes) -> None:
        if self.reads:
            super().bufferReceived(buf)
        else:
            self.unread.append(buf)


class Speaker(WebSocketClientProtocol):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = False
        self.messages: list[tuple[bytes, bool]] = []
        self.closed: tuple[int | None, str | None] | None = None
        self.failure: str | None = None

    def onOpen(self) -> None:
        self.opened = True

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.messages.append((payload, isBinary))

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.closed = (code, reason)


class Client:
    """One client of a L{System}."""

    def __init__(self, system: "System", speaker: Speaker, server: Any, end: ServerEnd) -> None:
        self.speaker = speaker
        self.end = end
        self._system = system
        self._read = 0
        client_end = FakeTransport(speaker, False, CLIENT, SERVER)
        server.makeConnection(end)
        self.pump = IOPump(speaker, server, client_end, end, False, clock=system.clock)
        speaker.makeConnection(client_end)
        self.flush()

    def flush(self) -> None:
        """Let all arrive that is under way, and all happen that is due."""
        self._system.flush()

    @property
    def packs(self) -> bool:
        """Whether this client speaks MessagePack."""
        return self.speaker.websocket_protocol_in_use == "kato.v1.msgpack"

    def say(self, **request: Any) -> None:
        """Send a request, and let all arrive."""
        body = pack(request) if self.packs else json.dumps(request).encode()
        self.send(body, self.packs)

    def send(self, body: bytes, binary: bool = False) -> None:
        """Send a message, and let all arrive."""
        self.speaker.sendMessage(body, binary)
        self.flush()

    def told(self) -> list[dict[str, Any]]:
        """What came since it was last asked."""
        self.flush()
        fresh = self.speaker.messages[self._read :]
        self._read += len(fresh)
        for _, binary in fresh:
            assert binary is self.packs
        return [unpack(body) if self.packs else json.loads(body) for body, _ in fresh]  # type: ignore[misc]

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request; its answer, which is all that came."""
        self.say(**request)
        [answer] = self.told()
        return answer

    def stall(self) -> None:
        """Read nothing any more."""
        self.end.stalled = True

    def read_on(self) -> None:
        """Read what has come meanwhile, and so on."""
        self.end.stalled = False
        assert self.end.producer is not None
        self.end.producer.resumeProducing()
        self.flush()

    def cut(self) -> None:
        """Lose the connection, at this moment: what is under way does not arrive."""
        self.end.stream.clear()
        self.pump.client.transport.disconnecting = True
        self.end.disconnecting = True
        self.flush()

    @property
    def closed(self) -> tuple[int | None, str | None] | None:
        """The code and reason with which the connection was closed."""
        self.flush()
        return self.speaker.closed


class System:
    """A gateway's parts in memory, and its clients."""

    def __init__(
        self,
        case: SynchronousTestCase,
        settings: Settings | None = None,
        *,
        in_thread: Callable[[Callable[[], Any]], "Deferred[Any]"] = at_once,
        store: IStore | None = None,
        zmq: ZmqPorts | None = None,
        clock: Clock | None = None,
    ) -> None:
        """@param case: whose test this is."""
        self.clock = clock or Clock()
        self.clock.advance(NOW)
        case.patch(txaio.config, "loop", self.clock)  # type: ignore[attr-defined]  # made at import
        settings = settings or Settings()
        if store is None:
            store = MemoryStore()
            store.open()
        self.keeper = make_keeper(settings, clock=self.clock)
        host = Host(settings, store, clock=self.clock, in_thread=at_once)
        self.parts: Parts = build(
            settings, host, keeper=self.keeper, clock=self.clock, in_thread=in_thread, zmq=zmq
        )
        self.clients: list[Client] = []
        case.successResultOf(Deferred.fromCoroutine(host.worker.start()))

    def connect(
        self,
        *protocols: str,
        headers: Mapping[str, str] | None = None,
        origin: str | None = None,
        deflates: bool = False,
        path: str = "/ws",
    ) -> Client:
        """A new client, which has been answered."""
        factory = WebSocketClientFactory(
            f"ws://127.0.0.1:8000{path}",
            origin=origin,
            protocols=list(protocols) or ["kato.v1.json"],
            headers=dict(headers or {}),
            reactor=self.clock,
        )
        if deflates:
            factory.setProtocolOptions(
                perMessageCompressionOffers=[PerMessageDeflateOffer()],
                perMessageCompressionAccept=_deflating,
            )
        speaker = Speaker()
        speaker.factory = factory
        server = self.parts.site.buildProtocol(CLIENT)
        assert server is not None
        client = Client.__new__(Client)
        self.clients.append(client)
        client.__init__(self, speaker, server, ServerEnd(server))  # type: ignore[misc]
        return client

    def flush(self) -> None:
        """Let all arrive that is under way, and all happen that is due now."""
        busy = True
        while busy:
            self.clock.advance(0)
            busy = sum(each.pump.pump() for each in self.clients if hasattr(each, "pump")) > 0

    def pass_time(self, seconds: float, step: float = 1.0) -> None:
        """Let time pass."""
        for _ in range(round(seconds / step)):
            self.clock.advance(step)
            self.flush()

    @property
    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of streams."""
        return self.parts.streams.statistics()


def _deflating(response: Any) -> PerMessageDeflateResponseAccept:
    return PerMessageDeflateResponseAccept(response)


class StreamTestCase(SynchronousTestCase):
    """Tests on a system in memory."""

    settings = Settings()

    def setUp(self) -> None:
        self.system = System(self, self.settings)

    def connect(self, *protocols: str, **given: Any) -> Client:
        """A new client that is connected."""
        client = self.system.connect(*protocols, **given)
        self.assertTrue(client.speaker.opened, client.speaker.wasNotCleanReason)
        return client

    def later(self, what: str) -> "list[Deferred[Any]]":
        """Let what the dispatch is asked, C{ask} or C{subscribe}, wait for the test."""
        held: list[Deferred[Any]] = []

        def wait(*asked: object) -> "Deferred[Any]":
            held.append(Deferred())
            return held[-1]

        self.patch(self.system.parts.dispatch, what, wait)
        return held

    def subscribed(self, *protocols: str, processor: str | None = "p1", **params: Any) -> Client:
        """A new client that listens."""
        client = self.connect(*protocols)
        whose = {} if processor is None else {"processor": processor}
        answer = client.ask(id=1, method="subscribe", **whose, params=params)
        self.assertEqual(answer["status"], "okay", answer)
        return client


def topics(events: Sequence[Mapping[str, Any]]) -> list[str]:
    """The topics of events."""
    return [each["event"] for each in events]
