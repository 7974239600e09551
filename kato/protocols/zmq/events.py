"""The events of a processor service, for those who listen here (SPEC 9): the gateway's side.

One subscription is shared by all who listen to the same.  What was missed, at the beginning, after
a loss and where a number is left out, is asked of the service.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from kato.errors import KatoError, ProcessorUnavailable
from kato.events import (
    LEARNING,
    MEMORY,
    OBSERVATIONS,
    PREDICTIONS,
    PROCESSORS,
    Event,
    Listener,
    Numbers,
    Subscribed,
    Wish,
)
from kato.fields import array, boolean, integer, mapping, text
from kato.messagepack import unpack
from kato.protocols.zmq.event_line import Control, EventLine, State
from kato.protocols.zmq.interface import Sockets
from kato.protocols.zmq.prefixes import BEAT, Place
from kato.protocols.zmq.reader import Reader

MAX_EVENT = 2**30
"""How many bytes an event may have: what a service sends is not judged as what a client does."""

PATIENCE = 5.0
"""Seconds that a question to the service may take."""


class RemoteEvents:
    """Tells the events of one service to those who listen."""

    log = Logger()

    def __init__(
        self,
        address: str,
        *,
        sockets: Sockets,
        clock: IReactorTime,
        random: Callable[[], float],
        control: Control,
    ) -> None:
        """
        @param address: the service's ROUTER.
        @param random: draws from 0 to 1, for pauses.
        @param control: asks the service there what is no operation.
        """
        self._address = address
        self._clock = clock
        self._control = control
        self._readers: dict[str, list[Reader]] = {}
        self._losses = 0
        self._questions: dict[tuple[Wish, bool], list[Deferred[Subscribed]]] = {}
        self._line = EventLine(
            address,
            sockets=sockets,
            clock=clock,
            random=random,
            control=control,
            received=self._received,
            up=self._up,
            down=self._down,
        )

    def subscribe(self, wish: Wish, listener: Listener) -> "Deferred[Subscribed]":
        """Tell events to C{listener}: as L{kato.dispatch.IProcessors.subscribe}."""
        reader = Reader(wish.key, wish.topics, partial(self._tell, listener))
        places = _places(reader)
        self._readers.setdefault(wish.key, []).append(reader)
        self._line.want(places)
        answered = Deferred.fromCoroutine(self._begin(wish, reader))
        told: Deferred[Subscribed] = Deferred(lambda _: answered.cancel())
        answered.addCallbacks(
            self._begun, self._not_begun, (reader, wish, told), {}, (reader, told)
        )
        return told

    async def _begin(self, wish: Wish, reader: Reader) -> Subscribed:
        """Ask where the events stand, once those that follow come."""
        await self._line.ready()
        losses = self._losses
        told = await self._ask(wish, again=False)
        if losses != self._losses:
            raise ProcessorUnavailable("the service was lost meanwhile", retry_after=1)
        return told

    def _begun(
        self, told: Subscribed, reader: Reader, wish: Wish, answer: "Deferred[Subscribed]"
    ) -> None:
        reader.begin(told, wish.position)
        cancel = partial(self._leave, reader)
        answer.callback(
            Subscribed(told.epoch, told.offset, told.recovered, told.events, told.numbers, cancel)
        )
        if not reader.go_on():
            self._recover(reader)

    def _not_begun(self, failure: Failure, reader: Reader, answer: "Deferred[Subscribed]") -> None:
        self._leave(reader)
        answer.errback(failure)

    def _leave(self, reader: Reader) -> None:
        readers = self._readers.get(reader.key, [])
        if reader not in readers:
            return
        reader.end()
        readers.remove(reader)
        if not readers:
            del self._readers[reader.key]
        self._line.unwant(_places(reader))

    # What comes

    def _received(self, place: Place, body: bytes) -> None:
        readers = list(self._readers.get(place.key, ()))
        try:
            told = unpack(body, limit=MAX_EVENT)
            behind = _beaten(told, readers) if place.topic == BEAT else _taken(told, readers)
        except KatoError as error:
            self.log.error(
                "the service at {address} published what is no event: {error}",
                address=self._address,
                error=error,
            )
            return
        for reader in behind:
            self._recover(reader)

    def _tell(self, listener: Listener, event: Event) -> None:
        """Tell one who listens; one who fails has been told, and nobody else is hurt."""
        try:
            listener(event)
        except Exception:
            self.log.failure(
                "a listener failed at {topic} of {processor}",
                topic=event.topic,
                processor=event.processor,
            )

    # What was missed

    def _recover(self, reader: Reader) -> None:
        """Ask what a reader missed, and tell it."""
        wish = Wish(reader.key or None, _asked(reader), reader.position)
        asked = self._ask(wish, again=True)
        losses = self._losses
        asked.addCallback(self._recovered, reader, losses)
        asked.addErrback(self._not_recovered, losses)

    def _recovered(self, told: Subscribed, reader: Reader, losses: int) -> None:
        if losses != self._losses or reader not in self._readers.get(reader.key, ()):
            return
        if not reader.catch_up(told, self._clock.seconds()):
            self._recover(reader)

    def _not_recovered(self, failure: Failure, losses: int) -> None:
        """Without an answer nobody knows what is missing: all begin anew."""
        if losses == self._losses and self._line.state is State.UP:
            self._line.lose(f"what was missed, it does not tell: {failure.value}")

    def _ask(self, wish: Wish, *, again: bool) -> "Deferred[Subscribed]":
        """Ask the service, at the end of this turn of the reactor: who asks the same until then is
        answered with it."""
        key = (wish, again)
        if key not in self._questions:
            self._questions[key] = []
            self._clock.callLater(0, self._send, wish, again)
        answer: Deferred[Subscribed] = Deferred()
        self._questions[key].append(answer)
        return answer

    def _send(self, wish: Wish, again: bool) -> None:
        waiting = self._questions.pop((wish, again))
        asked = self._control(_question(wish, again))
        asked.addTimeout(PATIENCE, self._clock, onTimeoutCancel=_too_late)
        asked.addCallback(_answer)
        asked.addCallbacks(_tell_all, _fail_all, (waiting,), {}, (waiting,))

    # The service itself

    def _up(self) -> None:
        for reader in self._all():
            if reader.away:
                self._recover(reader)

    def _down(self, why: str) -> None:
        self._losses += 1
        self.log.debug("events of {address}: {why}", address=self._address, why=why)
        now = self._clock.seconds()
        for reader in self._all():
            reader.lose(now)

    def _all(self) -> list[Reader]:
        return [each for readers in self._readers.values() for each in readers]

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of the events of this service."""
        return {
            "listeners": len(self._all()),
            "connected": self._line.state is State.UP,
            "losses": self._losses,
        }

    def close(self) -> None:
        """End: who listens is told that, and nothing more."""
        now = self._clock.seconds()
        for reader in self._all():
            reader.lose(now)
            reader.end()
        self._readers.clear()
        self._line.close()


