"""Wrong keys are answered later and later; the rate of a key is kept (SPEC 9)."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato import suspicion
from kato.allowance import BURST, Allowance
from kato.suspicion import FORGOTTEN, FREE, LONGEST_DELAY, MAX_KNOWN, Suspicion, network


class SuspicionTests(SynchronousTestCase):
    """L{Suspicion}."""

    def setUp(self) -> None:
        self.suspicion = Suspicion()

    def delays(self, address: str, times: int, now: float = 0.0) -> list[float]:
        return [self.suspicion.failed(address, now).delay for _ in range(times)]

    def test_doubling(self) -> None:
        """The first are answered at once; then the delay doubles, up to some seconds."""
        self.assertEqual(self.delays("a", FREE), [0.0] * FREE)
        self.assertEqual(
            self.delays("a", 7), [0.125, 0.25, 0.5, 1.0, 2.0, LONGEST_DELAY, LONGEST_DELAY]
        )
        self.assertEqual(self.delays("b", 1), [0.0])

    def test_forgotten(self) -> None:
        """Who told none for a while is not suspected."""
        self.delays("a", FREE)
        self.assertEqual(self.delays("a", 1, FORGOTTEN), [0.125])
        self.assertEqual(self.delays("a", 1, 2 * FORGOTTEN + 0.1), [0.0])

    def test_bounded_waiting(self) -> None:
        """So many answers wait at a time; one who comes then is answered at once and not heard
        again, until some have been given."""
        self.patch(suspicion, "MAX_WAITING", 3)
        self.delays("a", FREE)
        self.assertEqual(self.delays("a", 3), [0.125, 0.25, 0.5])
        full = self.suspicion.failed("a", 0.0)
        self.assertEqual((full.delay, full.closes), (0.0, True))
        self.assertEqual(self.suspicion.statistics(0.0), {"suspects": 1, "delayed": 3})
        later = self.suspicion.failed("a", 0.125)
        self.assertEqual((later.delay, later.closes), (2.0, False))

    def test_bounded_memory(self) -> None:
        """Those are remembered who were heard of last."""
        self.patch(suspicion, "MAX_KNOWN", 2)
        self.delays("a", FREE)
        self.delays("b", FREE)
        self.delays("a", 1)
        self.delays("c", 1)
        self.assertEqual(self.delays("a", 1), [0.25])
        self.assertEqual(self.delays("b", 1), [0.0])
        self.assertGreater(MAX_KNOWN, 2)

    def test_told(self) -> None:
        """The log is told once a second of an address."""
        times = (0.0, 0.5, 0.99, 1.0, 1.5, 2.1)
        told = [self.suspicion.failed("a", now).tell for now in times]
        self.assertEqual(told, [True, False, False, True, False, True])

    def test_networks(self) -> None:
        """One who has a network of IPv6 is one; what is no address is taken as it is."""
        for address, written in (
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::9", "2001:db8:1:3::/64"),
            ("fe80::1%eth0", "fe80::/64"),
            ("ZeroMQ", "ZeroMQ"),
            (None, "unknown"),
        ):
            self.assertEqual(network(address), written)


class AllowanceTests(SynchronousTestCase):
    """L{Allowance}."""

    def test_burst(self) -> None:
        """Some seconds' worth at once, then so many a second, and when is told in whole
        seconds."""
        allowance = Allowance(2.0)
        self.assertEqual([allowance.take(0.0) for _ in range(5)], [0, 0, 0, 0, 1])
        self.assertEqual([allowance.take(0.5), allowance.take(0.5)], [0, 1])
        self.assertEqual([allowance.take(100.0) for _ in range(5)], [0, 0, 0, 0, 1])

    def test_seldom(self) -> None:
        """What is allowed once in a while is allowed once at least."""
        allowance = Allowance(0.01)
        times = (0.0, 0.0, 50.0, 100.0)
        self.assertEqual([allowance.take(each) for each in times], [0, 100, 50, 0])

    @given(st.floats(0.1, 100.0), st.lists(st.floats(0.0, 2.0), max_size=200))
    def test_law(self, rate: float, pauses: list[float]) -> None:
        """In any stretch of time no more is done than its worth and a burst."""
        allowance, now, done = Allowance(rate), 0.0, 0
        for pause in pauses:
            now += pause
            done += allowance.take(now) == 0
        self.assertLessEqual(done, rate * now + max(1.0, BURST * rate) + 1e-6)
