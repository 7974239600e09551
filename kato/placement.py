"""Where a new processor goes (SPEC 10, C{--placement})."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Candidate:
    """A service that could take one more processor.

    C{under_way} counts requests that it has not answered yet.
    """

    address: str
    processors: int
    under_way: int


class Placement(Protocol):
    """Chooses; the same candidates in the same order of questions give the same choices."""

    def choose(self, candidates: Iterable[Candidate]) -> str:
        """The address of one of C{candidates}, of which there is at least one."""


class Least:
    """The service with the fewest processors; of several, the one whose address comes first."""

    def choose(self, candidates: Iterable[Candidate]) -> str:
        """Choose by processors."""
        return min(candidates, key=lambda each: (each.processors, each.address)).address


class LeastBusy:
    """The service with the fewest requests under way; of several, as L{Least} does it, so that
    services at rest do not give all to one of them."""

    def choose(self, candidates: Iterable[Candidate]) -> str:
        """Choose by requests under way."""
        return min(
            candidates, key=lambda each: (each.under_way, each.processors, each.address)
        ).address


class RoundRobin:
    """The services in turn, by their addresses."""

    def __init__(self) -> None:
        self._last = ""

    def choose(self, candidates: Iterable[Candidate]) -> str:
        """Choose the next one after the last one chosen."""
        addresses = sorted(each.address for each in candidates)
        later = (each for each in addresses if each > self._last)
        self._last = next(later, addresses[0])
        return self._last


PLACEMENTS: Mapping[str, Callable[[], Placement]] = {
    "least": Least,
    "least-busy": LeastBusy,
    "round-robin": RoundRobin,
}
"""How new processors are placed, by the name that an operator uses; the first is the default."""
