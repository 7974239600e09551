"""Several services and gateways in one model of a network, where everything may come late.

The gateways are real from L{Routing} down to L{Roster}; a service is what it holds, what it claims,
and the commands that have not been carried out.
"""

from collections import deque
from typing import Any

from twisted.internet.defer import Deferred, fail, maybeDeferred, succeed
from twisted.internet.task import Clock

from kato.claims import Claims, Told
from kato.commands import Command, Reply
from kato.counting import Histogram
from kato.dispatch import AlreadyBegun
from kato.errors import Conflict, KatoError, ProcessorNotFound, ProcessorUnavailable
from kato.events import Listener, Subscribed, Wish
from kato.finding import SURE, Finder
from kato.members import Members
from kato.ownership import Announcement
from kato.placement import RoundRobin
from kato.roster import Roster
from kato.routing import Routing

LEASE = 10.0
PATIENCE = 2.0
TIMEOUT = 30.0


class SimulatedService:
    """A service that carries out a command when it is told to."""

    def __init__(self, number: int) -> None:
        self.address = f"tcp://s{number}:5555"
        self.held: set[str] = set()
        self.claims = Claims()
        self.members: frozenset[str] = frozenset()
        self.boot = 1
        self.up = True
        self.inbox: deque[tuple[Command, Deferred[Reply], float]] = deque()

    def work(self) -> None:
        """Carry out the oldest command."""
        command, answer, _ = self.inbox.popleft()
        assert command.processor is not None
        if command.row.creates:
            self.held.add(command.processor)
        elif command.processor not in self.held:
            answer.errback(ProcessorNotFound(f"processor: there is no {command.processor}"))
            return
        if command.operation == "delete_processor":
            self.held.discard(command.processor)
        answer.callback(Reply(command.row.message, 0.0, processor=command.processor))

    def crash(self) -> None:
        """Lose all but what is stored."""
        self.up = False
        self.claims = Claims()
        self.members = frozenset()
        self.boot += 1
        while self.inbox:
            _, answer, _ = self.inbox.popleft()
            answer.errback(ProcessorUnavailable("killed", outcome_unknown=True))


class ToService:
    """What a gateway asks a service by."""

    under_way = 0
    seconds = Histogram()

    def __init__(self, service: SimulatedService, clock: Clock) -> None:
        self.service = service
        self.clock = clock

    @property
    def healthy(self) -> bool:
        return self.service.up

    def counts(self) -> dict[str, int]:
        return {}

    def ask(self, command: Command) -> "Deferred[Reply]":
        if not self.service.up:
            return fail(ProcessorUnavailable("not there: not done", retry_after=1))
        answer: Deferred[Reply] = Deferred()
        self.service.inbox.append((command, answer, self.clock.seconds() + TIMEOUT))
        return answer

    def subscribe(self, wish: Wish, listener: Listener) -> "Deferred[Subscribed]":
        raise AssertionError("nobody listens here")

    def statistics(self) -> dict[str, Any]:
        return {}

    def close(self) -> "Deferred[None]":
        return succeed(None)


class ToFirst:
    """How a gateway asks the first one."""

    def __init__(self, world: "World") -> None:
        self.world = world

    def place(self, processor: str, *, creates: bool) -> "Deferred[str]":
        return maybeDeferred(self._place, processor, creates)

    def _place(self, processor: str, creates: bool) -> str:
        first = self.world.gateways[0]
        if not first.up:
            raise ProcessorUnavailable("the first gateway is not there", retry_after=1)
        return first.finder.answer(processor, creates=creates).address

    def close(self) -> None:
        """There is nothing to close."""


