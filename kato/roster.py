"""Which service owns which processor (SPEC 8 and 10).

Services come from C{--processors}, which fixes their processors for ever, and from announcements,
which hold as long as their lease.  A processor has one owner at most.  Once it is placed or held,
it stays with its service, also while that is away: it is never placed a second time.

Several gateways keep a roster each.  The I{first} one, which all services name, decides: who
announces a processor first there has it, and it alone places new ones.  It numbers what it decides
by C{as_of}, a time that only grows.  The others take from a service what the first one confirmed to
it, and where two such words contradict each other, the later one.

A roster does nothing by itself: it is told the time, in seconds, with whatever happens.
"""

from collections.abc import Iterator, Mapping

from kato.errors import Conflict, ProcessorUnavailable, TooManyRequests
from kato.ownership import Announcement, Claim, First, Service, Standing, Verdict
from kato.placement import Candidate, Least, Placement
from kato.whereabouts import Whereabouts

SETTLING = 2.0
"""Seconds after its start in which a gateway does not take a processor for new: the services that
hold it may not have announced themselves yet."""

AWAITED = 60.0
"""Seconds after its start for which a gateway waits for services that held something before, as
others remember."""

RESERVED = 60.0
"""Seconds in which a request to make a processor has reached its service, or never will."""

MAX_PLACED = 10_000
"""How many processors may be placed that no service has announced yet."""

_MICROSECONDS = 1_000_000


