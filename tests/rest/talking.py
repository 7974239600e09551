"""A client of the REST interface in memory: bytes through a connected channel."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IAddress, ISSLTransport, ITCPTransport
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from kato.commands import Command, Reply
from kato.errors import Conflict, KatoError
from kato.gate import Bearer
from kato.policy import Key
from kato.protocols.rest import Access, Assets, RestSite, make_site
from kato.protocols.rest.access import Headers
from kato.protocols.rest.channel import Stream
from tests.doubles import at_once
from tests.gates import make_gate

HOST = IPv4Address("TCP", "192.0.2.7", 8000)
PEER = IPv4Address("TCP", "192.0.2.99", 50000)
NOW = 1_000_000.0


class Asked:
    """Takes commands as a dispatch does, and answers them as the test says."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.held: list[Deferred[Reply]] = []
        self.holds = False
        self.fields: dict[str, Any] = {}
        self.error: Exception | None = None

    def ask(self, command: Command) -> "Deferred[Reply]":
        self.commands.append(command)
        if self.holds:
            self.held.append(Deferred())
            return self.held[-1]
        return fail(self.error) if self.error is not None else succeed(self.reply(command))

    def reply(self, command: Command) -> Reply:
        return Reply(command.row.message, NOW, self.fields, command.processor)

    def release(self) -> None:
        """Answer the oldest command that is held."""
        command = self.commands[-len(self.held)]
        self.held.pop(0).callback(self.reply(command))

    def fail(self, error: KatoError) -> None:
        """Let the oldest command that is held fail."""
        self.held.pop(0).errback(error)


class NoStreams:
    """Refuses to make a connection a stream; C{asked} tells the names of the keys of those that
    wanted it, C{clients} where they are."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []
        self.clients: list[str | None] = []

    def accept(
        self, headers: Headers, *, bearer: Bearer, client_address: str | None, graphql: bool
    ) -> Stream:
        self.asked.append(bearer.name)
        self.clients.append(client_address)
        raise Conflict("the test has no streams")


@implementer(ITCPTransport)
class Wire(StringTransport):
    """A TCP connection in memory, which tells when its writing end was closed or it was cut."""

    def __init__(self, host: IAddress = HOST, peer: IAddress = PEER) -> None:
        super().__init__(hostAddress=host, peerAddress=peer)
        self.half_closed = False
        self.aborted = False

    def loseWriteConnection(self) -> None:
        self.half_closed = True

    def abortConnection(self) -> None:
        self.aborted = True
        super().abortConnection()

    def setTcpNoDelay(self, enabled: bool) -> None:
        self.no_delay = enabled

    def getTcpNoDelay(self) -> bool:
        return self.no_delay

    def setTcpKeepAlive(self, enabled: bool) -> None:
        self.keep_alive = enabled

    def getTcpKeepAlive(self) -> bool:
        return self.keep_alive


@implementer(ISSLTransport)
class TlsWire(Wire):
    """The same, with TLS above it."""

    def getPeerCertificate(self) -> None:
        """Clients have none here."""


@dataclass(frozen=True)
class Answer:
    """One answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.body)
        return value


def read_answers(data: bytes, methods: list[str] | None = None) -> list[Answer]:
    """Take a stream of answers apart; interim ones are left out.

    @param methods: of the requests, where one was a C{HEAD}.
    """
    answers: list[Answer] = []
    while data:
        start, separator, data = data.partition(b"\r\n\r\n")
        assert separator, start
        status_line, *lines = start.decode("ascii").split("\r\n")
        version, status, _ = status_line.split(" ", 2)
        assert version == "HTTP/1.1", version
        if status == "100":
            continue
        pairs = [line.split(": ", 1) for line in lines]
        headers = {name.lower(): value for name, value in pairs}
        assert len(headers) == len(pairs), lines
        length = int(headers["content-length"]) if status != "204" else 0
        if methods and methods[len(answers)] == "HEAD":
            length = 0
        body, data = data[:length], data[length:]
        assert len(body) == length, (length, body)
        answers.append(Answer(int(status), headers, body))
    return answers


@dataclass
class Server:
    """The REST interface on a clock of its own, with C{asked} behind it."""

    access: Access = field(default_factory=Access)
    api_key: bytes | None = None
    keys: Mapping[bytes, Key] | None = None
    asked: Any = field(default_factory=Asked)
    streams: Any = field(default_factory=NoStreams)
    assets: Assets = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    statistics: Callable[[], dict[str, Any]] = dict
    is_ready: bool = True
    in_thread: Callable[[Callable[[], Any]], "Deferred[Any]"] = at_once
    site: RestSite = field(init=False)

    def __post_init__(self) -> None:
        self.clock.advance(NOW)
        self.site = make_site(
            make_gate(self.asked, self.api_key, clock=self.clock, keys=self.keys),
            clock=self.clock,
            in_thread=self.in_thread,
            access=self.access,
            streams=self.streams,
            assets=self.assets,
            statistics=self.statistics,
            ready=lambda: self.is_ready,
        )

    def connect(self, wire: Wire | None = None) -> "Client":
        """A new connection."""
        return Client(self, wire or Wire())

    def ask(self, raw: bytes, wire: Wire | None = None) -> Answer:
        """Send one request over a connection of its own, and take its only answer."""
        client = self.connect(wire)
        client.send(raw)
        [answer] = client.answers([raw.split(b" ")[0].decode("latin-1")])
        return answer


class Client:
    """One connection to a L{Server}."""

    def __init__(self, server: Server, wire: Wire) -> None:
        self.wire = wire
        self.channel = server.site.buildProtocol(PEER)
        assert self.channel is not None
        self.channel.makeConnection(wire)

    def send(self, data: bytes) -> None:
        """Send some bytes."""
        self.channel.dataReceived(data)

    def answers(self, methods: list[str] | None = None) -> list[Answer]:
        """All answers that came since the last look."""
        data = self.wire.value()
        self.wire.clear()
        return read_answers(data, methods)

    def answer(self) -> Answer:
        """The only answer that came since the last look."""
        [answer] = self.answers()
        return answer

    def leave(self) -> None:
        """The client goes away."""
        self.channel.connectionLost(Failure(ConnectionDone()))


def request(
    method: str,
    path: str,
    body: bytes | None = None,
    *headers: str,
    host: str | None = "localhost",
    version: str = "HTTP/1.1",
) -> bytes:
    """The bytes of a request; a body brings its C{Content-Length} with it."""
    lines = [f"{method} {path} {version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines.extend(headers)
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def get(path: str, *headers: str) -> bytes:
    """The bytes of a C{GET}."""
    return request("GET", path, None, *headers)


def post(path: str, body: object = None, *headers: str) -> bytes:
    """The bytes of a C{POST}; C{body} is bytes, or is written as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return request("POST", path, raw if body is not None else None, *headers)


def logged(case: SynchronousTestCase) -> list[LogEvent]:
    """The events that are logged until the end of the test."""
    events: list[LogEvent] = []

    @implementer(ILogObserver)
    def keep(event: LogEvent) -> None:
        events.append(event)

    globalLogPublisher.addObserver(keep)
    case.addCleanup(globalLogPublisher.removeObserver, keep)
    return events
