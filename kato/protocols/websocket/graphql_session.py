"""Documents of GraphQL on a WebSocket, by C{graphql-transport-ws}: what they say is none of this
module's business, it is handed in who knows."""

from collections.abc import Hashable, Mapping
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from kato.counting import OKAY
from kato.defects import judged
from kato.errors import Forbidden, KatoError
from kato.events import Event, Subscribed, Wish
from kato.gate import Bearer
from kato.keeper import WrongKey
from kato.ledger import Answered, defect_of
from kato.origin import Origin
from kato.policy import SUBSCRIBE
from kato.protocols.websocket.frames import Announced, Codec, Written
from kato.protocols.websocket.hearing import LONG, Hearing
from kato.protocols.websocket.subscriptions import Subscription
from kato.protocols.websocket.transport_ws import (
    HOW,
    MALFORMED,
    TOO_LATE,
    TWICE,
    WRONG_KEY,
    Closing,
    Heard,
    Kind,
    State,
    following,
)

FORBIDDEN = "query: this key is not for what is listened to any more"

Result = Mapping[str, Any]
"""C{data}, C{errors} or both."""


class Operates(Protocol):
    """An operation: L{kato.protocols.graphql.operation.Operation}."""

    @property
    def subscribes(self) -> bool:
        """Whether it is a subscription, which is told events: the others have one result."""

    @property
    def wish(self) -> Wish:
        """What a subscription wants to be told.

        @raise KatoError: which names what is at fault.
        """

    async def carry_out(self, bearer: Bearer, origin: Origin) -> Result:
        """Do what is no subscription; what is given takes room until it is released."""

    def release(self) -> None:
        """What was given is not kept any more."""

    def begin(self, told: Subscribed, now: float) -> Result | None:
        """What is told first, if anything is."""

    def tell(self, event: Event) -> Result:
        """What is told of an event."""

    def tells(self, event: Event) -> bool:
        """Whether anything is told of it."""


class KnowsDocuments(Protocol):
    """Who knows GraphQL: L{kato.protocols.graphql.Graphql}."""

    async def operation(self, payload: object, *, long: bool) -> "Operates | list[Result]":
        """What a client wants; or why that cannot be, as errors.

        @param long: whether much was sent.
        """

    def errors(self, error: KatoError) -> list[Result]:
        """An error as it is told."""


class Next(Announced):
    """An event as one operation is told it: it is executed when it is sent."""

    __slots__ = ("_id", "_operation")

    def __init__(self, event: Event, name: str, operation: Operates) -> None:
        super().__init__(event)
        self._id = name
        self._operation = operation

    def _encoded(self, codec: Codec) -> bytes:
        return codec.encode(_next(self._id, self._operation.tell(self.event)))

    def after(self, skipped: int) -> "Next":
        """The same, where so many of its topic were passed over before it."""
        if skipped == self.event.skipped:
            return self
        return Next(self.event.after(skipped), self._id, self._operation)

    def light(self) -> "Next":
        """The same for who will be told later."""
        return Next(self.event, self._id, self._operation) if self.is_long else self


def _next(name: str, result: object) -> dict[str, Any]:
    return {"id": name, "type": "next", "payload": result}


class Running:
    """An operation of a client, until it has ended; C{operation} is missing while it is read."""

    __slots__ = ("began", "name", "operation", "origin")

    def __init__(self, name: str, origin: Origin, began: float) -> None:
        self.name = name
        self.origin = origin
        self.began = began
        self.operation: Operates | None = None


