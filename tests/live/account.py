"""What a reader of events keeps account of, so that it can say what it was told and what not."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

Event = Mapping[str, Any]

KEPT = ("learning", "memory")
NEWEST = ("observations", "predictions")


class Account:
    """All that one reader was told of a processor in one epoch, over however many connections."""

    def __init__(self, epoch: str, offset: int) -> None:
        """@param offset: where it begins."""
        self.epoch = epoch
        self.began = offset
        self.offset = offset
        self.newest = dict.fromkeys(NEWEST, offset)
        self.told: list[tuple[str, int]] = []
        self.skipped: Counter[str] = Counter()
        self._here = offset

    @property
    def params(self) -> dict[str, Any]:
        """How to subscribe, to be told what happened since."""
        return {"epoch": self.epoch, "since": self.offset, **self.newest}

    def connected(self) -> None:
        """It begins to be told on another connection."""
        self._here = 0

    def take(self, event: Event) -> None:
        """Be told an event.

        @raise AssertionError: where it cannot come here.
        """
        topic, offset = event["event"], event["offset"]
        if offset < self._here:
            raise AssertionError(f"offset {offset} after {self._here}: {event}")
        self._here = offset
        self.offset = max(self.offset, offset)
        if topic in NEWEST:
            self.newest[topic] = offset
            self.skipped[topic] += event.get("skipped", 0)
        elif event.get("skipped"):
            raise AssertionError(f"one of which none may be passed over: {event}")
        self.told.append((topic, offset))

    def offsets(self, *topics: str) -> list[int]:
        """Those of all events of these topics, as they came."""
        return [offset for topic, offset in self.told if topic in topics]

    def count(self, topic: str) -> int:
        """How many events there were, as far as it knows: told or skipped."""
        return len(self.offsets(topic)) + self.skipped[topic]
