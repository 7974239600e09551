"""Short-term memory, and what it was before (SPEC 2, 8).

Short-term memory is a window on the numbered sequence of all events.  An answer that may be asked
for again remembers its window as two numbers, and the events in it are kept for as long: those in
the present window in a list, older ones in an archive.
"""

from collections import deque

from kato.changes import NumberedEvent, Window
from kato.observation import Event


class ShortTermMemory:
    """The events observed since the last clearing, and older ones that are still needed."""

    __slots__ = ("_archive", "_archived", "_dropped", "_events", "_pinned_end", "_saved", "_start")

    def __init__(self) -> None:
        self._start = 0
        self._events: list[Event] = []
        self._archive: dict[int, Event] = {}
        self._archived: deque[int] = deque()
        self._pinned_end = 0
        self._saved = 0
        self._dropped: list[Window] = []

    def __len__(self) -> int:
        return len(self._events)

    @property
    def window(self) -> Window:
        """The present span."""
        return Window(self._start, self._start + len(self._events))

    @property
    def events(self) -> list[Event]:
        """The events of the present window; the caller leaves the list as it is.  So do we, but
        for adding to it: its beginning stays what it was for whoever keeps it."""
        return self._events

    def append(self, event: Event) -> None:
        """Take the next event."""
        self._events.append(event)

    def keep_last(self, count: int) -> None:
        """Move the start so that the last C{count} events stay."""
        leaving = len(self._events) - count
        if leaving <= 0:
            return
        kept = min(max(self._pinned_end - self._start, 0), leaving)
        for index, event in enumerate(self._events[:kept], self._start):
            self._archive[index] = event
            self._archived.append(index)
        self._drop(self._start + kept, self._start + leaving)
        self._events = self._events[leaving:]
        self._start += leaving

    def pin(self, window: Window) -> None:
        """Keep the events of C{window}, which ends now or earlier, until they are released."""
        self._pinned_end = max(self._pinned_end, window.end)

    def release_before(self, index: int) -> None:
        """Nobody will ask again for what was before C{index}, which is where a pinned window
        starts, or the end of the present one where nothing is pinned any more."""
        while self._archived and self._archived[0] < index:
            gone = self._archived.popleft()
            del self._archive[gone]
            self._drop(gone, gone + 1)
        if self._pinned_end <= index:
            self._pinned_end = 0

    def at(self, window: Window) -> list[Event]:
        """The events of a window that was pinned, or of the present one."""
        old = [self._archive[i] for i in range(window.start, min(window.end, self._start))]
        first = max(window.start, self._start) - self._start
        return old + self._events[first : max(window.end - self._start, 0)]

    def _drop(self, start: int, end: int) -> None:
        """Note for the store that events are gone; those it has not yet seen need no note."""
        end = min(end, self._saved)
        if start >= end:
            return
        if self._dropped and self._dropped[-1].end == start:
            self._dropped[-1] = Window(self._dropped[-1].start, end)
        else:
            self._dropped.append(Window(start, end))

    def drain(self) -> tuple[tuple[NumberedEvent, ...], tuple[Window, ...]]:
        """What the store does not have yet, and what it has for nothing."""
        fresh: list[NumberedEvent] = []
        for index in reversed(self._archived):
            if index < self._saved:
                break
            fresh.append(NumberedEvent(index, self._archive[index]))
        fresh.reverse()
        first = max(self._saved - self._start, 0)
        fresh += [
            NumberedEvent(self._start + first + i, event)
            for i, event in enumerate(self._events[first:])
        ]
        dropped = tuple(self._dropped)
        self._dropped.clear()
        self._saved = self.window.end
        return tuple(fresh), dropped

    @classmethod
    def restore(cls, window: Window, events: tuple[NumberedEvent, ...]) -> "ShortTermMemory":
        """Build it again from what the store has."""
        memory = cls()
        memory._start = window.start
        memory._saved = window.end
        for index, event in sorted(events):
            if index >= window.start:
                memory._events.append(event)
            else:
                memory._archive[index] = event
                memory._archived.append(index)
        return memory
