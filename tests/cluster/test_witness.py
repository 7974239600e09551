"""What is found in the epochs in which services answered."""

from twisted.trial.unittest import SynchronousTestCase

from tests.cluster.witness import Answered, two_owners, went_back


class WitnessTests(SynchronousTestCase):
    """Processors that move."""

    def test_moves(self) -> None:
        """A processor that moves gets an epoch of its own, and is never answered for in an older
        one, but by what was asked before."""
        answers = [
            Answered("p", 1, "a", 0, 1),
            Answered("p", 1, "a", 1.5, 4),
            Answered("p", 2, "b", 2, 3),
            Answered("p", 3, "a", 5, 6),
            Answered("q", 1, "b", 7, 8),
        ]
        self.assertEqual((two_owners(answers), went_back(answers)), ([], []))

    def test_two(self) -> None:
        """Two that answer in one epoch are found."""
        answers = [Answered("p", 1, "a", 0, 1), Answered("p", 1, "b", 2, 3)]
        self.assertEqual(two_owners(answers), ["p, epoch 1: answered by ['a', 'b']"])

    def test_back(self) -> None:
        """An answer of an epoch that was over is found, however much was asked meanwhile."""
        answers = [Answered("p", 2, "a", 0, 1)]
        answers += [Answered("p", 2, "a", n, n + 0.5) for n in range(2, 5)]
        answers.append(Answered("p", 1, "b", 9, 10))
        [found] = went_back(answers)
        self.assertIn("epoch=1", found)
