"""C{python -m tests.engine.arithmetic}: the kernel's exact arithmetic against Python's own.

Needs a kernel built with C{KATO_FAULTS} (L{tests.engine.sanitized} builds one).
"""

import math
import random
import sys
from fractions import Fraction

from kato.engine import _kernel

TRIES = 40_000


def near_halves(chance: random.Random) -> float:
    """A value that twelve decimals round: anything, exact halves, and their neighbours."""
    kind = chance.randrange(5)
    if kind == 0:
        return chance.uniform(-4, 4)
    if kind == 1:
        return chance.choice((-1.0, 1.0)) * math.pow(10.0, chance.uniform(-14, 3.9))
    if kind == 2:
        return math.ldexp(chance.randrange(-(2**20), 2**20), -chance.randrange(13, 18))
    half = (chance.randrange(10**13) + 0.5) / 1e12
    return half if kind == 3 else math.nextafter(half, chance.choice((-1.0, 100.0)))


def terms(chance: random.Random) -> list[float]:
    """Terms of very different sizes that partly cancel each other."""
    found = [
        chance.choice((-1, 1)) * math.ldexp(chance.random(), chance.randint(-80, 80))
        for _ in range(chance.randrange(30))
    ]
    if chance.random() < 0.3:
        found += [-each for each in found]
        chance.shuffle(found)
    return found


def operands(chance: random.Random) -> tuple[int, int]:
    """Whole numbers of up to 118 bits, some of them close to each other."""
    first = chance.getrandbits(chance.randint(1, 118)) or 1
    if first > 3 and chance.random() < 0.3:
        return first + chance.randint(-3, 3), first
    return first, chance.getrandbits(chance.randint(1, 118)) or 1


def ratio(first: int, second: int) -> float:
    low = 2**64 - 1
    return _kernel.ratio(first >> 64, first & low, second >> 64, second & low)


def main() -> int:
    """Try all, and tell of the first that differs."""
    chance = random.Random(1)
    for _ in range(TRIES):
        value, summed, (first, second) = near_halves(chance), terms(chance), operands(chance)
        given = (_kernel.rounded(value), _kernel.total(summed), ratio(first, second))
        expected = (round(value, 12) + 0.0, math.fsum(summed), float(Fraction(first, second)))
        if list(map(float.hex, given)) != list(map(float.hex, expected)):
            print(f"{value!r}, {summed}, {first} / {second}: {given} is not {expected}")
            return 1
    print(f"{TRIES:,} roundings, sums and quotients are Python's to the last digit")
    return 0


if __name__ == "__main__":
    sys.exit(main())
