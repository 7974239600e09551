"""What is sent to one reader: no faster than it reads, and written off the reactor where that takes
long (SPEC 9)."""

from collections import deque
from collections.abc import Callable, Hashable
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from kato.events import OBSERVATIONS, PREDICTIONS
from kato.outbox import Outbox, Waiting
from kato.protocols.websocket.frames import Announced, Codec, Frames, Written
from kato.protocols.websocket.traffic import Traffic
from kato.protocols.websocket.writing import Writing

MAX_WAITING = 2 * 2**20
"""How many bytes of events that may not be missed wait for a reader before it is given up."""

_NEWEST = frozenset({OBSERVATIONS, PREDICTIONS})
"""Of these topics the newest event is enough."""


class Wire(Protocol):
    """The connection itself."""

    def send(self, frame: bytes) -> None:
        """Send a frame."""

    def close(self, code: int, reason: str) -> None:
        """Send a closing frame, behind all others."""

    def read(self, on: bool) -> None:
        """Read on, or let what comes wait at the client's."""

    def limit(self, size: int) -> None:
        """Take no message of more bytes: one closes the connection."""


class _Late:
    """An answer that takes long to write, and is not before its turn comes; C{done} fires when it
    was sent, or nobody will read it."""

    __slots__ = ("done", "written")

    def __init__(self, written: Written) -> None:
        self.written = written
        self.done: Deferred[None] = Deferred()


class Sending:
    """Sends messages in order."""

    log = Logger()

    def __init__(
        self,
        wire: Wire,
        *,
        codec: Codec,
        deflates: bool,
        writing: Writing,
        traffic: Traffic,
        clock: IReactorTime,
        room: Callable[[], None],
        overflow: Callable[[], None],
    ) -> None:
        """
        @param deflates: whether the reader takes what is compressed.
        @param traffic: counts what is sent.
        @param room: is told when all has been handed to the connection.
        @param overflow: is told that the reader is too slow for events that may not be missed.
        """
        self._wire = wire
        self._codec = codec
        self._deflates = deflates
        self._writing = writing
        self._traffic = traffic
        self._clock = clock
        self._room = room
        self._overflow = overflow
        self._outbox: Outbox[Frames | Announced | _Late] = Outbox(most_bytes=MAX_WAITING)
        """What may not be missed is written when it comes, or when it is sent, if that takes long;
        what may be missed when it is sent."""
        self._begun: deque[bytes] = deque()
        """What is left to send of the message that was begun."""
        self._late: dict[_Late, None] = {}
        """The answers that take long and were not sent yet, in their order."""
        self._sending: _Late | None = None
        """That which was begun, if it is one of them."""
        self._flows = True
        self._is_writing = False
        self._clear = True
        """Whether the reader takes what comes, and nothing is before it."""
        self._ended = False
        self.stalled_since: float | None = None
        """Since when the reader takes nothing, in Unix seconds."""

    @property
    def flows(self) -> bool:
        """Whether the reader takes what is sent."""
        return self._flows

    @property
    def idle(self) -> bool:
        """Whether nothing waits."""
        return not (self._outbox or self._begun or self._is_writing)

    @property
    def waiting(self) -> int:
        """How many messages wait."""
        return len(self._outbox)

    @property
    def unsent(self) -> int:
        """How many bytes of what may not be missed wait, as far as it is written."""
        return self._outbox.bytes

    # What is to be sent

    def answer(self, written: Written) -> "Deferred[None] | None":
        """Send an answer; what is given fires when one that takes long to write was sent, or when
        nothing is sent any more: so long it takes room."""
        if self._ended:
            return None
        if not written.is_long:
            self._put(self._frames(written), None)
            return None
        late = _Late(written)
        self._late[late] = None
        self._outbox.put(late, 0)
        self._flush()
        return late.done

    def tell(self, announced: Announced, owner: Hashable) -> None:
        """Send an event, which belongs to a subscription; at once where nothing is before it."""
        if self._clear and not announced.is_long:
            frames = self._frames(announced)
            if len(frames) == 1:
                self._traffic.events += 1
                self._wire.send(frames[0])
                return
        if self._ended:
            return
        event = announced.event
        if event.topic not in _NEWEST:
            self._put(self._frames(announced), owner)
        else:
            kept = announced if self._flows else announced.light()
            before = self._outbox.skipped
            self._outbox.put_newest(kept, event.topic, owner, event.skipped)
            self._traffic.skipped += self._outbox.skipped - before
            self._flush()

    def _put(self, frames: Frames, owner: Hashable) -> None:
        """Send what may not be missed, in its turn."""
        if self._outbox.put(frames, sum(map(len, frames)), owner):
            self._flush()
        else:
            self._overflow()

    def _frames(self, written: Written) -> Frames:
        return written.frames(self._codec, deflated=self._deflates)

    def drop(self, owner: Hashable) -> None:
        """Nobody wants the events of a subscription any more."""
        self._outbox.drop(owner)

    # What is sent

    def pause(self) -> None:
        """The reader has to read first."""
        self._flows = self._clear = False
        if not self._ended:
            self.stalled_since = self._clock.seconds()
            self._traffic.behind.add(self)

    def resume(self) -> None:
        """The reader has read what was sent."""
        self._flows = True
        self.stalled_since = None
        self._flush()

    def _flush(self) -> None:
        self._clear = False
        while self._flows and not self._is_writing and not self._ended:
            if self._begun:
                self._wire.send(self._begun.popleft())
                continue
            if self._sending is not None:
                self._end_late(self._sending)
                continue
            waiting = self._outbox.take()
            if waiting is None:
                self._clear = True
                self._traffic.behind.discard(self)
                self._room()
                return
            self._begin(waiting)
        if not self._ended:
            self._traffic.behind.add(self)

    def _begin(self, waiting: "Waiting[Frames | Announced | _Late]") -> None:
        """Send a message, which may have to be written first."""
        if waiting.owner is None:
            self._traffic.answers += 1
        else:
            self._traffic.events += 1
        message = waiting.message
        if isinstance(message, _Late):
            self._sending = message
            self._write(message.written)
        elif isinstance(message, Announced):
            self._begin_event(message.after(waiting.skipped))
        else:
            self._begun += message

    def _begin_event(self, announced: Announced) -> None:
        if announced.is_long and not announced.is_written(self._codec, deflated=self._deflates):
            self._write(announced)
        else:
            self._begun += self._frames(announced)

    def _write(self, written: Written) -> None:
        self._is_writing = True
        writing = self._writing.write(written, self._codec, deflated=self._deflates)
        writing.addCallbacks(self._go_on, self._not_written)

    def _go_on(self, frames: Frames) -> None:
        self._is_writing = False
        if not self._ended:
            self._begun += frames
            self._flush()

    def _not_written(self, failure: Failure) -> None:
        self._is_writing = False
        late, self._sending = self._sending, None
        if late is not None and late in self._late:
            del self._late[late]
            late.done.errback(failure)
        else:
            self.log.failure("defect in writing an event for a WebSocket", failure=failure)
        self._flush()

    def _end_late(self, late: _Late) -> None:
        """An answer was sent, or is not any more."""
        self._sending = None
        del self._late[late]
        late.done.callback(None)

    def end(self) -> None:
        """Send nothing any more."""
        self._ended, self._clear = True, False
        self.stalled_since = None
        self._traffic.behind.discard(self)
        self._begun.clear()
        self._outbox.clear()
        for late in list(self._late):
            self._end_late(late)
