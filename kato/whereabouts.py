"""Where processors are whose services share a store, as a gateway knows it (SPEC 10): the word of
the highest epoch counts, whoever says it, and whenever it comes."""

from collections.abc import Mapping
from typing import NamedTuple

MAX_PLACELESS = 10_000
"""How many epochs are remembered of processors that are nowhere, as far as is known."""


class Place(NamedTuple):
    """Where a processor was under an epoch; C{None}: nobody knows, C{0}: that is a guess."""

    address: str | None
    epoch: int


class Whereabouts:
    """What is known."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}
        self._placeless: dict[str, None] = {}
        self._held: dict[str, set[str]] = {}

    def place(self, processor: str) -> str | None:
        """The address of the service that has a processor; C{None}: it is not known."""
        return self._places.get(processor, _NOWHERE).address

    def epoch(self, processor: str) -> int:
        """The highest epoch under which somebody had a processor."""
        return self._places.get(processor, _NOWHERE).epoch

    def held(self, address: str) -> set[str]:
        """What a service has: always the same set, which changes."""
        return self._held.setdefault(address, set())

    def learn(self, processor: str, address: str, epoch: int) -> bool:
        """Somebody says who has a processor; whether that is news."""
        known = self._places.get(processor, _NOWHERE)
        if epoch < known.epoch or (epoch == known.epoch and known.address is not None):
            return False
        self._put(processor, Place(address, epoch))
        return True

    def confirm(self, processor: str, address: str, epoch: int) -> None:
        """Who has a processor has answered under an epoch that is not over, as far as is known."""
        if self._places.get(processor) != (address, epoch):
            self._put(processor, Place(address, epoch))

    def guess(self, processor: str, address: str) -> None:
        """A processor of which nothing is known is asked for there."""
        known = self._places.get(processor, _NOWHERE)
        if known.address is None:
            self._put(processor, Place(address, known.epoch))

    def announced(self, address: str, epochs: Mapping[str, int]) -> list[str]:
        """A service says all that it has; gives what is news."""
        for processor in self.held(address) - epochs.keys():
            self.forget(processor)
        return [each for each, epoch in epochs.items() if self.learn(each, address, epoch)]

    def forget(self, processor: str) -> None:
        """Nobody knows where a processor is; what was said under older epochs is still old."""
        known = self._places.get(processor)
        if known is not None:
            self._put(processor, Place(None, known.epoch))

    def left(self, address: str) -> None:
        """A service is not there any more."""
        for processor in list(self.held(address)):
            self.forget(processor)

    def _put(self, processor: str, place: Place) -> None:
        before = self._places.get(processor, _NOWHERE)
        if before.address is not None:
            self._held[before.address].discard(processor)
        self._places[processor] = place
        if place.address is not None:
            self.held(place.address).add(processor)
            self._placeless.pop(processor, None)
            return
        self._placeless[processor] = None
        if len(self._placeless) > MAX_PLACELESS:
            oldest = next(iter(self._placeless))
            del self._placeless[oldest], self._places[oldest]


_NOWHERE = Place(None, 0)
