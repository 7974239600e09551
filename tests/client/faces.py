"""The three faces of the client, each used alike; and a server that keeps what it heard."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from twisted.internet.threads import deferToThread

from kato.client import AsyncClient, Client, Patience
from kato.client.in_twisted import TwistedClient

Use = Callable[[Any], Any]
"""What is done with a client; the same for all faces, some of which give what is to be awaited."""

OKAY = {"status": "okay", "created": True, "old_values": {}, "model_name": "", "unique_id": "u"}


async def blocking(url: Any, use: Use, **options: Any) -> Any:
    """By the face that waits."""

    def run() -> Any:
        with Client(url, **options) as client:
            return use(client)

    return await deferToThread(run)


async def in_asyncio(url: Any, use: Use, **options: Any) -> Any:
    """By that for asyncio."""

    async def run() -> Any:
        async with AsyncClient(url, **options) as client:
            return await use(client)

    return await deferToThread(asyncio.run, run())


async def in_twisted(url: Any, use: Use, **options: Any) -> Any:
    """By that for Twisted."""
    from twisted.internet import reactor

    client = TwistedClient(url, reactor=reactor, **options)
    try:
        return await use(client)
    finally:
        await client.close()


FACES: Mapping[str, Callable[..., Awaitable[Any]]] = {
    "blocking": blocking,
    "asyncio": in_asyncio,
    "Twisted": in_twisted,
}

AT_ONCE = Patience(again=0)


class Hearing:
    """A server that keeps the requests that it hears, and answers each of them alike."""

    def __init__(
        self,
        status: int = 200,
        kind: str = "application/json",
        told: Any = OKAY,
        *,
        reads: bool = True,
    ) -> None:
        """
        @param told: what is answered; C{None}: nothing, and the connection is closed.
        @param reads: whether a body is read before that.
        """
        self.heard: list[tuple[str, Mapping[str, str], bytes]] = []
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        heard = self.heard

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                length = int(self.headers.get("Content-Length", 0)) if reads else 0
                heard.append((self.requestline, dict(self.headers), self.rfile.read(length)))
                if told is not None:
                    self.send_response(status)
                    self.send_header("Content-Type", kind)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Hear no more."""
        with suppress(OSError):
            self._server.shutdown()
            self._server.server_close()
        self._thread.join()
