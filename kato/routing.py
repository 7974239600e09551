"""Commands to the service that owns their processor (SPEC 8 and 10)."""

from collections import Counter
from collections.abc import Callable
from itertools import count
from secrets import token_hex
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, DeferredList, fail, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

from kato.comings import Comings
from kato.commands import Command, ListProcessors, Reply
from kato.dispatch import AlreadyBegun, IProcessors
from kato.errors import KatoError, ProcessorUnavailable
from kato.events import Listener, Subscribed, Wish
from kato.fields import shown
from kato.finding import SURE, Finder
from kato.following import Following, Follows
from kato.listing import Page, host_and_port, merged
from kato.members import Members
from kato.ownership import Service, Standing
from kato.pursuit import Pursuit
from kato.roster import Roster

PATIENCE = 5.0
"""Seconds that a service has to list its processors; then it is told as unavailable."""


@implementer(IProcessors)
class Routing:
    """Provides L{IProcessors} by asking the services that have them."""

    def __init__(
        self, roster: Roster, members: Members, finder: Finder, *, clock: IReactorTime
    ) -> None:
        self._roster = roster
        self._members = members
        self._finder = finder
        self._clock = clock
        self._comings = Comings(members.present, clock=clock, make_epoch=lambda: token_hex(8))
        self._following = Following(self._owner, clock=clock)
        self._making: Counter[str] = Counter()
        ids = map(f"{token_hex(8)}-{{:x}}".format, count(1))
        self._pursuit = Pursuit(roster, members, clock=clock, make_id=lambda: next(ids))

    def ask(self, command: Command) -> "Deferred[Reply]":
        """Have the owner of the processor carry out a command; a new processor is placed where the
        command may create it."""
        if command.processor is None:
            return self._ask_gateway(command)
        if self._pursuit.concerns(command.processor):
            return self._pursuit.ask(command)
        claim = self._roster.claim(command.processor)
        if (
            claim is not None
            and claim.standing in SURE
            and command.processor not in self._finder.waiting
        ):
            return self._ask(claim.service, command)
        found = self._finder.find(command.processor, creates=command.row.creates)
        return found.addCallback(self._ask_found, command)

    def _ask(self, service: Service, command: Command) -> "Deferred[Reply]":
        provider = self._members.provider(service)
        if provider is None:
            return fail(_away(service, command.processor))
        asked = provider.ask(command)
        if command.operation == "delete_processor" and command.processor is not None:
            asked.addCallback(self._deleted, command.processor)
        return asked

    def _deleted(self, reply: Reply, processor: str) -> Reply:
        self._roster.deleted(processor, now=self._clock.seconds())
        return reply

    def _ask_found(self, service: Service, command: Command) -> "Deferred[Reply]":
        """Ask who shall have a new processor; if that cannot make it, another one may get it."""
        assert command.processor is not None
        claim = self._roster.claim(command.processor)
        asked = self._ask(service, command)
        if command.row.creates and claim is not None and claim.standing is Standing.PLACED:
            self._making[command.processor] += 1
            asked.addBoth(self._made, command.processor)
        return asked

    def _made(self, result: Reply | Failure, processor: str) -> Reply | Failure:
        self._making[processor] -= 1
        if not isinstance(result, Failure) or not _surely_not_done(result):
            self._roster.confirm(processor)
        elif not self._making[processor]:
            self._roster.release(processor)
        if not self._making[processor]:
            del self._making[processor]
        return result

    def sole(self, sees: Callable[[str], bool] = lambda _: True) -> str | None:
        """The only processor there is of those that are seen, if there is just one."""
        known = filter(sees, self._roster.processors())
        first = next(known, None)
        return first if next(known, None) is None else None

    # The gateway itself

    def _ask_gateway(self, command: Command) -> "Deferred[Reply]":
        if isinstance(command.params, ListProcessors):
            return Deferred.fromCoroutine(self._list(command, command.params))
        return succeed(Reply(command.row.message, self._clock.seconds()))

    async def _list(self, command: Command, params: ListProcessors) -> Reply:
        """What all services answer, as one list; those that do not answer are told with the
        processors that they are known to have."""
        services = list(self._roster.services.values())
        asked = [self._page(service, command) for service in services]
        results: list[tuple[bool, Any]] = await DeferredList(asked, consumeErrors=True)
        pages: list[Page] = []
        away: list[Service] = []
        for service, (answered, result) in zip(services, results, strict=True):
            if answered:
                pages.append(result)
            elif result.check(KatoError, CancelledError, AlreadyBegun):
                away.append(service)
            else:
                result.raiseException()
        fields = merged(pages, params, belongs=self._belongs)
        unavailable = _unavailable(away, params)
        if unavailable:
            fields["unavailable"] = unavailable
        return Reply(command.row.message, self._clock.seconds(), fields)

    def _page(self, service: Service, command: Command) -> "Deferred[Page]":
        asked = self._ask(service, command)
        asked.addTimeout(PATIENCE, self._clock, onTimeoutCancel=_too_late)
        return asked.addCallback(
            lambda reply: Page(
                service.address,
                reply.fields["processors"],
                reply.fields["total"],
                reply.fields["next"],
                len(service.refused),
            )
        )

    def _belongs(self, processor: str, address: str) -> bool:
        claim = self._roster.claim(processor)
        if claim is None:
            return self._roster.whereabouts.place(processor) in (None, address)
        return claim.service.address == address

    @property
    def ready(self) -> bool:
        """Whether a processor can be asked: a service answers, and all have had the time to tell of
        themselves."""
        return bool(self._members.loads()) and self._finder.settled

    # Events

    def subscribe(self, wish: Wish, listener: Listener) -> "Deferred[Subscribed]":
        """Have the owner of a processor tell its events; of all processors, all services."""
        if wish.processor is None:
            return self._comings.subscribe(wish, listener)
        if self._pursuit.concerns(wish.processor):
            return Deferred.fromCoroutine(self._subscribe_there(wish.processor, wish, listener))
        found = self._finder.find(wish.processor, creates=False)
        return found.addCallback(self._subscribe, wish, listener)

    def _subscribe(
        self, service: Service, wish: Wish, listener: Listener
    ) -> "Deferred[Subscribed]":
        provider = self._members.provider(service)
        if provider is None:
            return fail(_away(service, wish.processor))
        return self._following.subscribe(wish, listener, provider)

    async def _subscribe_there(self, processor: str, wish: Wish, listener: Listener) -> Subscribed:
        """Find out where a processor is by asking for a sign of life of it."""
        await self._pursuit.ask(Command.parse("ping", processor=processor))
        provider = self._owner(processor)
        if provider is None:
            raise ProcessorUnavailable("the service has just been lost", retry_after=1)
        return await self._following.subscribe(wish, listener, provider)

    def _owner(self, processor: str) -> Follows | None:
        claim = self._roster.claim(processor)
        address = self._roster.whereabouts.place(processor)
        if claim is None and address is not None:
            return self._members.provider(self._roster.services[address])
        return None if claim is None else self._members.provider(claim.service)

    @property
    def processors(self) -> int:
        """How many processors are known."""
        return sum(1 for _ in self._roster.processors())

    def close(self) -> None:
        """Follow nobody any more."""
        self._pursuit.close()
        self._comings.close()
        self._following.close()

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of the services, and of new processors."""
        return {
            "processors": self.processors,
            "services": self._members.statistics(),
            "placement": self._finder.statistics(),
            "moving": self._pursuit.statistics(),
        }


def _away(service: Service, processor: str | None) -> ProcessorUnavailable:
    return ProcessorUnavailable(
        f"processor: the service at {service.address}, which has {shown(processor)}, is not there",
        retry_after=1,
    )


def _surely_not_done(failure: Failure) -> bool:
    """Whether a command that failed has changed nothing, and never will."""
    error = failure.value
    if isinstance(error, KatoError):
        return not error.outcome_unknown
    return isinstance(error, CancelledError)


def _too_late(result: object, seconds: float) -> None:
    raise ProcessorUnavailable(f"no list within {seconds:g} seconds")


def _unavailable(services: list[Service], params: ListProcessors) -> list[dict[str, str]]:
    """The processors that services have which are away, of the same page."""
    after = params.after or ""
    known = sorted(
        (processor, host_and_port(service.address))
        for service in services
        for processor in service.holds()
        if processor > after
    )
    return [{"id": processor, "service": service} for processor, service in known[: params.limit]]
