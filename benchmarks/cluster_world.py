"""Services that share a store, and a gateway, in one process on one simulated clock.

What is measured is the real thing: L{Membership}, L{Tenancy}, L{Lease}, L{kato.shares} and
L{Roster} as a service and a gateway run them.  Three things are simulated: the time, the store (a
table that answers as L{kato.storage.shared.IShared} promises, after a while), and the processors,
which are names.
"""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import count
from typing import Any, TypeVar, cast

from twisted.internet.defer import Deferred

from benchmarks.cluster_clock import Calendar
from benchmarks.cluster_table import Table
from kato.holdings import Fence, Look, Member, Owner, Present
from kato.membership import Membership
from kato.ownership import Announcement
from kato.roster import Roster
from kato.storage.shared import MAX_ORPHANS
from kato.tenancy import Tenancy

_T = TypeVar("_T")

READ = 0.002
"""Seconds that the store takes to answer; other numbers can be given on the command line."""

TRANSACTION = 0.004
"""Seconds that it takes to change owners.  Such changes come one after the other, whoever asks for
them: each takes its epochs from the one counter of the deployment."""

ANNOUNCED = 10.0
"""Seconds for which an announcement holds, of which there is one every third: as
L{kato.protocols.zmq.announcer} does it."""

SWEEP = 0.5
PAUSE = 0.05
_PAUSE_FOR_EACH = 1e-5


class Line:
    """Provides what a member uses of L{kato.storage.shared.IShared}: a service's way to the table,
    which ends with the service."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.up = True

    def _ask(self, seconds: float, what: Callable[[], _T]) -> "Deferred[_T]":
        answer: Deferred[_T] = Deferred()
        self._world.calendar.callLater(seconds, self._answer, answer, what)
        return answer

    def _answer(self, answer: "Deferred[_T]", what: Callable[[], _T]) -> None:
        if self.up and not answer.called:
            answer.callback(what())

    def _transact(self, what: Callable[[], _T]) -> "Deferred[_T]":
        return self._ask(self._world.wait_for_counter(), what)

    def _simply(self, what: Callable[[], _T]) -> "Deferred[_T]":
        return self._ask(self._world.read, what)

    def join(self, member: Member) -> "Deferred[None]":
        return self._simply(partial(self._world.table.join, member))

    def renew(self, boot: str, *, leaving: bool) -> "Deferred[bool]":
        return self._simply(partial(self._world.table.renew, boot, leaving))

    def bury(self, boot: str, beat: int) -> "Deferred[bool]":
        return self._simply(partial(self._world.table.bury, boot, beat))

    def leave(self, boot: str) -> "Deferred[None]":
        return self._simply(partial(self._world.table.leave, boot))

    def members(self) -> "Deferred[tuple[Present, ...]]":
        return self._simply(self._world.table.seen)

    def look(self) -> "Deferred[Look]":
        return self._simply(self._world.table.look)

    def owner(self, processor: str) -> "Deferred[Owner | None]":
        return self._simply(partial(self._world.table.owners.get, processor))

    def owned(self, boot: str) -> "Deferred[Mapping[str, int]]":
        return self._simply(partial(self._world.table.owned, boot))

    def claim(self, boot: str, wanted: Mapping[str, Owner | None]) -> "Deferred[Mapping[str, int]]":
        return self._transact(partial(self._world.table.claim, boot, wanted))

    def hand_over(self, fence: Fence, to: str | None) -> "Deferred[Mapping[str, Owner]]":
        return self._transact(partial(self._world.table.hand_over, fence, to))


class Service:
    """One service, from its worker's edge down; it provides L{kato.membership.Holds}."""

    def __init__(self, world: "World", number: int) -> None:
        self.world = world
        self.name = f"s{number:04}"
        self.address = f"tcp://{self.name}:5555"
        self.up = False
        self._starts = count(1)

    def _make_boot(self) -> str:
        return f"{self.name}.{next(self._starts)}"

    def create(self, processors: Mapping[str, int] | None = None) -> "Deferred[None]":
        """Begin, as a process that has just been started.

        @param processors: what it has already, where the world begins in the middle.
        """
        world = self.world
        self.up, self.telling = True, False
        self.line = Line(world)
        member = Member(self._make_boot(), self.address, self.name)
        self.tenancy = Tenancy(
            cast(Any, self.line), member, monotonic=world.calendar.seconds, changed=self._changed
        )
        self.membership = Membership(
            cast(Any, self.line),
            self.tenancy,
            self,
            clock=cast(Any, world.calendar),
            monotonic=world.calendar.seconds,
            make_boot=self._make_boot,
        )
        self.tenancy.took(member.boot, processors or {})
        self.boot_announced = member.boot
        world.calendar.callLater(0.0, self._announce_for_ever, self.line)
        return Deferred.fromCoroutine(self.membership.start())

    def crash(self) -> None:
        """Be gone."""
        self.up = self.line.up = False
        self.membership.stop()

    def leave(self) -> "Deferred[None]":
        """End as one that is asked to."""
        return Deferred.fromCoroutine(self.membership.leave()).addCallback(self._left)

    def _left(self, _: None) -> None:
        self.crash()
        self.world.roster.leave(self.address, self.boot_announced)

    # What a worker does

    def take(self, processor: str) -> None:
        """It would be loaded when it is asked for."""

    def let_go(self, processor: str) -> None:
        """It would be forgotten."""

    async def rest(self, processor: str) -> None:
        """It has nothing to do."""

    def go_on(self, processor: str) -> None:
        """It has nothing to do."""

    # What an announcer does

    def _changed(self) -> None:
        if not self.telling:
            self.telling = True
            pause = max(PAUSE, len(self.tenancy.held) * _PAUSE_FOR_EACH)
            self.world.calendar.callLater(pause, self._announce, self.line)

    def _announce_for_ever(self, line: Line) -> None:
        if line.up:
            self._announce(line)
            self.world.calendar.callLater(ANNOUNCED / 3, self._announce_for_ever, line)

    def _announce(self, line: Line) -> None:
        if not line.up:
            return
        self.telling = False
        self.world.roster.announce(
            Announcement(
                service=self.name,
                address=self.address,
                boot=self.boot_announced,
                processors=frozenset(),
                gateways=("tcp://gateway:5550",),
                lease=ANNOUNCED,
                epochs=dict(self.tenancy.held),
            ),
            now=self.world.calendar.now,
        )


