"""What takes long to write is written in a thread, once for all who are told it (SPEC 9)."""

from functools import partial

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from kato.protocols.websocket.frames import Codec, Frames, Written
from kato.threads import InThread

_Work = tuple[Written, Codec, bool]


class Writing:
    """Writes messages off the reactor."""

    def __init__(self, in_thread: InThread) -> None:
        self._in_thread = in_thread
        self._waiting: dict[_Work, list[Deferred[Frames]]] = {}

    def write(self, written: Written, codec: Codec, *, deflated: bool) -> "Deferred[Frames]":
        """Write a message; who asks for one that is being written waits for the same."""
        work = (written, codec, deflated)
        done: Deferred[Frames] = Deferred()
        waiting = self._waiting.setdefault(work, [])
        waiting.append(done)
        if len(waiting) == 1:
            writing = self._in_thread(partial(written.frames, codec, deflated=deflated))
            writing.addBoth(self._done, work)
        return done

    def _done(self, result: Frames | Failure, work: _Work) -> None:
        for each in self._waiting.pop(work):
            each.callback(result)
