"""Processors that come and go in several services, told as one stream (SPEC 9, WebSocket).

The services are only followed while somebody listens.  Where one of them cannot be followed, or is
followed anew, nobody knows what came and went there meanwhile: then a new epoch begins, and who
listens reads the list of processors again.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from kato.events import PROCESSORS, TOPICS_OF_ALL, Event, Listener, Subscribed, Wish
from kato.following import Follows
from kato.happenings import CameOrWent
from kato.hub import ALL, Hub

CHECK = 1.0
"""Seconds between two looks at which services there are, and which of them are not followed."""

PATIENCE = 2.0
"""Seconds that a service has to be followed from the beginning; it may come later."""


class Comings:
    """Tells which processors come and go, wherever they are."""

    log = Logger()

    def __init__(
        self,
        services: Callable[[], Mapping[str, Follows]],
        *,
        clock: IReactorTime,
        make_epoch: Callable[[], str],
    ) -> None:
        """
        @param services: those there are now, by their names.
        @param make_epoch: as for L{Hub}.
        """
        self._services = services
        self._clock = clock
        self._hub = Hub(make_epoch=make_epoch, failed=self._listener_failed)
        self._listeners = 0
        self._followed: dict[str, tuple[Follows, Callable[[], None]]] = {}
        self._following: dict[str, Deferred[Any]] = {}
        self._waiting: list[Deferred[None]] = []
        self._checks = LoopingCall(self._check)
        self._checks.clock = clock

    def subscribe(self, wish: Wish, listener: Listener) -> "Deferred[Subscribed]":
        """Tell events to C{listener}, once all services that are there are followed."""
        return Deferred.fromCoroutine(self._subscribe(wish, listener))

    async def _subscribe(self, wish: Wish, listener: Listener) -> Subscribed:
        self._listeners += 1
        try:
            if not self._checks.running:
                self._checks.start(CHECK, now=True)
            await self._settled()
        except BaseException:
            self._leave()
            raise
        subscribed = self._hub.subscribe(ALL, wish.topics, wish.position, listener)
        ends = [subscribed.cancel]

        def cancel() -> None:
            if ends:
                ends.pop()()
                self._leave()

        return replace(subscribed, cancel=cancel)

    def _settled(self) -> "Deferred[None]":
        """When all services are followed, or known not to be."""
        waiter: Deferred[None] = Deferred()
        self._waiting.append(waiter)
        self._settle()
        return waiter

    def _settle(self) -> None:
        if not self._following:
            waiting, self._waiting = self._waiting, []
            for waiter in waiting:
                waiter.callback(None)

    def _leave(self) -> None:
        self._listeners -= 1
        if not self._listeners:
            self.close()

    # The services

    def _check(self) -> None:
        """Follow those that are not followed, and leave those that are no more."""
        services = self._services()
        for name, (service, cancel) in list(self._followed.items()):
            if services.get(name) is not service:
                del self._followed[name]
                cancel()
                self._renew()
        for name, service in services.items():
            if name not in self._followed and name not in self._following:
                self._follow(name, service)

    def _follow(self, name: str, service: Follows) -> None:
        following = service.subscribe(Wish(None, TOPICS_OF_ALL), partial(self._told, name))
        following.addTimeout(PATIENCE, self._clock)
        self._following[name] = following
        following.addCallbacks(self._follows, self._cannot_follow, (name, service), {}, (name,))
        following.addBoth(self._followed_or_not, name)

    def _follows(self, subscribed: Subscribed, name: str, service: Follows) -> None:
        if not self._listeners:
            subscribed.cancel()
            return
        self._followed[name] = service, subscribed.cancel
        self._renew()

    def _cannot_follow(self, failure: Failure, name: str) -> None:
        self.log.debug("{service} is not followed: {error}", service=name, error=failure.value)

    def _followed_or_not(self, result: Failure | None, name: str) -> None:
        if isinstance(result, Failure):
            self.log.failure("defect while {service} was followed", failure=result, service=name)
        del self._following[name]
        self._settle()

    def _told(self, name: str, event: Event) -> None:
        if event.topic == PROCESSORS:
            came = event.data.get("change") == "came"
            self._hub.tell(ALL, (CameOrWent(event.processor, came=came),), event.time_stamp)
        elif event.data.get("recovered", True):
            data = {"state": event.data.get("state"), "service": name}
            self._hub.tell_status(ALL, data, event.time_stamp)
        else:
            self._renew()

    def _renew(self) -> None:
        self._hub.renew(ALL, self._clock.seconds())

    def _listener_failed(self, error: Exception, event: Event) -> None:
        self.log.failure("a listener failed at {topic}", failure=Failure(error), topic=event.topic)

    def close(self) -> None:
        """Follow nobody any more."""
        if self._checks.running:
            self._checks.stop()
        followed, self._followed = self._followed, {}
        for _, cancel in followed.values():
            cancel()
        for following in list(self._following.values()):
            following.cancel()
