"""Events on a PUB socket, for gateways (SPEC 9): the service's side.

What nobody subscribes to is not even encoded.  PUB drops what a peer takes too slowly, so every
event has a number, and beats tell how many there were.
"""

from collections.abc import Callable, Mapping
from functools import partial
from hmac import compare_digest
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from kato.errors import ProcessorNotFound
from kato.events import Event, Listener, Subscribed, Wish
from kato.fields import boolean
from kato.hub import Hub, Standing
from kato.messagepack import pack
from kato.protocols.zmq.interface import Bound, Listening, Sockets
from kato.protocols.zmq.prefixes import BEAT, Place, is_echo

BEATS = 1.0
"""Seconds between two beats of a processor that changes; until it changes again what they told is
told once more after 2, 4, 8 … of them: whoever reads slowly may have lost any of them."""

_JSON = frozenset({"json"})
_BESIDE = frozenset({"processor", "again"})


class Publishes(Protocol):
    """Whose events are published: L{kato.worker.Worker}."""

    @property
    def hub(self) -> Hub:
        """Where the events come from."""

    def subscribe(self, wish: Wish, listener: Listener) -> "Deferred[Subscribed]":
        """As L{kato.dispatch.IProcessors.subscribe}."""


class _Pulse:
    """What the last beat of a processor told, and for how many beats that has been so."""

    __slots__ = ("beats", "standing")

    def __init__(self) -> None:
        self.standing: Standing | None = None
        self.beats = 0

    def is_due(self, standing: Standing) -> bool:
        """Count one more beat; tell whether it is told how things stand."""
        if standing != self.standing:
            self.standing, self.beats = standing, 0
        self.beats += 1
        return self.beats.bit_count() == 1


class EventPublisher:
    """Publishes the events that somebody subscribed to, and tells what was missed."""

    def __init__(self, source: Publishes, *, clock: IReactorTime, secret: str) -> None:
        """@param secret: who does not know it cannot subscribe; drawn anew at every start."""
        self._source = source
        self._secret = secret.encode()
        self._socket: Bound | None = None
        self._heard: dict[Place, Callable[[], None]] = {}
        self._pulses: dict[str, _Pulse] = {}
        self._beats = LoopingCall(self._beat)
        self._beats.clock = clock
        self._published = 0

    @property
    def secret(self) -> str:
        """What gateways are told that have the key."""
        return self._secret.decode()

    def open(self, sockets: Sockets, listening: Listening) -> None:
        """Begin to publish."""
        self._socket = sockets.publisher(
            listening, grants=self._grants, subscribed=self._subscribed
        )
        self._beats.start(BEATS, now=False)

    def close(self) -> None:
        """End."""
        if self._beats.running:
            self._beats.stop()
        for cancel in self._heard.values():
            cancel()
        self._heard.clear()
        self._pulses.clear()
        if self._socket is not None:
            self._socket.close()

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of this socket."""
        visitors = {} if self._socket is None else self._socket.visitors()
        return {"subscriptions": len(self._heard), "published": self._published, **visitors}

    # What is subscribed to

    def _grants(self, prefix: bytes) -> bool:
        """Whether a peer may have what begins so: it knows the secret, and asks for one thing."""
        given = prefix[: len(self._secret)]
        return compare_digest(given, self._secret) and (
            is_echo(prefix, self._secret) or Place.parse(prefix, self._secret) is not None
        )

    def _subscribed(self, prefix: bytes, begins: bool) -> None:
        place = Place.parse(prefix, self._secret)
        if place is None:
            if begins:
                self._send(prefix, b"")
        elif place.topic == BEAT:
            if begins:
                self._pulses[place.key] = _Pulse()
            else:
                self._pulses.pop(place.key, None)
        elif not begins:
            self._heard.pop(place, _nothing)()
        elif place not in self._heard:
            publish = partial(self._publish, prefix)
            topics = frozenset({place.topic})
            self._heard[place] = self._source.hub.listen(place.key, topics, publish)

    # What is published

    def _publish(self, prefix: bytes, event: Event) -> None:
        self._published += 1
        self._send(prefix, pack(event.wire_map(), accept=_JSON))

    def _send(self, prefix: bytes, body: bytes) -> None:
        if self._socket is not None:
            self._socket.send([prefix, body])

    def _beat(self) -> None:
        for key, pulse in self._pulses.items():
            standing = self._source.hub.standing(key)
            if standing is not None and pulse.is_due(standing):
                told = {"epoch": standing.epoch, "numbers": list(standing.numbers)}
                self._send(Place(key, BEAT).prefix(self._secret), pack(told))

    # What was missed

    def answer(self, given: Mapping[str, Any]) -> "Deferred[Mapping[str, Any]]":
        """Answer a request of type C{events}: where the events of a processor stand, and what was
        missed since.  C{again} says that the processor was there once: it may be gone."""
        return Deferred.fromCoroutine(self._answer(given))

    async def _answer(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        params = {key: value for key, value in given.items() if key not in _BESIDE}
        wish = Wish.parse(given.get("processor"), params)
        try:
            subscribed = await self._source.subscribe(wish, _unheard)
        except ProcessorNotFound:
            if not boolean(given.get("again", False), "again"):
                raise
            hub = self._source.hub
            subscribed = hub.subscribe(wish.key, wish.topics, wish.position, _unheard)
        subscribed.cancel()
        return {
            "status": "okay",
            **subscribed.as_map(),
            "events": [each.wire_map() for each in subscribed.events],
            "numbers": list(subscribed.numbers),
        }


def _nothing() -> None:
    """Nobody listened."""


def _unheard(event: Event) -> None:
    """Who asks what was missed does not listen here."""
