"""What one connection listens to (SPEC 9)."""

from collections.abc import Callable, Hashable
from functools import partial

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from kato.errors import Conflict, InvalidRequest, LimitReached
from kato.events import Event, Listener, Subscribed, Wish
from kato.protocols.websocket.traffic import Traffic

Subscribe = Callable[[Wish, Listener], "Deferred[Subscribed]"]
"""Tells events; fails with L{KatoError} alone."""


class Subscription:
    """Who is listened to; C{subject} is a processor, or C{None}: all that come and go.  C{name} is
    how it is known on its connection."""

    __slots__ = ("_cancel", "ended", "name", "subject")

    def __init__(self, name: Hashable, subject: str | None) -> None:
        self.name = name
        self.subject = subject
        self.ended = False
        self._cancel: Callable[[], None] | None = None

    def begin(self, cancel: Callable[[], None]) -> None:
        """It is granted; C{cancel} ends it."""
        self._cancel = cancel
        if self.ended:
            cancel()

    def end(self) -> None:
        """Listen no more."""
        self.ended = True
        if self._cancel is not None:
            self._cancel()


Tell = Callable[[Subscription, Event], None]
"""Is told what comes of a subscription, and of which."""


class Subscriptions:
    """The subscriptions of a connection, each by its name: that of its subject, where there is one
    for each subject."""

    def __init__(self, tell: Tell, traffic: Traffic, *, most: int) -> None:
        """
        @param traffic: counts subscriptions.
        @param most: how many there may be.
        """
        self._tell = tell
        self._traffic = traffic
        self._most = most
        self._by_name: dict[Hashable, Subscription] = {}

    def __len__(self) -> int:
        return len(self._by_name)

    def __contains__(self, name: Hashable) -> bool:
        return name in self._by_name

    @property
    def all(self) -> "list[Subscription]":
        """Those that there are now."""
        return list(self._by_name.values())

    def subscribe(
        self,
        name: Hashable,
        wish: Wish,
        source: Subscribe,
        granted: Callable[[Subscribed], None],
    ) -> "Deferred[None]":
        """Listen to what is wished for.

        @param source: tells events.
        @param granted: is told what it begins with, before what was missed, and what comes, is.
        @raise KatoError: (also the Deferred fails) where that cannot be.
        """
        subject = wish.processor
        if name in self._by_name:
            raise Conflict(f"processor: {_named(subject)} subscribed to already, unsubscribe first")
        if len(self) >= self._most:
            raise LimitReached(
                f"processor: one more than {len(self):,} subscriptions is over the limit of "
                f"{self._most:,} of a connection"
            )
        subscription = self._by_name[name] = Subscription(name, subject)
        self._traffic.subscriptions += 1
        asked = source(wish, partial(self._listener, subscription))
        beginning = asked.addCallback(self._begin, subscription, granted)
        return beginning.addErrback(self._not_granted, subscription)

    def _listener(self, subscription: Subscription, event: Event) -> None:
        if not subscription.ended:
            self._tell(subscription, event)

    def _begin(
        self,
        told: Subscribed,
        subscription: Subscription,
        granted: Callable[[Subscribed], None],
    ) -> None:
        subscription.begin(told.cancel)
        if subscription.ended:
            raise Conflict(f"processor: {_named(subscription.subject)} unsubscribed from meanwhile")
        granted(told)
        for event in told.events:
            self._listener(subscription, event)

    def _not_granted(self, failure: Failure, subscription: Subscription) -> Failure:
        if self._by_name.get(subscription.name) is subscription:
            del self._by_name[subscription.name]
            self._traffic.subscriptions -= 1
        return failure

    def unsubscribe(self, name: Hashable) -> Subscription:
        """Listen to somebody no more; gives what has ended.

        @raise InvalidRequest: where nobody listened.
        """
        subscription = self._by_name.pop(name, None)
        if subscription is None:
            raise InvalidRequest(f"processor: {_named(name)} not subscribed to")
        self._traffic.subscriptions -= 1
        subscription.end()
        return subscription

    def end(self) -> None:
        """Listen to nobody any more."""
        ended, self._by_name = self._by_name, {}
        self._traffic.subscriptions -= len(ended)
        for each in ended.values():
            each.end()


def _named(subject: Hashable) -> str:
    return "all that come and go are" if subject is None else f"'{subject}' is"
