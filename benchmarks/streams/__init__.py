"""C{python -m benchmarks streams}: events over WebSocket, from outside."""

import tempfile
from collections.abc import Callable, Mapping, Sequence

from benchmarks.streams.fanout import measure_fanout
from benchmarks.streams.idle import measure_idle
from benchmarks.streams.latency import measure_compression, measure_latency
from tests.live.server import LiveServer


def _latency() -> None:
    """Both on one server, with a file."""
    with tempfile.TemporaryDirectory() as folder:
        server = LiveServer("--storage", f"sqlite:///{folder}/kato.db").start()
        try:
            measure_latency(server)
            measure_compression(server)
        finally:
            server.stop()


PARTS: Mapping[str, Callable[[], None]] = {
    "latency": _latency,
    "fanout": measure_fanout,
    "idle": measure_idle,
}


def main(arguments: Sequence[str] = ()) -> None:
    """Run the parts that are named, or all, and print a table of each."""
    unknown = [each for each in arguments if each not in PARTS]
    if unknown:
        raise SystemExit(f"usage: python -m benchmarks streams [{'|'.join(PARTS)} ...]")
    for name in arguments or PARTS:
        PARTS[name]()
