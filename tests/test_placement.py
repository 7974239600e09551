"""Where new processors go."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.placement import PLACEMENTS, Candidate, Least, LeastBusy, RoundRobin
from kato.settings import PLACEMENTS as NAMES

CANDIDATES = st.lists(
    st.builds(
        Candidate, st.sampled_from(["a", "b", "c", "d"]), st.integers(0, 3), st.integers(0, 3)
    ),
    min_size=1,
    unique_by=lambda each: each.address,
)


class PlacementTests(SynchronousTestCase):
    """L{Least}, L{LeastBusy} and L{RoundRobin}."""

    def test_least(self) -> None:
        """The fewest processors, then the first address."""
        few = [Candidate("b", 1, 9), Candidate("a", 1, 9), Candidate("c", 2, 0)]
        self.assertEqual(Least().choose(few), "a")

    def test_least_busy(self) -> None:
        """The fewest requests under way, then the fewest processors, then the first address."""
        self.assertEqual(LeastBusy().choose([Candidate("a", 0, 1), Candidate("b", 9, 0)]), "b")
        self.assertEqual(LeastBusy().choose([Candidate("a", 2, 0), Candidate("b", 1, 0)]), "b")
        self.assertEqual(LeastBusy().choose([Candidate("b", 1, 0), Candidate("a", 1, 0)]), "a")

    def test_round_robin(self) -> None:
        """One after the other, by address, also when some come and go."""
        turn = RoundRobin()
        all_three = [Candidate(each, 0, 0) for each in "cab"]
        self.assertEqual([turn.choose(all_three) for _ in range(4)], ["a", "b", "c", "a"])
        self.assertEqual(turn.choose([Candidate("a", 0, 0), Candidate("c", 0, 0)]), "c")
        self.assertEqual(turn.choose(all_three), "a")

    @settings(deadline=None, max_examples=100)
    @given(st.lists(CANDIDATES, max_size=8), st.randoms())
    def test_deterministic(self, questions: list[list[Candidate]], random: Random) -> None:
        """The order in which candidates are told makes no difference, and a candidate is chosen."""
        for make in PLACEMENTS.values():
            one, other = make(), make()
            for candidates in questions:
                shuffled = random.sample(candidates, len(candidates))
                chosen = one.choose(candidates)
                self.assertEqual(other.choose(shuffled), chosen)
                self.assertIn(chosen, [each.address for each in candidates])

    def test_names(self) -> None:
        """An operator may name all of them."""
        self.assertEqual(tuple(PLACEMENTS), NAMES)
