"""The operations of SPEC 8 as clients say them: over REST, and over ZeroMQ with a plain REQ socket.

Both give the answer as it came, error or not, so that a test is the same on every transport.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from types import MappingProxyType
from typing import Any, Protocol
from urllib.parse import quote, urlencode

import msgpack
import zmq

from tests.live.server import PATIENCE, Connection

Answer = dict[str, Any]
Params = Mapping[str, Any]

NOTHING: Params = MappingProxyType({})

Said = tuple[str, Params, str | None, str | None]
"""An operation, its parameters, the processor and the request id."""

_LOOK = 50
"""Milliseconds after which who waits for an answer looks whether one may still come."""

_VARYING = re.compile(r'"(time_stamp|unique_id)":("[^"]*"|[0-9.]+)')


class Speaker(Protocol):
    """A client, for one thread at a time."""

    def ask(
        self,
        operation: str,
        params: Params = NOTHING,
        processor: str | None = None,
        request_id: str | None = None,
    ) -> Answer:
        """Say an operation; gives its answer, C{status} and all.

        @raise OSError: where there is none.
        """

    def text(
        self,
        operation: str,
        params: Params = NOTHING,
        processor: str | None = None,
        request_id: str | None = None,
    ) -> str:
        """Say an operation; gives the JSON of the answer."""

    def ask_all(self, said: Sequence[Said]) -> list[Answer]:
        """Say several operations, as much at a time as can be; gives the answers in that order."""

    def leave(
        self,
        operation: str,
        params: Params = NOTHING,
        processor: str | None = None,
        request_id: str | None = None,
    ) -> None:
        """Say an operation, and go away without waiting for the answer."""

    def close(self) -> None:
        """Go away."""


REST: Mapping[str, tuple[str, str]] = {
    "ping": ("GET", "/{id}/ping"),
    "get_status": ("GET", "/{id}/status"),
    "create_processor": ("PUT", "/{id}"),
    "delete_processor": ("DELETE", "/{id}"),
    "list_processors": ("GET", "/processors"),
    "observe": ("POST", "/{id}/observe"),
    "observe_sequence": ("POST", "/{id}/observe-sequence"),
    "learn": ("POST", "/{id}/learn"),
    "get_predictions": ("GET", "/{id}/predictions"),
    "get_forecast": ("GET", "/{id}/forecast"),
    "explain": ("GET", "/{id}/explain/{model_name}"),
    "get_short_term_memory": ("GET", "/{id}/short-term-memory"),
    "clear_short_term_memory": ("POST", "/{id}/clear-short-term-memory"),
    "clear_all_memory": ("POST", "/{id}/clear-all-memory"),
    "get_gene": ("GET", "/{id}/gene/{gene}"),
    "get_genes": ("GET", "/{id}/genes"),
    "change_gene": ("POST", "/{id}/gene/{gene}/change"),
    "change_genes": ("POST", "/{id}/genes/change"),
    "get_model": ("GET", "/{id}/model/{model_name}"),
    "list_models": ("GET", "/{id}/models"),
    "update_model": ("PUT", "/{id}/model/{model_name}"),
    "delete_model": ("DELETE", "/{id}/model/{model_name}"),
    "get_percept_data": ("GET", "/{id}/percept-data"),
    "get_cognition_data": ("GET", "/{id}/cognition-data"),
}
"""Where each operation is to be found (SPEC 9)."""


def rest_request(
    operation: str, params: Params = NOTHING, processor: str | None = None
) -> tuple[str, str, Params | None]:
    """An operation as a method, a path with its query, and a body."""
    method, path = REST[operation]
    rest = dict(params)
    named = {key: quote(rest.pop(key), safe="") for key in ("gene", "model_name") if key in rest}
    path = path.format(id=processor, **named)
    query = {"brief": "true"} if rest.pop("brief", False) else {}
    if method == "GET":
        query, rest = {**query, **rest}, {}
    if query:
        path += f"?{urlencode(query)}"
    return method, path, rest or None


class RestSpeaker:
    """Speaks over one connection that is kept alive."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def text(
        self,
        operation: str,
        params: Params = NOTHING,
        processor: str | None = None,
        request_id: str | None = None,
    ) -> str:
        """Say an operation; gives the body of the answer as it came."""
        headers = {} if request_id is None else {"Idempotency-Key": request_id}
        request = rest_request(operation, params, processor)
        return self._connection.text(*request, headers)

    def ask(
        self,
        operation: str,
        params: Params = NOTHING,
        processor: str | None = None,
        request_id: str | None = None,
    ) -> Answer:
        answer: Answer = json.loads(self.text(operation, params, processor, request_id))
        return answer

    def ask_all(self, said: Sequence[Said]) -> list[Answer]:
        return [self.ask(*each) for each in said]

    def leave(
        self,
        operation: str,
        params: Params = NOTHING,
        processor: str | None = None,
        request_id: str | None = None,
    ) -> None:
        headers = {} if request_id is None else {"Idempotency-Key": request_id}
        self._connection.request(*rest_request(operation, params, processor), headers)
        self._connection.close()

    def close(self) -> None:
        self._connection.close()


