"""What is counted."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.counting import OKAY, OTHER, REQUEST_SECONDS, TRANSPORTS, Histogram, RequestCounts

NUMBERS = st.floats(0, 100, allow_nan=False) | st.sampled_from(REQUEST_SECONDS)

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""The first numbers that are drawn make hypothesis read all sources for constants."""


class HistogramTests(SynchronousTestCase):
    """L{Histogram}."""

    @PATIENT
    @given(st.lists(NUMBERS, max_size=50))
    def test_law(self, numbers: list[float]) -> None:
        """It tells of each bound how many numbers are not above it, of all how many there are, and
        their sum."""
        histogram = Histogram()
        for each in numbers:
            histogram.add(each)
        bounds = (*REQUEST_SECONDS, float("inf"))
        self.assertEqual(
            histogram.up_to(), [(bound, sum(each <= bound for each in numbers)) for bound in bounds]
        )
        self.assertEqual(histogram.count, len(numbers))
        self.assertAlmostEqual(histogram.sum, sum(numbers))

    def test_bounds(self) -> None:
        """They rise from a tenth of a millisecond to half a minute."""
        self.assertEqual(list(REQUEST_SECONDS), sorted(set(REQUEST_SECONDS)))
        self.assertEqual((REQUEST_SECONDS[0], REQUEST_SECONDS[-1]), (0.0001, 30.0))


class RequestTests(SynchronousTestCase):
    """L{RequestCounts}."""

    def test_what_was_asked(self) -> None:
        """Requests are told apart by operation, transport and outcome; those that were refused
        before it was known what they ask for, by transport and error code."""
        counts = RequestCounts()
        counts.add("observe", "rest", OKAY, 0.2)
        counts.add("observe", "rest", OKAY, 0.4)
        counts.add("observe", "zmq", "TIMEOUT", 30.0)
        counts.add(None, "rest", "UNAUTHORIZED", 0.1)
        self.assertEqual(
            {key: (each.count, round(each.sum, 6)) for key, each in counts.answered.items()},
            {("observe", "rest", OKAY): (2, 0.6), ("observe", "zmq", "TIMEOUT"): (1, 30.0)},
        )
        self.assertEqual(counts.refused, {("rest", "UNAUTHORIZED"): 1})

    @PATIENT
    @given(st.lists(st.text(max_size=5)))
    def test_bounded(self, transports: list[str]) -> None:
        """Whoever passes requests on cannot make new transports, however he calls them."""
        counts = RequestCounts()
        for each in transports:
            counts.add("observe", each, OKAY, 0.0)
            counts.add(None, each, "FORBIDDEN", 0.0)
        told = {key[1] for key in counts.answered} | {key[0] for key in counts.refused}
        self.assertLessEqual(told, TRANSPORTS | {OTHER})

    def test_clock_set_back(self) -> None:
        """A request that ended before it began took no time."""
        counts = RequestCounts()
        counts.add("observe", "rest", OKAY, -3600.0)
        [histogram] = counts.answered.values()
        self.assertEqual((histogram.count, histogram.sum), (1, 0.0))
