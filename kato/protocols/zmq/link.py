"""One connection to a processor service, made anew for as long as somebody wants it (SPEC 8,
retrying safely).

What is under way when a connection is lost is sent again on the next one, in the same order: reads,
and changes that go under a request id, so that they happen once however often they arrive.
"""

from collections.abc import Callable
from enum import Enum
from itertools import count

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from kato.dispatch import AlreadyBegun
from kato.errors import KatoError, ProcessorUnavailable
from kato.protocols.zmq.forwarding import marks
from kato.protocols.zmq.interface import Socket, Sockets

HOPE = 0.5
"""Seconds that a new connection may take before requests are refused at once."""

GRACE = 5.0
"""Seconds that what was under way when a connection was lost waits for the next one."""

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 0.8
"""Seconds before it is tried again to connect: they double, and each is drawn anew around that."""

_NUMBER = 8


class State(Enum):
    """How a connection is."""

    HOPING = "connecting"
    """There was one, or it is tried for the first time: requests wait."""
    UP = "connected"
    GONE = "gone"
    """It was tried, and there is none: requests are refused."""
    CLOSED = "closed"


class Sent:
    """A request on its way."""

    __slots__ = ("answer", "body", "changes", "number", "times")

    def __init__(self, number: bytes, *, changes: bool, given_up: "Callable[[Sent], None]") -> None:
        self.number = number
        self.changes = changes
        self.body: bytes | None = None
        self.times = 0
        self.answer: Deferred[bytes] = Deferred(lambda _: given_up(self))


class Link:
    """Sends requests to one address, and gives back what is answered to each."""

    def __init__(
        self,
        address: str,
        *,
        sockets: Sockets,
        clock: IReactorTime,
        random: Callable[[], float],
        connected: Callable[[], None],
        lost: Callable[[str], None],
        longest_pause: float = LONGEST_PAUSE,
    ) -> None:
        """
        @param random: draws from 0 to 1, for pauses.
        @param connected: is told of every connection, after what was under way is sent again.
        @param lost: is told when there is none any more, and why.
        @param longest_pause: seconds that are never exceeded between two tries.
        """
        self._address = address
        self._sockets = sockets
        self._clock = clock
        self._random = random
        self._connected = connected
        self._lost = lost
        self._longest_pause = longest_pause
        self._numbers = count(1)
        self._under_way: dict[bytes, Sent] = {}
        self._unsent: dict[bytes, Sent] = {}
        self._socket: Socket | None = None
        self._timer: IDelayedCall | None = None
        self._grace: IDelayedCall | None = None
        self._pause = FIRST_PAUSE
        self.state = State.HOPING
        self.connections = 0
        self.retries = 0
        self._connect()

    # Asking

    def ask(self, body: "bytes | Deferred[bytes]", *, changes: bool) -> "Deferred[bytes]":
        """Send a request; fires with its answer.

        Cancelling fails with C{CancelledError} where it was not sent, and else with
        L{AlreadyBegun}.

        @param body: the request, or what will be it: those that come later wait behind it.
        @param changes: whether a lost answer leaves open what happened.
        @raise ProcessorUnavailable: (the Deferred fails) at once where the service is gone.
        """
        sent = Sent(next(self._numbers).to_bytes(_NUMBER), changes=changes, given_up=self._given_up)
        if self.state in (State.GONE, State.CLOSED):
            sent.answer.errback(self._unavailable(sent))
            return sent.answer
        self._unsent[sent.number] = sent
        if isinstance(body, Deferred):
            body.addCallbacks(self._written, self._unwritten, (sent,), {}, (sent,))
        else:
            self._written(body, sent)
        return sent.answer

    def _written(self, body: bytes, sent: Sent) -> None:
        sent.body = body
        self._flush()

    def _unwritten(self, failure: Failure, sent: Sent) -> None:
        if self._unsent.pop(sent.number, None) is not None:
            sent.answer.errback(failure)
        self._flush()

    def _flush(self) -> None:
        """Send what waits, in order, as far as it is written."""
        while self._unsent and self.state is State.UP and self._socket is not None:
            number, sent = next(iter(self._unsent.items()))
            if sent.body is None:
                return
            if not self._socket.send([*marks(sent.body), number, sent.body]):
                return
            del self._unsent[number]
            self._under_way[number] = sent
            self.retries += sent.times > 0
            sent.times += 1

    def _given_up(self, sent: Sent) -> None:
        """Nobody waits for an answer any more."""
        self._unsent.pop(sent.number, None)
        self._under_way.pop(sent.number, None)
        if sent.times:
            sent.answer.errback(AlreadyBegun())

    def _received(self, frames: list[bytes]) -> None:
        *envelope, answer = frames
        sent = self._under_way.pop(envelope[-1], None) if envelope else None
        if sent is not None:
            sent.answer.callback(answer)
        if self._unsent:
            self._flush()

    # The connection

    def _connect(self) -> None:
        self._timer = None
        if self.state is State.HOPING:
            self._timer = self._clock.callLater(HOPE, self._give_up_hope)
        self._socket = self._sockets.dealer(
            self._address, received=self._received, up=self._up, down=self._down
        )

    def _up(self) -> None:
        self._stop_timers()
        self.state = State.UP
        self.connections += 1
        self._pause = FIRST_PAUSE
        self._flush()
        self._connected()

    def hurry(self) -> None:
        """The service was seen just now: it is tried at once, and requests wait for that."""
        if self.state is not State.GONE:
            return
        self.state = State.HOPING
        if self._socket is not None:  # it is being tried already
            self._timer = self._clock.callLater(HOPE, self._give_up_hope)
            return
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._connect()

    def drop(self, why: str) -> None:
        """Take the connection for lost: another one is tried."""
        if self.state is State.UP:
            self._down(why)

    def _down(self, why: str) -> None:
        """There is no connection, or no longer one."""
        self._close_socket()
        if self.state is State.UP:
            self._unsent = {**self._under_way, **self._unsent}
            self._under_way = {}
            self.state = State.HOPING
            self._grace = self._clock.callLater(GRACE, self._fail_all)
            self._lost(why)
            self._connect()
        else:
            self._give_up_hope()
            self._again()

    def _again(self) -> None:
        """Try once more, not at the same moment as everybody else."""
        self._timer = self._clock.callLater(self._pause * (0.5 + self._random() / 2), self._connect)
        self._pause = min(self._pause * 2, self._longest_pause)

    def _give_up_hope(self) -> None:
        """Refuse what was not sent; what was waits on."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        self.state = State.GONE
        for sent in [each for each in self._unsent.values() if not each.times]:
            del self._unsent[sent.number]
            sent.answer.errback(self._unavailable(sent))

    def _fail_all(self) -> None:
        """Give up what was under way."""
        self._grace = None
        waiting = [*self._under_way.values(), *self._unsent.values()]
        self._under_way, self._unsent = {}, {}
        for sent in waiting:
            sent.answer.errback(self._unavailable(sent))

    def _unavailable(self, sent: Sent) -> KatoError:
        done = "" if sent.times else ": not done"
        return ProcessorUnavailable(
            f"the service at {self._address} is not there{done}",
            retry_after=1,
            outcome_unknown=sent.changes and sent.times > 0,
        )

    def close(self) -> None:
        """Close; what is under way fails."""
        self._stop_timers()
        self.state = State.CLOSED
        self._close_socket()
        self._fail_all()

    def _close_socket(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            socket.close()

    def _stop_timers(self) -> None:
        for timer in (self._timer, self._grace):
            if timer is not None and timer.active():
                timer.cancel()
        self._timer = self._grace = None
