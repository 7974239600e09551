"""KATO's own sub-protocols: requests are answered, and events told (SPEC 9)."""

from collections.abc import Hashable, Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from kato.commands import Reply
from kato.defects import judged
from kato.errors import KatoError
from kato.events import STATUS, Event, Subscribed, Wish
from kato.fields import mapping
from kato.gate import Bearer
from kato.keeper import WrongKey
from kato.origin import Origin
from kato.protocols.websocket.asked import Asked
from kato.protocols.websocket.conversation import HOW, JUDGED, Conversation, Heard, Kind, Saying
from kato.protocols.websocket.frames import Written
from kato.protocols.websocket.hearing import Hearing
from kato.protocols.websocket.subscriptions import Subscription
from kato.replies import error_map

NO_KEY = 4401
"""Why a connection is closed."""

_NO_PARAMS: frozenset[str] = frozenset()


class Session(Hearing[Heard]):
    """Answers what one client says, and tells it what it listens to."""

    no_key = NO_KEY

    def __init__(self, *parts: Any, **named: Any) -> None:
        """Begin: see L{Hearing}."""
        super().__init__(*parts, **named)
        self._conversation = Conversation(member=not self.is_guest)
        if self.is_guest:
            self._wait(self._close_guest)

    def _close_guest(self) -> None:
        self.close(NO_KEY, f"no key within {self._limits.greeting} seconds")

    # What is answered

    def _judge(self, payload: bytes) -> Heard:
        return Heard.judge(payload, self._codec.decode, self._limits)

    def _answer(self, heard: Heard, size: int) -> None:
        asked = Asked(heard, self._origin(), self._clock.seconds())
        try:
            doing = self._do(asked)
        except Exception:
            self._refuse(Failure(), asked)
        else:
            if doing is None:
                self._told(None, asked)
            else:
                doing.addCallbacks(self._told, self._refuse, (asked,), {}, (asked,))
                self._goes_on(doing, size)

    def _do(self, asked: Asked) -> "Deferred[None] | None":
        heard, bearer = asked.heard, self._bearer.begin()
        saying = heard.saying
        if saying is not None:
            self._conversation.hear(saying.kind)
            if saying.kind in JUDGED:
                bearer.judge(saying.request.operation, saying.request.processor)
        if heard.failure is not None:
            raise heard.failure
        assert saying is not None, "what is not at fault is a request"
        if heard.command is None:
            asked.operation = saying.kind.value
            return self._say(saying, bearer)
        asked.operation = heard.command.operation
        asking = bearer.ask(heard.command.asked(asked.origin))
        return asking.addCallback(self._reply, saying)

    def _say(self, saying: Saying, bearer: Bearer) -> "Deferred[None] | None":
        """Do what concerns this connection."""
        if saying.kind is Kind.SUBSCRIBE:
            return self._subscribe(saying, bearer)
        if saying.kind is Kind.AUTHENTICATE:
            return self._authenticate(saying)
        self._unsubscribe(saying)
        return None

    def _origin(self) -> Origin:
        return Origin("websocket", self._make_id(), self._bearer.name, self.client_address)

    def _told(self, _: None, asked: Asked, error: KatoError | None = None) -> None:
        self._ledger.tell(asked.answered(error, self._clock.seconds()))

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
        self._stop_waiting()
        self._admit(bearer)
        self._confirm(saying, "authenticated", self._key.as_map())
        return None

    # What it listens to

    def _subscribe(self, saying: Saying, bearer: Bearer) -> "Deferred[None]":
        wish = Wish.parse(saying.request.processor, saying.request.params)

        def granted(told: Subscribed) -> None:
            self._confirm(saying, "subscribed", told.as_map(), wish.processor)

        subscribing = self.subscriptions.subscribe(wish.processor, wish, bearer.subscribe, granted)
        return subscribing if wish.position is None else self._recovers(subscribing)

    def _unsubscribe(self, saying: Saying) -> None:
        mapping(saying.request.params, "params", _NO_PARAMS)
        subject = saying.subject
        self.sending.drop(self.subscriptions.unsubscribe(subject))
        self._confirm(saying, "unsubscribed", {}, subject)

    def _tell(self, subscription: Subscription, event: Event) -> None:
        self.sending.tell(self._announced(event), subscription)

    def _end_subscription(self, name: Hashable) -> None:
        ended = self.subscriptions.unsubscribe(name)
        self.sending.drop(ended)
        told = Event(STATUS, ended.subject or "", 0, self._clock.seconds(), {"state": "forbidden"})
        self.sending.answer(Written(told.as_map()))

    def _hear_no_more(self) -> None:
        self._conversation.end()
