"""The client for programs that wait: one call after the other."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from functools import wraps
from random import random
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar
from uuid import uuid4

import httpx
from websockets.sync.client import ClientConnection, connect

from kato.client.calls import Call, ProcessorCalls, ServerCalls
from kato.client.given import address, api_key
from kato.client.sockets import opening, why
from kato.client.streams import Stream, StreamEvent, stream_url
from kato.client.trying import CONNECTING, Lost, Patience, Pause, Request, Response, trying
from kato.errors import InvalidRequest

P = ParamSpec("P")
T = TypeVar("T")


def _of_server(
    make: Callable[Concatenate[ServerCalls, P], Call[T]],
) -> Callable[Concatenate["Client", P], T]:
    """Make a method that waits for what a call gives."""

    @wraps(make)
    def ask(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.carry_out(make(ServerCalls(), *args, **kwargs))

    return ask


def _of_processor(
    make: Callable[Concatenate[ProcessorCalls, P], Call[T]],
) -> Callable[Concatenate["Processor", P], T]:
    """Make a method that waits for what a call to a processor gives."""

    @wraps(make)
    def ask(self: "Processor", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.client.carry_out(make(self.calls, *args, **kwargs))

    return ask


class Client(AbstractContextManager["Client"]):
    """Asks one server; for use in C{with}, or close it.

    >>> with Client("http://localhost:8000") as kato:  # doctest: +SKIP
    ...     kato.processor("p1").observe(["a"], emotives={"joy": 0.8})
    """

    def __init__(
        self,
        url: str = "http://localhost:8000",
        *,
        key: str | None = None,
        timeout: float = 40.0,
        patience: Patience | None = None,
    ) -> None:
        """
        @param url: where the server is reached.
        @param key: the API key, if the server wants one.
        @param timeout: seconds until a request without an answer counts as lost; the default is
            more than the server's own.  A connection is made in 5, or lost.
        @param patience: how often, and after which pauses, what failed for now is tried again.
        @raise InvalidRequest: this is the address of no server, or can be no key.
        """
        self._url = address(url)
        self._key = api_key(key)
        self._patience = patience or Patience()
        self._http = httpx.Client(
            base_url=self._url,
            timeout=httpx.Timeout(timeout, connect=min(timeout, CONNECTING)),
            transport=httpx.HTTPTransport(),  # with one of our own, no proxy comes between
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def processor(self, processor_id: str) -> "Processor":
        """Address a processor, whether or not it exists.

        @raise InvalidRequest: none can have this id.
        """
        return Processor(self, processor_id)

    ping = _of_server(ServerCalls.ping)
    processors = _of_server(ServerCalls.processors)
    statistics = _of_server(ServerCalls.statistics)

    def carry_out(self, call: Call[T]) -> T:
        """Ask, and ask again where that is safe and of use.

        @raise KatoError: what the server said against it, or
            L{NoAnswer<kato.client.trying.NoAnswer>}, or
            L{InvalidRequest<kato.errors.InvalidRequest>} where what was given cannot be sent.
        """
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
                    self._wait(step)
                    step = next(steps)
                else:
                    step = steps.send(self._send(step))
        except StopIteration as done:
            result: T = done.value
            return result

    def _wait(self, pause: Pause) -> None:
        """Wait before a call is sent again; who wants to say so says it here."""
        time.sleep(pause.seconds)

    def _send(self, request: Request) -> Response | Lost:
        if self._http.is_closed:
            raise InvalidRequest("the client is closed")
        try:
            came = self._http.request(
                request.method,
                request.path,
                headers={name.encode(): value.encode() for name, value in request.headers.items()},
                content=request.body,
            )
        except httpx.TransportError as error:
            sent = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            return Lost(f"{self._url} gave no answer: {error or type(error).__name__}", sent)
        return Response(came.status_code, came.headers, came.content)

    def stream(self, processor: str | None = None, topics: Iterable[str] | None = None) -> "Events":
        """Tell events as they happen, for as long as they are asked for.

        A connection that is lost is made anew, and what was missed is told; where that is not to be
        had any more, an event of the topic C{fresh} says that the state must be read anew, as it
        does at first.

        @param processor: whose; C{None}: which processors come and go.
        @param topics: which events; C{None}: all.
        @raise KatoError: (what is iterated) where the server refuses.
        """
        return Events(self._url, self._key, Stream(processor, topics, random=random))


class Events(AbstractContextManager["Events"]):
    """Events, one after the other: an iterator without an end, to be closed, or used in C{with}."""

    def __init__(self, url: str, key: str | None, stream: Stream) -> None:
        self._url = url
        self._key = key
        self._stream = stream
        self._told: deque[StreamEvent] = deque()
        self._connection: ClientConnection | None = None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> StreamEvent:
        while not self._told:
            try:
                self._told.extend(self._stream.take(self._connected().recv()))
            except Exception as error:
                self.close()
                time.sleep(self._stream.lost(why(error)))
        return self._told.popleft()

    def _connected(self) -> ClientConnection:
        if self._connection is None:
            self._connection = connect(stream_url(self._url), **opening(self._key)).__enter__()
            self._connection.send(self._stream.opening())
        return self._connection

    def close(self) -> None:
        """Listen no more."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class Processor:
    """Asks one processor."""

    def __init__(self, client: Client, processor_id: str) -> None:
        self.client = client
        self.calls = ProcessorCalls(processor_id)

    @property
    def id(self) -> str:
        """How it is addressed."""
        return self.calls.processor

    create = _of_processor(ProcessorCalls.create)
    delete = _of_processor(ProcessorCalls.delete)
    ping = _of_processor(ProcessorCalls.ping)
    status = _of_processor(ProcessorCalls.status)
    observe = _of_processor(ProcessorCalls.observe)
    observe_sequence = _of_processor(ProcessorCalls.observe_sequence)
    learn = _of_processor(ProcessorCalls.learn)
    predictions = _of_processor(ProcessorCalls.predictions)
    forecast = _of_processor(ProcessorCalls.forecast)
    explain = _of_processor(ProcessorCalls.explain)
    short_term_memory = _of_processor(ProcessorCalls.short_term_memory)
    clear_short_term_memory = _of_processor(ProcessorCalls.clear_short_term_memory)
    clear_all_memory = _of_processor(ProcessorCalls.clear_all_memory)
    percept = _of_processor(ProcessorCalls.percept)
    cognition = _of_processor(ProcessorCalls.cognition)
    genes = _of_processor(ProcessorCalls.genes)
    gene = _of_processor(ProcessorCalls.gene)
    change_genes = _of_processor(ProcessorCalls.change_genes)
    models = _of_processor(ProcessorCalls.models)
    model = _of_processor(ProcessorCalls.model)
    update_model = _of_processor(ProcessorCalls.update_model)
    delete_model = _of_processor(ProcessorCalls.delete_model)

    def stream(self, topics: Iterable[str] | None = None) -> Events:
        """Tell events of this processor: see L{Client.stream}."""
        return self.client.stream(self.id, topics)
