"""Listeners that follow a processor from service to service (SPEC 9, WebSocket).

A service may be forgotten, and come back elsewhere; a processor that was deleted may be made again
by another one.  Who listens goes on there: it is told what it missed where that is known, and else
that a new epoch has begun.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from kato.events import PREDICTIONS, STATUS, Event, Listener, Position, Subscribed, Wish

CHECK = 1.0
"""Seconds between two looks at who owns the processors that are followed."""


class Follows(Protocol):
    """Whom to listen to: L{kato.protocols.zmq.remote.RemoteProcessors}."""

    def subscribe(self, wish: Wish, listener: Listener) -> "Deferred[Subscribed]":
        """As L{kato.dispatch.IProcessors.subscribe}."""


class _Follower:
    """One who listens, how far it has come, and who tells it."""

    __slots__ = ("cancel", "ended", "listener", "position", "provider", "wish")

    def __init__(self, wish: Wish, listener: Listener, provider: Follows) -> None:
        self.wish = wish
        self.listener = listener
        self.provider: Follows | None = provider
        self.position = wish.position
        self.cancel: Callable[[], None] | None = None
        self.ended = False

    def stand(self, told: Subscribed) -> None:
        """Go on from where C{told} ends."""
        foreseen = told.offset
        if told.recovered and self.position is not None:
            missed = (each.offset for each in told.events if each.topic == PREDICTIONS)
            foreseen = max([self.position.foreseen, *missed])
        self.position = Position(told.epoch, told.offset, foreseen)
        self.cancel = told.cancel

    def tell(self, event: Event) -> None:
        """Be told an event."""
        if event.topic == STATUS:
            if event.data.get("recovered") is False:
                self.position = Position(str(event.data.get("epoch")), event.offset)
        elif self.position is not None:
            foreseen = event.offset if event.topic == PREDICTIONS else self.position.foreseen
            self.position = Position(self.position.epoch, event.offset, foreseen)
        self.listener(event)


class Following:
    """Has listeners told by whoever owns their processor."""

    log = Logger()

    def __init__(self, owner: Callable[[str], Follows | None], *, clock: IReactorTime) -> None:
        """@param owner: who has a processor now; C{None}: nobody that is there."""
        self._owner = owner
        self._clock = clock
        self._followers: list[_Follower] = []
        self._checks = LoopingCall(self._check)
        self._checks.clock = clock

    def subscribe(
        self, wish: Wish, listener: Listener, provider: Follows
    ) -> "Deferred[Subscribed]":
        """Tell events to C{listener}, from C{provider} first."""
        follower = _Follower(wish, listener, provider)
        return provider.subscribe(wish, follower.tell).addCallback(self._begun, follower)

    def _begun(self, told: Subscribed, follower: _Follower) -> Subscribed:
        follower.stand(told)
        self._followers.append(follower)
        if not self._checks.running:
            self._checks.start(CHECK, now=False)
        return replace(told, cancel=partial(self._leave, follower))

    def _leave(self, follower: _Follower) -> None:
        if follower.ended:
            return
        follower.ended = True
        self._let_go(follower)
        self._followers.remove(follower)
        if not self._followers:
            self.close()

    def _let_go(self, follower: _Follower) -> None:
        cancel, follower.cancel = follower.cancel, None
        if cancel is not None:
            cancel()

    def close(self) -> None:
        """Look no more who owns what."""
        if self._checks.running:
            self._checks.stop()

    # From one to another

    def _check(self) -> None:
        for follower in list(self._followers):
            owner = self._owner(follower.wish.key)
            if owner is not None and owner is not follower.provider:
                self._move(follower, owner)

    def _move(self, follower: _Follower, owner: Follows) -> None:
        self._let_go(follower)
        follower.provider = owner
        wish = replace(follower.wish, position=follower.position)
        moving = owner.subscribe(wish, partial(self._tell, follower, owner))
        moving.addCallbacks(self._moved, self._not_moved, (follower, owner), {}, (follower, owner))

    def _tell(self, follower: _Follower, owner: Follows, event: Event) -> None:
        if follower.provider is owner and not follower.ended:
            follower.tell(event)

    def _moved(self, told: Subscribed, follower: _Follower, owner: Follows) -> None:
        if follower.ended or follower.provider is not owner:
            told.cancel()
            return
        follower.stand(told)
        if STATUS in follower.wish.topics or not told.recovered:
            follower.listener(told.status(follower.wish.key, "back", self._clock.seconds()))
        for event in told.events:
            follower.listener(event)

    def _not_moved(self, failure: Failure, follower: _Follower, owner: Follows) -> None:
        """It is tried again at the next look."""
        self.log.debug(
            "{processor} is not followed: {error}",
            processor=follower.wish.key,
            error=failure.value,
        )
        if follower.provider is owner:
            follower.provider = None
