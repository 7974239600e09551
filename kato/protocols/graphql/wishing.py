"""Subscriptions: which events are wished for, and an event as GraphQL knows it (SPEC 9)."""

from collections.abc import Callable, Mapping
from typing import Any

from kato.events import PREDICTIONS, Event, Subscribed, Wish
from kato.protocols.graphql.selecting import Info

SUBSCRIBED = "subscribed"
"""In the place of a topic: the subscription begins."""

Told = Mapping[str, Any]


class Wished:
    """Is told what a subscription wishes for, when it is executed without an event.

    C{greets} says whether it wants to be told that it begins.
    """

    def __init__(self) -> None:
        self.wish: Wish | None = None
        self.greets = False


def event_map(event: Event) -> Told:
    """An event, its data among the rest."""
    return {
        **event.data,
        "topic": event.topic,
        "processor": event.processor,
        "epoch": event.epoch,
        "offset": event.offset,
        "time_stamp": event.time_stamp,
        "skipped": event.skipped,
    }


def beginning(told: Subscribed, processor: str | None, now: float) -> Event:
    """What is told of a subscription that begins.

    @param processor: whose events they are; C{None}: all that come and go.
    """
    data = {"recovered": told.recovered}
    return Event(SUBSCRIBED, processor or "", told.offset, now, data, epoch=told.epoch)


def _subscription(wish: Callable[..., Wish], *, greets: bool) -> Callable[..., Told | None]:
    def resolve(event: Told | None, info: Info, **arguments: Any) -> Told | None:
        if event is None:
            info.context.wish = wish(**arguments)
            info.context.greets = greets
        return event

    return resolve


def _events(
    processor: str, topics: list[str] | None = None, since: dict[str, Any] | None = None
) -> Wish:
    return Wish.parse(processor, _params(since, topics))


def _predictions(processor: str) -> Wish:
    return Wish.parse(processor, {"topics": [PREDICTIONS]})


def _processors(since: dict[str, Any] | None = None) -> Wish:
    return Wish.parse(None, _params(since, None))


def _params(since: dict[str, Any] | None, topics: list[str] | None) -> dict[str, Any]:
    """The parameters of C{subscribe}."""
    params: dict[str, Any] = {} if topics is None else {"topics": topics}
    if since is not None:
        params["since"] = since["offset"]
        params.update((key, value) for key, value in since.items() if key != "offset")
    return params


WISHES = {
    "Subscription": {
        "events": _subscription(_events, greets=True),
        "predictions": _subscription(_predictions, greets=False),
        "processors": _subscription(_processors, greets=True),
    }
}
"""What the fields of subscriptions do, by their type."""