class SimulatedGateway:
    """A gateway's parts, which are made anew when it is started again."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.up = True
        self.start()

    def start(self) -> None:
        world = self.world
        self.up = True
        self.roster = Roster(placement=RoundRobin(), now=world.clock.seconds())
        self.members = Members(self.roster, connect=world.connect, clock=world.clock)
        self.finder = Finder(
            self.roster,
            self.members,
            clock=world.clock,
            registry=True,
            colleague=lambda address: ToFirst(world),
        )
        self.routing = Routing(self.roster, self.members, self.finder, clock=world.clock)
        self.members.start()

    def stop(self) -> None:
        self.up = False
        self.members.stop()
        self.finder.stop()

    def routes_to(self, processor: str) -> str | None:
        """Whom it would ask without a further thought."""
        claim = self.roster.claim(processor)
        if claim is None or claim.standing not in SURE or not claim.service.there:
            return None
        return claim.service.address


class World:
    """All of them, and what is on its way between services and gateways."""

    def __init__(self, services: int, gateways: int) -> None:
        self.clock = Clock()
        self.clock.advance(1_000_000)
        self.services = [SimulatedService(number) for number in range(services)]
        self.gateways = [SimulatedGateway(self) for _ in range(gateways)]
        self.names = tuple(f"tcp://g{number}:5550" for number in range(gateways))
        self.flight: dict[tuple[int, int], tuple[Announcement, Told, float]] = {}
        self.cut: set[tuple[int, int]] = set()

    def connect(self, address: str) -> ToService:
        [service] = [each for each in self.services if each.address == address]
        return ToService(service, self.clock)

    def advance(self, seconds: float) -> None:
        """Let time pass; what has waited for too long is given up."""
        now = self.clock.seconds() + seconds
        for service in self.services:
            while service.inbox and service.inbox[0][2] <= now:
                service.inbox.popleft()[1].errback(AlreadyBegun())
        for pair, (_, _, sent) in list(self.flight.items()):
            if sent + PATIENCE <= now:
                del self.flight[pair]
        self.clock.advance(seconds)

    def send(self, number: int, rank: int) -> None:
        """A service tells a gateway of itself, unless it still waits for an answer there."""
        service, gateway = self.services[number], self.gateways[rank]
        first_is_away = not self.gateways[0].up
        if not service.up or not gateway.up or (number, rank) in self.flight.keys() | self.cut:
            return
        held = frozenset(service.held)
        if rank == 0:
            told = service.claims.to_first(held)
        elif service.claims.answered or first_is_away:
            told = service.claims.to_others(held, first_is_away=first_is_away)
        else:
            return
        announcement = Announcement(
            service=f"s{number}",
            address=service.address,
            boot=str(service.boot),
            processors=told.processors,
            unconfirmed=told.unconfirmed,
            as_of=told.as_of,
            members=service.members,
            rank=rank,
            gateways=self.names,
            lease=LEASE,
        )
        self.flight[number, rank] = announcement, told, self.clock.seconds()

    def deliver(self, number: int, rank: int) -> None:
        """An announcement arrives, and so does its answer, if its service is still the same."""
        announcement, told, _ = self.flight.pop((number, rank))
        service, gateway = self.services[number], self.gateways[rank]
        if not gateway.up:
            return
        try:
            verdict = gateway.members.announce(announcement)
        except Conflict:
            return
        if rank == 0 and announcement.boot == str(service.boot):
            service.members = frozenset(gateway.roster.members())
            service.claims.judged(told, verdict.refused, verdict.undecided, verdict.as_of)

    def tell_all(self) -> None:
        """All services tell all gateways that they reach, and are answered."""
        for rank in range(len(self.gateways)):
            for number in range(len(self.services)):
                self.send(number, rank)
                if (number, rank) in self.flight.keys() - self.cut:
                    self.deliver(number, rank)

    def go_on(self, seconds: float) -> None:
        """Let time pass in which services announce themselves as they should."""
        end = self.clock.seconds() + seconds
        while self.clock.seconds() < end:
            self.tell_all()
            self.advance(min(LEASE / 3, end - self.clock.seconds()))

    def ask(self, rank: int, operation: str, processor: str) -> None:
        """A client asks a gateway; what it is told is looked at by nobody."""
        gateway = self.gateways[rank]
        if gateway.up:
            asked = gateway.routing.ask(Command.parse(operation, processor=processor))
            asked.addErrback(lambda failure: failure.trap(KatoError, AlreadyBegun))

    def settle(self) -> None:
        """Let everybody come back, and all that is known be told to everybody."""
        for gateway in self.gateways:
            if not gateway.up:
                gateway.start()
        for service in self.services:
            service.up = True
        self.flight.clear()
        self.cut.clear()
        for service in self.services:
            while service.inbox:
                service.work()
        self.go_on(40 * LEASE / 3)

    def stop(self) -> None:
        """End all that still goes on."""
        for gateway in self.gateways:
            if gateway.up:
                gateway.stop()
