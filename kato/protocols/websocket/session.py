"""One connection: requests are heard in order, answers and events told (SPEC 9).  It knows no
sockets: what it has to say goes to a L{Wire}."""

from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from kato.commands import Reply
from kato.defects import judged
from kato.errors import KatoError
from kato.events import STATUS, Event, Subscribed, Wish
from kato.fields import mapping
from kato.gate import Bearer, Gate
from kato.intake import Intake
from kato.keeper import WrongKey
from kato.ledger import Ledger
from kato.origin import Origin
from kato.policy import NO_KEY as NOT_KNOWN
from kato.policy import SUBSCRIBE
from kato.protocols.websocket.asked import Asked
from kato.protocols.websocket.conversation import HOW, JUDGED, Conversation, Heard, Kind, Saying
from kato.protocols.websocket.frames import Announced, Codec, Written
from kato.protocols.websocket.sending import Sending, Wire
from kato.protocols.websocket.subscriptions import Subscription, Subscriptions
from kato.protocols.websocket.traffic import Traffic
from kato.protocols.websocket.writing import Writing
from kato.replies import error_map

GOING_AWAY = 1001
TOO_SLOW = 4008
NO_KEY = 4401
"""Why a connection is closed."""

GUEST_PATIENCE = 10.0
"""Seconds within which a key must be told, where one is asked for."""

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

_NO_PARAMS: frozenset[str] = frozenset()


