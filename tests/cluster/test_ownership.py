"""Services that share a store, whatever happens to them: what they tell is judged."""

import random
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from kato.changes import Changes, Deletion
from kato.holdings import Fence
from kato.tenancy import Tenancy
from tests.cluster.judged_world import JudgedWorld
from tests.cluster.judging import Found, Verdict, judge
from tests.shared_memory import SharedMemory

STEPS = 120
_SEEDS = 200
_MOST = 20_000


class OwnershipTests(SynchronousTestCase):
    """In one process, with a clock that is ours."""

    @settings(deadline=None, max_examples=40)
    @given(st.integers(0, 2**32), st.booleans())
    def test_explained(self, seed: int, gentle: bool) -> None:
        """Whatever becomes of services and their store, what clients are told is what one processor
        says that does one thing at a time."""
        world = JudgedWorld(random.Random(seed), gentle=gentle)
        for verdict in judge(world.run(STEPS), _MOST):
            self.assertIsNot(verdict.found, Found.NOT_EXPLAINED, verdict.why)
        self.assertEqual(world.world.violations, [])

    def test_unfenced(self) -> None:
        """Services that answer without a lease, and write under any epoch, are found out."""

        def commit(
            store: SharedMemory, changes: Sequence[Changes | Deletion], _: Fence
        ) -> "Deferred[None]":
            return store.inner.commit(changes)

        self.patch(Tenancy, "valid", property(lambda tenancy: True))
        self.patch(SharedMemory, "commit_under", commit)
        self.assertTrue(any(map(_is_found_out, range(_SEEDS))))


def _is_found_out(seed: int) -> bool:
    world = JudgedWorld(random.Random(seed), gentle=True)
    try:
        verdicts: list[Verdict] = judge(world.run(STEPS), _MOST)
    except AssertionError:
        return True
    return any(each.found is Found.NOT_EXPLAINED for each in verdicts)
