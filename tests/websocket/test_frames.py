"""Messages as frames."""

import json
import zlib
from typing import Any

import msgpack
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.codec import encode_json
from kato.events import PREDICTIONS, Event
from kato.protocols.websocket import frames
from kato.protocols.websocket.frames import Announced, Codec, Frames, Written
from tests.doubles import Written as WrittenList


def opened(pieces: Frames) -> tuple[int, bytes]:
    """The first byte of a message, and what is in it (RFC 6455, 5.2)."""
    firsts, payload = [], b""
    for frame in pieces:
        length, start = frame[1], 2
        if length == 126:
            length, start = int.from_bytes(frame[2:4], "big"), 4
        elif length == 127:
            length, start = int.from_bytes(frame[2:10], "big"), 10
        assert len(frame) == start + length
        firsts.append(frame[0])
        payload += frame[start:]
    assert [bool(each & 0x80) for each in firsts] == [False] * (len(firsts) - 1) + [True]
    assert not any(each & 0x7F for each in firsts[1:])
    return firsts[0] | 0x80, payload


def inflated(data: bytes) -> bytes:
    return zlib.decompress(data + b"\x00\x00\xff\xff" + b"\x03\x00", -15)


VALUES = st.dictionaries(
    st.text(max_size=5),
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**64 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(),
        st.lists(st.integers(0, 9), max_size=40),
        st.dictionaries(st.text(max_size=3), st.text(max_size=4000), max_size=3),
    ),
    max_size=6,
)


class WrittenTests(SynchronousTestCase):
    """L{Written}."""

    @given(VALUES)
    @settings(deadline=None)
    def test_round_trip(self, value: dict[str, Any]) -> None:
        """Whatever is sent arrives, in each sub-protocol, compressed or not."""
        written = Written(value)
        for codec, read in ((Codec.JSON, json.loads), (Codec.MESSAGEPACK, msgpack.unpackb)):
            first, payload = opened(written.frames(codec, deflated=False))
            self.assertEqual(first, 0x82 if codec.binary else 0x81)
            self.assertEqual(read(payload), value)
            self.assertEqual(codec.decode(payload, max_values=100), value)
            first, payload = opened(written.frames(codec, deflated=True))
            if first & 0x40:
                payload = inflated(payload)
            self.assertEqual(read(payload), value)

    def test_compressed(self) -> None:
        """It is compressed from a size on, and up to another."""
        self.patch(frames, "DEFLATED_UP_TO", 9_000)
        for size, compressed in ((100, False), (2_100, True), (8_000, True), (9_100, False)):
            first, payload = opened(Written({"a": "x" * size}).frames(Codec.JSON, deflated=True))
            self.assertEqual(bool(first & 0x40), compressed, size)
            self.assertEqual(len(payload) < 100 + size // 4, compressed or size < 200)

    def test_pieces(self) -> None:
        """A long one is sent in several frames."""
        for size, pieces in ((2**16 - 8, 1), (2**16 - 7, 2), (3 * 2**16 - 8, 3)):
            written = Written({"a": "x" * size})
            frames_ = written.frames(Codec.JSON, deflated=False)
            self.assertEqual(len(frames_), pieces)
            self.assertEqual(len(opened(frames_)[1]), size + 8)

    def test_once(self) -> None:
        """It is written once for each sub-protocol, however many it is sent to."""
        written = Written({"a": WrittenList([1, 2])})
        for deflated in (True, False, True):
            self.assertEqual(
                opened(written.frames(Codec.JSON, deflated=deflated))[1], b'{"a":[1,2]}'
            )
        self.assertIs(
            written.frames(Codec.JSON, deflated=True), written.frames(Codec.JSON, deflated=True)
        )
        self.assertTrue(written.is_written(Codec.JSON, deflated=True))
        self.assertFalse(written.is_written(Codec.MESSAGEPACK, deflated=False))

    def test_long(self) -> None:
        """What takes long to write is known before."""
        self.assertFalse(Written({"a": [1] * 16}).is_long)
        self.assertTrue(Written({"a": [1] * 17}).is_long)
        self.assertTrue(Written({"data": {"a": WrittenList([1] * 17)}}).is_long)


class AnnouncedTests(SynchronousTestCase):
    """L{Announced}."""

    EVENT = Event(PREDICTIONS, "p1", 3, 1.5, {"predictions": WrittenList([1]), "forecast": []})

    def test_event(self) -> None:
        """It is an event as SPEC 9 writes it; what writes itself does so, inside as well."""
        payload = opened(Announced(self.EVENT).frames(Codec.JSON, deflated=False))[1]
        self.assertEqual(
            payload,
            b'{"event":"predictions","processor":"p1","offset":3,"time_stamp":1.5,'
            b'"data":{"predictions":[1],"forecast":[]}}',
        )
        told = msgpack.unpackb(
            opened(Announced(self.EVENT).frames(Codec.MESSAGEPACK, deflated=False))[1]
        )
        self.assertEqual(told, json.loads(payload))
        self.assertEqual(encode_json(told), payload)

    def test_skipped(self) -> None:
        """A reader for which others were passed over is told so, and only that reader."""
        announced = Announced(self.EVENT)
        self.assertIs(announced.after(0), announced)
        other = announced.after(2)
        self.assertEqual(
            json.loads(opened(other.frames(Codec.JSON, deflated=False))[1])["skipped"], 2
        )
        self.assertNotIn(b"skipped", opened(announced.frames(Codec.JSON, deflated=False))[1])
