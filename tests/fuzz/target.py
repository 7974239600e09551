"""What is attacked, and what it must never do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Attack = Callable[[bytes], None]
"""Gives bytes to a parser; whatever it raises is a finding."""


class Broken(AssertionError):
    """A law does not hold."""


@dataclass(frozen=True, slots=True)
class Target:
    """One parser.

    C{seeds} are what is mutated first, C{words} what its language is made of; C{longest} is how
    many bytes are worth trying.
    """

    name: str
    attack: Attack
    seeds: Sequence[bytes]
    words: Sequence[bytes] = ()
    longest: int = 2048


def hold(law: bool, what: str, *shown: object) -> None:
    """@raise Broken: where a law does not hold."""
    if not law:
        raise Broken(": ".join([what, *map(repr, shown)]))
