"""A timeout that is cheap to put off."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kato.protocols.rest.patience import Patience


class PatienceTests(SynchronousTestCase):
    """When patience is lost."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.lost: list[float] = []
        self.patience = Patience(lambda: self.lost.append(self.clock.seconds()), clock=self.clock)

    def test_lost(self) -> None:
        """It is lost once, after its time."""
        self.patience.wait(60)
        self.clock.pump([59, 1, 100])
        self.assertEqual(self.lost, [60])

    def test_put_off(self) -> None:
        """It is lost a whole time after it was put off last, and the timer is not moved for it."""
        self.patience.wait(60)
        [timer] = self.clock.getDelayedCalls()
        self.clock.advance(30)
        self.patience.wait(60)
        self.assertEqual(self.clock.getDelayedCalls(), [timer])
        self.clock.pump([30, 29.5])
        self.assertEqual(self.lost, [])
        self.clock.advance(0.5)
        self.assertEqual(self.lost, [90])

    def test_shortened(self) -> None:
        """It can be made shorter."""
        self.patience.wait(60)
        self.patience.wait(2)
        self.clock.advance(2)
        self.assertEqual(self.lost, [2])

    def test_forgotten(self) -> None:
        """What is forgotten is not lost, and can be waited for again."""
        self.patience.wait(60)
        self.patience.forget()
        self.clock.advance(60)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.patience.wait(10)
        self.clock.advance(10)
        self.assertEqual(self.lost, [70])

    def test_stopped(self) -> None:
        """Nothing is left behind when it is stopped, twice as well as once."""
        self.patience.wait(60)
        self.patience.stop()
        self.patience.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
