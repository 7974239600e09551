"""C{python -m benchmarks audit}: what an audit log costs those who ask over REST."""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psutil

from benchmarks.load import Job
from benchmarks.rest import measured
from tests.live.server import LiveServer

SECONDS = 2.0
ROUNDS = 7
KINDS: Mapping[str, Sequence[str] | None] = {
    "no log": None,
    "a log": (),
    "a log, of reads too": ("--audit-reads",),
}
"""Servers that are alike but for their log, by their options."""

_SEQUENCE = json.dumps(
    {"observations": [{"strings": ["a", "b"]}, {"strings": ["c"]}], "learn_at_end": True}
)
_REQUESTS = (
    ("observe, brief", "POST", "/p/observe?brief=true", '{"strings": ["a", "b"]}'),
    ("observe two and learn", "POST", "/p/observe-sequence?brief=true", _SEQUENCE),
    ("get a gene", "GET", "/p/gene/persistence", ""),
)


@dataclass
class Found:
    """What came of all rounds: requests per second, and microseconds of the server's time for one
    of them, whatever else the machine did."""

    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)


def main() -> None:
    """Ask all servers in turn, and print the medians."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as servers:
        running = {
            kind: servers.enter_context(_server(Path(folder, str(place)), options))
            for place, (kind, options) in enumerate(KINDS.items())
        }
        print(f"{'per second, of no log, µs of the server':<40}" + "".join(map(_title, KINDS)))
        for name, method, path, body in _REQUESTS:
            for connections in (1, 16):
                found = {kind: Found() for kind in running}
                for _ in range(ROUNDS):
                    for kind, server in running.items():
                        _ask(server, found[kind], method, path, body, connections)
                _print(f"{name}, {connections} at a time", found)


def _title(kind: str) -> str:
    return f"{kind:>26}"


@contextmanager
def _server(folder: Path, options: Sequence[str] | None) -> Iterator[LiveServer]:
    audit = () if options is None else ("--audit", str(folder / "audit"), *options)
    server = LiveServer("--storage", f"sqlite:{folder}/kato.db", *audit).start()
    try:
        with closing(server.connect()) as connection:
            connection.send("PUT", "/p")
        yield server
    finally:
        server.stop()


def _ask(
    server: LiveServer, found: Found, method: str, path: str, body: str, connections: int
) -> None:
    with closing(server.connect()) as connection:
        connection.post("/p/clear-short-term-memory")
    before = _time_of(server)
    job = Job(server.port, method, path, body, connections=connections, seconds=SECONDS)
    [result] = measured(job)
    found.rates.append(result["per_second"])
    found.costs.append((_time_of(server) - before) / (result["per_second"] * SECONDS) * 1e6)


def _time_of(server: LiveServer) -> float:
    """How long a server has used processors, in seconds."""
    times = psutil.Process(server.pid).cpu_times()
    return float(times.user + times.system)


def _print(name: str, found: Mapping[str, Found]) -> None:
    base = 0.0
    line = f"{name:<40}"
    for each in found.values():
        rate = median(each.rates)
        base = base or rate
        line += f"{rate:>10,.0f} {rate / base:>6.0%} {median(each.costs):>5,.0f} µs"
    print(line, flush=True)


if __name__ == "__main__":
    main()
