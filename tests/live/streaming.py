"""Streams of a live server, as programs with a WebSocket library of another make see them."""

import json
import socket
import struct
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgpack
from websocket import ABNF, WebSocketConnectionClosedException, create_connection

from tests.live.server import PATIENCE

JSON = "kato.v1.json"
MESSAGEPACK = "kato.v1.msgpack"

Message = dict[str, Any]

NOTHING: Mapping[str, Any] = MappingProxyType({})

_DECODE: Mapping[int, Callable[[bytes], Any]] = {
    ABNF.OPCODE_TEXT: json.loads,
    ABNF.OPCODE_BINARY: msgpack.unpackb,
}


class Gone(Exception):
    """The connection is over: with what code, and why; with none, where nothing was said."""

    def __init__(self, code: int | None = None, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class Stream:
    """One connection, for one thread; it waits for what it reads."""

    def __init__(
        self,
        port: int,
        protocol: str | None = JSON,
        *others: str,
        headers: Sequence[str] = (),
        room: int | None = None,
    ) -> None:
        """
        @param others: more sub-protocols that are offered.
        @param headers: beside those of a handshake.
        @param room: how many bytes may wait here unread, if not as many as the system likes.
        """
        narrow = [] if room is None else [(socket.SOL_SOCKET, socket.SO_RCVBUF, room)]
        self.wire = create_connection(
            f"ws://127.0.0.1:{port}/ws",
            timeout=PATIENCE,
            subprotocols=None if protocol is None else [protocol, *others],
            header=list(headers),
            sockopt=narrow,
            skip_utf8_validation=True,
        )
        self._binary = protocol == MESSAGEPACK
        self._asked = 0
        self._events: deque[Message] = deque()

    @property
    def socket(self) -> socket.socket:
        """What lies below it."""
        assert isinstance(self.wire.sock, socket.socket)
        return self.wire.sock

    # What is said

    def say(self, message: object) -> None:
        """Send a message as the sub-protocol writes it."""
        if self._binary:
            self.send(msgpack.packb(message), ABNF.OPCODE_BINARY)
        else:
            self.send(json.dumps(message).encode())

    def send(self, payload: bytes, opcode: int = ABNF.OPCODE_TEXT) -> None:
        """Send a message, or a control frame."""
        self.wire.send(payload, opcode)

    def request(
        self, method: str, processor: str | None = None, params: Mapping[str, Any] = NOTHING
    ) -> int:
        """Send a request; gives its id."""
        self._asked += 1
        named = {} if processor is None else {"processor": processor}
        self.say({"id": self._asked, "method": method, "params": {**params}, **named})
        return self._asked

    def ask(
        self, method: str, processor: str | None = None, params: Mapping[str, Any] = NOTHING
    ) -> Message:
        """Send a request; gives the answer.  Events that come before it are kept for L{event}."""
        asked = self.request(method, processor, params)
        while "event" in (message := self.receive()):
            self._events.append(message)
        if message.get("id") != asked:
            raise AssertionError(f"this is no answer to {method}: {message}")
        return message

    # What comes

    def receive(self) -> Message:
        """The next message.

        @raise Gone: where there is none any more.
        """
        try:
            opcode, payload = self.wire.recv_data()
        except (WebSocketConnectionClosedException, ConnectionError):
            raise Gone from None
        if opcode == ABNF.OPCODE_CLOSE:
            raise _farewell(payload)
        expected = ABNF.OPCODE_BINARY if self._binary else ABNF.OPCODE_TEXT
        if opcode != expected:
            raise AssertionError(f"a frame of opcode {opcode}: {payload!r}")
        message: Message = _DECODE[opcode](payload)
        return message

    def event(self) -> Message:
        """The next event.

        @raise Gone: where there is none any more.
        """
        if self._events:
            return self._events.popleft()
        message = self.receive()
        if "event" not in message:
            raise AssertionError(f"this is no event: {message}")
        return message

    def end(self) -> Gone:
        """What it is closed with, after whatever else comes."""
        while True:
            try:
                self.receive()
            except Gone as gone:
                return gone

    # How it ends

    def read_bytes(self, number: int) -> None:
        """Read so many bytes at the most, and no further: nothing can be read after that."""
        self.socket.recv(number)

    def abort(self) -> None:
        """End at once, as where a network is lost: the server hears of it by a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """End without a word."""
        self.wire.shutdown()


def _farewell(payload: bytes) -> Gone:
    if len(payload) < 2:
        return Gone(1005)
    return Gone(int.from_bytes(payload[:2], "big"), payload[2:].decode())