class Roster:
    """All services that a gateway knows, and the owner of every processor."""

    def __init__(
        self,
        *,
        fixed: Mapping[str, str] | None = None,
        placement: Placement | None = None,
        reserved: float = RESERVED,
        now: float,
    ) -> None:
        """
        @param fixed: the addresses of services, by the processors that are theirs.
        @param reserved: seconds for which a processor keeps the place where somebody may be making
            it.
        """
        self.placement = placement or Least()
        self.whereabouts = Whereabouts()
        """Of the processors of services that share a store."""
        self._reserved = reserved
        self._began = now
        self._awaited: set[str] = set()
        self._as_of = 0
        self._claims: dict[str, Claim] = {}
        self._placed = 0
        self.services: dict[str, Service] = {}
        for processor, address in (fixed or {}).items():
            service = self.services.setdefault(address, Service(address))
            service.fixed.add(processor)
            self._claims[processor] = Claim(service, Standing.FIXED)

    def claim(self, processor: str) -> Claim | None:
        """Who owns a processor; C{None}: nobody that is known here."""
        return self._claims.get(processor)

    def settled(self, now: float) -> bool:
        """Whether all services that are there have had the time to announce themselves."""
        return now >= self._began + SETTLING

    def awaited(self, now: float) -> list[str]:
        """The addresses of services that held something before this gateway was started, and have
        not announced themselves since."""
        return sorted(self._awaited) if now < self._began + AWAITED else []

    def members(self) -> list[str]:
        """The addresses of services that hold something, or are about to, there or not."""
        return sorted(
            each.address
            for each in self.services.values()
            if each.announced is not None and (each.held or each.placed) and not each.shares
        )

    @property
    def counts(self) -> Mapping[str, int]:
        """How many processors have a place that no service holds, and why."""
        freed = sum(len(each.freed) for each in self.services.values())
        return {"placed": self._placed, "freed": freed}

    def processors(self) -> Iterator[str]:
        """All processors that are known to be somewhere."""
        for service in self.services.values():
            yield from service.holds()

    def first(self) -> First | None:
        """The first gateway, as the services that are there name it; C{None}: there are none.

        @raise ProcessorUnavailable: where they name different ones.
        """
        named = {
            First(each.rank == 0, each.gateways[0])
            for each in self.services.values()
            if each.leased
        }
        if len(named) > 1:
            addresses = sorted({each.address for each in named})
            raise ProcessorUnavailable(
                "services name different first gateways, so nobody may place new processors: "
                f"{', '.join(addresses)}",
                retry_after=1,
            )
        return next(iter(named), None)

    # Announcements

    def announce(self, told: Announcement, *, now: float) -> Verdict:
        """Take in what a service tells of itself.

        @raise Conflict: where another service has announced itself under this address since.
        """
        service = self.services.setdefault(told.address, Service(told.address))
        self._recognize(service, told.boot)
        joined = not service.leased
        service.leased = True
        service.name, service.events, service.under_way = told.service, told.events, told.under_way
        service.rank, service.gateways = told.rank, told.gateways
        service.lease, service.announced, service.as_of = told.lease, now, told.as_of
        if told.rank == 0:
            self._awaited |= told.members
        self._awaited -= {each for each in self._awaited if self._has_announced(each)}
        if told.epochs is not None:
            return self._take_word(service, told.epochs, joined, now)
        self._let_go(service, told, now)
        refused = self._grant(service, told, now)
        undecided = (told.processors | told.unconfirmed) - service.holds() - refused.keys()
        news = tuple(sorted(refused.keys() - service.refused.keys()))
        service.refused = refused
        as_of = self._decided(now) if told.rank == 0 else 0
        return Verdict(refused, undecided, news, joined, as_of)

    def _take_word(
        self, service: Service, epochs: Mapping[str, int], joined: bool, now: float
    ) -> Verdict:
        """The store has decided."""
        service.shares = True
        service.held = self.whereabouts.held(service.address)
        moved = self.whereabouts.announced(service.address, epochs)
        as_of = self._decided(now) if service.rank == 0 else 0
        return Verdict({}, frozenset(), (), joined, as_of, tuple(moved))

    @property
    def shares(self) -> bool:
        """Whether there are services that share a store, or have been."""
        return any(each.shares for each in self.services.values())

    def sharing(self) -> list[Service]:
        """The services that are there and share a store."""
        return [each for each in self.services.values() if each.shares and each.leased]

    def _has_announced(self, address: str) -> bool:
        service = self.services.get(address)
        return service is not None and service.announced is not None

    def _recognize(self, service: Service, boot: str) -> None:
        """Tell a service that has been started again from one that goes under another's address."""
        if boot == service.boot:
            return
        if boot == service.earlier_boot:
            raise Conflict(
                f"address: another service has announced itself at {service.address} since"
            )
        service.earlier_boot, service.boot = service.boot, boot

    def _let_go(self, service: Service, told: Announcement, now: float) -> None:
        """Free what the service does not hold any more, or has not made in time."""
        claimed = told.processors | told.unconfirmed
        for processor in service.held - claimed:
            self._free(processor, service, now)
        for processor in (service.placed | service.freed) - claimed:
            if now >= self._claims[processor].until:
                self._drop(processor)

    def _grant(self, service: Service, told: Announcement, now: float) -> dict[str, str]:
        """Grant the claims that nobody else has a better right to; the others are given back.  A
        claim that would be given up is not decided before all have had the time to make theirs."""
        refused: dict[str, str] = {}
        claimed = told.processors | told.unconfirmed
        for processor in claimed - service.held:
            claim = self._claims.get(processor)
            if claim is not None and claim.standing is Standing.FIXED:
                if claim.service is not service:
                    refused[processor] = f"it is fixed to the service at {claim.service.address}"
            elif claim is None or claim.service is service:
                if claim is not None or processor in told.processors or self.settled(now):
                    self._hold(processor, service)
            elif processor in told.processors and self._is_later(told, processor, claim):
                self._drop(processor)
                self._hold(processor, service)
            else:
                refused[processor] = f"the service at {claim.service.address} has it"
        service.unconfirmed = service.held & told.unconfirmed - told.processors
        return refused

    def _is_later(self, told: Announcement, processor: str, claim: Claim) -> bool:
        """Whether the first gateway gave a processor to who tells this after it gave it to who has
        it here; at the first gateway itself who came first keeps it."""
        if told.rank == 0:
            return False
        confirmed = claim.standing is Standing.HELD and processor not in claim.service.unconfirmed
        return told.as_of > (claim.service.as_of if confirmed else 0)

    def _decided(self, now: float) -> int:
        """A number for a decision of now; it grows, also when the gateway is started again."""
        self._as_of = max(self._as_of + 1, int(now * _MICROSECONDS))
        return self._as_of

    def leave(self, address: str, boot: str) -> Service | None:
        """A service says that it ends; C{None}: it is none that is there.  It keeps what it has."""
        service = self.services.get(address)
        if service is None or service.boot != boot or not service.leased:
            return None
        self._forget(service)
        return service

    def _forget(self, service: Service) -> None:
        service.leased = False
        if service.shares:
            self.whereabouts.left(service.address)

    def expire(self, now: float) -> list[Service]:
        """Forget those whose lease has ended, which are given back."""
        ended = [each for each in self.services.values() if each.has_ended(now)]
        for service in ended:
            self._forget(service)
        return ended

    # New processors

    def place(self, processor: str, *, now: float, loads: Mapping[str, int]) -> Claim:
        """Give a processor that nobody owns to a service.

        @param loads: how many requests are under way to each service that answers.
        @raise ProcessorUnavailable: where there is no service.
        @raise TooManyRequests: where too many are placed already that do not come about.
        """
        there = [each for each in self.services.values() if each.leased]
        if not there:
            raise ProcessorUnavailable("no service has announced itself", retry_after=1)
        if self._placed >= MAX_PLACED:
            raise TooManyRequests(f"{MAX_PLACED} processors are being made already", retry_after=1)
        answering = [each for each in there if each.address in loads]
        chosen = self.placement.choose(
            Candidate(
                each.address,
                len(each.held) + len(each.placed),
                max(each.under_way, loads.get(each.address, 0)),
            )
            for each in answering or there
        )
        service = self.services[chosen]
        service.placed.add(processor)
        self._placed += 1
        claim = self._claims[processor] = Claim(service, Standing.PLACED, now + self._reserved)
        return claim

    def renew(self, processor: str, *, now: float, known: bool) -> None:
        """Somebody is about to make a processor: it keeps its place until that must have happened.

        @param known: whether that is one of whom nothing more is heard here.
        """
        claim = self._claims[processor]
        claim.until = max(claim.until, now + self._reserved)
        claim.known = claim.known or known

    def confirm(self, processor: str) -> None:
        """A processor that was placed may have been made."""
        claim = self._claims.get(processor)
        if claim is not None:
            claim.known = True

    def release(self, processor: str) -> None:
        """Nothing came of a placement: the processor is as new as before, unless others know of
        it."""
        claim = self._claims.get(processor)
        if claim is not None and claim.standing is Standing.PLACED and not claim.known:
            self._drop(processor)

    def deleted(self, processor: str, *, now: float) -> None:
        """A processor has been deleted where it was."""
        claim = self._claims.get(processor)
        if claim is None or claim.standing is Standing.FIXED:
            return
        self._free(processor, claim.service, now)

    # How claims change

    def _hold(self, processor: str, service: Service) -> None:
        if processor in self._claims:
            self._drop(processor)
        self._claims[processor] = Claim(service, Standing.HELD)
        service.held.add(processor)

    def _free(self, processor: str, service: Service, now: float) -> None:
        """Who decides keeps it where it is until every lease under which another gateway may hold
        it there has ended, and what is asked for under it has arrived; who does not decide forgets
        it, and asks."""
        until = max(self._claims[processor].until, now + service.lease + self._reserved)
        self._drop(processor)
        if service.rank == 0:
            self._claims[processor] = Claim(service, Standing.FREED, until)
            service.freed.add(processor)

    def _drop(self, processor: str) -> None:
        """Nobody has it any more."""
        claim = self._claims.pop(processor)
        if claim.standing is Standing.PLACED:
            self._placed -= 1
        for each in (claim.service.held, claim.service.placed, claim.service.freed):
            each.discard(processor)
