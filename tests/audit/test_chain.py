"""No line can be altered, taken out or put elsewhere without the log telling."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.audit.chain import GENESIS, Broken, Head, linked
from kato.codec import encode_json

TOLD = st.lists(st.dictionaries(st.text(max_size=3), st.integers(), min_size=1), max_size=8)


def chained(told: list[dict[str, int]]) -> list[bytes]:
    """Lines that tell this."""
    head, lines = Head(), []
    for each in told:
        line, head = head.link(encode_json(each))
        lines.append(line)
    return lines


def followed(lines: list[bytes]) -> Head:
    """The head after all lines."""
    head = Head()
    for line in lines:
        head = head.follow(line)
    return head


class ChainTests(SynchronousTestCase):
    """A chain of lines."""

    @given(TOLD)
    def test_whole(self, told: list[dict[str, int]]) -> None:
        """What was linked is followed to the same head, which counts the lines."""
        lines = chained(told)
        head = followed(lines)
        self.assertEqual(head.lines, len(told))
        self.assertEqual(head == Head(), not told)

    @given(TOLD, st.data())
    def test_altered(self, told: list[dict[str, int]], data: st.DataObject) -> None:
        """A line of which a bit is another is found, at the latest by the head."""
        lines = chained([{"a": 1}, *told])
        head = followed(lines)
        place = data.draw(st.integers(0, len(lines) - 1))
        bit = data.draw(st.integers(0, 8 * len(lines[place]) - 1))
        altered = bytearray(lines[place])
        altered[bit // 8] ^= 1 << bit % 8
        lines[place] = bytes(altered)
        self.assertFound(lines, head)

    @given(TOLD, st.data())
    def test_taken_out(self, told: list[dict[str, int]], data: st.DataObject) -> None:
        """Lines that are gone are found, the last ones by the head."""
        lines = chained([{"a": 1}, *told])
        head = followed(lines)
        first = data.draw(st.integers(0, len(lines) - 1))
        last = data.draw(st.integers(first, len(lines) - 1))
        del lines[first : last + 1]
        self.assertFound(lines, head)

    @given(TOLD, st.data())
    def test_moved(self, told: list[dict[str, int]], data: st.DataObject) -> None:
        """Lines that stand elsewhere, or twice, are found."""
        lines = chained([{"a": 1}, {"b": 2}, *told])
        head = followed(lines)
        places = st.integers(0, len(lines) - 1)
        one, other = data.draw(places), data.draw(places)
        if one == other:
            lines.insert(one, lines[one])
        else:
            lines[one], lines[other] = lines[other], lines[one]
        self.assertFound(lines, head)

    def assertFound(self, lines: list[bytes], head: Head) -> None:
        try:
            self.assertNotEqual(followed(lines), head)
        except Broken as broken:
            self.assertTrue(str(broken))

    def test_words(self) -> None:
        """A fault is told in words."""
        lines = chained([{"a": each} for each in range(5)])
        altered = lines[1].replace(b'"a":1', b'"a":7')
        for wrong, why in (
            (lines[1:], "line 1 of the log is missing before it"),
            ([lines[0], *lines[3:]], "lines 2 to 3 of the log are missing before it"),
            ([lines[0], lines[0]], "line 1 of the log stands where 2 belongs"),
            (
                [lines[0], altered, lines[2]],
                "the line before it is not as it was written, or this one is not",
            ),
            ([b"{}"], "it is no line of an audit log"),
        ):
            with self.assertRaises(Broken) as caught:
                followed(wrong)
            self.assertEqual(str(caught.exception), why)

    def test_first(self) -> None:
        """The first line follows nothing."""
        self.assertEqual(linked(chained([{"a": 1}])[0]), (1, GENESIS))
