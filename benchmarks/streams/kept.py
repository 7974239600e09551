"""HTTP as far as measuring needs it, on one connection that is kept."""

import json
import socket

from benchmarks.streams.wire import PATIENCE


class Kept:
    """Sends a request, and reads its answer, of which nothing but success is looked at."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def post(self, path: str, body: object = None) -> None:
        """Post what must succeed, and wait for the answer."""
        data = b"" if body is None else json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        self._socket.sendall(head.encode() + data)
        came = b""
        while not _whole(came):
            came += self._more()
        if not came.startswith(b"HTTP/1.1 200 "):
            raise SystemExit(f"POST {path}: {came.decode()}")

    def _more(self) -> bytes:
        came = self._socket.recv(65_536)
        if not came:
            raise SystemExit("the server has closed the connection")
        return came

    def close(self) -> None:
        """End it."""
        self._socket.close()


def _whole(came: bytes) -> bool:
    head, found, body = came.partition(b"\r\n\r\n")
    if not found:
        return False
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return len(body) >= length
