"""A client of WebSocket in a few lines, as the RFC says: what it is sent stays in order."""

import os
import socket
import struct
from typing import NamedTuple

from tests.live.server import PATIENCE

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Frame(NamedTuple):
    """A frame that came."""

    opcode: int
    payload: bytes


class Refused(Exception):
    """The server did not switch; tells the head and the body of its answer."""

    def __init__(self, head: str, body: bytes) -> None:
        super().__init__(head)
        self.head = head
        self.body = body


def handshake(*headers: str) -> str:
    """The head of a request that asks for a WebSocket.

    @param headers: more of them.
    """
    lines = (
        "GET /ws HTTP/1.1",
        "Host: 127.0.0.1",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        *headers,
    )
    return "\r\n".join((*lines, "", ""))


class PlainClient:
    """One connection, which waits for what it reads."""

    def __init__(self, port: int, head: str) -> None:
        """
        @param head: of the request, as L{handshake} gives it.
        @raise Refused: where the server does not agree.
        """
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._read = self._socket.makefile("rb")
        self._socket.sendall(head.encode())
        self.head = self._head()
        if not self.head.startswith("HTTP/1.1 101 "):
            length = int(self.head.lower().partition("content-length: ")[2].partition("\r")[0])
            body = self._read.read(length)
            self.close()
            raise Refused(self.head, body)

    def _head(self) -> str:
        lines = iter(self._read.readline, b"\r\n")
        return b"".join(lines).decode("latin-1")

    def send(self, payload: bytes, opcode: int = TEXT) -> None:
        """Send a message, or a control frame."""
        size = len(payload)
        if size < 126:
            head = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
        elif size < 2**16:
            head = struct.pack("!BBH", 0x80 | opcode, 0xFE, size)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 0xFF, size)
        mask = os.urandom(4)
        stream = (mask * (size // 4 + 1))[:size]
        masked = int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")
        self._socket.sendall(head + mask + masked.to_bytes(size, "big"))

    def receive(self) -> Frame:
        """What comes next; pings are answered, and pass unseen."""
        while True:
            opcode, short = self._read.read(2)
            size = {126: "!H", 127: "!Q"}.get(short)
            length = short if size is None else self._number(size)
            frame = Frame(opcode & 0xF, self._read.read(length))
            if frame.opcode != PING:
                return frame
            self.send(frame.payload, PONG)

    def _number(self, size: str) -> int:
        [number] = struct.unpack(size, self._read.read(struct.calcsize(size)))
        return int(number)

    def leave(self) -> None:
        """Say that this is the end, and wait until the server has said so, too."""
        self.send(struct.pack("!H", 1000), CLOSE)
        while self.receive().opcode != CLOSE:
            pass
        self.close()

    def close(self) -> None:
        """End, without a word."""
        self._read.close()
        self._socket.close()
