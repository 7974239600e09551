"""WebSocket as far as measuring needs it, on a plain socket: nothing is decoded."""

import json
import socket
import struct
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

PATIENCE = 60.0
"""Seconds after which who waits gives up."""

DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate"

SENT = b"sent"
"""What the bare server answers when it has told a message to all."""

LAST = b'm"}}'
"""The end of the last message of a round, in four bytes: no other one ends so."""

TEXT = 1
PING = b"\x89\x00"
PONG = b"\x8a\x80" + bytes(4)
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Wire:
    """One connection that speaks JSON."""

    def __init__(self, port: int, *headers: str) -> None:
        """Connect, and become a WebSocket.

        @param headers: beside those of a handshake.
        """
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        asked = (
            "GET /ws HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
            *headers,
        )
        self.socket.sendall("\r\n".join((*asked, "", "")).encode())
        self._came = b""
        while b"\r\n\r\n" not in self._came:
            self._more()
        head, _, self._came = self._came.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101 "):
            raise SystemExit(head.decode())

    def _more(self) -> None:
        came = self.socket.recv(65_536)
        if not came:
            raise SystemExit("the server has closed the connection")
        self._came += came

    def say(self, text: bytes) -> None:
        """Send a text; the mask is nothing, which is one as good as others here."""
        size = len(text)
        head = struct.pack("!BB", 0x81, 0x80 | size) if size < 126 else _long(size)
        self.socket.sendall(head + bytes(4) + text)

    def message(self) -> bytes:
        """The next message, as it came: compressed, where that was agreed upon and it pays."""
        while True:
            place = _end(self._came)
            if place is not None:
                begin, end = place
                opcode, payload = self._came[0] & 0xF, self._came[begin:end]
                self._came = self._came[end:]
                if opcode == TEXT:
                    return payload
            else:
                self._more()

    def ask(
        self, method: str, processor: str, params: Mapping[str, Any] = _NOTHING
    ) -> dict[str, Any]:
        """Ask for what must succeed, as long as nothing else comes."""
        asked = {"id": 0, "method": method, "processor": processor, "params": {**params}}
        self.say(json.dumps(asked).encode())
        answer: dict[str, Any] = json.loads(self.message())
        if answer.get("status") != "okay":
            raise SystemExit(f"{method}: {answer}")
        return answer

    def close(self) -> None:
        """End without a word."""
        self.socket.close()


def _long(size: int) -> bytes:
    if size < 2**16:
        return struct.pack("!BBH", 0x81, 0xFE, size)
    return struct.pack("!BBQ", 0x81, 0xFF, size)


def _end(came: bytes) -> tuple[int, int] | None:
    """Where the payload of the first frame begins and ends, if all of it is there."""
    if len(came) < 2:
        return None
    short = came[1]
    begin = {126: 4, 127: 10}.get(short, 2)
    if len(came) < begin:
        return None
    end = begin + (short if begin == 2 else int.from_bytes(came[2:begin], "big"))
    return (begin, end) if len(came) >= end else None


def texts(stream: bytes) -> Iterator[bytes]:
    """The messages of a stream that has nothing but whole frames."""
    while stream:
        place = _end(stream)
        if place is None:
            raise SystemExit(f"{len(stream)} bytes are no frame")
        yield stream[place[0] : place[1]]
        stream = stream[place[1] :]