def _places(reader: Reader) -> list[Place]:
    """What must come for a reader: all topics that are counted together, and beats."""
    if not reader.key:
        topics = {PROCESSORS}
    else:
        topics = {LEARNING, MEMORY} | (reader.topics & {OBSERVATIONS, PREDICTIONS})
    return [Place(reader.key, each) for each in sorted(topics | {BEAT})]


def _asked(reader: Reader) -> frozenset[str]:
    """The topics of which a reader is to be told what it missed."""
    return frozenset(each.topic for each in _places(reader)) - {BEAT}


def _taken(told: object, readers: Iterable[Reader]) -> list[Reader]:
    """Who misses something before this event."""
    event = Event.parse(told)
    return [each for each in readers if not each.take(event)]


def _beaten(told: object, readers: Iterable[Reader]) -> list[Reader]:
    """Who misses some of what a beat counts."""
    given = mapping(told, "beat")
    epoch, numbers = text(given.get("epoch"), "epoch"), Numbers.parse(given.get("numbers"))
    return [each for each in readers if not each.beat(epoch, numbers)]


def _question(wish: Wish, again: bool) -> dict[str, Any]:
    question: dict[str, Any] = {"type": "events", "topics": sorted(wish.topics)}
    if wish.processor is not None:
        question["processor"] = wish.processor
    if wish.position is not None:
        position = wish.position
        question["epoch"], question["since"] = position.epoch, position.offset
        question["predictions"] = position.foreseen
        question["observations"] = position.observed
    if again:
        question["again"] = True
    return question


def _answer(told: dict[str, Any]) -> Subscribed:
    return Subscribed(
        epoch=text(told.get("epoch"), "epoch"),
        offset=integer(told.get("offset"), "offset", least=0),
        recovered=boolean(told.get("recovered"), "recovered"),
        events=tuple(map(Event.parse, array(told.get("events"), "events"))),
        numbers=Numbers.parse(told.get("numbers")),
        cancel=_nothing,
    )


def _nothing() -> None:
    """What was asked needs no end."""


def _too_late(result: object, seconds: float) -> None:
    raise ProcessorUnavailable(f"no answer within {seconds:g} seconds", retry_after=1)


def _tell_all(told: Subscribed, waiting: "list[Deferred[Subscribed]]") -> None:
    for each in waiting:
        each.callback(told)


def _fail_all(failure: Failure, waiting: "list[Deferred[Subscribed]]") -> None:
    for each in waiting:
        each.errback(failure.value)
