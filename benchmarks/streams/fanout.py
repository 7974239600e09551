"""What is learned, told to a thousand subscribers, beside a bare loop that tells as many."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from time import perf_counter

from benchmarks.streams.processes import Other, other
from benchmarks.streams.wire import LAST, SENT, Wire
from tests.live.server import Connection, LiveServer

SUBSCRIBERS = 1_000
ROUNDS = 7
MESSAGES = 160
"""So many are told in a round,"""
TOGETHER = (1, 4, 16)
"""and so many of these come of one request."""
GOAL = 0.7

PROCESSOR = "p1"
SUBSCRIBE = json.dumps(
    {"method": "subscribe", "processor": PROCESSOR, "params": {"topics": ["learning", "memory"]}}
)
Tell = Callable[[int], object]
"""Has so many messages told."""


@dataclass(frozen=True, slots=True)
class Round:
    """What came of a round, in messages a second, all subscribers together; and one message."""

    per_second: float
    text: bytes


def measure_fanout() -> None:
    """Measure in turns, and print a table."""
    with ExitStack() as stack:
        readers = stack.enter_context(other("benchmarks.streams.readers"))
        server = LiveServer("--storage", "memory:").start()
        stack.callback(server.stop)
        connection = server.connect()
        connection.send("PUT", f"/{PROCESSOR}")
        bare = int(stack.enter_context(other("benchmarks.streams.bare")).hear())
        telling = Wire(bare)
        readers.ask({"connect": server.port, "number": SUBSCRIBERS, "say": SUBSCRIBE})
        readers.ask({"connect": bare, "number": SUBSCRIBERS, "say": None})
        title = f"{SUBSCRIBERS:,} subscribers"
        print(f"\n{title:<44} {'bare':>9} {'here':>9} {'of bare':>9}  goal")
        for together in TOGETHER:
            _compared(readers, together, server.port, connection, bare, telling)


def _compared(
    readers: Other,
    together: int,
    port: int,
    connection: Connection,
    bare: int,
    telling: Wire,
) -> None:
    ours, theirs, shares = [], [], []
    for _ in range(ROUNDS):
        here = _round(readers, port, together, *_telling(connection))
        there = _round(readers, bare, together, *_telling_bare(telling, here.text))
        ours.append(here.per_second)
        theirs.append(there.per_second)
        shares.append(here.per_second / there.per_second)
    print(
        f"messages a second, {together:>2} of one request{'':<10} {median(theirs):>9,.0f}"
        f" {median(ours):>9,.0f} {median(shares):>9.0%}  {GOAL:.0%}  "
        f"({min(shares):.0%} to {max(shares):.0%})",
        flush=True,
    )


def _telling(connection: Connection) -> tuple[Tell, Tell]:
    """Has something learned, and the STM cleared, which is the last thing."""

    def learn(number: int) -> None:
        body = {"observations": [{"strings": ["a", "b"]}] * number, "learn_after_each": True}
        connection.post(f"/{PROCESSOR}/observe-sequence?brief=true", body)

    def clear(_: int) -> None:
        connection.post(f"/{PROCESSOR}/clear-short-term-memory")

    return learn, clear


def _telling_bare(telling: Wire, text: bytes) -> tuple[Tell, Tell]:
    """Has the same text told, and at last a short one."""

    def said(number: int, text: bytes) -> None:
        telling.say(b"%d %s" % (number, text))
        if telling.message() != SENT:
            raise SystemExit("the bare server says something else")

    return lambda number: said(number, text), lambda number: said(number, LAST)


def _round(readers: Other, port: int, together: int, tell: Tell, end: Tell) -> Round:
    """Have messages told while all read, and see that each was told each."""
    readers.tell({"read": port})
    began = perf_counter()
    for _ in range(MESSAGES // together):
        tell(together)
    end(1)
    came = json.loads(readers.hear())
    texts = [each.encode() for each in came["told"]]
    if not came["same"] or len(texts) != MESSAGES + 1:
        raise SystemExit(f"not all subscribers were told all: {len(texts)}, {came['same']}")
    _see(texts[:-1])
    return Round(SUBSCRIBERS * (MESSAGES + 1) / (came["until"] - began), texts[0])


def _see(texts: list[bytes]) -> None:
    """Every event is there, in order; what is bare tells the same all the time."""
    events = [json.loads(each) for each in texts]
    offsets = [each["offset"] for each in events]
    if {each["event"] for each in events} != {"learning"}:
        raise SystemExit(f"something else was told: {events}")
    if len(set(texts)) > 1 and offsets != list(range(offsets[0], offsets[0] + 2 * MESSAGES, 2)):
        raise SystemExit(f"not every event was told: {offsets}")
