"""What is measured of the process itself."""

import gc

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kato.metrics.meters import LOOK, Collections, ReactorLag


class LagTests(SynchronousTestCase):
    """L{ReactorLag}."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.lag = ReactorLag(clock=self.clock)
        self.lag.start()
        self.addCleanup(self.lag.stop)

    def test_in_time(self) -> None:
        """A reactor that has nothing to do is never late."""
        self.clock.pump([LOOK] * 5)
        self.assertEqual((self.lag.seconds.count, self.lag.seconds.sum), (5, 0.0))

    def test_late(self) -> None:
        """Something long makes it late by that much, once."""
        self.clock.advance(LOOK)
        self.clock.advance(LOOK + 0.125)
        self.assertEqual((self.lag.seconds.count, self.lag.seconds.sum), (2, 0.125))
        self.clock.advance(LOOK - 0.125)
        self.clock.advance(LOOK)
        self.assertEqual((self.lag.seconds.count, self.lag.seconds.sum), (4, 0.125))

    def test_very_late(self) -> None:
        """Where looks were missed, that is one that was very late."""
        self.clock.advance(4 * LOOK + 0.0625)
        self.clock.advance(LOOK - 0.0625)
        self.assertEqual((self.lag.seconds.count, self.lag.seconds.sum), (2, 3 * LOOK + 0.0625))

    def test_stopped(self) -> None:
        """Stopped, it leaves nothing behind."""
        self.lag.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class CollectionsTests(SynchronousTestCase):
    """L{Collections}."""

    def test_pauses(self) -> None:
        """Every collection is counted in its generation, with its time, from start to stop."""
        before = list(gc.callbacks)
        times = iter(range(100))
        collections = Collections(monotonic=lambda: float(next(times)))
        gc.disable()  # first: else one that is due by chance is counted, too
        self.addCleanup(gc.enable)
        collections.start()
        self.addCleanup(collections.stop)
        gc.collect(0)
        gc.collect(2)
        gc.collect(2)
        collections.stop()
        gc.collect(2)
        counted = {key: (each.count, each.sum) for key, each in collections.pauses.items()}
        self.assertEqual(counted, {0: (1, 1.0), 1: (0, 0.0), 2: (2, 2.0)})
        collections.stop()
        self.assertEqual(gc.callbacks, before)
