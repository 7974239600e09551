"""C{python -m benchmarks steady}: how long others wait while a message of 16 MiB is read.

The message is read in a thread of a server's pool, and meanwhile a clock ticks on the reactor each
millisecond.  What is told is the longest that it did not tick, beside the time for all of it.
"""

import gc
import json
import sys
from collections.abc import Callable, Iterator
from time import perf_counter

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import LoopingCall, react
from twisted.internet.threads import deferToThread

from kato.codec import decode_json
from kato.errors import KatoError, PayloadTooLarge
from kato.letting_go import let_go
from kato.running import COLLECTED, SWITCH
from kato.steady_json import decode_steadily

SIZE = 16 * 2**20
ROUNDS = 3
ALL = 2**30
"""So many values are in no message."""

Read = Callable[[bytes], None]


def main() -> None:
    """Read messages of several shapes, each in one go and in steps."""
    sys.setswitchinterval(SWITCH)
    gc.set_threshold(*COLLECTED)
    print("16 MiB of JSON | in one go: all, longest wait | in steps | 1,000,000 values at most")
    react(lambda _: ensureDeferred(_measure()))


async def _measure() -> None:
    for name, body in _messages():
        told = [await _best(read, body) for read in (_at_once, _all, _within_limits)]
        print(f"{name:>20} | {' | '.join(told)}", flush=True)


def _at_once(body: bytes) -> None:
    decode_json(body)


def _all(body: bytes) -> None:
    let_go(decode_steadily(body, max_values=ALL))


def _within_limits(body: bytes) -> None:
    let_go(decode_steadily(body))


def _messages() -> Iterator[tuple[str, bytes]]:
    """Bodies of this size, by what they are made of."""
    observation = {"strings": ["alpha", "beta"], "vectors": [[0.25, 1.5]], "emotives": {"joy": 0.5}}
    entries = {
        "whole numbers": "12345678",
        "decimals": "0.12345678",
        "strings": '"symbol"',
        "empty lists": "[]",
        "small lists": "[1,2]",
        "small objects": '{"a":1}',
        "observations": json.dumps(observation),
    }
    for name, entry in entries.items():
        yield name, f"[{','.join([entry] * (SIZE // (len(entry) + 1) - 1))}]".encode()
    yield "members", json.dumps({f"{i:07}": 1 for i in range(SIZE // 14)}).encode()
    yield "one string", b'"' + b"a" * (SIZE - 2) + b'"'
    yield "one string, escaped", b'"' + rb"\u00e9" * (SIZE // 6 - 1) + b'"'
    yield "blanks", b" " * (SIZE - 1) + b"1"
    yield "one number", b"1" * SIZE


async def _best(read: Read, body: bytes) -> str:
    """The least of several times: others use this machine, too."""
    times = [await _times(read, body) for _ in range(ROUNDS)]
    return "".join(f"{min(each) * 1e3:7,.0f}" for each in zip(*times, strict=True))


async def _times(read: Read, body: bytes) -> tuple[float, float]:
    """Seconds that it took, and the longest in which nothing else was done."""
    waits = [0.0]
    last = perf_counter()

    def tick() -> None:
        nonlocal last
        now = perf_counter()
        waits.append(now - last)
        last = now

    ticking = LoopingCall(tick)
    ended: Deferred[None] = ticking.start(0.001, now=False).addCallback(lambda _: None)
    began = perf_counter()
    await deferToThread(_read, read, body)
    took = perf_counter() - began
    tick()
    ticking.stop()
    await ended
    return took, max(waits)


def _read(read: Read, body: bytes) -> None:
    """Read what may be too much, or what nobody takes."""
    try:
        read(body)
    except KatoError as error:
        assert isinstance(error, PayloadTooLarge) or "more than" in error.message, error


if __name__ == "__main__":
    main()
