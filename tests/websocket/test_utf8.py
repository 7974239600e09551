"""Text in pieces (RFC 3629)."""

from autobahn.websocket.utf8validator import Utf8Validator
from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.protocols.websocket.utf8 import Utf8

TEXTS = st.one_of(
    st.text().map(str.encode),
    st.binary(),
    st.builds(bytes.__add__, st.text().map(str.encode), st.binary(max_size=4)),
)


class Utf8Tests(SynchronousTestCase):
    """L{Utf8}."""

    @given(st.lists(TEXTS, max_size=5))
    @example([b"\xed", b"\xa0\x80"])
    @example([b"\xc0\x80"])
    @example([b"\xf4\x90", b"\x80\x80"])
    @example([b"\xe2", b"\x82", b"\xac"])
    def test_law(self, pieces: list[bytes]) -> None:
        """After each piece it is told what Autobahn tells of it: whether all so far may begin a
        text, whether a character ends there, and where; what is none is found where Python finds
        it."""
        ours, theirs = Utf8(), Utf8Validator()
        so_far = b""
        for piece in pieces:
            so_far += piece
            good, ends, at, total = ours.validate(piece)
            expected = theirs.validate(piece)
            self.assertEqual(good, expected[0])
            if not good:
                error = self.assertRaises(UnicodeDecodeError, so_far.decode)
                self.assertEqual(total, error.start)
                break
            self.assertEqual((ends, at, total), expected[1:])

    def test_again(self) -> None:
        """A text knows nothing of the one before it."""
        judge = Utf8()
        self.assertEqual(judge.validate(b"a\xe2\x82"), (True, False, 3, 3))
        judge.reset()
        self.assertEqual(judge.validate(b"a"), (True, True, 1, 1))
        self.assertFalse(judge.validate(b"\xac")[0])
