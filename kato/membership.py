"""A service among others that share its store (SPEC 10): it lives as long as it renews its lease,
takes its part of what nobody has, and gives of what it has to those who have less.

All members compute the same from the same view of the store; where views differ, what they do about
it is judged by the store, one processor at a time.
"""

from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from kato.errors import KatoError
from kato.holdings import Look, Member, Owner, Present
from kato.lease import LEASE, Sightings
from kato.shares import assigned, emptied, moves
from kato.storage.shared import MAX_ORPHANS, IShared
from kato.tenancy import Tenancy

RENEWAL = LEASE / 4
"""Seconds between two renewals of the lease."""

LOOK = 1.0
"""Seconds between two looks at the others."""

FEW = 8
"""How many processors are handed over at a time to one who joins: so many wait for a moment;"""
MANY = 64
"""and how many when a service ends."""

AGAIN = 0.25
"""Seconds after which a service that ends tries once more to give what nobody took."""


class Holds(Protocol):
    """Who has the processors of a service: L{kato.worker.Worker}."""

    def take(self, processor: str) -> None:
        """A processor is this service's now."""

    def let_go(self, processor: str) -> None:
        """A processor is not this service's any more."""

    async def rest(self, processor: str) -> None:
        """Have a processor take no more turns, and all that it did made durable."""

    def go_on(self, processor: str) -> None:
        """A processor that rests takes turns again."""


