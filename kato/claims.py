"""What a service claims of the processors that it holds, by what the first gateway said (SPEC 10).

The first gateway is told all of them.  The others are told what it confirmed: so they cannot
believe anything else than it does, in whatever order they hear of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Told:
    """What one gateway is told.

    @ivar unconfirmed: what is given up to whoever else claims it.
    @ivar as_of: when the first gateway confirmed C{processors}; 0: never.
    @ivar epochs: what is owned in a store that others share, where it is.
    """

    processors: frozenset[str]
    unconfirmed: frozenset[str]
    as_of: int
    epochs: Mapping[str, int] | None = None

    def same(self, other: "Told") -> bool:
        """Whether both tell of the same processors."""
        mine = (self.processors, self.unconfirmed, self.epochs)
        return mine == (other.processors, other.unconfirmed, other.epochs)


class Claims:
    """What the first gateway granted and refused."""

    def __init__(self) -> None:
        self._confirmed: frozenset[str] = frozenset()
        self._as_of = 0
        self.refused: Mapping[str, str] = {}

    @property
    def answered(self) -> bool:
        """Whether the first gateway has ever said anything."""
        return self._as_of > 0

    def to_first(self, held: frozenset[str]) -> Told:
        """What the first gateway is told; what it refused once is not insisted on."""
        refused = held & self.refused.keys()
        return Told(held - refused, refused, self._as_of)

    def to_others(self, held: frozenset[str], *, first_is_away: bool) -> Told:
        """What the other gateways are told; what waits for the first one's word is told while that
        cannot be had."""
        waiting = held - self._confirmed - self.refused.keys() if first_is_away else frozenset()
        return Told(held & self._confirmed, waiting, self._as_of)

    def judged(
        self, told: Told, refused: Mapping[str, str], undecided: frozenset[str], as_of: int
    ) -> None:
        """The first gateway answered; what it has not decided is as it was."""
        still = {each: why for each, why in self.refused.items() if each in undecided}
        self.refused = {**refused, **still}
        self._confirmed = (told.processors | told.unconfirmed) - refused.keys() - undecided
        self._as_of = as_of
