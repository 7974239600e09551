"""Compressed messages, a step at a time (RFC 7692)."""

import struct
from itertools import pairwise

from autobahn.exception import PayloadCorruptError, PayloadExceededError
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.protocols.websocket import inflating
from kato.protocols.websocket.inflating import MADE, TAKEN, Inflating
from tests.websocket.deflating import Deflating, tables

MOST = 2**24
PAYLOADS = st.one_of(
    st.binary(max_size=200),
    st.builds(lambda unit, times: unit * times, st.binary(max_size=9), st.integers(0, 300)),
)

Said = list[tuple[bytes, list[int]]]
"""Messages, and where each is cut into the pieces in which it comes."""

SAID = st.lists(st.tuples(PAYLOADS, st.lists(st.integers(0, 500), max_size=5)), max_size=4)


def steps(reader: Inflating, pieces: list[bytes], most: int = MOST) -> list[bytes]:
    """What each step makes of a message that comes in pieces."""
    made: list[bytes] = []
    reader.start_decompress_message()
    for piece in pieces:
        made.append(reader.decompress_message_data(piece, most - sum(map(len, made))))
        while reader.has_more:
            made.append(reader.decompress_message_data(b"", most - sum(map(len, made))))
    reader.end_decompress_message()
    return made


def whole(reader: Inflating, message: bytes, most: int = MOST) -> bytes:
    """A message that comes in one piece."""
    return b"".join(steps(reader, [message], most))


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Pieces of something, which may be empty."""
    ends = [0, *sorted(each % (len(data) + 1) for each in places), len(data)]
    return [data[begin:end] for begin, end in pairwise(ends)]


class InflatingTests(SynchronousTestCase):
    """L{Inflating}."""

    def small_steps(self) -> None:
        self.patch(inflating, "MADE", 7)
        self.patch(inflating, "TAKEN", 5)

    def holds(self, said: Said, level: int) -> None:
        deflating, reader = Deflating(level), Inflating()
        for payload, places in said:
            pieces = cut(deflating.message(payload), places)
            self.assertEqual(b"".join(steps(reader, pieces)), payload)
            self.assertFalse(reader.has_more)

    @given(SAID, st.integers(0, 9))
    def test_law(self, said: Said, level: int) -> None:
        """In whatever pieces messages come, they are those that were compressed, each of which may
        refer to the ones before it,"""
        self.holds(said, level)

    @given(SAID, st.integers(0, 9))
    def test_law_of_steps(self, said: Said, level: int) -> None:
        """and also where they are inflated in many steps."""
        self.small_steps()
        self.holds(said, level)

    @given(PAYLOADS, st.lists(st.integers(0, 500), max_size=5), st.integers(1, 40))
    def test_limit(self, payload: bytes, places: list[int], over: int) -> None:
        """A message may have so many bytes, and not one more, whatever it is made of."""
        self.small_steps()
        pieces = cut(Deflating().message(payload), places)
        self.assertEqual(b"".join(steps(Inflating(), pieces, len(payload))), payload)
        if over <= len(payload):
            reader = Inflating()
            with self.assertRaises(PayloadExceededError):
                steps(reader, pieces, len(payload) - over)
            self.assertFalse(reader.has_more)
            self.assertEqual(reader.decompress_message_data(pieces[-1], 0), b"")
            reader.end_decompress_message()

    def test_step(self) -> None:
        """A step makes no more than its share, however much would come of what is there."""
        made = steps(Inflating(), [Deflating().message(bytes(1_000_000))])
        self.assertEqual(sum(map(len, made)), 1_000_000)
        self.assertEqual(max(map(len, made)), MADE)
        self.assertLessEqual(len(made), 1_000_000 // MADE + 2)

    def test_little(self) -> None:
        """What makes next to nothing counts by what is taken of it, which is no more than the share
        of a step, either."""
        reader = Inflating()
        raw = tables(10 * TAKEN)
        reader.start_decompress_message()
        self.assertEqual(reader.decompress_message_data(raw, MOST), b"")
        self.assertEqual(reader.spent(), 1.0)
        self.assertEqual(reader.spent(), 0.0)
        rounds = 1
        while reader.has_more:
            self.assertEqual(reader.decompress_message_data(b"", MOST), b"")
            rounds += 1
        self.assertEqual(rounds, 10)

    def test_cheap(self) -> None:
        """A small message is a small part of a step."""
        reader = Inflating()
        self.assertEqual(whole(reader, Deflating().message(b"x" * 600)), b"x" * 600)
        self.assertLess(reader.spent(), 0.02)

    def test_last_blocks(self) -> None:
        """A sender may end with a last block, and go on behind it (RFC 7692, 7.2.3.4 and 7.2.3.5);
        of what comes after a last one nothing is kept."""
        reader = Inflating()
        hello = bytes([0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00])
        for sent, expected in [
            (hello + b"\0", b"Hello"),
            (hello, b"Hello"),
            (hello + hello + b"\0", b"HelloHello"),
            (bytes([0xF2, 0x48, 0x05, 0, 0, 0, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0]), b"Hello"),
        ]:
            self.assertEqual(whole(reader, sent), expected)
            self.assertEqual(b"".join(steps(reader, cut(sent, list(range(20))))), expected)

    def test_corrupt(self) -> None:
        """What cannot have been compressed is refused, and what else comes of it passed
        over."""
        reader = Inflating()
        with self.assertRaises(PayloadCorruptError):
            whole(reader, b"\xff" * 20)
        self.assertEqual(reader.decompress_message_data(b"\xff" * 20, MOST), b"")
        self.assertFalse(reader.has_more)

    def test_breaks_off(self) -> None:
        """So is a message that ends within a block, where its end would be taken for a part."""
        stored = b"\0" + struct.pack("<HH", 9, 0xFFFF ^ 9)
        for message in (stored + b"12345", stored[:3]):
            with self.assertRaises(PayloadCorruptError):
                whole(Inflating(), message)
        self.assertEqual(whole(Inflating(), stored + b"123456789\0"), b"123456789")

    def test_given_up(self) -> None:
        """A message that nobody wants any more costs nothing."""
        reader, deflating = Inflating(), Deflating()
        reader.start_decompress_message()
        reader.decompress_message_data(deflating.message(bytes(1_000_000)), MOST)
        reader.give_up()
        self.assertFalse(reader.has_more)
        self.assertEqual(reader.decompress_message_data(b"more", MOST), b"")
        reader.end_decompress_message()