class Membership:
    """Keeps one service a member."""

    log = Logger()

    def __init__(
        self,
        store: IShared,
        tenancy: Tenancy,
        holder: Holds,
        *,
        clock: IReactorTime,
        monotonic: Callable[[], float],
        make_boot: Callable[[], str],
    ) -> None:
        """
        @param monotonic: the clock of C{tenancy}.
        @param make_boot: makes names for tenures, none of them ever twice.
        """
        self._store = store
        self._tenancy = tenancy
        self._holder = holder
        self._clock = clock
        self._monotonic = monotonic
        self._make_boot = make_boot
        self._sightings = Sightings()
        self._trouble: str | None = None
        self._sharing = False
        self._loops = [self._loop(self._renew), self._loop(self._look)]
        self.handed_over = 0
        self.taken = 0

    def _loop(self, what: "Callable[[], Coroutine[Any, Any, None]]") -> LoopingCall:
        loop = LoopingCall(lambda: Deferred.fromCoroutine(self._patiently(what)))
        loop.clock = self._clock
        return loop

    async def _patiently(self, what: "Callable[[], Coroutine[Any, Any, None]]") -> None:
        """What the store cannot do now is tried again next time; it is logged once."""
        try:
            await what()
        except KatoError as error:
            if self._trouble != error.message:
                self._trouble = error.message
                self.log.error("the store that is shared: {error}", error=error.message)
        except Exception:
            self.log.failure("defect in the membership")
        else:
            self._trouble = None

    # Beginning and ending

    async def start(self) -> None:
        """Become a member, and take what nobody has.

        @raise KatoError: where the store cannot be reached.
        """
        await self._join(self._tenancy.member)
        await self._patiently(self._look)
        for loop, seconds in zip(self._loops, (RENEWAL, LOOK), strict=True):
            loop.start(seconds, now=False)

    async def _join(self, member: Member) -> None:
        asked = self._monotonic()
        await self._store.join(member)
        self._tenancy.lease.renewed(asked)

    async def leave(self) -> None:
        """Give all to the others, or to nobody where there is none; then be a member no more."""
        tenancy = self._tenancy
        if not self._loops[0].running:
            return
        tenancy.leaving = True
        self._loops[1].stop()
        await self._renew()
        while tenancy.held:
            look = await self._store.look()
            before = len(tenancy.held)
            others = emptied(look.staying(), before)
            shares: list[tuple[str | None, int]] = [*others.items()] or [(None, before)]
            for to, number in shares:
                await self._give(list(islice(tenancy.held, number)), to, at_a_time=MANY)
            if len(tenancy.held) >= before:
                await deferLater(self._clock, AGAIN)
        self._loops[0].stop()
        await self._store.leave(tenancy.member.boot)

    def stop(self) -> None:
        """Look after nothing any more; what is held is found by the others when the lease has
        ended."""
        for loop in self._loops:
            if loop.running:
                loop.stop()

    # The lease

    async def _renew(self) -> None:
        tenancy = self._tenancy
        asked, boot = self._monotonic(), tenancy.member.boot
        if await self._store.renew(boot, leaving=tenancy.leaving):
            tenancy.lease.renewed(asked)
        elif not tenancy.leaving:
            await self._begin_anew(tenancy.member)

    async def _begin_anew(self, buried: Member) -> None:
        """This service was taken for dead: all that it had is others' by now, or will be."""
        self.log.warn("this service was cut off for too long, and begins anew")
        member = Member(self._make_boot(), buried.address, buried.name)
        for processor in self._tenancy.begin_anew(member):
            self._holder.let_go(processor)
        self._sightings.begin_anew()
        await self._join(member)

    # Looking

    async def _look(self) -> None:
        if not self._tenancy.valid:
            self._sightings.begin_anew()
            return
        members = await self._store.members()
        if await self._bury(members):
            members = await self._store.members()
        self._tenancy.saw(members)
        look = await self._store.look()
        await self._find_own(look)
        await self._adopt(look)
        self._share(look)

    async def _bury(self, members: Sequence[Present]) -> bool:
        """End those that have been silent for too long."""
        mine = self._tenancy.member.boot
        others = {each.member.boot: each for each in members if each.member.boot != mine}
        silent = self._sightings.see(
            {boot: each.beat for boot, each in others.items()}, self._monotonic()
        )
        for boot, beat in silent.items():
            if await self._store.bury(boot, beat):
                self.log.warn(
                    "service {name} at {address} is taken for dead",
                    name=others[boot].member.name,
                    address=others[boot].member.address,
                )
        return bool(silent)

    async def _find_own(self, look: Look) -> None:
        """Take what others handed over, and claims of which the answer was lost."""
        tenancy, boot = self._tenancy, self._tenancy.member.boot
        if look.counts.get(boot, 0) == len(tenancy.held) or tenancy.leaving:
            return
        owned = await self._store.owned(boot)
        for processor in [each for each in owned if not tenancy.knows(each)]:
            await tenancy.obtain(processor, creates=False)
            self._take([processor])

    async def _adopt(self, look: Look) -> None:
        """Take this service's part of what nobody has."""
        tenancy = self._tenancy
        while look.orphans and not tenancy.leaving:
            boot = tenancy.member.boot
            orphans = {each.processor: each for each in look.orphans}
            part = assigned(orphans, look.staying()).get(boot, [])
            wanted: Mapping[str, Owner | None] = {
                each: orphans[each] for each in part if not tenancy.knows(each)
            }
            if wanted:
                self._take(tenancy.took(boot, await self._store.claim(boot, wanted)))
            if len(orphans) < MAX_ORPHANS or not part:
                return
            look = await self._store.look()

    def _take(self, processors: Sequence[str]) -> None:
        self.taken += len(processors)
        for processor in processors:
            self._holder.take(processor)

    # Handing over

    def _share(self, look: Look) -> None:
        """Give to those who have less, a few processors at a time; not while those of a service
        that leaves, or is dead, go to the fewest first, which ends as even as it can."""
        if look.orphans or any(each.leaving for each in look.members):
            return
        mine = self._tenancy.member.boot
        given = [each for each in moves(look.staying()) if each.source == mine]
        if given and not self._sharing and not self._tenancy.leaving:
            self._sharing = True
            sharing = Deferred.fromCoroutine(
                self._patiently(
                    lambda: self._give_all([(each.sink, each.number) for each in given])
                )
            )
            sharing.addBoth(self._shared)

    def _shared(self, _: Failure | None) -> None:
        self._sharing = False

    async def _give_all(self, shares: Sequence[tuple[str, int]]) -> None:
        for to, number in shares:
            chosen = sorted(self._tenancy.held)[-number:]
            await self._give(chosen, to, at_a_time=FEW)

    async def _give(self, processors: Sequence[str], to: str | None, *, at_a_time: int) -> None:
        for first in range(0, len(processors), at_a_time):
            await self._hand_over(processors[first : first + at_a_time], to)

    async def _hand_over(self, processors: Sequence[str], to: str | None) -> None:
        """Have some rest, and then belong to another service."""
        boot, held = self._tenancy.member.boot, self._tenancy.held
        resting = [each for each in processors if each in held]
        await gatherResults([Deferred.fromCoroutine(self._holder.rest(each)) for each in resting])
        fence = self._tenancy.fence(resting)
        if fence.boot != boot:
            return
        try:
            given: Collection[str] = await self._store.hand_over(fence, to)
        except KatoError:  # nobody knows whose they are: who is asked for them finds it out
            given = fence.epochs.keys()
        self.handed_over += len(given)
        for processor in self._tenancy.lost(given):
            self._holder.let_go(processor)
        for processor in fence.epochs.keys() - set(given):
            if processor in held:
                self._holder.go_on(processor)

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of this service among the others."""
        return {
            "lease": self._tenancy.valid,
            "owned": len(self._tenancy.held),
            "taken": self.taken,
            "handed_over": self.handed_over,
        }
