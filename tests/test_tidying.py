"""What only the garbage collector frees is freed in time."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kato.tidying import EVERY, SHORT, Tidying


class TidyingTests(SynchronousTestCase):
    """L{Tidying}."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.looks = 0
        self.takes = 0.0
        self.told = 0.0
        self.tidying = Tidying(clock=self.clock, measure=self.measure, collect=self.collect)
        self.tidying.start()

    def measure(self) -> float:
        return self.told

    def collect(self) -> None:
        self.looks += 1
        self.told += self.takes

    def test_again_and_again(self) -> None:
        """It looks every twenty seconds, and not at the start."""
        self.assertEqual(self.looks, 0)
        self.clock.pump([EVERY] * 3)
        self.assertEqual(self.looks, 3)

    def test_too_much(self) -> None:
        """After a look that takes long the next comes later, and after a short one as soon as
        ever."""
        self.takes = SHORT * 2
        self.clock.advance(EVERY)
        self.clock.pump([EVERY] * 3)
        self.assertEqual(self.looks, 1)
        self.takes = SHORT
        self.clock.advance(EVERY)
        self.assertEqual(self.looks, 2)
        self.clock.advance(EVERY)
        self.assertEqual(self.looks, 3)

    def test_stop(self) -> None:
        """It looks no more once it is stopped, and may be stopped twice."""
        self.tidying.stop()
        self.tidying.stop()
        self.clock.advance(EVERY)
        self.assertEqual(self.looks, 0)
