"""A stream that says when it is cut off, and when it is back."""

from collections.abc import Callable, Iterable, Sequence
from random import random

from kato.client.streams import Stream, StreamEvent


class ToldStream(Stream):
    """A stream of events that tells of its connection."""

    def __init__(
        self,
        processor: str | None,
        topics: Iterable[str] | None,
        told: Callable[[str | None], object],
    ) -> None:
        """
        @param told: is told why nothing is heard any more, or C{None}: it is back.
        """
        super().__init__(processor, topics, random=random)
        self._told = told
        self._lost = False

    def take(self, message: str | bytes) -> Sequence[StreamEvent]:
        """What a message tells."""
        events = super().take(message)
        if self._lost:
            self._lost = False
            self._told(None)
        return events

    def lost(self, why: Exception) -> float:
        """The connection is lost: seconds until the next try."""
        seconds = super().lost(why)
        self._lost = True
        self._told(str(why) or type(why).__name__)
        return seconds
