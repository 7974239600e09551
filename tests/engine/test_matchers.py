"""Each provider of the matching seam, under the one contract."""

import tracemalloc

from twisted.trial.unittest import SynchronousTestCase

from kato.engine.index import InvertedIndex
from kato.engine.python_matcher import PythonMatcher
from kato.engine.symbols import SymbolTable
from tests.engine import holding, matching, providers


class PythonMatchingTests(providers.OnPython, matching.MatchingContract):
    """L{kato.engine.python_matcher} matches as it must."""


class PythonHoldingTests(providers.OnPython, holding.HoldingContract):
    """L{kato.engine.python_matcher} holds models as it must."""


class NativeMatchingTests(providers.OnNative, matching.MatchingContract):
    """L{kato.engine.native_matcher} matches as it must."""


class NativeHoldingTests(providers.OnNative, holding.HoldingContract):
    """L{kato.engine.native_matcher} holds models as it must."""


class MemoryTests(SynchronousTestCase):
    """What L{PythonMatcher} reckons that it uses."""

    def test_honest(self) -> None:
        """It is what Python's own count of memory says, to a fifth, though it is found without
        going over the models; each model comes with strings of its own, as from a client."""
        for vocabulary, events, width in ((100, 8, 2), (5000, 16, 1), (10, 3, 5)):
            matcher = PythonMatcher()
            tracemalloc.start()
            try:
                for number in range(1500):
                    places = iter(range(number, number + events * width))
                    sequence = [
                        tuple(f"symbol {next(places) * 7 % vocabulary}" for _ in range(width))
                        for _ in range(events)
                    ]
                    matcher.add(f"MODEL|{number:040x}", tuple(sequence), 1)
                    del sequence
                used, _ = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            told = matcher.memory()
            ratio = (told.models + told.index + told.symbols) / used
            self.assertTrue(0.8 < ratio < 1.2, (told, used))


class PlacesTests(SynchronousTestCase):
    """Models that come and go leave nothing behind that grows."""

    def test_codes(self) -> None:
        """The code of a symbol that stands in no model any more is given to a later one."""
        table = SymbolTable()
        for number in range(100):
            codes = table.add([f"a{number}", f"b{number}"], 1)
            self.assertLess(max(codes), 2)
            table.remove(codes, 1)
        self.assertEqual((len(table), table.total), (0, 0))

    def test_slots(self) -> None:
        """The slot of a removed model is given to a later one, the lowest first, and the index
        finds those that are there, rising."""
        index = InvertedIndex()
        self.assertEqual([index.add([0, number]) for number in range(40)], list(range(40)))
        for slot in (30, 5, 17):
            index.remove(slot, [0, slot])
        self.assertEqual([index.add([0, 7, 7]) for _ in range(4)], [5, 17, 30, 40])
        self.assertEqual(index.candidates([0], 0.0), list(range(41)))
        self.assertEqual(index.candidates([7, 7], 0.8), [5, 17, 30, 40])
