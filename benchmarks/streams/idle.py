"""What a connection costs that nothing is said on."""

from collections.abc import Callable
from contextlib import closing

import psutil

from benchmarks.streams.wire import DEFLATE, Wire
from tests.live.server import LiveServer

CONNECTIONS = 2_000
_WARM = 100


def measure_idle() -> None:
    """Open connections, and see by how much the server grows."""
    print(f"\n{f'{CONNECTIONS:,} idle connections':<44} {'kB each':>8} {'MB all':>8}")
    for name, headers, subscribes in (
        ("without a subscription", (), False),
        ("with one to a processor", (), True),
        ("with one, and permessage-deflate", (DEFLATE,), True),
    ):
        grown = _grown(headers, subscribes=subscribes)
        print(f"{name:<44} {grown / CONNECTIONS / 1e3:>8.1f} {grown / 1e6:>8.1f}", flush=True)


def _grown(headers: tuple[str, ...], *, subscribes: bool) -> int:
    """By how many bytes a new server grows."""
    server = LiveServer("--storage", "memory:", "--processor-id", "p1").start()
    try:
        process = psutil.Process(server.pid)

        def connected() -> Wire:
            wire = Wire(server.port, *headers)
            if subscribes:
                wire.ask("subscribe", "p1")
            return wire

        for each in _some(_WARM, connected):
            each.close()
        with closing(server.connect()) as connection:
            while connection.get("/stats")["streams"]["connections"]:
                pass
            before = process.memory_info().rss
            wires = _some(CONNECTIONS, connected)
            connection.get("/stats")
            grown = process.memory_info().rss - before
        for each in wires:
            each.close()
    finally:
        server.stop()
    return int(grown)


def _some(number: int, made: Callable[[], Wire]) -> list[Wire]:
    return [made() for _ in range(number)]