class ZmqSpeaker:
    """Speaks over a socket of libzmq's own, in the thread of who asks: a plain REQ, or a DEALER
    that puts a correlation frame in front."""

    def __init__(
        self,
        port: int,
        timeout: float = PATIENCE,
        *,
        kind: int = zmq.REQ,
        gone: Callable[[], bool] = lambda: False,
    ) -> None:
        """
        @param port: of a ROUTER on loopback.
        @param timeout: seconds that an answer may take.
        @param kind: C{zmq.REQ} or C{zmq.DEALER}.
        @param gone: whether nobody is there any more who could answer: a socket of ZeroMQ does not
            hear of that.
        """
        self._timeout = timeout
        self._gone = gone
        self._kind = kind
        self._context = zmq.Context()
        self._socket: zmq.Socket[bytes] = self._context.socket(kind)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.connect(f"tcp://127.0.0.1:{port}")

    def _send(self, number: int, message: bytes) -> None:
        correlation = [] if self._kind == zmq.REQ else [b"%d" % number, b""]
        self._socket.send_multipart([*correlation, message])

    def _receive(self) -> tuple[int, bytes]:
        """The number of a request, and its answer."""
        until = monotonic() + self._timeout
        while not self._socket.poll(_LOOK):
            if self._gone():
                raise ConnectionResetError("nobody is there any more")
            if monotonic() > until:
                raise TimeoutError("there is no answer in time")
        *correlation, answer = self._socket.recv_multipart()
        return (int(correlation[0]) if correlation else 0), answer

    def ask(
        self,
        operation: str,
        params: Params = NOTHING,
        processor: str | None = None,
        request_id: str | None = None,
    ) -> Answer:
        return self.ask_all([(operation, params, processor, request_id)])[0]

    def ask_all(self, said: Sequence[Said]) -> list[Answer]:
        if self._kind == zmq.REQ and len(said) > 1:
            return [self.ask(*each) for each in said]
        for number, each in enumerate(said):
            self._send(number, packed(zmq_request(*each)))
        answers = dict(self._receive() for _ in said)
        return [unpacked(answers[number]) for number in range(len(said))]

    def text(
        self,
        operation: str,
        params: Params = NOTHING,
        processor: str | None = None,
        request_id: str | None = None,
    ) -> str:
        """Say an operation; gives the answer as REST would write it."""
        answer = self.ask(operation, params, processor, request_id)
        return json.dumps(answer, ensure_ascii=False, separators=(",", ":"))

    def leave(
        self,
        operation: str,
        params: Params = NOTHING,
        processor: str | None = None,
        request_id: str | None = None,
    ) -> None:
        self._send(0, packed(zmq_request(operation, params, processor, request_id)))
        self._socket.close(linger=_LOOK)
        self.close()

    def close(self) -> None:
        self._context.destroy()


def zmq_request(
    operation: str,
    params: Params = NOTHING,
    processor: str | None = None,
    request_id: str | None = None,
) -> dict[str, Any]:
    """An operation as a ZeroMQ client says it."""
    message: dict[str, Any] = {"method": operation, "params": dict(params)}
    if processor is not None:
        message["processor"] = processor
    if request_id is not None:
        message["request_id"] = request_id
    return message


def packed(message: object) -> bytes:
    """MessagePack by the library that a client would take."""
    data: bytes = msgpack.packb(message)
    return data


def unpacked(data: bytes) -> Answer:
    """A map that came as MessagePack."""
    answer: Answer = msgpack.unpackb(data)
    return answer


def lasting(answer: str) -> str:
    """The JSON of an answer without what differs from server to server: the time, and ids that a
    server made."""
    return _VARYING.sub(r'"\1":0', answer)
