"""Who shall have a processor that nobody is known to hold (SPEC 10).

The first gateway decides, and gives a new processor to a service.  The others ask it, also whether
there is a processor at all: it may have been made through another gateway a moment ago.
"""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from twisted.internet.defer import Deferred, fail, maybeDeferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from kato.errors import KatoError, ProcessorNotFound, ProcessorUnavailable
from kato.fields import shown
from kato.members import Members
from kato.ownership import Claim, Service, Standing
from kato.roster import Roster

REMEMBERED = 1.0
"""Seconds for which the first gateway's word is taken without asking again.  It keeps the place for
much longer, and the service announces what it holds much sooner."""

_MANY = 1_000
"""With more words than this, those that are too old are forgotten."""

SURE = frozenset({Standing.FIXED, Standing.HELD})
"""Whoever has a processor so is asked without further thought."""


class Colleague(Protocol):
    """The first gateway, as another one asks it."""

    def place(self, processor: str, *, creates: bool) -> "Deferred[str]":
        """The address of the service that has a processor, or shall have it.

        @param creates: whether it may be placed.
        @raise ProcessorNotFound: (the Deferred fails) where there is none, and none is placed.
        @raise ProcessorUnavailable: (the Deferred fails) where nobody knows now.
        """

    def close(self) -> None:
        """Ask no more."""


class _Waiting:
    """A command that waits for the first gateway's word."""

    __slots__ = ("creates", "found")

    def __init__(self, *, creates: bool, given_up: "Callable[[_Waiting], None]") -> None:
        self.creates = creates
        self.found: Deferred[Service] = Deferred(lambda _: given_up(self))


