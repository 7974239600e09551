"""How soon somebody who listens is told what an observation lets expect, and what compression does
to that."""

import json
import zlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import astuple, dataclass
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks.streams.kept import Kept
from benchmarks.streams.wire import DEFLATE, Wire
from benchmarks.streams.world import STATE, World
from tests.live.server import LiveServer

MODELS = 10_000
VOCABULARIES = (5_000, 500, 50)
"""So many symbols there are: the fewer, the more models have to do with a state."""
STATES = 1_000
GOAL = "3"

COMPRESSED = (1, 2, 3, 5, 10, 20, 50, 100)
"""So many predictions are told, to see what compression does to them."""
ROUNDS = 4
STATES_A_ROUND = 100


@dataclass(frozen=True, slots=True)
class Told:
    """What came of one observation: seconds until it was answered, and until predictions were
    there; of how many bytes these were, and the seconds that it took to read them; how many there
    were."""

    answered: float
    there: float
    size: int
    read: float
    predictions: int


class Listener:
    """Observes over REST, and listens to predictions."""

    def __init__(self, port: int, processor: str, *headers: str) -> None:
        self._wire = Wire(port, *headers)
        self._rest = Kept(port)
        self._processor = processor
        self._wire.ask("subscribe", processor, {"topics": ["predictions"]})

    def post(self, path: str, body: object = None) -> None:
        """Post, and wait for the predictions that follow."""
        self._rest.post(f"/{self._processor}/{path}", body)
        self._wire.message()

    def state(self, world: World) -> Told:
        """Observe a state; its last observation is timed."""
        self.post("clear-short-term-memory")
        for _ in range(STATE - 1):
            self.post("observe?brief=true", world.observation())
        observation = world.observation()
        began = perf_counter()
        self._rest.post(f"/{self._processor}/observe?brief=true", observation)
        answered = perf_counter()
        came = self._wire.message()
        there = perf_counter()
        event = json.loads(_inflated(came))
        read = perf_counter()
        number = len(event["data"]["predictions"])
        return Told(answered - began, there - began, len(came), read - there, number)

    def close(self) -> None:
        """Listen no more."""
        self._wire.close()
        self._rest.close()


def _inflated(came: bytes) -> bytes:
    """A message that came compressed, or not."""
    if came.startswith(b"{"):
        return came
    return zlib.decompress(came + b"\x00\x00\xff\xff\x03\x00", wbits=-15)


def measure_latency(server: LiveServer) -> None:
    """Observe one thing at a time, while somebody listens."""
    title = f"from observe to predictions, {MODELS:,} models"
    columns = " ".join(f"{each:>8}" for each in ("kB", "answer", "p50 ms", "p90 ms", "p99 ms"))
    print(f"\n{title:<44} {columns}  goal")
    for vocabulary in VOCABULARIES:
        processor = f"of{vocabulary}"
        world = World(vocabulary)
        with closing(server.connect()) as connection:
            world.learn(connection, processor, MODELS)
        with closing(Listener(server.port, processor)) as listener:
            told = [listener.state(world) for _ in range(STATES)]
        number = median(each.predictions for each in told)
        name = f"{vocabulary:,} symbols, {number:.0f} predictions"
        there = [each.there for each in told]
        figures = (
            median(each.size for each in told) / 1e3,
            median(each.answered for each in told) * 1e3,
            *(_at(there, percent) for percent in (50, 90, 99)),
        )
        print(f"{name:<44} {_row(figures)}  {GOAL}", flush=True)


def _at(taken: Sequence[float], percent: int) -> float:
    """Milliseconds within which so many of a hundred were."""
    return sorted(taken)[len(taken) * percent // 100] * 1e3


def _row(figures: Sequence[float]) -> str:
    return " ".join(f"{each:>8.2f}" for each in figures)


def measure_compression(server: LiveServer) -> None:
    """What permessage-deflate saves and costs, by how many predictions an event has; and on which
    networks that is less than it takes to send what is saved."""
    names = ("bytes", "deflated", "there ms", "deflated", "read ms", "deflated")
    columns = " ".join(f"{each:>8}" for each in names)
    print(f"\n{'an event of':<18} {columns}  pays on")
    processor = f"of{VOCABULARIES[-1]}"
    for number in COMPRESSED:
        with closing(server.connect()) as connection:
            genes = {"max_predictions": number}
            connection.post(f"/{processor}/genes/change", {"genes": genes})
        plain, short = _both(server.port, processor)
        figures = (plain.there, short.there, plain.read, short.read)
        print(
            f"{f'{number} predictions':<18} {plain.size:>8,} {short.size:>8,}"
            f" {_row([each * 1e3 for each in figures])}  {_pays(plain, short)}",
            flush=True,
        )


def _both(port: int, processor: str) -> tuple[Told, Told]:
    """The medians of what is told plainly, and of what is compressed, by turns."""
    told: tuple[list[Told], list[Told]] = ([], [])
    for number in range(ROUNDS):
        for headers, each in zip(((), (DEFLATE,)), told, strict=True):
            world = World(VOCABULARIES[-1], seed=number)
            with closing(Listener(port, processor, *headers)) as listener:
                each += [listener.state(world) for _ in range(STATES_A_ROUND)]
    plain, short = (Told(*(map(_median, zip(*map(astuple, each), strict=True)))) for each in told)
    return plain, short


def _median(values: Sequence[float]) -> Any:
    return sorted(values)[len(values) // 2]


def _pays(plain: Told, short: Told) -> str:
    """On which networks it is sooner there, and read, when it is compressed."""
    saved = 8 * (plain.size - short.size)
    longer = short.there + short.read - plain.there - plain.read
    if not saved:
        return "not compressed"
    return f"up to {saved / longer / 1e6:,.0f} Mbit/s" if longer > 0 else "any"
