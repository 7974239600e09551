"""The client for programs on asyncio."""

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from random import random
from types import TracebackType
from typing import Self, TypeVar
from uuid import uuid4

import httpx
from websockets.asyncio.client import ClientConnection, connect

from kato.client.awaited import AwaitedClient, AwaitedProcessor
from kato.client.calls import Call
from kato.client.given import address, api_key
from kato.client.sockets import opening, why
from kato.client.streams import Stream, StreamEvent, stream_url
from kato.client.trying import CONNECTING, Lost, Patience, Pause, Request, Response, trying
from kato.errors import InvalidRequest

T = TypeVar("T")


class AsyncClient(AwaitedClient, AbstractAsyncContextManager["AsyncClient"]):
    """Asks one server; for use in C{async with}, or close it."""

    def __init__(
        self,
        url: str = "http://localhost:8000",
        *,
        key: str | None = None,
        timeout: float = 40.0,
        patience: Patience | None = None,
    ) -> None:
        """As L{kato.client.blocking.Client}."""
        self._url = address(url)
        self._key = api_key(key)
        self._patience = patience or Patience()
        self._http = httpx.AsyncClient(
            base_url=self._url,
            timeout=httpx.Timeout(timeout, connect=min(timeout, CONNECTING)),
            transport=httpx.AsyncHTTPTransport(),  # with one of our own, no proxy comes between
        )

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def processor(self, processor_id: str) -> "AsyncProcessor":
        """Address a processor, whether or not it exists."""
        return AsyncProcessor(self, processor_id)

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
                    await asyncio.sleep(step.seconds)
                    step = next(steps)
                else:
                    step = steps.send(await self._send(step))
        except StopIteration as done:
            result: T = done.value
            return result

    async def _send(self, request: Request) -> Response | Lost:
        if self._http.is_closed:
            raise InvalidRequest("the client is closed")
        try:
            came = await self._http.request(
                request.method,
                request.path,
                headers={name.encode(): value.encode() for name, value in request.headers.items()},
                content=request.body,
            )
        except httpx.TransportError as error:
            sent = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            return Lost(f"{self._url} gave no answer: {error or type(error).__name__}", sent)
        return Response(came.status_code, came.headers, came.content)

    def stream(
        self, processor: str | None = None, topics: Iterable[str] | None = None
    ) -> "AsyncEvents":
        """Tell events as they happen: as L{kato.client.blocking.Client.stream}."""
        return AsyncEvents(self._url, self._key, Stream(processor, topics, random=random))


class AsyncEvents(AbstractAsyncContextManager["AsyncEvents"]):
    """Events, one after the other, for C{async for}; to be closed, or used in C{async with}."""

    def __init__(self, url: str, key: str | None, stream: Stream) -> None:
        self._url = url
        self._key = key
        self._stream = stream
        self._told: deque[StreamEvent] = deque()
        self._connection: ClientConnection | None = None

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StreamEvent:
        while not self._told:
            try:
                connection = await self._connected()
                self._told.extend(self._stream.take(await connection.recv()))
            except Exception as error:
                await self.close()
                await asyncio.sleep(self._stream.lost(why(error)))
        return self._told.popleft()

    async def _connected(self) -> ClientConnection:
        if self._connection is None:
            self._connection = await connect(stream_url(self._url), **opening(self._key))
            await self._connection.send(self._stream.opening())
        return self._connection

    async def close(self) -> None:
        """Listen no more."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


class AsyncProcessor(AwaitedProcessor):
    """Asks one processor."""

    def __init__(self, client: AsyncClient, processor_id: str) -> None:
        super().__init__(client, processor_id)
        self.client = client

    def stream(self, topics: Iterable[str] | None = None) -> AsyncEvents:
        """Tell events of this processor: see L{AsyncClient.stream}."""
        return self.client.stream(self.id, topics)
