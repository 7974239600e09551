"""Models as bytes: whoever takes them in is as if he had gone over the models."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.engine import Processor
from kato.engine.matching import Matcher
from kato.engine.packing import Packed, pack, unpack
from kato.engine.python_matcher import PythonMatcher
from kato.observation import Observation
from tests.engine import restoring
from tests.engine.dumping import DumpingMatcher, OtherDumpingMatcher
from tests.engine.providers import OnNative, OnPython, law
from tests.engine.restoring import stored
from tests.engine.worlds import everything


def learned(matcher: Any) -> Processor:
    """A processor with two models, one of which has emotives."""
    processor = Processor("p", matcher=matcher)
    for emotives in ({"joy": 0.1, "é": -0.0}, {}):
        for strings in (("a", "b"), (f"after {emotives}",)):
            processor.observe(Observation(strings=strings, emotives=emotives))
        processor.learn()
    return processor


class DumpingTests(OnPython, restoring.RestoringContract):
    """A matcher that the tests make."""

    def make(self) -> Matcher:
        return DumpingMatcher()


class NativeTests(OnNative, restoring.RestoringContract):
    """The compiled one."""

    @law(150)
    @given(st.data())
    def test_damaged(self, data: st.DataObject) -> None:
        """An index in which a bit is another one, or that is cut off, is not used."""
        living = learned(self.make)
        index = bytearray(living.index() or b"")
        place = data.draw(st.integers(0, len(index) - 1))
        if data.draw(st.booleans()):
            index[place] ^= 1 << data.draw(st.integers(0, 7))
        else:
            del index[place:]
        restored = Processor.restore(replace(stored(living), index=bytes(index)), matcher=self.make)
        self.assertEqual(everything(restored), everything(living))


class PackingTests(SynchronousTestCase):
    """An index, whoever dumped it."""

    def test_not_used(self) -> None:
        """Models are gone over where the index is not there, of another matcher, or nothing."""
        living = learned(DumpingMatcher)
        snapshot, index = stored(living), living.index()
        not_used: list[tuple[bytes | None, Any]] = [
            (None, DumpingMatcher),
            (b"", DumpingMatcher),
            (b"\0" * 1000, DumpingMatcher),
            (index, OtherDumpingMatcher),
            (index, PythonMatcher),
        ]
        for each, matcher in not_used:
            restored = Processor.restore(replace(snapshot, index=each), matcher=matcher)
            self.assertEqual(restored.list_models(9, None), living.list_models(9, None))
            self.assertEqual(restored.symbols, living.symbols)

    def test_none(self) -> None:
        """A matcher that cannot be dumped has no index."""
        self.assertIsNone(learned(PythonMatcher).index())

    def test_packed(self) -> None:
        """What is packed is unpacked to the last bit, and not where anything before the dump is
        another byte."""
        emotives = {"MODEL|é": ({"joy": -0.0, "": 5e-324},), "m": ({}, {"a": 0.1})}
        packed = Packed(emotives, b"\0\xff", b"x")
        index = pack(packed)
        self.assertEqual(repr(unpack(index)), repr(packed))
        self.assertEqual(unpack(index[:-1]), packed._replace(dumped=b""))
        for place in range(len(index) - 1):
            changed = bytearray(index)
            changed[place] ^= 1
            self.assertIsNone(unpack(bytes(changed)), place)
