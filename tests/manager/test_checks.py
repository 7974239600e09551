"""How the results of all checks are counted."""

from twisted.trial.unittest import SynchronousTestCase

from kato.manager.checks import Tally, summed, tally, told


class TallyTests(SynchronousTestCase):
    """L{tally} of what trial prints."""

    def test_passed(self) -> None:
        """A good run counts its tests."""
        output = "x\nRan 12 tests in 3.4s\n\nPASSED (successes=12)\n"
        self.assertEqual(tally(output, 0), Tally(12, 0, 0))

    def test_failed(self) -> None:
        """Failures and errors both count as failed, skips as skipped."""
        output = "Ran 12 tests in 3s\n\nFAILED (skips=1, failures=2, errors=3, successes=6)\n"
        self.assertEqual(tally(output, 1), Tally(6, 5, 1))

    def test_no_summary(self) -> None:
        """A run that tells no result has failed."""
        for output in ("", "Ran 3 tests in 1s\n", "PASSED (successes=3)\n"):
            self.assertEqual(tally(output, 0), Tally(0, 1, 0))

    def test_bad_end(self) -> None:
        """A run that ends badly has failed, whatever it counted."""
        output = "Ran 2 tests in 1s\n\nPASSED (successes=2)\n"
        self.assertEqual(tally(output, 1), Tally(2, 1, 0))

    def test_nothing_ran(self) -> None:
        """A run without a test has no success to show."""
        self.assertEqual(tally("Ran 0 tests in 0s\n\nPASSED\n", 0), Tally(0, 1, 0))


class SumTests(SynchronousTestCase):
    """L{summed}, and how it is L{told}."""

    def test_sum(self) -> None:
        """What was skipped is told where there is any."""
        result = summed([Tally(1, 0), Tally(12, 3, 2)], strict=False)
        self.assertEqual(result, Tally(13, 3, 2))
        self.assertEqual(told(result), "13 passed, 3 failed, 2 skipped")
        self.assertEqual(told(Tally(13, 0)), "13 passed, 0 failed")

    def test_strict(self) -> None:
        """Where all must run, what was skipped has failed."""
        self.assertEqual(summed([Tally(1, 0), Tally(12, 3, 2)], strict=True), Tally(13, 5))
