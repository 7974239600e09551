"""How large processors are."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.commands import parse_processor_id
from kato.engine import Observation, Processor
from kato.errors import InvalidRequest
from kato.sizes import OTHERS, Size, largest
from kato.slots import Slot

NUMBER = st.integers(0, 10**6)
SIZES = st.lists(st.tuples(NUMBER, NUMBER, NUMBER, NUMBER, st.integers(0, 1)), max_size=20).map(
    lambda sizes: [Size(f"p{number}", *each) for number, each in enumerate(sizes)]
)

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""The first numbers that are drawn make hypothesis read all sources for constants."""


class LargestTests(SynchronousTestCase):
    """L{largest}."""

    @PATIENT
    @given(SIZES, st.integers(0, 25))
    def test_law(self, sizes: list[Size], most: int) -> None:
        """No more than so many have names, none without one is larger than one with, and nothing is
        lost in the sums."""
        told = largest(sizes, most)
        named = [each for each in told if each.processor != OTHERS]
        self.assertEqual(len(named), min(most, len(sizes)))
        self.assertLessEqual(set(named), set(sizes))
        others = [each.memory for each in sizes if each not in named]
        self.assertLessEqual(
            max(others, default=0), min((each.memory for each in named), default=10**6)
        )
        self.assertEqual(len(told) - len(named), bool(others))
        for field in ("models", "symbols", "memory", "events", "unsaved"):
            self.assertEqual(
                sum(getattr(each, field) for each in told),
                sum(getattr(each, field) for each in sizes),
            )

    def test_name(self) -> None:
        """No processor has the name of the others."""
        self.assertRaises(InvalidRequest, parse_processor_id, OTHERS)


class MeasuredTests(SynchronousTestCase):
    """L{Slot.measured}."""

    def setUp(self) -> None:
        self.slot = Slot("p1")
        self.slot.engine = self.engine = Processor("p1")

    def observe(self, *words: str) -> None:
        for word in words:
            self.engine.observe(Observation(strings=(word,)))

    def test_grows(self) -> None:
        """It tells what the engine holds now."""
        before = self.slot.measured()
        self.observe("a", "b")
        self.engine.learn()
        self.observe("c")
        self.slot.dirty = True
        after = self.slot.measured()
        assert before is not None and after is not None
        use = self.engine.memory
        self.assertEqual(after, Size("p1", 1, 2, use.models + use.index + use.symbols, 1, 1))
        self.assertGreater(after.memory, before.memory)

    def test_in_use(self) -> None:
        """An engine that a thread uses is left alone, and what is told is what it was before."""
        self.slot.running = True
        self.assertIsNone(self.slot.measured())
        self.slot.running = False
        before = self.slot.measured()
        self.slot.running = True
        self.observe("a")
        self.assertEqual(self.slot.measured(), before)

    def test_gone(self) -> None:
        """Of a processor that is gone nothing is told."""
        self.slot.measured()
        self.slot.engine = None
        self.assertIsNone(self.slot.measured())
