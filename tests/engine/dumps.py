"""C{python -m tests.engine.dumps}: dumps that are cut or changed are refused, or are dumps.

The digest before a dump refuses nearly all; so what the kernel itself reads is tried without it:
there a changed byte may give another dump that is sound, but never one that does harm.
"""

import random
import struct
import sys

from kato.engine import _kernel
from kato.engine.native_matcher import NativeMatcher

TRIES = 3_000


def filled() -> NativeMatcher:
    """A matcher with a few models, among them one whose name is no digest."""
    matcher = NativeMatcher()
    for number in range(6):
        sequence = tuple((f"s{(number + i) % 5}", "é" * number) for i in range(number + 1))
        matcher.add(f"MODEL|{number:040x}" if number else "other", sequence, number + 1)
    return matcher


def changed(chance: random.Random, dumped: bytes) -> bytes:
    """A dump to which something was done."""
    data = bytearray(dumped)
    for _ in range(chance.choice((1, 1, 2, 5))):
        at = chance.randrange(len(data))
        kind = chance.randrange(5)
        if kind == 0:
            data[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del data[at : at + chance.choice((1, 4, 8, 1000))]
        elif kind == 2:
            data[at:at] = chance.randbytes(chance.choice((1, 4, 8)))
        elif kind == 3:
            data[at] = chance.choice((0, 1, 127, 128, 255))
        elif len(data) > 48:
            field = 8 * chance.randrange(6)
            data[field : field + 8] = struct.pack("<Q", chance.choice((0, 1, 2**31, 2**63, 7)))
        if not data:
            break
    return bytes(data)


def use(memory: _kernel.Memory) -> None:
    """Ask what was loaded for everything, so that whatever is wrong in it is touched."""
    names = memory.page(None, 100)
    for name in names:
        found = memory.get(name)
        assert found is not None and memory.find(found[0]) == name
    ranking = memory.best(("s0", "s1", "é"), 0.0, 0, 10)
    for place in range(len(ranking)):
        ranking.told(place)
        ranking.json(place)
    memory.forecast(("s0", "s1"), 0.0, 10)
    again = _kernel.Memory(1)
    assert again.load(memory.dump())
    for name in names:
        memory.remove(name)
    assert len(memory) == 0 and memory.symbols == 0


def refused() -> int:
    """Try all; gives how many were refused without their digest.

    @raise AssertionError: where one was taken in that must not be.
    """
    chance = random.Random(1)
    matcher = filled()
    guarded = matcher.dump()
    plain = guarded[32:]
    count = 0
    for _ in range(TRIES):
        data = changed(chance, guarded)
        assert data == guarded or not NativeMatcher().load(data), f"taken in: {data!r}"
        memory = _kernel.Memory(7)
        if memory.load(changed(chance, plain)):
            use(memory)
        else:
            count += 1
            assert len(memory) == 0 and memory.symbols == 0
    for length in range(len(plain)):
        assert not _kernel.Memory(7).load(plain[:length])
    return count


def main() -> int:
    """Try all, and tell how much was refused."""
    count = refused()
    print(f"{TRIES:,} damaged dumps: none was taken in; without digest {count:,} were refused")
    return 0


if __name__ == "__main__":
    sys.exit(main())
