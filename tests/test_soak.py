"""How a soak is judged: what the server counted is held against what its clients did."""

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.soak.counting import Kind, Tally

PAGE = 'kato_requests_total{operation="observe",transport="rest",outcome="okay"} %d\n'
OBSERVED = Kind("observe", "rest", "okay")


class TallyTests(SynchronousTestCase):
    """L{Tally}."""

    def setUp(self) -> None:
        self.tally = Tally()
        for _ in range(3):
            self.tally.answer(OBSERVED)

    def compared(self, page: str, status: int = 200) -> list[str]:
        return list(self.tally.compared(status, page))

    def test_equal(self) -> None:
        """What both counted alike is as it must be."""
        self.assertEqual(self.compared(PAGE % 3), [])

    def test_more_or_less(self) -> None:
        """One that the server counted more, or less, is told."""
        for number in (2, 4):
            [wrong] = self.compared(PAGE % number)
            self.assertIn(f"the server counted {number}, clients 3 to 3", wrong)

    def test_lost(self) -> None:
        """One whose connection was cut may have been counted, or not."""
        self.tally.lose("observe", "rest")
        for number in (3, 4):
            self.assertEqual(self.compared(PAGE % number), [])
        self.assertNotEqual(self.compared(PAGE % 5), [])

    def test_no_page(self) -> None:
        """A server that does not tell what it counted is not as it must be, whatever the reason."""
        for status in (401, 404, 500):
            [wrong] = self.compared("nothing", status)
            self.assertIn(f"/metrics was answered {status}", wrong)
