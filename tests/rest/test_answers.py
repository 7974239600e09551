"""Answers as bytes (SPEC 8)."""

from email.utils import parsedate_to_datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.codec import PART, encode_json, is_small
from kato.protocols.rest.answers import DateHeader, slices
from tests.doubles import Written

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=40) | st.dictionaries(st.text('abc"é', max_size=3), inner)
    ),
    max_leaves=60,
)


class SliceTests(SynchronousTestCase):
    """Encoding in parts."""

    @settings(deadline=None, max_examples=200)
    @given(VALUES)
    def test_same_bytes(self, value: object) -> None:
        """The parts together are what encoding at once gives."""
        self.assertEqual(b"".join(slices(value)), encode_json(value))

    @settings(deadline=None, max_examples=100)
    @given(st.lists(VALUES, max_size=60), st.dictionaries(st.text(max_size=2), VALUES, max_size=3))
    def test_self_writing(self, entries: list[object], rest: dict[str, object]) -> None:
        """What writes itself is taken as it is written, and nothing of it is built."""
        for value, built in (
            (Written(entries), entries),
            ({**rest, "list": Written(entries)}, {**rest, "list": entries}),
        ):
            self.assertEqual(b"".join(slices(value)), encode_json(built))
            written = value if isinstance(value, Written) else value["list"]
            assert isinstance(written, Written)
            self.assertEqual((written.built, written.wrote), (0, len(entries)))

    def test_parts_are_bounded(self) -> None:
        """All parts but the last are large enough to be worth a turn, and none much larger."""
        entry = {"name": "x" * 1000}
        parts = list(slices({"status": "okay", "predictions": [entry] * 1000}))
        self.assertGreater(len(parts), 10)
        for part in parts[:-1]:
            self.assertGreaterEqual(len(part), PART)
            self.assertLess(len(part), 2 * PART)

    def test_small(self) -> None:
        """A short list is encoded at once, a long one is not, however deep it lies."""
        self.assertTrue(is_small({"a": 1, "b": "x" * 9999, "c": [1, 2], "d": {"e": []}}))
        self.assertFalse(is_small({"a": [0] * 100}))
        self.assertTrue(is_small({"a": Written([0] * 16)}))
        self.assertFalse(is_small({"a": Written([0] * 17)}))
        self.assertFalse(is_small({"model": {"name": "x", "sequence": [["a"]] * 100}}))


class DateTests(SynchronousTestCase):
    """The C{Date} of answers."""

    def test_whole_seconds(self) -> None:
        """It is the time in GMT, and changes with the second."""
        header = DateHeader()
        first = header.at(1_700_000_000.9)
        self.assertEqual(parsedate_to_datetime(first.decode()).timestamp(), 1_700_000_000)
        self.assertIs(header.at(1_700_000_000.1), first)
        self.assertNotEqual(header.at(1_700_000_001.0), first)
