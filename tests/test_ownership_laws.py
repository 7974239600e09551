"""Who owns a processor in a store that is shared, whatever happens in whatever order: no two answer
in one epoch, what was acknowledged is there, and was done once."""

from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from twisted.trial.unittest import SynchronousTestCase

from kato.errors import KatoError
from tests.ownership_world import Service, World

SERVICES = 3
IDS = ("p", "q", "r")

numbers = st.integers(0, SERVICES - 1)
ids = st.sampled_from(IDS)


def crash(service: Service) -> None:
    service.crash()


def stop(service: Service) -> None:
    service.stop()


def leave(service: Service) -> None:
    if not (service.stopped or service.left):
        service.leave().addErrback(lambda failure: failure.trap(KatoError))


def cut(service: Service) -> None:
    """It does not reach the store any more."""
    service.store.cut = True


def lose_answers(service: Service) -> None:
    """The store does what it asks, and it does not hear of it."""
    service.store.loses_answers = True


def hold(service: Service) -> None:
    """What it asks of the store waits."""
    service.store.holds = True


def give_up(service: Service) -> None:
    """It is told that nobody knows what becomes of that."""
    if not service.stopped:
        service.store.give_up()


FAULTS = (crash, stop, leave, cut, lose_answers, hold, give_up)


class Machine(RuleBasedStateMachine):
    """What may happen."""

    def __init__(self) -> None:
        super().__init__()
        self.world = self.make_world()
        for service in self.world.services[:2]:
            service.start()
        self.world.advance(2.0)

    def make_world(self) -> World:
        return World(SERVICES)

    @rule(number=numbers, processor=ids)
    def learn(self, number: int, processor: str) -> None:
        """One service is asked, whoever it is, and nobody waits for the answer."""
        self.world.learn(number, processor)

    @rule(number=numbers, processor=ids)
    def frequency(self, number: int, processor: str) -> None:
        self.world.frequency(number, processor)

    @rule(processor=ids, several=st.integers(1, 3))
    def learn_around(self, processor: str, several: int) -> None:
        """A client goes where it is sent, again and again."""
        for _ in range(several):
            self.world.ask_around(processor, learn=True)

    @rule(processor=ids)
    def ask_around(self, processor: str) -> None:
        self.world.ask_around(processor, learn=False)

    @rule(seconds=st.sampled_from([0.25, 1.0, 3.0]))
    def advance(self, seconds: float) -> None:
        self.world.advance(seconds)

    @rule()
    def long_after(self) -> None:
        """So long that who does nothing is taken for dead."""
        self.world.advance(7.0)

    @rule(number=numbers, fault=st.sampled_from(FAULTS))
    def fail(self, number: int, fault: Callable[[Service], None]) -> None:
        service = self.world.services[number]
        if service.up:
            fault(service)

    @rule(number=numbers, at_once=st.booleans())
    def mend(self, number: int, at_once: bool) -> None:
        """A service is there, and reaches the store; what it had asked is done, however late."""
        service = self.world.services[number]
        if service.left and service.up:
            service.crash()
        if not service.up:
            service.start()
        elif service.stopped:
            service.go_on(at_once=at_once)
        else:
            service.mend()

    @rule()
    def release_the_dead(self) -> None:
        """What the dead had asked is done after all."""
        for store in self.world.dead:
            store.release()

    @invariant()
    def kept(self) -> None:
        """No two answer in one epoch, none in one that is over, and nothing is lost or doubled."""
        assert not self.world.violations, self.world.violations[0].getTraceback()

    def teardown(self) -> None:
        """In the end all agree who has what, nobody has two more than another, and all that was
        acknowledged is there."""
        world = self.world
        world.settle()
        for processor in sorted(world.counted):
            if world.counted[processor].done:
                assert world.ask_around(processor, learn=False), (processor, world.errors)
        self.kept()
        counts = []
        for service in world.services:
            held = service.tenancy.held
            owned = self.owned(service.tenancy.member.boot)
            assert held == owned, (service.number, held, owned)
            counts.append(len(held))
        assert sum(counts) == len(world.store.owners), (counts, world.store.owners)
        assert max(counts) - min(counts) <= 1, counts

    def owned(self, boot: str) -> dict[str, int]:
        owners = self.world.store.owners
        return {each.processor: each.epoch for each in owners.values() if each.boot == boot}


class OwnershipLaws(SynchronousTestCase):
    """The machine."""

    def test_laws(self) -> None:
        """Whatever happens to services and their ways to the store."""
        run_state_machine_as_test(
            Machine,
            settings=settings(max_examples=200, stateful_step_count=40, deadline=None),
        )