class World:
    """All of them."""

    def __init__(
        self,
        services: int,
        processors: int,
        *,
        read: float = READ,
        transaction: float = TRANSACTION,
        window: int = MAX_ORPHANS,
    ) -> None:
        self.calendar = Calendar()
        self.table = Table(window=window)
        self.roster = Roster(now=self.calendar.now)
        self.read = read
        self._transaction = transaction
        self._free = 0.0
        self.transactions = 0
        self.services = [Service(self, number) for number in range(services)]
        self._begin(processors)
        self._sweep()

    def wait_for_counter(self) -> float:
        """Seconds until a change of owners that is asked for now has happened."""
        now = self.calendar.now
        self._free = max(self._free, now + self.read) + self._transaction
        self.transactions += 1
        return self._free - now

    def _begin(self, processors: int) -> None:
        """All services are there, and have taken all processors that are stored."""
        boots = [f"{each.name}.1" for each in self.services]
        given = self.table.fill((f"p{number:07}" for number in range(processors)), boots)
        for number, (service, boot) in enumerate(zip(self.services, boots, strict=True)):
            address = service.address
            self.table.address(boot, address)
            start = partial(service.create, given[boot])
            self.calendar.callLater(number / len(self.services), start)

    def add(self) -> Service:
        """One more service, that is started now."""
        service = Service(self, len(self.services))
        self.services.append(service)
        service.create()
        return service

    def _sweep(self) -> None:
        self.roster.expire(self.calendar.now)
        self.calendar.callLater(SWEEP, self._sweep)

    # What is to be seen

    def living(self) -> list[Service]:
        """The services that are there."""
        return [each for each in self.services if each.up]

    def counts(self) -> list[int]:
        """How many processors each living service holds."""
        return [len(each.tenancy.held) for each in self.living()]

    def known(self) -> int:
        """Of how many processors the gateway knows which living service has them."""
        there = {each.address for each in self.living()}
        return sum(len(each.held) for each in self.roster.sharing() if each.address in there)

    @property
    def settled(self) -> bool:
        """Whether nobody is about to end, everything is somebody's, everybody knows what is his,
        the gateway too, and nobody has two more than another."""
        if any(each.tenancy.leaving for each in self.living()):
            return False
        counts = self.counts()
        owned = sum(counts) == len(self.table.owners) == self.known()
        return owned and not self.table.orphans and max(counts) - min(counts) <= 1