class GraphqlSession(Hearing["Heard | Exception"]):
    """Carries out the operations of one client."""

    no_key = WRONG_KEY

    def __init__(self, *parts: Any, knows: KnowsDocuments, **named: Any) -> None:
        """Begin: see L{Hearing}.

        @param knows: knows what documents say.
        """
        super().__init__(*parts, **named)
        self._knows = knows
        self._state = State.NEW
        self._running: dict[Hashable, Running] = {}
        self._wait(self._close_silent)

    def _close_silent(self) -> None:
        self.close(TOO_LATE, f"Connection initialisation timeout: {self._limits.greeting} seconds")

    def _hear_no_more(self) -> None:
        self._state = State.ENDING

    # What is said

    def _judge(self, payload: bytes) -> "Heard | Exception":
        return Heard.judge(payload, self._limits)

    def _answer(self, heard: "Heard | Exception", size: int) -> None:
        if self._state is State.ENDING:
            return
        try:
            if isinstance(heard, Exception):
                raise heard
            self._state = following(self._state, heard.kind)
            self._do(heard)
        except Closing as closing:
            self.close(closing.code, closing.reason)
        except Exception:
            error = judged(Failure(), self.log, "GraphQL on a WebSocket")
            self.close(MALFORMED, Closing(MALFORMED, error.message).reason)

    def _do(self, heard: Heard) -> None:
        if heard.kind is Kind.INIT:
            self._begin_to_hear(heard.key)
        elif heard.kind is Kind.PING:
            told = {} if heard.payload is None else {"payload": heard.payload}
            self._say({"type": "pong", **told})
        elif heard.kind is Kind.SUBSCRIBE:
            self._start(heard)
        elif heard.kind is Kind.COMPLETE:
            self._forget(heard.id)

    def _say(self, message: Mapping[str, Any]) -> "Deferred[None] | None":
        return self.sending.answer(Written(message))

    def _begin_to_hear(self, key: bytes | None) -> None:
        """Take the key, where it is told now; who tells a wrong one waits for what comes of it."""
        self._stop_waiting()
        if key is None and self.is_guest:
            raise Closing(WRONG_KEY, f"Forbidden: no key, {HOW}")
        if key is not None:
            try:
                bearer = self._gate.identify((key,), how=HOW, peer=self.client_address)
            except WrongKey as error:
                self._hear_no_more()
                reason = Closing(WRONG_KEY, f"Forbidden: {error.message}").reason
                self._clock.callLater(error.delay, self.close, WRONG_KEY, reason)
                return
            self._admit(bearer)
        self._say({"type": "connection_ack", "payload": self._key.as_map()})

    # What is carried out

    def _start(self, heard: Heard) -> None:
        name = heard.id
        if name in self._running:
            raise Closing(TWICE, f"Subscriber for {name} already exists")
        origin = Origin("graphql", self._make_id(), self._bearer.name, self.client_address)
        running = self._running[name] = Running(name, origin, self._clock.seconds())
        doing = Deferred.fromCoroutine(self._carry_out(running, heard))
        self._goes_on(doing.addErrback(self._failed, running), heard.size)

    async def _carry_out(self, running: Running, heard: Heard) -> None:
        bearer = self._bearer.begin()
        found = await self._found(heard)
        if isinstance(found, list):
            self._tell_ledger(running, found[0]["extensions"]["code"])
            self._refuse(running, found)
        elif self._goes_on_with(running):
            running.operation = found
            if found.subscribes:
                await self._listen(running, found, bearer)
            else:
                try:
                    await self._give(running, await found.carry_out(bearer, running.origin))
                finally:
                    found.release()

    async def _found(self, heard: Heard) -> Operates | list[Result]:
        """What a client wants; nothing further is heard before that is known, so that operations
        begin in the order in which they came."""
        self._reading = True
        try:
            return await self._knows.operation(heard.payload, long=heard.size > LONG)
        finally:
            self._reading = False
            self._hear()

    def _goes_on_with(self, running: Running) -> bool:
        """Whether the client still wants to hear of it."""
        return self._running.get(running.name) is running

    async def _give(self, running: Running, result: Result) -> None:
        """Tell the only result that there is."""
        if self._goes_on_with(running):
            writing = self._say(_next(running.name, result))
            self._say({"id": running.name, "type": "complete"})
            self._forget(running.name)
            if writing is not None:
                await writing

    def _failed(self, failure: Failure, running: Running) -> None:
        error = judged(failure, self.log, "GraphQL on a WebSocket")
        if running.operation is None or running.operation.subscribes:
            self._tell_ledger(running, error.error_code, defect_of(error))
        self._refuse(running, self._knows.errors(error))

    def _refuse(self, running: Running, errors: list[Result]) -> None:
        if self._goes_on_with(running):
            self._say({"id": running.name, "type": "error", "payload": errors})
            self._forget(running.name)

    def _forget(self, name: Hashable) -> None:
        """An operation has ended, or nobody wants to hear of it."""
        self._running.pop(name, None)
        if name in self.subscriptions:
            self.sending.drop(self.subscriptions.unsubscribe(name))

    # What is listened to

    async def _listen(self, running: Running, operation: Operates, bearer: Bearer) -> None:
        def granted(told: Subscribed) -> None:
            self._tell_ledger(running, OKAY)
            first = operation.begin(told, self._clock.seconds())
            if first is not None:
                self._say(_next(running.name, first))

        wish = operation.wish
        subscribing = self.subscriptions.subscribe(running.name, wish, bearer.subscribe, granted)
        await (subscribing if wish.position is None else self._recovers(subscribing))

    def _tell(self, subscription: Subscription, event: Event) -> None:
        running = self._running.get(subscription.name)
        if running is not None and running.operation is not None and running.operation.tells(event):
            told = self._announced(event).event  # where it is counted, too
            self.sending.tell(Next(told, running.name, running.operation), subscription)

    def _end_subscription(self, name: Hashable) -> None:
        self._refuse(self._running[name], self._knows.errors(Forbidden(FORBIDDEN)))

    def _tell_ledger(self, running: Running, outcome: str, defect: str | None = None) -> None:
        """What came of a subscription, or of what is not known yet; other operations tell of their
        commands themselves."""
        known = running.operation is not None
        self._ledger.tell(
            Answered(
                operation=SUBSCRIBE if known else None,
                transport=running.origin.transport,
                outcome=outcome,
                processor=None,
                request_id=running.origin.id,
                key=running.origin.key,
                began=running.began,
                ended=self._clock.seconds(),
                defect=defect,
                client=running.origin.client,
                refused=not known,
            )
        )
