"""C{python -m benchmarks audit}: what an audit log costs those who ask over REST."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from benchmarks.load import Job
from benchmarks.rest import measured
from tests.live.server import LiveServer

SECONDS = 2.0
ROUNDS = 5
KINDS = {"no log": (), "a log": (), "a log, reads too": ("--audit-reads",)}

_OBSERVATION = '{"strings": ["a", "b"]}'
_SEQUENCE = json.dumps(
    {"observations": [{"strings": ["a", "b"]}, {"strings": ["c"]}], "learn_at_end": True}
)
_GENES = {"genes": {"max_sequence_length": 1_000_000, "stm_mode": "ROLLING"}}


def main() -> None:
    """Measure servers that are alike but for their log, in turn, and print the medians."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as servers:
        running = {
            kind: servers.enter_context(_server(Path(folder, str(place)), kind, options))
            for place, (kind, options) in enumerate(KINDS.items())
        }
        print(
            f"{'requests per second, of no log, p50 ms':<44} "
            + "".join(f"{kind:>24}" for kind in KINDS)
        )
        for name, request in (
            ("observe, brief", ("POST", "/{}/observe?brief=true", _OBSERVATION)),
            ("observe two and learn", ("POST", "/{}/observe-sequence?brief=true", _SEQUENCE)),
            ("get genes", ("GET", "/{}/genes", "")),
        ):
            for connections in (1, 16):
                _compare(f"{name}, {connections} at a time", running, request, connections)


@contextmanager
def _server(folder: Path, kind: str, options: Sequence[str]) -> Iterator[LiveServer]:
    audit = () if kind == "no log" else ("--audit", str(folder / "audit"), *options)
    server = LiveServer("--storage", f"sqlite:{folder}/kato.db", *audit).start()
    try:
        connection = server.connect()
        connection.send("PUT", "/p", _GENES)
        connection.close()
        yield server
    finally:
        server.stop()


def _compare(
    name: str,
    servers: dict[str, LiveServer],
    request: tuple[str, str, str],
    connections: int,
) -> None:
    method, path, body = request
    found: dict[str, list[dict[str, float]]] = {kind: [] for kind in servers}
    for _ in range(ROUNDS):
        for kind, server in servers.items():
            connection = server.connect()
            connection.post("/p/clear-short-term-memory")
            connection.close()
            job = Job(
                *(server.port, method, path.format("p"), body),
                connections=connections,
                seconds=SECONDS,
            )
            found[kind] += measured(job)
    print(f"{name:<44} ", end="")
    base = 0.0
    for results in found.values():
        rate = median(each["per_second"] for each in results)
        base = base or rate
        p50 = median(each["p50"] for each in results) * 1e3
        print(f"{rate:>9,.0f} {rate / base:>5.0%} {p50:>7.2f} ", end="")
    print()


if __name__ == "__main__":
    main()