class Session:
    """Answers what one client says, and tells it what it listens to."""

    log = Logger()

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
        self._become(bearer)
        self.client_address = client_address
        self._codec = codec
        self._make_id = make_id
        self._announced = announced
        self._ledger = ledger
        self._traffic = traffic
        self._clock = clock
        self._intake = intake
        self._limits = intake.limits
        member = not gate.is_guest(bearer)
        self._conversation = Conversation(member=member)
        self._does: Mapping[Kind, Callable[[Saying], Deferred[None] | None]] = {
            Kind.AUTHENTICATE: self._authenticate,
            Kind.SUBSCRIBE: self._subscribe,
            Kind.UNSUBSCRIBE: self._unsubscribe,
        }
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
        self._unheard: deque[bytes] = deque()
        self._weight = 0
        self._recovering = 0
        self._hearing = self._reading = False
        self._reads = True
        self._finishing = self._over = False
        self._giving_up: IDelayedCall | None = None
        if not member:
            self._giving_up = clock.callLater(GUEST_PATIENCE, self._give_up)
        wire.limit(self._limits.message if member else self._guest_message)
        self.under_way = 0
        """How many requests are under way."""

    @property
    def is_guest(self) -> bool:
        """Whether no key was told here yet."""
        return self._giving_up is not None

    @property
    def _guest_message(self) -> int:
        return min(GUEST_MESSAGE, self._limits.message)

    # What is heard

    def received(self, payload: bytes) -> None:
        """Take a message."""
        if not self._over:
            if len(payload) > LONG:
                self._intake.hold(len(payload))
            self._unheard.append(payload)
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
            self._begin(self._unheard.popleft())
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

    def _begin(self, payload: bytes) -> None:
        judge = partial(Heard.judge, payload, self._codec.decode, self._limits)
        if len(payload) <= LONG:
            self._answer(judge(), len(payload))
        else:
            self._reading = True
            self._intake.read(len(payload), judge).addCallback(self._judged, len(payload))

    def _judged(self, heard: Heard, size: int) -> None:
        """A long message was read, and judged, in a thread."""
        self._reading = False
        self._intake.release(size)
        if not self._over:
            self._answer(heard, size)
            self._hear()

    # What is answered

    def _answer(self, heard: Heard, size: int) -> None:
        """Do what a message of so many bytes says."""
        asked = Asked(heard, self._origin(), self._clock.seconds())
        try:
            doing = self._do(asked)
        except Exception:
            self._refuse(Failure(), asked)
        else:
            if doing is None:
                self._told(None, asked)
            else:
                self.under_way += 1
                self._traffic.under_way += 1
                self._weight += size
                doing.addCallbacks(self._told, self._refuse, (asked,), {}, (asked,))
                doing.addBoth(self._done, size)

    def _do(self, asked: Asked) -> "Deferred[None] | None":
        heard = asked.heard
        saying = heard.saying
        if saying is not None:
            self._conversation.hear(saying.kind)
            if saying.kind in JUDGED:
                self._bearer.judge(saying.request.operation, saying.request.processor)
        if heard.failure is not None:
            raise heard.failure
        assert saying is not None, "what is not at fault is a request"
        if heard.command is None:
            asked.operation = saying.kind.value
            return self._does[saying.kind](saying)
        asked.operation = heard.command.operation
        asking = self._bearer.ask(heard.command.asked(asked.origin))
        return asking.addCallback(self._reply, saying)

    def _origin(self) -> Origin:
        return Origin("websocket", self._make_id(), self._bearer.name)

    def _told(self, _: None, asked: Asked, error: KatoError | None = None) -> None:
        self._ledger.tell(asked.answered(error, self._clock.seconds()))

    def _done(self, failure: Failure | None, size: int) -> None:
        self.under_way -= 1
        self._traffic.under_way -= 1
        self._weight -= size
        if failure is not None:
            self.log.failure("defect in answering on a WebSocket", failure=failure)
        self._hear()

    def _reply(self, reply: Reply, saying: Saying) -> "Deferred[None] | None":
        return self.sending.answer(Written({**reply.as_dict(), **saying.tag}))

    def _confirm(
        self,
        saying: Saying,
        message: str,
        fields: Mapping[str, Any],
        processor: str | None = None,
    ) -> None:
        self._reply(Reply(message, self._clock.seconds(), fields, processor), saying)

    def _refuse(self, failure: Failure, asked: Asked) -> None:
        error, heard = judged(failure, self.log, "WebSocket"), asked.heard
        told = error_map(error, time_stamp=self._clock.seconds(), processor=heard.processor)
        self.sending.answer(Written({**told, **heard.tag}))
        self._told(None, asked, error)

    def _authenticate(self, saying: Saying) -> "Deferred[None] | None":
        """Take a key; who tells wrong ones waits for the answer."""
        try:
            bearer = self._gate.identify((saying.key,), how=HOW, peer=self.client_address)
        except WrongKey as error:
            if error.closes:
                self.close(NO_KEY, error.message)
            if not error.delay:
                raise
            return deferLater(self._clock, error.delay, Failure(error).raiseException)
        self._conversation.state = self._conversation.hear(saying.kind)
        self._become(bearer)
        self.keys_changed()
        self._stop_waiting()
        self._wire.limit(self._limits.message)
        self._confirm(saying, "authenticated", self._key.as_map())
        return None

    def _become(self, bearer: Bearer) -> None:
        self._bearer = bearer
        self._key = bearer.key

    def keys_changed(self) -> None:
        """A key may be none any more, or grant something else: what is not granted any more ends.

        Of processors that come and go there is another story for each key.
        """
        if not self._bearer.holds:
            self.close(NO_KEY, NOT_KNOWN)
            return
        before, self._key = self._key, self._bearer.key
        for subject in self.subscriptions.subjects:
            try:
                self._bearer.judge(SUBSCRIBE, subject)
                goes_on = subject is not None or self._key.processors == before.processors
            except KatoError:
                goes_on = False
            if not goes_on:
                self._end_subscription(subject)

    def _end_subscription(self, subject: str | None) -> None:
        self.sending.drop(self.subscriptions.unsubscribe(subject))
        told = Event(STATUS, subject or "", 0, self._clock.seconds(), {"state": "forbidden"})
        self.sending.answer(Written(told.as_map()))

    def _subscribe(self, saying: Saying) -> "Deferred[None]":
        wish = Wish.parse(saying.request.processor, saying.request.params)

        def granted(told: Subscribed) -> None:
            self._confirm(saying, "subscribed", told.as_map(), wish.processor)

        recovers = wish.position is not None
        subscribing = self.subscriptions.subscribe(wish, self._bearer.subscribe, granted)
        self._recovering += recovers
        return subscribing.addBoth(self._recovered, recovers)

    def _recovered(self, result: Failure | None, recovers: bool) -> Failure | None:
        self._recovering -= recovers
        return result

    def _unsubscribe(self, saying: Saying) -> None:
        mapping(saying.request.params, "params", _NO_PARAMS)
        subject = saying.subject
        self.sending.drop(self.subscriptions.unsubscribe(subject))
        self._confirm(saying, "unsubscribed", {}, subject)

    def _tell(self, subscription: Subscription, event: Event) -> None:
        self.sending.tell(self._announced(event), subscription)

    # The end

    def _overflow(self) -> None:
        self._traffic.too_slow += 1
        self.close(TOO_SLOW, "too slow: there is no room any more for what may not be missed")

    def _stop_waiting(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None

    def _give_up(self) -> None:
        self._giving_up = None
        self.close(NO_KEY, f"no key within {GUEST_PATIENCE:g} seconds")

    def finish(self) -> None:
        """The server stops: answer no more, send what waits, then close."""
        self._conversation.end()
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
        self._conversation.end()
        self._stop_waiting()
        self._intake.release(sum(len(each) for each in self._unheard if len(each) > LONG))
        self._unheard.clear()
        self.sending.end()
        self.subscriptions.end()
