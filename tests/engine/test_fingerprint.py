"""What a memory holds as one number."""

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from kato.engine.fingerprint import SIZE, Fingerprint
from kato.model import Model
from tests.engine import fingerprinting
from tests.engine.providers import OnNative, OnPython


class PythonTests(OnPython, fingerprinting.FingerprintContract):
    """On the matcher in Python."""


class NativeTests(OnNative, fingerprinting.FingerprintContract):
    """On the compiled one."""


class SumTests(SynchronousTestCase):
    """The sum itself."""

    def test_order(self) -> None:
        """It knows no order of models, but that of emotives, in which they are told."""
        a = Model("MODEL|a", (("x",), ("y",)), 1, ({"joy": 1.0, "fear": 0.5},))
        b = Model("MODEL|b", (("x", "y"),), 2)
        turned = replace(a, emotives=({"fear": 0.5, "joy": 1.0},))
        sums = []
        for models in ((a, b), (b, a), (turned, b), (a, b, b)):
            made = Fingerprint()
            for each in models:
                made.add(each)
            sums.append(bytes(made))
        self.assertEqual(sums[0], sums[1])
        self.assertEqual(len(set(sums)), 3)

    def test_taken_out(self) -> None:
        """What came and went leaves nothing, in whatever order."""
        made = Fingerprint()
        model = Model("MODEL|a", (("x",), ("y",)), 1)
        made.remove(model)
        self.assertNotEqual(bytes(made), bytes(SIZE))
        made.add(model)
        self.assertEqual(bytes(made), bytes(SIZE))
