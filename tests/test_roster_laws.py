"""Who owns a processor, whatever happens in whatever order: one service at most, the same for all
gateways, for as long as it is there."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twisted.trial.unittest import SynchronousTestCase

from tests.roster_world import World

SERVICES = 2
GATEWAYS = 2
IDS = ("p",)

services = st.integers(0, SERVICES - 1)
gateways = st.integers(0, GATEWAYS - 1)
ids = st.sampled_from(IDS)
pairs = st.tuples(services, gateways)
operations = st.sampled_from(["create_processor", "observe", "get_status", "delete_processor"])


class Machine(RuleBasedStateMachine):
    """What may happen, as long as no gateway forgets anything."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(SERVICES, GATEWAYS)
        self.world.settle()

    @rule(rank=gateways, operation=operations, processor=ids)
    def ask(self, rank: int, operation: str, processor: str) -> None:
        """A command that stays under way."""
        self.world.ask(rank, operation, processor)

    @rule(rank=gateways, operation=operations, processor=ids)
    def ask_and_go_on(self, rank: int, operation: str, processor: str) -> None:
        """A command that is carried out and told of at once, as most are."""
        self.world.ask(rank, operation, processor)
        for service in self.world.services:
            if service.up and service.inbox:
                service.work()
        self.world.go_on(1.0)

    @rule(number=services)
    def work(self, number: int) -> None:
        if self.world.services[number].inbox:
            self.world.services[number].work()

    @rule(pair=pairs)
    def send(self, pair: tuple[int, int]) -> None:
        """An announcement that stays under way."""
        self.world.send(*pair)

    @rule(pair=pairs)
    def deliver(self, pair: tuple[int, int]) -> None:
        if pair in self.world.flight:
            self.world.deliver(*pair)

    @rule(pair=pairs)
    def cut(self, pair: tuple[int, int]) -> None:
        """A service does not reach a gateway any more, or does so again."""
        self.world.cut ^= {pair}

    @rule(number=services)
    def crash(self, number: int) -> None:
        self.world.services[number].crash()

    @rule(number=services)
    def come_back(self, number: int) -> None:
        self.world.services[number].up = True

    @rule(number=services, rank=gateways)
    def leave(self, number: int, rank: int) -> None:
        """A service ends cleanly, and one gateway hears of it."""
        service, gateway = self.world.services[number], self.world.gateways[rank]
        if service.up and gateway.up:
            gateway.members.leave(service.address, str(service.boot))

    @rule(seconds=st.sampled_from([0.1, 6.0]))
    def advance(self, seconds: float) -> None:
        """Time in which nothing is heard."""
        self.world.advance(seconds)

    @rule(seconds=st.sampled_from([11.0, 29.0, 61.0]))
    def go_on(self, seconds: float) -> None:
        """Time in which all that is not cut off works."""
        self.world.go_on(seconds)

    def owners(self, processor: str) -> set[str]:
        """Whom gateways take for the owner."""
        first, *others = self.world.gateways
        found = {each.routes_to(processor) for each in others if each.up}
        claim = first.roster.claim(processor)
        found.add(None if claim is None else claim.service.address)
        return {each for each in found if each is not None}

    def holders(self, processor: str) -> set[str]:
        return {each.address for each in self.world.services if processor in each.held}

    def teardown(self) -> None:
        """In the end all gateways know what is where, and nothing else is kept."""
        self.world.settle()
        for processor in IDS:
            holders = self.holders(processor)
            for gateway in self.world.gateways:
                claim = gateway.roster.claim(processor)
                owner = set() if claim is None else {claim.service.address}
                assert owner <= holders and bool(owner) == bool(holders), (processor, owner)
                assert gateway.roster.counts == {"placed": 0, "freed": 0}
            assert len(self.owners(processor)) <= 1
        self.world.stop()


class Steady(Machine):
    """No gateway forgets."""

    @invariant()
    def one_owner(self) -> None:
        """All gateways that name an owner name the same one."""
        for processor in IDS:
            assert len(self.owners(processor)) <= 1, (processor, self.owners(processor))

    @invariant()
    def one_holder(self) -> None:
        """A processor is never made in two places, and who has it is never taken for somebody
        who has it not."""
        for processor in IDS:
            holders = self.holders(processor)
            assert len(holders) <= 1, (processor, holders)
            assert not holders or self.owners(processor) <= holders, processor


class Forgetful(Machine):
    """Gateways end and start again, and services hold what others hold, too."""

    @rule(rank=gateways)
    def stop_gateway(self, rank: int) -> None:
        if self.world.gateways[rank].up:
            self.world.gateways[rank].stop()

    @rule(rank=gateways)
    def start_gateway(self, rank: int) -> None:
        if not self.world.gateways[rank].up:
            self.world.gateways[rank].start()

    @precondition(lambda self: any(not each.up for each in self.world.services))
    @rule(number=services, processor=ids)
    def copy(self, number: int, processor: str) -> None:
        """A service that is down is given the storage of another."""
        if not self.world.services[number].up:
            self.world.services[number].held.add(processor)


class RosterLaws(SynchronousTestCase):
    """Both machines."""

    def run_machine(self, machine: type[Machine]) -> None:
        run_state_machine_as_test(
            machine,
            settings=settings(max_examples=200, stateful_step_count=40, deadline=None),
        )

    def test_steady(self) -> None:
        """As long as gateways remember, a processor has one owner, is made once, and stays."""
        self.run_machine(Steady)

    def test_forgetful(self) -> None:
        """Whatever gateways forget and services claim, in the end all agree on one owner, who has
        the processor."""
        self.run_machine(Forgetful)
