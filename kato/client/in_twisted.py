"""The client for programs on Twisted: what the asyncio face does, awaited as Deferreds are."""

# mypy: allow-untyped-calls, disallow-subclassing-any = False, disable-error-code="misc"
# (Autobahn's own methods are typed in part)

import re
import zlib
from collections import deque
from collections.abc import Iterable
from io import BytesIO
from random import random
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet.defer import CancelledError, Deferred, DeferredQueue
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectError, ConnectionClosed, DNSLookupError
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.web.client import (
    Agent,
    FileBodyProducer,
    HTTPConnectionPool,
    RequestTransmissionFailed,
    ResponseDone,
    ResponseFailed,
)
from twisted.web.http_headers import Headers

from kato.client.awaited import AwaitedClient, AwaitedProcessor
from kato.client.calls import Call
from kato.client.given import address, api_key
from kato.client.streams import (
    MAX_MESSAGE,
    PROTOCOL,
    Closed,
    Stream,
    StreamEvent,
    refused,
    stream_url,
)
from kato.client.trying import (
    CONNECTING,
    Lost,
    NoAnswer,
    Patience,
    Pause,
    Request,
    Response,
    trying,
)
from kato.errors import InvalidRequest, KatoError

T = TypeVar("T")

_NOT_SENT = (ConnectError, DNSLookupError)
_LOST = (
    *_NOT_SENT,
    *(ConnectionClosed, RequestTransmissionFailed, ResponseFailed, CancelledError),
)
"""What Twisted says where there was no answer."""

_CONTENT_TYPE = re.compile(rb"\r\ncontent-type:[ \t]*([^\r]*)", re.IGNORECASE)
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,5})[ \t]*\r\n", re.IGNORECASE)
_PORTS = {"ws": 80, "wss": 443}
_ANY_WINDOW_OF_GZIP = 31


class TwistedClient(AwaitedClient):
    """Asks one server."""

    def __init__(
        self,
        url: str = "http://localhost:8000",
        *,
        reactor: Any,
        key: str | None = None,
        timeout: float = 40.0,
        patience: Patience | None = None,
    ) -> None:
        """As L{kato.client.blocking.Client}.

        @param reactor: which runs, or soon will.
        """
        self._url = address(url)
        self._key = api_key(key)
        self._reactor = reactor
        self._timeout = timeout
        self._patience = patience or Patience()
        self._pool = HTTPConnectionPool(reactor)
        self._agent = Agent(reactor, connectTimeout=min(timeout, CONNECTING), pool=self._pool)
        self._closed = False

    async def close(self) -> None:
        """Close the connections."""
        self._closed = True
        await self._pool.closeCachedConnections()

    def processor(self, processor_id: str) -> "TwistedProcessor":
        """Address a processor, whether or not it exists."""
        return TwistedProcessor(self, processor_id)

    async def carry_out(self, call: Call[T]) -> T:
        """Ask: see L{AwaitedClient.carry_out}."""
        steps = trying(
            call,
            key=self._key,
            patience=self._patience,
            random=random,
            make_id=lambda: str(uuid4()),
        )
        step = next(steps)
        try:
            while True:
                if isinstance(step, Pause):
                    await deferLater(self._reactor, step.seconds)
                    step = next(steps)
                else:
                    step = steps.send(await self._send(step))
        except StopIteration as done:
            result: T = done.value
            return result

    async def _send(self, request: Request) -> Response | Lost:
        if self._closed:
            raise InvalidRequest("the client is closed")
        sending = Deferred.fromCoroutine(self._exchange(request))
        try:
            return await sending.addTimeout(self._timeout, self._reactor)
        except (*_LOST, TimeoutError) as error:
            sent = not isinstance(error, _NOT_SENT)
            return Lost(f"{self._url} gave no answer: {error or type(error).__name__}", sent)

    async def _exchange(self, request: Request) -> Response:
        came = await self._agent.request(
            request.method.encode(),
            (self._url + request.path).encode(),
            _headers(request),
            None if request.body is None else FileBodyProducer(BytesIO(request.body)),
        )
        reading = _Body()
        came.deliverBody(reading)
        body = await reading.whole
        headers = {
            name.decode("latin-1").lower(): values[0].decode("latin-1")
            for name, values in came.headers.getAllRawHeaders()
        }
        if headers.get("content-encoding") == "gzip":
            body = zlib.decompress(body, _ANY_WINDOW_OF_GZIP)
        return Response(came.code, headers, body)

    def stream(
        self, processor: str | None = None, topics: Iterable[str] | None = None
    ) -> "TwistedEvents":
        """Tell events as they happen: as L{kato.client.blocking.Client.stream}."""
        stream = Stream(processor, topics, random=random)
        return TwistedEvents(self._url, self._key, stream, self._reactor)


