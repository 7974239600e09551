"""How long it takes to compare a key tells nothing of it."""

from collections.abc import Callable
from statistics import median
from time import perf_counter_ns

from twisted.trial.unittest import SynchronousTestCase

from kato.keys import API_KEY, Keyring, digest

_LONG = 2**18
"""So many bytes has a key here that the time of a comparison shows, if it depends on the key."""

_PAIRS = 400


def _alike(check: Callable[[bytes], object], early: bytes, late: bytes) -> float:
    """How many times longer it takes to find a difference late than early: the medians of times
    that are measured in turns."""
    times: dict[bytes, list[int]] = {early: [], late: []}
    for _ in range(_PAIRS):
        for given in (early, late):
            began = perf_counter_ns()
            check(given)
            times[given].append(perf_counter_ns() - began)
    return median(times[late]) / median(times[early])


class TimingTests(SynchronousTestCase):
    """Keys that differ in their first byte from the right one, and in their last."""

    key = bytes(range(256)) * (_LONG // 256)
    early = b"x" + key[1:]
    late = key[:-1] + b"x"

    def test_rule(self) -> None:
        """A wrong key is found out as late as another, wherever it differs, also once the right one
        was told."""
        keyring = Keyring({digest(self.key): API_KEY})
        self.assertIsNotNone(keyring.find([self.key], 0.0))

        def check(given: bytes) -> None:
            self.assertIsNone(keyring.find([given], 0.0))

        self.assertLess(_alike(check, self.early, self.late), 1.5)

    def test_leak(self) -> None:
        """A comparison that ends at the first difference is found out by this test."""
        self.assertGreater(_alike(self.key.__eq__, self.early, self.late), 3.0)
