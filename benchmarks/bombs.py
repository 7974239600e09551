"""C{python -m benchmarks bombs}: how long others wait while messages that came over WebSocket, most
of them compressed, are made 16 MiB each, and read.

A gateway listens on the loopback; one client or 16 of them say so much to it at the same time, and
meanwhile a clock ticks on its reactor each millisecond.  What is told is the longest that it did
not tick, beside the time until all are answered.
"""

import gc
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from threading import Thread
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred, gatherResults
from twisted.internet.task import react
from twisted.internet.threads import deferToThread

from benchmarks.ticking import timed
from kato.gateway import build
from kato.hosting import Host
from kato.key_reading import make_keeper
from kato.running import COLLECTED, SWITCH
from kato.settings import Settings
from kato.storage.memory import MemoryStore
from tests.hostile.test_websocket import bomb, frame
from tests.websocket.plain import handshake

SIZE = 16 * 2**20
ROUNDS = 5
PATIENCE = 60.0
CLIENTS = (1, 16)
TEXT, COMPRESSED = 0x81, 0xC1
"""The first byte of a frame."""

_HEAD = b'{"id":1,"method":"ping","params":{"a":'
_DEFLATES = "Sec-WebSocket-Extensions: permessage-deflate"


def main() -> None:
    """Send messages of several kinds, from one client and from many."""
    sys.setswitchinterval(SWITCH)
    gc.set_threshold(*COLLECTED)
    print("| 16 MiB | bytes on the wire | clients | all ms | wait ms |")
    print("|---|---|---|---|---|")
    react(lambda reactor: ensureDeferred(_measure(reactor)))


async def _measure(reactor: Any) -> None:
    host = Host(Settings(), _store(), clock=reactor, in_thread=deferToThread)
    await host.worker.start()
    keeper = make_keeper(Settings(), clock=reactor)
    parts = build(Settings(), host, keeper=keeper, clock=reactor, in_thread=deferToThread)
    port = reactor.listenTCP(0, parts.site, interface="127.0.0.1")
    for name, raw in _messages():
        for number in CLIENTS:
            told = [await _times(reactor, port.getHost().port, raw, number) for _ in range(ROUNDS)]
            took, wait = (min(each) * 1e3 for each in zip(*told, strict=True))
            print(f"| {name} | {len(raw):,} | {number} | {took:,.0f} | {wait:,.0f} |")
    await port.stopListening()


def _store() -> MemoryStore:
    store = MemoryStore()
    store.open()
    return store


def _messages() -> Iterator[tuple[str, bytes]]:
    """Messages in frames, by what they are made of; none is a request that can be done."""
    blanks = _HEAD + b" " * (SIZE - len(_HEAD) - 3) + b"0}}"
    yield "blanks", frame(COMPRESSED, bomb(blanks))
    entries = b",".join(b"%d" % (each * 7919 % 100_003) for each in range(SIZE // 6))
    yield "numbers", frame(COMPRESSED, bomb(_HEAD + b"[" + entries[: SIZE - 100] + b"1]}}"))
    yield "blanks, not compressed", frame(TEXT, blanks)


async def _times(reactor: Any, port: int, raw: bytes, number: int) -> tuple[float, float]:
    """Seconds until so many clients are answered, and the longest in which nothing else was
    done."""
    clients = [await deferToThread(_opened, port) for _ in range(number)]
    return await timed(
        lambda: gatherResults([_beside(reactor, partial(_ask, each, raw)) for each in clients])
    )


def _opened(port: int) -> socket.socket:
    """A connection that is a WebSocket."""
    client = socket.create_connection(("127.0.0.1", port), PATIENCE)
    client.sendall(handshake(_DEFLATES).encode())
    client.recv(4096)
    return client


def _ask(client: socket.socket, raw: bytes) -> None:
    with closing(client):
        client.sendall(raw)
        client.recv(4096)


def _beside(reactor: Any, call: Callable[[], None]) -> "Deferred[None]":
    """Call in a thread that is none of the gateway's; fires when it is done."""
    done: Deferred[None] = Deferred()

    def run() -> None:
        try:
            call()
        finally:
            reactor.callFromThread(done.callback, None)

    Thread(target=run, daemon=True).start()
    return done


if __name__ == "__main__":
    main()
