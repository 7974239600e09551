"""Who goes on when."""

from functools import partial

from twisted.trial.unittest import SynchronousTestCase

from kato.protocols.websocket.turns import AT_ONCE, GoOn, Turns
from tests.doubles import TurningClock


class TurnsTests(SynchronousTestCase):
    """L{Turns}."""

    def setUp(self) -> None:
        self.clock = TurningClock()
        self.turns = Turns(self.clock)
        self.gone_on: list[int] = []

    def waiting(self, number: int) -> list[GoOn]:
        made: list[GoOn] = [partial(self.gone_on.append, each) for each in range(number)]
        for each in made:
            self.turns.wait(each)
        return made

    def test_few_at_once(self) -> None:
        """A few go on in one turn, in the order in which they came."""
        self.waiting(2 * AT_ONCE + 1)
        self.assertEqual(self.gone_on, [])
        for most in (AT_ONCE, 2 * AT_ONCE, 2 * AT_ONCE + 1):
            self.clock.advance(0)
            self.assertEqual(self.gone_on, list(range(most)))
        self.assertEqual((len(self.turns), self.clock.getDelayedCalls()), (0, []))

    def test_again(self) -> None:
        """Who has more to do than that waits again, behind the others."""
        told: list[str] = []

        def busy() -> None:
            told.append("busy")
            self.turns.wait(busy)

        self.turns.wait(busy)
        self.waiting(AT_ONCE)
        self.clock.advance(0)
        self.assertEqual((told, len(self.gone_on)), (["busy"], AT_ONCE - 1))
        self.clock.advance(0)
        self.assertEqual((told, len(self.gone_on)), (["busy"] * 2, AT_ONCE))

    def test_leave(self) -> None:
        """Who has left does not go on, and holds up nobody."""
        made = self.waiting(AT_ONCE + 2)
        for each in (*made[:3], made[0]):
            self.turns.leave(each)
        self.clock.advance(0)
        self.assertEqual(self.gone_on, list(range(3, AT_ONCE + 2)))
        self.clock.advance(0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_defect(self) -> None:
        """Where one fails the others go on."""

        def fails() -> None:
            raise ValueError("the test says so")

        self.turns.wait(fails)
        self.waiting(AT_ONCE)
        self.assertRaises(ValueError, self.clock.advance, 0)
        for _ in range(3):
            self.clock.advance(0)
        self.assertEqual(self.gone_on, list(range(AT_ONCE)))
