"""The laws of a cluster, in the simulation of the benchmarks, with few services: nothing is owned
twice, nothing is lost, and all is shared evenly in the end."""

import random
from dataclasses import replace
from functools import partial
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from benchmarks.cluster_sim import happens, kill, placed, scenarios
from benchmarks.cluster_table import Table
from benchmarks.cluster_world import World
from kato.holdings import Fence, Member
from kato.lease import LEASE
from kato.membership import LOOK
from kato.placement import PLACEMENTS
from tests.shared_memory import SharedMemory

PROCESSORS = 240
PATIENCE = 60.0

_DEEDS = ("join", "crash", "leave", "crash two", "wait")


def make_world(services: int, **more: Any) -> World:
    """Services that are there, and share evenly."""
    world = World(services, PROCESSORS, **more)
    world.calendar.run(2.0)
    return world


class ClusterTests(SynchronousTestCase):
    """What becomes of a cluster."""

    def assert_sound(self, world: World) -> None:
        """No two services that may answer hold the same, and all is in the store once."""
        answering = [each for each in world.living() if each.tenancy.valid]
        held = [processor for each in answering for processor in each.tenancy.held]
        self.assertEqual(len(held), len(set(held)))
        self.assertEqual(len(world.table.owners), PROCESSORS)

    def assert_settled(self, world: World) -> None:
        """Everything belongs to one living service, and nobody has two more than another."""
        held = [processor for each in world.living() for processor in each.tenancy.held]
        self.assertEqual(sorted(held), sorted(world.table.owners))
        self.assertLessEqual(max(world.counts()) - min(world.counts()), 1)
        for each in world.living():
            self.assertEqual(each.tenancy.held, world.table.owned(each.tenancy.member.boot))
            for processor in each.tenancy.held:
                self.assertEqual(world.roster.whereabouts.place(processor), each.address)

    def test_begins(self) -> None:
        """Services that begin together share evenly, and then nothing moves any more."""
        world = make_world(7)
        self.assert_settled(world)
        world.calendar.run(5.0)
        self.assertEqual((world.table.moved, world.transactions), (0, 0))

    def test_join(self) -> None:
        """Who joins gets its part, and nothing else moves."""
        world = make_world(7)
        share = PROCESSORS // 8
        outcome = happens(world, "one joins", world.add, least_moves=share, limit=PATIENCE)
        self.assert_settled(world)
        self.assertIn(outcome.moved, (share, share + 1))

    def test_leave(self) -> None:
        """What a service had that ends goes to the others, each thing once, and nothing else
        moves; nothing ever belongs to nobody."""
        world = make_world(8)
        leaver = world.services[3]
        had = len(leaver.tenancy.held)
        outcome = happens(world, "one ends", leaver.leave, least_moves=had, limit=PATIENCE)
        self.assert_settled(world)
        self.assertEqual((outcome.moved, outcome.loose), (had, 0))

    def test_kill(self) -> None:
        """What the dead had is taken over a lease and two looks later, and nothing else moves."""
        world = make_world(8)
        dying = world.services[2:4]
        had = sum(len(each.tenancy.held) for each in dying)
        outcome = happens(
            world,
            "two are killed",
            partial(kill, dying),
            least_moves=had,
            limit=PATIENCE,
        )
        self.assert_settled(world)
        self.assertEqual(outcome.moved, had)
        assert outcome.freed is not None and outcome.taken is not None
        self.assertGreater(outcome.freed, LEASE - LOOK)
        self.assertLessEqual(outcome.taken, LEASE + 3 * LOOK)

    def test_slow_store(self) -> None:
        """Where it takes long until all that a service had is another's, the others see themselves
        uneven meanwhile, and wait."""
        world = make_world(8, transaction=0.3)
        leaver, dying = world.services[3:5]
        for what, deed in (("one ends", leaver.leave), ("one is killed", dying.crash)):
            had = PROCESSORS // len(world.living())
            outcome = happens(world, what, deed, least_moves=had, limit=PATIENCE)
            self.assert_settled(world)
            self.assertIn(outcome.moved, (had, had + 1), what)

    def test_scenarios(self) -> None:
        """All that is measured settles; the same seed gives the same."""
        told = []
        for _ in range(2):
            world = make_world(10)
            outcomes = list(scenarios(world, seed=3, restarts=2, limit=PATIENCE))
            self.assert_settled(world)
            told.append([(each.what, each.moved, each.settled) for each in outcomes])
            for each in outcomes:
                self.assertIsNotNone(each.settled, each.what)
                self.assertLessEqual(each.moved, 2 * each.least_moves, each.what)
        self.assertEqual(told[0], told[1])

    def test_placement(self) -> None:
        """New processors are placed evenly, in each way."""
        for way in PLACEMENTS:
            counts, _ = placed(10, way)
            self.assertLessEqual(max(counts) - min(counts), 1, way)

    @settings(deadline=None, max_examples=30)
    @given(st.lists(st.sampled_from(_DEEDS), max_size=8), st.integers(0, 1_000))
    def test_laws(self, deeds: list[str], seed: int) -> None:
        """Whatever happens, and however soon one after the other."""
        world = make_world(6, window=25)
        chance = random.Random(seed)
        for deed in deeds:
            self._do(world, deed, chance)
            for _ in range(chance.randrange(8)):
                world.calendar.run(0.25)
                self.assert_sound(world)
        happens(world, "the end", lambda: None, least_moves=0, limit=PATIENCE)
        self.assert_settled(world)

    def _do(self, world: World, deed: str, chance: random.Random) -> None:
        staying = [each for each in world.living() if not each.tenancy.leaving]
        if deed == "join":
            world.add()
        elif deed == "leave" and len(staying) > 1:
            chance.choice(staying).leave()
        elif deed.startswith("crash") and len(staying) > 2:
            for each in chance.sample(staying, 1 + deed.endswith("two")):
                each.crash()


BOOTS = ("a", "b", "c")

_deeds = st.tuples(
    st.sampled_from(["claim", "hand_over", "renew", "leave", "bury"]),
    st.sampled_from(BOOTS),
    st.sampled_from(["p", "q", "r"]),
    st.sampled_from([*BOOTS, None]),
)


class TableTests(SynchronousTestCase):
    """The simulated store beside the one in memory that the contract suite judges."""

    @settings(deadline=None, max_examples=80)
    @given(st.lists(_deeds, max_size=40))
    def test_same(self, deeds: list[tuple[str, str, str, str | None]]) -> None:
        """Both answer the same to whatever is asked, and show the same."""
        table, memory = Table(), SharedMemory()
        for boot in BOOTS:
            member = Member(boot, f"tcp://{boot}:5555", boot)
            table.join(member)
            memory.join(member)
        for deed, boot, processor, to in deeds:
            owner, present = table.owners.get(processor), table.members.get(boot)
            fence = Fence(boot, {processor: owner.epoch if owner else 1})
            asked: tuple[Any, ...] = {
                "claim": (boot, {processor: owner}),
                "hand_over": (fence, to),
                "renew": (boot,),
                "leave": (boot,),
                "bury": (boot, present.beat if present else 0),
            }[deed]
            how = {"leaving": to is None} if deed == "renew" else {}
            answer = self.successResultOf(getattr(memory, deed)(*asked, **how))
            self.assertEqual(getattr(table, deed)(*asked, **how), answer)
            look = self.successResultOf(memory.look())
            self.assertEqual(table.look(), replace(look, counts=dict(look.counts)))
