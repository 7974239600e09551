"""Where processors are, as a gateway knows it."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato import whereabouts
from kato.whereabouts import Whereabouts

A, B = "tcp://a:5555", "tcp://b:5555"


class WhereaboutsTests(SynchronousTestCase):
    """L{Whereabouts}."""

    def setUp(self) -> None:
        self.places = Whereabouts()

    @settings(deadline=None, max_examples=100)
    @given(st.permutations([(A, 1), (B, 2), (A, 3), (B, 4)]))
    def test_order(self, words: list[tuple[str, int]]) -> None:
        """The highest epoch counts, in whatever order it comes."""
        places = Whereabouts()
        for address, epoch in words:
            before = places.epoch("p")
            self.assertEqual(places.learn("p", address, epoch), epoch > before)
        self.assertEqual((places.place("p"), places.epoch("p")), (B, 4))
        self.assertEqual((places.held(A), places.held(B)), (set(), {"p"}))

    def test_announced(self) -> None:
        """What a service does not tell any more is nowhere; what is older than is known is no
        news."""
        self.assertEqual(self.places.announced(A, {"p": 1, "q": 2}), ["p", "q"])
        self.assertEqual(self.places.announced(B, {"p": 3}), ["p"])
        self.assertEqual(self.places.announced(A, {"p": 1}), [])
        self.assertEqual(self.places.place("p"), B)
        self.assertIsNone(self.places.place("q"))
        self.assertEqual(self.places.epoch("q"), 2)

    def test_left(self) -> None:
        """What a service had that is gone is nowhere, and what it may still say is old."""
        self.places.learn("p", A, 5)
        self.places.left(A)
        self.assertIsNone(self.places.place("p"))
        self.assertFalse(self.places.learn("p", B, 4))
        self.assertTrue(self.places.learn("p", B, 5))

    def test_guess(self) -> None:
        """A guess gives way to any word, and changes none."""
        self.places.guess("p", A)
        self.assertEqual((self.places.place("p"), self.places.epoch("p")), (A, 0))
        self.assertTrue(self.places.learn("p", B, 1))
        self.places.guess("p", A)
        self.assertEqual(self.places.place("p"), B)

    def test_confirmed(self) -> None:
        """An answer tells where a processor is."""
        self.places.guess("p", A)
        self.places.confirm("p", A, 7)
        self.assertEqual((self.places.place("p"), self.places.epoch("p")), (A, 7))
        self.assertEqual(self.places.held(A), {"p"})

    def test_limit(self) -> None:
        """Of processors that are nowhere the last are remembered."""
        self.patch(whereabouts, "MAX_PLACELESS", 2)
        for number, each in enumerate("pqr"):
            self.places.learn(each, A, number + 1)
        self.places.left(A)
        self.assertEqual(sorted(self.places.epoch(each) for each in "pqr")[0], 0)
