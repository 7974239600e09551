"""A load of HTTP requests from a process of its own: bounded, on loopback, each answer awaited.

Run as C{python -m benchmarks.load}, with a L{Job} as JSON on standard input; prints what came of it
as JSON.  Every connection sends its next request when it has read the answer to the one before.
"""

import asyncio
import json
import resource
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import count
from time import perf_counter


@dataclass(frozen=True, slots=True)
class Job:
    """What to send.

    C{path} and C{body} may hold C{NUMBER}, which becomes another number in every request;
    C{seconds} is how long, after which each connection reads its last answer and ends.
    """

    port: int
    method: str
    path: str
    body: str = ""
    connections: int = 16
    seconds: float = 3.0


def requests(job: Job) -> Iterator[bytes]:
    """The requests as bytes."""
    for number in count():
        body = job.body.replace("NUMBER", str(number)).encode()
        path = job.path.replace("NUMBER", str(number))
        head = f"{job.method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{job.port}\r\n"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        yield head.encode() + b"\r\n" + body


class Connection(asyncio.Protocol):
    """Sends, awaits, and notes how long that took."""

    def __init__(self, source: Iterator[bytes], until: float) -> None:
        self._source = source
        self._until = until
        self._buffer = b""
        self.latencies: list[float] = []
        self.errors = 0
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._began = perf_counter()
        self._transport.write(next(self._source))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        now = perf_counter()
        self.latencies.append(now - self._began)
        self.errors += not head.startswith(b"HTTP/1.1 2")
        self._buffer = b""
        if now < self._until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.errors += exc is not None
        if not self.over.done():
            self.over.set_result(None)


async def run(job: Job) -> dict[str, float]:
    """Send the load; times are in seconds."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    loop = asyncio.get_running_loop()
    source = requests(job)
    began = perf_counter()
    made = [
        await loop.create_connection(
            lambda: Connection(source, began + job.seconds), "127.0.0.1", job.port
        )
        for _ in range(job.connections)
    ]
    await asyncio.gather(*(connection.over for _, connection in made))
    elapsed = perf_counter() - began
    latencies = sorted(each for _, connection in made for each in connection.latencies)
    return {
        "requests": len(latencies),
        "errors": sum(connection.errors for _, connection in made),
        "per_second": len(latencies) / elapsed,
        "p50": latencies[len(latencies) // 2],
        "p99": latencies[len(latencies) * 99 // 100],
    }


async def spoken_to(job: Job) -> dict[str, float]:
    """Run a job in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.load"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await process.communicate(json.dumps(asdict(job)).encode())
    result: dict[str, float] = json.loads(told)
    return result


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(Job(**json.load(sys.stdin))))))
