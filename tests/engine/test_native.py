"""The kernel beside the provider in Python, and by itself."""

import time

from twisted.trial.unittest import SynchronousTestCase

from kato.engine.matching import Matcher
from tests.engine import dumps, equality, stress
from tests.engine.providers import built


class NativeTests(SynchronousTestCase):
    """What only the kernel can do wrong."""

    def setUp(self) -> None:
        self.make = built("native").make

    def filled(self, models: int) -> Matcher:
        matcher = self.make()
        for number in range(models):
            matcher.add(f"m{number}", ((f"s{number % 50}",), (f"own{number}",)), number + 1)
        return matcher

    def test_equality(self) -> None:
        """On random worlds, other ones every day, both providers give the same answers; a failure
        names the world, and C{python -m tests.engine.equality --world} tries it again."""
        _, cases = equality.compare(lambda done: done < 1_500, int(time.time() // 86400) * 10**6)
        self.assertGreaterEqual(cases, 1_500)

    def test_compaction(self) -> None:
        """So do they where so many models are forgotten that the rest is written anew."""
        self.assertGreater(equality.forgotten(1), 0)

    def test_room_is_given_back(self) -> None:
        """Models that are forgotten are given back with their symbols."""
        matcher = self.filled(6_000)
        full = matcher.memory()
        for number in range(5_990):
            matcher.remove(f"m{number}")
        left = matcher.memory()
        self.assertLess(left.models, full.models / 3)
        self.assertLess(left.index, full.index / 3)
        self.assertLess(left.symbols, full.symbols / 3)
        self.assertEqual((len(matcher), matcher.symbols), (10, 20))

    def test_threads(self) -> None:
        """Threads that change and ask at once are told what is of one piece, and leave behind what
        they would have left one after the other."""
        self.assertEqual(stress.differences(*stress.run(60, self.make)), [])

    def test_dumps(self) -> None:
        """A dump that was changed in any way is refused."""
        self.assertGreater(dumps.refused(), 2_000)

    def test_load_into_models(self) -> None:
        """A dump is only taken in where there are no models; then nothing changes."""
        matcher = self.filled(3)
        dumped = matcher.dump()
        assert dumped is not None
        with self.assertRaises(ValueError):
            matcher.load(dumped)
        self.assertEqual(len(matcher), 3)

    def test_names(self) -> None:
        """Names come in the order of their code points, whether they are digests or not."""
        names = ["", "a", "é", "\ud7ff", "\ue000", "\U0001f600", "MODEL|", "MODEL|" + "0" * 39]
        names += ["MODEL|" + "0" * 40, "MODEL|" + "A" * 40, "MODEL|" + "f" * 41, "N"]
        matcher = self.make()
        for number, name in enumerate(names):
            matcher.add(name, ((f"s{number}",), ("same",)), 1)
        self.assertEqual(matcher.page(None, 100), sorted(names))
        for place, name in enumerate(sorted(names)):
            self.assertEqual(matcher.page(name, 2), sorted(names)[place + 1 : place + 3])
        ranking = matcher.kept(["same"], 0.0).best("similarity", 100)
        self.assertEqual(list(ranking.names), sorted(names))

    def test_refused(self) -> None:
        """What a model cannot have is refused, and nothing is changed by it."""
        matcher = self.filled(2)
        for sequence, frequency, error in (
            ((("a",),), 0, OverflowError),
            ((("a",),), 2**63, OverflowError),
            ((("a",),), -1, OverflowError),
            ((), 1, ValueError),
            (((),), 1, ValueError),
            ((("a",), (1,)), 1, TypeError),
            ((["a"],), 1, TypeError),
        ):
            with self.assertRaises(error):
                matcher.add("new", sequence, frequency)  # type: ignore[arg-type]
        with self.assertRaises(KeyError):
            matcher.reweigh("nobody", 2)
        with self.assertRaises(KeyError):
            matcher.remove("nobody")
        with self.assertRaises(OverflowError):
            matcher.reweigh("m1", 2**63)
        self.assertEqual((len(matcher), matcher.symbols, matcher.get("new")), (2, 4, None))
