"""Mutation without a look inside: for where Atheris is not to be had, and for tests of targets."""

import random
from collections.abc import Callable, Sequence

from tests.fuzz.target import Target

_FEW = 4
_INTERESTING = (0, 1, 0x0A, 0x0D, 0x20, 0x7F, 0x80, 0xC1, 0xD9, 0xDD, 0xFF)

Mutation = Callable[[random.Random, bytes, Target], bytes]


def mutated(chance: random.Random, pool: Sequence[bytes], target: Target) -> bytes:
    """One of a pool, changed in one to four places."""
    data = chance.choice(pool)
    for _ in range(chance.randint(1, _FEW)):
        data = chance.choice(_MUTATIONS)(chance, data, target)
    return data[: target.longest]


def _place(chance: random.Random, data: bytes) -> int:
    return chance.randint(0, len(data))


def _flip(chance: random.Random, data: bytes, target: Target) -> bytes:
    at = _place(chance, data)
    return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]


def _interest(chance: random.Random, data: bytes, target: Target) -> bytes:
    at = _place(chance, data)
    return data[:at] + bytes([chance.choice(_INTERESTING)]) + data[at + 1 :]


def _cut(chance: random.Random, data: bytes, target: Target) -> bytes:
    at = _place(chance, data)
    return data[:at] + data[at + chance.randint(1, 8) :]


def _word(chance: random.Random, data: bytes, target: Target) -> bytes:
    at = _place(chance, data)
    return data[:at] + chance.choice(target.words or (b"\0",)) + data[at:]


def _repeat(chance: random.Random, data: bytes, target: Target) -> bytes:
    at = _place(chance, data)
    return data[:at] + data[at : at + chance.randint(1, 32)] * chance.randint(2, 40) + data[at:]


def _cross(chance: random.Random, data: bytes, target: Target) -> bytes:
    other = chance.choice(target.seeds)
    return data[: _place(chance, data)] + other[_place(chance, other) :]


_MUTATIONS: tuple[Mutation, ...] = (_flip, _flip, _interest, _cut, _word, _repeat, _cross)
