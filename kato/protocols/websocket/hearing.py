"""What every conversation on a WebSocket is, whatever is said in it: messages are heard in order,
as many at a time as there is room for their answers, and events are told (SPEC 9).  It knows no
sockets: what it has to say goes to a L{Wire}."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Hashable
from typing import ClassVar, Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from kato.errors import KatoError
from kato.events import Event
from kato.gate import Bearer, Gate
from kato.intake import Intake, Share
from kato.ledger import Ledger
from kato.policy import NO_KEY as NOT_KNOWN
from kato.policy import SUBSCRIBE
from kato.protocols.websocket.frames import Announced, Codec
from kato.protocols.websocket.sending import Sending, Wire
from kato.protocols.websocket.subscriptions import Subscription, Subscriptions
from kato.protocols.websocket.traffic import Traffic
from kato.protocols.websocket.writing import Writing

GOING_AWAY = 1001
TOO_SLOW = 4008
"""Why a connection is closed."""

GUEST_MESSAGE = 64 * 1024
"""How many bytes a message of one may have who has told no key yet."""

MAX_UNDER_WAY = 100
"""How many requests of a connection are under way at a time, of about twice as many bytes as one
message may have; others wait, unread at last."""

MAX_RECOVERING = 2
"""How many subscriptions that may have much to tell of what was missed are begun at a time."""

MAX_UNREAD = 64 * 1024
"""Where so many bytes wait to be sent, no further request is begun until some are."""

LONG = 32 * 1024
"""A request of more bytes than this may take milliseconds to read, and is read in a thread."""

H = TypeVar("H")


class Hearing(ABC, Generic[H]):
    """One connection; C{H} is a message as it is judged."""

    log = Logger()
    no_key: ClassVar[int]
    """The code with which a connection is closed whose key is none any more."""

    def __init__(
        self,
        wire: Wire,
        gate: Gate,
        bearer: Bearer,
        *,
        client_address: str | None,
        codec: Codec,
        deflates: bool,
        make_id: Callable[[], str],
        announced: Callable[[Event], Announced],
        ledger: Ledger,
        traffic: Traffic,
        writing: Writing,
        intake: Intake,
        clock: IReactorTime,
    ) -> None:
        """
        @param gate: knows who has a key.
        @param bearer: who asks, as far as that is known already.
        @param client_address: whom it speaks to, be it through proxies.
        @param deflates: whether the client takes what is compressed.
        @param make_id: makes an id for each request, by which logs know it.
        @param announced: gives an event as all are told it.
        @param ledger: is told of each request that was answered.
        @param traffic: counts what all connections do.
        @param writing: writes what takes long.
        @param intake: reads what is long.
        """
        self._wire = wire
        self._gate = gate
        self.client_address = client_address
        self._codec = codec
        self._make_id = make_id
        self._announced = announced
        self._ledger = ledger
        self._traffic = traffic
        self._clock = clock
        self._intake = intake
        self._limits = intake.limits
        self._become(bearer)
        self.subscriptions = Subscriptions(self._tell, traffic, most=self._limits.subscriptions)
        self.sending = Sending(
            wire,
            codec=codec,
            deflates=deflates,
            writing=writing,
            traffic=traffic,
            clock=clock,
            room=self._hear,
            overflow=self._overflow,
        )
        self._unheard: deque[tuple[list[bytes], int, Share]] = deque()
        self._weight = 0
        self._recovering = 0
        self._hearing = self._reading = False
        self._reads = True
        self._finishing = self._over = False
        self._giving_up: IDelayedCall | None = None
        wire.limit(self._guest_message if self.is_guest else self._limits.message)
        self.under_way = 0
        """How many requests are under way."""

    # What differs

    @abstractmethod
    def _judge(self, payload: bytes) -> H:
        """Judge a message, in a thread where that takes long: nothing is raised."""

    @abstractmethod
    def _answer(self, heard: H, size: int) -> None:
        """Do what a message of so many bytes says."""

    @abstractmethod
    def _tell(self, subscription: Subscription, event: Event) -> None:
        """Tell what comes of a subscription."""

    @abstractmethod
    def _end_subscription(self, name: Hashable) -> None:
        """A subscription is not granted any more: end it, and say so."""

    @abstractmethod
    def _hear_no_more(self) -> None:
        """Whatever is said from now on is not heard."""

    # Who speaks

    @property
    def is_guest(self) -> bool:
        """Whether no key was told here yet, where one is asked for."""
        return self._gate.is_guest(self._bearer)

    @property
    def _guest_message(self) -> int:
        return min(GUEST_MESSAGE, self._limits.message)

    def _become(self, bearer: Bearer) -> None:
        self._bearer = bearer
        self._key = bearer.key
        who = bearer.whose(self.client_address)
        self.share = self._intake.share(who, guest=self.is_guest)
        """What is kept of who speaks, here and elsewhere."""

    def _admit(self, bearer: Bearer) -> None:
        """The client has told its key."""
        self._become(bearer)
        self.keys_changed()
        self._wire.limit(self._limits.message)

    def keys_changed(self) -> None:
        """A key may be none any more, or grant something else: what is not granted any more ends.

        Of processors that come and go there is another story for each key.
        """
        if not self._bearer.holds:
            self.close(self.no_key, NOT_KNOWN)
            return
        before, self._key = self._key, self._bearer.key
        for each in self.subscriptions.all:
            subject = each.subject
            try:
                self._bearer.judge(SUBSCRIBE, subject)
                goes_on = subject is not None or self._key.processors == before.processors
            except KatoError:
                goes_on = False
            if not goes_on:
                self._end_subscription(each.name)

    def _wait(self, give_up: Callable[[], None]) -> None:
        """Give the client some time to say who it is."""
        self._giving_up = self._clock.callLater(self._limits.greeting, self._give_up, give_up)

    def _give_up(self, give_up: Callable[[], None]) -> None:
        self._giving_up = None
        give_up()

    def _stop_waiting(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None

    # What is heard

    def received(self, pieces: list[bytes], size: int) -> None:
        """Take a message of so many bytes, in pieces; a long one is put together where it is
        read."""
        if not self._over:
            if size > LONG:
                self._intake.keep(size, self.share)
            self._unheard.append((pieces, size, self.share))
            self._hear()

    @property
    def _has_room(self) -> bool:
        return (
            not self._reading
            and self.under_way < MAX_UNDER_WAY
            and self._weight < 2 * self._limits.message
            and self._recovering < MAX_RECOVERING
            and self.sending.unsent < MAX_UNREAD
        )

    def _hear(self) -> None:
        """Begin with what waits to be heard, as far as there is room for its answers; answers that
        are sent at once come back here."""
        if self._hearing or self._over:
            return
        self._hearing = True
        while self._unheard and self._has_room:
            self._begin(*self._unheard.popleft())
        self._hearing = False
        self._read_or_not()
        if self._finishing and self._has_answered:
            self.close(GOING_AWAY, "the server is stopping")

    @property
    def _has_answered(self) -> bool:
        """Whether all has been answered that came, and all been sent."""
        under_way = self._reading or self.under_way or self._unheard
        return not under_way and self.sending.idle

    def _read_or_not(self) -> None:
        """Let the client wait while there is no room for what it says."""
        reads = self._has_room
        if reads is not self._reads and not self._over:
            self._reads = reads
            self._wire.read(reads)

    def _begin(self, pieces: list[bytes], size: int, share: Share) -> None:
        if size <= LONG:
            self._answer(self._judge(_joined(pieces)), size)
        else:
            self._reading = True
            judging = self._intake.read(size, lambda: self._judge(_joined(pieces)))
            judging.addCallback(self._judged, size, share)

    def _judged(self, heard: H, size: int, share: Share) -> None:
        """A long message was read, and judged, in a thread."""
        self._reading = False
        self._intake.release(size, share)
        if not self._over:
            self._answer(heard, size)
            self._hear()

    # What is under way

    def _goes_on(self, doing: "Deferred[None]", size: int) -> None:
        """A request of so many bytes is under way until this fires."""
        self.under_way += 1
        self._traffic.under_way += 1
        self._weight += size
        doing.addBoth(self._done, size)

    def _done(self, failure: Failure | None, size: int) -> None:
        self.under_way -= 1
        self._traffic.under_way -= 1
        self._weight -= size
        if failure is not None:
            self.log.failure("defect in answering on a WebSocket", failure=failure)
        self._hear()

    def _recovers(self, subscribing: "Deferred[None]") -> "Deferred[None]":
        """A subscription that may have much to tell is begun."""
        self._recovering += 1
        return subscribing.addBoth(self._recovered)

    def _recovered(self, result: Failure | None) -> Failure | None:
        self._recovering -= 1
        return result

    # The end

    def _overflow(self) -> None:
        self._traffic.too_slow += 1
        self.close(TOO_SLOW, "too slow: there is no room any more for what may not be missed")

    def finish(self) -> None:
        """The server stops: answer no more, send what waits, then close."""
        self._hear_no_more()
        self._finishing = True
        self._hear()

    def close(self, code: int, reason: str) -> None:
        """End the conversation, and say why."""
        if not self._over:
            self.ended()
            self._wire.close(code, reason)

    def ended(self) -> None:
        """The connection is over: nothing is heard, and nothing told."""
        self._over = True
        self._hear_no_more()
        self._stop_waiting()
        for _, size, share in self._unheard:
            if size > LONG:
                self._intake.release(size, share)
        self._unheard.clear()
        self.sending.end()
        self.subscriptions.end()


def _joined(pieces: list[bytes]) -> bytes:
    """A message; the pieces are kept no longer than it takes."""
    whole = b"".join(pieces)
    pieces.clear()
    return whole
