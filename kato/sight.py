"""What is told of the processors together to one whose key is for some of them (SPEC 8 and 9).

The others are as if they were not: they are left out of lists and streams, and of all that counts.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from secrets import token_hex
from typing import Any

from twisted.internet.defer import Deferred

from kato.commands import MAX_PAGE, Command, ListProcessors, Reply
from kato.events import PROCESSORS, STATUS, Event, Listener, Numbers, Subscribed, Wish

Sees = Callable[[str], bool]
"""Whether a key is for a processor."""

Ask = Callable[[Command], "Deferred[Reply]"]
Subscribe = Callable[[Wish, Listener], "Deferred[Subscribed]"]


async def listed(command: Command, params: ListProcessors, *, ask: Ask, sees: Sees) -> Reply:
    """Answer C{list_processors}: all of the list is gone through, since what is counted are the
    processors that are seen."""
    entries: list[Mapping[str, Any]] = []
    away: dict[str, Mapping[str, Any]] = {}
    after: str | None = None
    while True:
        page = await ask(replace(command, params=ListProcessors(MAX_PAGE, after)))
        entries += [each for each in page.fields["processors"] if sees(each["id"])]
        away.update(
            (each["id"], each) for each in page.fields.get("unavailable", ()) if sees(each["id"])
        )
        after = page.fields["next"]
        if after is None:
            return replace(page, fields=_page(entries, away, params))


def _page(
    entries: list[Mapping[str, Any]], away: Mapping[str, Mapping[str, Any]], params: ListProcessors
) -> dict[str, Any]:
    """The fields of an answer.

    @param entries: all that are seen, in the order of their ids.
    @param away: those of services that do not answer.
    """
    begins = params.after or ""
    later = [each for each in entries if each["id"] > begins]
    page = later[: params.limit]
    fields: dict[str, Any] = {
        "processors": page,
        "total": len(entries),
        "next": page[-1]["id"] if len(page) < len(later) else None,
    }
    unavailable = [away[each] for each in sorted(away) if each > begins]
    if unavailable:
        fields["unavailable"] = unavailable[: params.limit]
    return fields


def partly_told(
    wish: Wish, listener: Listener, *, subscribe: Subscribe, sees: Sees
) -> "Deferred[Subscribed]":
    """Tell which of the processors that are seen come and go.

    The events are numbered anew, in an epoch of this subscription alone: the numbers of all would
    tell how many others there were.  So nothing is ever recovered.
    """
    part = _Part(listener, sees)
    asked = subscribe(Wish(None, wish.topics), part.told)
    return asked.addCallback(part.begins)


class _Part:
    """Tells one listener his part."""

    def __init__(self, listener: Listener, sees: Sees) -> None:
        self._listener = listener
        self._sees = sees
        self._epoch = token_hex(8)
        self._offset = 0

    def begins(self, subscribed: Subscribed) -> Subscribed:
        """What the part begins with."""
        return replace(
            subscribed,
            epoch=self._epoch,
            offset=0,
            recovered=False,
            events=(),
            numbers=Numbers(),
        )

    def told(self, event: Event) -> None:
        """Pass on what is of this part.  That a service went away or came back is not: whoever
        listens to a processor of it is told so there."""
        if event.topic == PROCESSORS:
            if self._sees(event.processor):
                self._offset += 1
                self._listener(
                    replace(
                        event,
                        offset=self._offset,
                        epoch=self._epoch,
                        number=self._offset,
                        kept=self._offset,
                    )
                )
        elif event.data.get("recovered") is False:
            self._renew(event)

    def _renew(self, event: Event) -> None:
        """Nobody knows what was missed."""
        self._epoch, self._offset = token_hex(8), 0
        data = {"state": "anew", "epoch": self._epoch, "recovered": False}
        self._listener(Event(STATUS, event.processor, 0, event.time_stamp, data, epoch=self._epoch))