class _Body(Protocol):
    """The body of an answer; C{whole} fires with it."""

    def __init__(self) -> None:
        self.whole: Deferred[bytes] = Deferred()
        self._parts: list[bytes] = []

    def dataReceived(self, data: bytes) -> None:
        """Take a piece."""
        self._parts.append(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """All is there, or there will be no more."""
        if reason.check(ResponseDone):
            self.whole.callback(b"".join(self._parts))
        else:
            self.whole.errback(reason)


def _headers(request: Request) -> Headers:
    given = {name.encode(): [value.encode()] for name, value in request.headers.items()}
    return Headers({**given, b"Accept-Encoding": [b"gzip"]})


class TwistedEvents:
    """Events, one after the other, for C{async for}; to be closed."""

    def __init__(self, url: str, key: str | None, stream: Stream, reactor: Any) -> None:
        self._url = url
        self._key = key
        self._stream = stream
        self._reactor = reactor
        self._told: deque[StreamEvent] = deque()
        self._connection: _Connection | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StreamEvent:
        while not self._told:
            try:
                connection = await self._connected()
                told = await connection.told.get()
                if isinstance(told, Closed):
                    raise told
                self._told.extend(self._stream.take(told))
            except (Closed, KatoError, *_LOST) as error:
                await self.close()
                await deferLater(self._reactor, self._stream.lost(_why(error)))
        return self._told.popleft()

    async def _connected(self) -> "_Connection":
        if self._connection is None:
            self._connection = await self._connect()
            self._connection.sendMessage(self._stream.opening().encode())
        return self._connection

    async def _connect(self) -> "_Connection":
        url = urlsplit(stream_url(self._url))
        factory = _connections(url.geturl(), self._key, self._reactor)
        host, port = url.hostname or "localhost", url.port or _PORTS[url.scheme]
        endpoint: Any = HostnameEndpoint(self._reactor, host, port)
        if url.scheme == "wss":
            from twisted.internet.ssl import optionsForClientTLS

            endpoint = wrapClientTLS(optionsForClientTLS(host), endpoint)
        connection: _Connection = await endpoint.connect(factory)
        await connection.opened
        return connection

    async def close(self) -> None:
        """Listen no more."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.sendClose()
            await connection.ended


class _Connection(WebSocketClientProtocol):
    """One connection: what it tells lies in a queue, the last being that it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: Deferred[None] = Deferred()
        self.ended: Deferred[None] = Deferred()
        self.told: DeferredQueue[bytes | Closed] = DeferredQueue()
        self._refused: KatoError | None = None

    def onOpen(self) -> None:
        """The handshake is done."""
        self.opened.callback(None)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Keep a message until it is asked for."""
        self.told.put(payload)

    def processHandshake(self) -> None:
        """An answer comes, or a piece of it; one by which no WebSocket begins is waited for."""
        if _all_is_there(bytes(self.data)):
            super().processHandshake()

    def failHandshake(self, reason: str) -> None:
        """The server answers otherwise than by a WebSocket; it may say why."""
        self._judge(bytes(self.data or b""))
        super().failHandshake(reason)

    def _judge(self, answer: bytes) -> None:
        head, end, body = answer.partition(b"\r\n\r\n")
        status, kind = head[9:12], _CONTENT_TYPE.search(head)
        if end and status.isdigit():
            self._refused = refused(int(status), body, kind[1].decode("latin-1") if kind else "")

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """It is over, or never began."""
        closed = Closed(code or 1006, reason or "")
        if not self.opened.called:
            if self._refused is None:
                self._judge(bytes(self.data or b""))
            self.opened.errback(self._refused or closed)
        self.told.put(closed)
        self.ended.callback(None)


def _all_is_there(answer: bytes) -> bool:
    """Whether a server's first answer can be judged; what is much longer than an error of KATO's
    is none, and not waited for."""
    head, end, body = answer.partition(b"\r\n\r\n")
    length = _CONTENT_LENGTH.search(head + b"\r\n")
    if not end or head[9:12] == b"101" or length is None:
        return True
    return len(body) >= int(length[1])


def _connections(url: str, key: str | None, reactor: Any) -> WebSocketClientFactory:
    factory = WebSocketClientFactory(
        url,
        protocols=[PROTOCOL],
        headers={} if key is None else {"Authorization": f"Bearer {key}"},
        reactor=reactor,
    )
    factory.protocol = _Connection
    factory.setProtocolOptions(maxMessagePayloadSize=MAX_MESSAGE)
    return factory


def _why(error: Exception) -> Exception:
    """Why a connection has ended, or was not made."""
    if isinstance(error, Closed | KatoError):
        return error
    return NoAnswer(str(error) or type(error).__name__)


class TwistedProcessor(AwaitedProcessor):
    """Asks one processor."""

    def __init__(self, client: TwistedClient, processor_id: str) -> None:
        super().__init__(client, processor_id)
        self.client = client

    def stream(self, topics: Iterable[str] | None = None) -> TwistedEvents:
        """Tell events of this processor: see L{TwistedClient.stream}."""
        return self.client.stream(self.id, topics)