class Finder:
    """Finds, or decides, who has a processor."""

    def __init__(
        self,
        roster: Roster,
        members: Members,
        *,
        clock: IReactorTime,
        registry: bool,
        colleague: Callable[[str], Colleague],
    ) -> None:
        """
        @param registry: whether services announce themselves; if not, there are no new processors.
        @param colleague: makes what asks the gateway whose registry is at an address.
        """
        self._roster = roster
        self._members = members
        self._clock = clock
        self._registry = registry
        self._make_colleague = colleague
        self._colleagues: dict[str, Colleague] = {}
        self._remembered: dict[str, tuple[Service, float]] = {}
        self.waiting: dict[str, deque[_Waiting]] = {}
        """Commands that wait, by processor: those that come later wait behind them."""

    # At the first gateway

    def decide(self, processor: str, *, creates: bool, known: bool) -> Service:
        """Who has a processor, or shall have it.

        @param creates: whether it may be placed.
        @param known: whether another gateway is told.
        @raise ProcessorNotFound: where there is none, and none is placed.
        @raise ProcessorUnavailable: where that is not known yet.
        """
        now = self._clock.seconds()
        claim = self._roster.claim(processor)
        if claim is None:
            claim = self._new(processor, creates, now)
        if creates:
            self._roster.renew(processor, now=now, known=known)
        return claim.service

    def _new(self, processor: str, creates: bool, now: float) -> Claim:
        if not self.settled:
            raise ProcessorUnavailable(
                f"processor: nobody holds {shown(processor)}, but this gateway has just started, "
                "and services may not have announced themselves yet",
                retry_after=1,
            )
        awaited = self._roster.awaited(now)
        if awaited:
            raise ProcessorUnavailable(
                f"processor: nobody holds {shown(processor)}, but services are missing that may: "
                f"{', '.join(awaited)}",
                retry_after=1,
            )
        if self._registry and self._roster.first() is None:
            raise ProcessorUnavailable(
                f"processor: nobody holds {shown(processor)}, and no service has announced itself",
                retry_after=1,
            )
        if not self._registry or not creates:
            raise ProcessorNotFound(f"processor: there is no {shown(processor)}")
        return self._roster.place(processor, now=now, loads=self._members.loads())

    def answer(self, processor: str, *, creates: bool) -> Service:
        """Decide for another gateway.

        @raise KatoError: as L{decide}, and where this is not the first gateway.
        """
        first = self._roster.first()
        if first is not None and not first.is_here:
            raise ProcessorUnavailable(
                f"this gateway is not the first one, which is {first.address}", retry_after=1
            )
        return self.decide(processor, creates=creates, known=True)

    # Anywhere

    def find(self, processor: str, *, creates: bool) -> "Deferred[Service]":
        """Who has a processor, or shall have it; those who wait for it are answered in their order.

        @param creates: whether it may be placed.
        @raise KatoError: (the Deferred fails) as L{decide}.
        """
        try:
            if self._must_ask(processor):
                return self._ask_first(processor, creates)
            return succeed(self.decide(processor, creates=creates, known=False))
        except KatoError:
            return fail()

    def _must_ask(self, processor: str) -> bool:
        """Whether only the first gateway knows, or others wait for its word already."""
        if processor in self.waiting:
            return True
        claim = self._roster.claim(processor)
        if claim is not None and claim.standing in SURE:
            return False
        first = self._roster.first()
        return first is not None and not first.is_here

    def _ask_first(self, processor: str, creates: bool) -> "Deferred[Service]":
        one = _Waiting(creates=creates, given_up=partial(self._give_up, processor))
        if processor in self.waiting:
            self.waiting[processor].append(one)
            return one.found
        remembered, until = self._remembered.get(processor, (None, 0.0))
        if remembered is not None and remembered.there and self._clock.seconds() < until:
            return succeed(remembered)
        self.waiting[processor] = deque((one,))
        self._ask(processor)
        return one.found

    def _give_up(self, processor: str, one: _Waiting) -> None:
        self.waiting[processor].remove(one)

    def _ask(self, processor: str) -> None:
        """Ask for all who wait: may it be placed, if one of them may create it."""
        creates = any(each.creates for each in self.waiting[processor])
        asked = maybeDeferred(self._word_of_first, processor, creates)
        asked.addCallbacks(self._found, self._not_found, (processor,), {}, (processor, creates))

    def _word_of_first(self, processor: str, creates: bool) -> "Deferred[Service]":
        first = self._roster.first()
        if first is None or first.is_here:
            return succeed(self.decide(processor, creates=creates, known=False))
        if first.address not in self._colleagues:
            self._colleagues[first.address] = self._make_colleague(first.address)
        asked = self._colleagues[first.address].place(processor, creates=creates)
        return asked.addCallback(self._known_here)

    def _known_here(self, address: str) -> Service:
        service = self._roster.services.get(address)
        if service is None:
            raise ProcessorUnavailable(
                f"the service at {address} has not announced itself here yet", retry_after=1
            )
        return service

    def _found(self, service: Service, processor: str) -> None:
        now = self._clock.seconds()
        if len(self._remembered) > _MANY:
            self._remembered = {
                each: word for each, word in self._remembered.items() if now < word[1]
            }
        self._remembered[processor] = (service, now + REMEMBERED)
        for each in self.waiting.pop(processor):
            each.found.callback(service)

    def _not_found(self, failure: Failure, processor: str, asked_to_create: bool) -> None:
        """Nobody gets it; who came meanwhile and may create it is still to be asked for."""
        waiting = self.waiting[processor]
        told = failure.check(ProcessorNotFound) is not None and not asked_to_create
        while waiting and not (told and waiting[0].creates):
            waiting.popleft().found.errback(failure)
        if waiting:
            self._ask(processor)
        else:
            del self.waiting[processor]

    @property
    def settled(self) -> bool:
        """Whether all services that are there have had the time to announce themselves."""
        return not self._registry or self._roster.settled(self._clock.seconds())

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of new processors: who places them (C{None}: nobody knows), and how
        many have a place that no service holds."""
        try:
            first = self._roster.first()
        except KatoError as error:
            return {"first": None, "trouble": error.message, **self._roster.counts}
        return {
            "first": None if first is None else first.address,
            "is_first": first is not None and first.is_here,
            "waiting": sum(map(len, self.waiting.values())),
            **self._roster.counts,
        }

    def stop(self) -> None:
        """Ask no more."""
        colleagues, self._colleagues = self._colleagues, {}
        for each in colleagues.values():
            each.close()
