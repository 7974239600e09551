"""Who takes which processors, and how many go to whom."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.shares import assigned, emptied, moves, targets

counts = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 40), max_size=6)


class ShareTests(SynchronousTestCase):
    """What all services compute alike."""

    @settings(deadline=None, max_examples=200)
    @given(counts, st.integers(0, 60))
    def test_assigned(self, counts: dict[str, int], number: int) -> None:
        """Every orphan has one taker, unless there is nobody, and no other taker had fewer."""
        orphans = [f"p{i:03}" for i in range(number)]
        shares = assigned(orphans, counts)
        taken = sorted(each for share in shares.values() for each in share)
        self.assertEqual(taken, orphans if counts else [])
        ends = {boot: counts[boot] + len(share) for boot, share in shares.items()}
        for boot, share in shares.items():
            if share:
                self.assertLessEqual(ends[boot], min(ends.values()) + 1)

    @settings(deadline=None, max_examples=300)
    @given(counts)
    def test_moves(self, counts: dict[str, int]) -> None:
        """After all moves nobody has two more than another; nobody both gives and gets, and no
        fewer moves could do it."""
        found = moves(counts)
        after = Counter(counts)
        for each in found:
            self.assertGreater(each.number, 0)
            after[each.source] -= each.number
            after[each.sink] += each.number
        self.assertEqual({boot: after[boot] for boot in counts}, targets(counts))
        if counts:
            left = [after[boot] for boot in counts]
            self.assertLessEqual(max(left) - min(left), 1)
        self.assertFalse({each.source for each in found} & {each.sink for each in found})
        self.assertLess(len(found), max(1, len(counts)), "each ends a source or a sink")
        share = sum(counts.values()) // max(1, len(counts))
        over = sum(max(0, count - share - 1) for count in counts.values())
        lack = sum(max(0, share - count) for count in counts.values())
        self.assertEqual(sum(each.number for each in found), max(over, lack))

    def test_at_rest(self) -> None:
        """Where nobody has two more than another nothing moves."""
        self.assertEqual(moves({"a": 3, "b": 2, "c": 3}), [])
        self.assertEqual(moves({}), [])

    def test_emptied(self) -> None:
        """Who leaves gives to the fewest first, and to nobody where there is nobody."""
        self.assertEqual(emptied({"a": 5, "b": 1}, 6), {"a": 1, "b": 5})
        self.assertEqual(emptied({}, 6), {})
