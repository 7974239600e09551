"""C{python -m benchmarks steady}: how long others wait while a message of 16 MiB is read.

The message is read in a thread of a server's pool, and meanwhile a clock ticks on the reactor each
millisecond.  What is told is the longest that it did not tick, beside the time for all of it.
"""

import gc
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import msgpack
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import react
from twisted.internet.threads import deferToThread

from benchmarks.ticking import timed
from kato.codec import decode_json
from kato.errors import PayloadTooLarge
from kato.letting_go import let_go
from kato.limits import MAX_VALUES
from kato.messagepack import unpack
from kato.running import COLLECTED, SWITCH
from kato.steady_json import decode_steadily

SIZE = 16 * 2**20
ROUNDS = 5
ALL = 2**30
"""So many values are in no message."""

OBSERVATION = {"strings": ["alpha", "beta"], "vectors": [[0.25, 1.5]], "emotives": {"joy": 0.5}}
HOW = ("in one go", "in steps", "1,000,000 values at most")

Read = Callable[[bytes], object]


def main() -> None:
    """Read messages of several shapes, each in one go and in steps."""
    sys.setswitchinterval(SWITCH)
    gc.set_threshold(*COLLECTED)
    print(f"| 16 MiB | {' | '.join(f'{how}: all ms | wait ms' for how in HOW)} |")
    print(f"|{'---|' * (1 + 2 * len(HOW))}")
    react(lambda _: ensureDeferred(_measure()))


async def _measure() -> None:
    for name, body in _json_messages():
        await _tell(f"JSON, {name}", body, (decode_json, _all, decode_steadily))
    limited = partial(unpack, limit=ALL, max_values=MAX_VALUES)
    for name, body in _packed_messages():
        await _tell(f"MessagePack, {name}", body, (_plainly, partial(unpack, limit=ALL), limited))


async def _tell(name: str, body: bytes, reads: Iterable[Read]) -> None:
    told = [await _best(read, body) for read in reads]
    print(f"| {name} | {' | '.join(told)} |", flush=True)


def _all(body: bytes) -> object:
    return decode_steadily(body, max_values=ALL)


def _plainly(body: bytes) -> object:
    return msgpack.unpackb(body)


def _json_messages() -> Iterator[tuple[str, bytes]]:
    """Texts of this size, by what they are made of."""
    entries = {
        "whole numbers": "12345678",
        "decimals": "0.12345678",
        "strings": '"symbol"',
        "empty lists": "[]",
        "small lists": "[1,2]",
        "small objects": '{"a":1}',
        "observations": json.dumps(OBSERVATION),
    }
    for name, entry in entries.items():
        yield name, f"[{','.join([entry] * (SIZE // (len(entry) + 1) - 1))}]".encode()
    yield "members", json.dumps({f"{i:07}": 1 for i in range(SIZE // 14)}).encode()
    yield "one string", b'"' + b"a" * (SIZE - 2) + b'"'
    yield "one string, escaped", b'"' + rb"\u00e9" * (SIZE // 6 - 1) + b'"'
    yield "blanks", b" " * (SIZE - 1) + b"1"


def _packed_messages() -> Iterator[tuple[str, bytes]]:
    entries: dict[str, object] = {
        "decimals": 0.12345678,
        "strings": "symbol",
        "small lists": [1, 2],
        "small maps": {"a": 1},
        "observations": OBSERVATION,
    }
    for name, entry in entries.items():
        packed = msgpack.packb(entry)
        number = SIZE // len(packed) - 5
        yield name, b"\xdd" + number.to_bytes(4) + packed * number
    yield "one string", msgpack.packb("a" * (SIZE - 5))


async def _best(read: Read, body: bytes) -> str:
    """The least of several times: others use this machine, too."""
    times = [await timed(partial(deferToThread, _read, read, body)) for _ in range(ROUNDS)]
    return " | ".join(f"{min(each) * 1e3:,.0f}" for each in zip(*times, strict=True))


def _read(read: Read, body: bytes) -> None:
    """Read what may be too much, and free it as a server does."""
    try:
        value = read(body)
    except PayloadTooLarge:
        return
    if read not in (decode_json, _plainly):
        let_go(value)


if __name__ == "__main__":
    main()
