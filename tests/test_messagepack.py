"""MessagePack and its three extensions (SPEC 9)."""

import random
import zlib
from functools import partial
from typing import Any

import msgpack
from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.codec import encode_json
from kato.errors import InvalidRequest, PayloadTooLarge
from kato.messagepack import (
    COMPRESSED,
    INTEGER,
    JSON,
    LARGE,
    WrittenList,
    _extended,
    _unpacked,
    is_compressed,
    pack,
    unpack,
)
from kato.steady_messagepack import unpack_steadily
from tests.doubles import Written

_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    max_leaves=20,
)


def extension(code: int, data: bytes) -> bytes:
    packed: bytes = msgpack.packb(msgpack.ExtType(code, data))
    return packed


class RoundTripTests(SynchronousTestCase):
    """What is written is read."""

    @given(_values, st.sets(st.sampled_from(["json", "zlib"])))
    @settings(deadline=None)
    def test_any_value(self, value: object, accept: set[str]) -> None:
        """Every value of JSON comes back as it was, integers of any size included."""
        self.assertEqual(unpack(pack(value, accept=frozenset(accept))), value)

    @given(st.binary(max_size=200))
    @settings(deadline=None, max_examples=500)
    def test_any_bytes(self, body: bytes) -> None:
        """Any bytes are a value, or an error that a client may see."""
        try:
            unpack(body)
        except (InvalidRequest, PayloadTooLarge) as error:
            self.assertIn("m", error.message)

    def test_large_integers(self) -> None:
        """An integer beyond 64 bits is an extension: its decimal digits."""
        self.assertEqual(pack(2**64), extension(INTEGER, b"18446744073709551616"))
        self.assertEqual(unpack(pack([-(2**80)])), [-(2**80)])


class SelfWritingTests(SynchronousTestCase):
    """Lists that write their own JSON."""

    def test_plain(self) -> None:
        """Who has not said that JSON is welcome gets a plain list."""
        self.assertEqual(unpack(pack({"p": Written([{"a": 1}])})), {"p": [{"a": 1}]})

    def test_as_json(self) -> None:
        """Who has gets the JSON as it was written, and can hand it on unread."""
        answer = unpack(pack({"p": Written([{"a": 1}])}, accept=frozenset({"json"})))
        assert isinstance(answer, dict)
        self.assertIsInstance(answer["p"], WrittenList)
        self.assertEqual(encode_json(answer), b'{"p":[{"a":1}]}')
        self.assertEqual(answer["p"], [{"a": 1}])
        self.assertEqual((len(answer["p"]), answer["p"][0]), (1, {"a": 1}))

    def test_no_list(self) -> None:
        """JSON that is no list is refused when somebody looks."""
        written = unpack(extension(JSON, b"{}"))
        assert isinstance(written, WrittenList)
        self.assertRaises(InvalidRequest, len, written)


class CompressionTests(SynchronousTestCase):
    """Messages that are compressed for who accepts it."""

    accept = frozenset({"zlib"})

    def test_large(self) -> None:
        """A large message becomes shorter, and is read as what it was."""
        value = ["again"] * LARGE
        packed = pack(value, accept=self.accept)
        self.assertLess(len(packed), LARGE)
        self.assertEqual(unpack(packed), value)

    def test_small(self) -> None:
        """A small one stays as it is, and so does one that would not become shorter."""
        self.assertEqual(pack(["a"], accept=self.accept), pack(["a"]))
        noise = b"".join(zlib.crc32(b"%d" % i).to_bytes(4) for i in range(LARGE))
        self.assertEqual(pack(noise, accept=self.accept), pack(noise))

    def test_is_compressed(self) -> None:
        """Whether a message came compressed shows at its beginning, however long it is; what is not
        MessagePack is not."""
        for size in (20, 300, 70_000):
            data = zlib.compress(random.Random(1).randbytes(size), 0)
            self.assertTrue(is_compressed(extension(COMPRESSED, data)), size)
            self.assertFalse(is_compressed(extension(JSON, data)), size)
        for body in (b"", b"\xc7", b"\xc9\x03", pack({"a": 3}), pack("x" * 999)):
            self.assertFalse(is_compressed(body), body)

    def test_bomb(self) -> None:
        """No more is unpacked than the limit allows."""
        bomb = extension(COMPRESSED, zlib.compress(bytes(10_000)))
        error = self.assertRaises(PayloadTooLarge, unpack, bomb, limit=9_999)
        self.assertIn("over the limit of 9,999 bytes when it is unpacked", error.message)

    def test_at_the_limit(self) -> None:
        """A message that has just as many bytes as the limit allows is read."""
        body = pack(["again"] * LARGE)
        packed = extension(COMPRESSED, zlib.compress(body))
        self.assertEqual(unpack(packed, limit=len(body)), ["again"] * LARGE)
        self.assertRaises(PayloadTooLarge, unpack, packed, limit=len(body) - 1)

    def test_malformed(self) -> None:
        """What is no stream of zlib's, breaks off, goes on or is compressed twice is refused."""
        good = zlib.compress(pack({"a": 1}))
        for data, why in (
            (b"nonsense", "not compressed with zlib"),
            (good[:-2], "breaks off"),
            (good + b"x", "something follows"),
            (zlib.compress(extension(COMPRESSED, good)), "compressed twice"),
            (zlib.compress(b"\xc1"), "not MessagePack"),
        ):
            error = self.assertRaises(InvalidRequest, unpack, extension(COMPRESSED, data))
            self.assertIn(why, error.message)


class MalformedTests(SynchronousTestCase):
    """What is no message is refused in words."""

    def test_not_messagepack(self) -> None:
        """Bytes that are none, that break off, that go on, and lengths beyond all bytes."""
        for body, why in (
            (b"", "incomplete input"),
            (b"\xc1", "not MessagePack"),
            (b"\x82\xa1a", "exceeds max_map_len"),
            (b"\xdd\xff\xff\xff\xff", "exceeds max_array_len"),
            (b"\x01\x02", "extra data"),
            (b"\x91" * 5000, "nested too deeply"),
            (b"\x81\x90\x01", "no key of a map"),
            (extension(INTEGER, b"1e5"), "expected decimal digits"),
        ):
            error = self.assertRaises(InvalidRequest, unpack, body)
            self.assertIn(why, error.message)

    def test_too_large(self) -> None:
        """A message over the limit is not looked at."""
        self.assertRaises(PayloadTooLarge, unpack, b"\xc1" * 11, limit=10)

    def test_vast_integer(self) -> None:
        """An integer with more digits than any number that is taken becomes infinite."""
        self.assertEqual(unpack(extension(INTEGER, b"9" * 1000)), float("inf"))


def read(body: bytes, **how: Any) -> tuple[str, object]:
    """What is read in one go or in steps, or with what error it is refused."""
    read_piece = partial(_unpacked, _extended)
    try:
        value = unpack_steadily(body, read_piece, **how) if how else read_piece(body, None)
    except InvalidRequest as error:
        return error.error_code, None
    return repr(value), getattr(value, "key", None)


class SteadyTests(SynchronousTestCase):
    """Long messages are read in steps, to the same values as in one go."""

    @given(_values, st.sampled_from([1, 7, 50]))
    @example([{"a": 1, "b": 2}, {"c": "x" * 300}, ["y"] * 40, 2**70, b"z" * 300], 7)
    @settings(deadline=None)
    def test_good(self, value: object, step: int) -> None:
        """Any value is what it is."""
        self.assertEqual(read(pack(value), step=step), read(pack(value)))

    @given(_values, st.sampled_from([1, 7, 50]), st.data())
    @settings(deadline=None)
    def test_broken(self, value: object, step: int, data: Any) -> None:
        """What is broken is refused where it is refused in one go."""
        body = pack(value)
        place = data.draw(st.integers(0, len(body)))
        put = data.draw(st.binary(max_size=2))
        body = body[:place] + put + body[place + data.draw(st.integers(0, 2)) :]
        self.assertEqual(read(body, step=step), read(body))

    def test_key_twice(self) -> None:
        """A key that stands twice is remembered, and keys may be long."""
        pairs = b"".join(pack(key) + pack(1) for key in ("a", "b" * 100, "c", "b" * 100, "a"))
        body = b"\xdf" + (5).to_bytes(4) + pairs
        self.assertEqual(read(body, step=7), read(body))
        self.assertEqual(read(body, step=7)[1], "b" * 100)

    def test_values(self) -> None:
        """Values are counted, keys are not; what is over the limit is refused by that."""
        for value, values in (
            ([1] * 100_000, 100_001),
            ([{"a": [n, "x" * 20]} for n in range(20_000)], 80_001),
            ({str(n): None for n in range(50_000)}, 50_001),
            ({"k" * 20_000 + str(n): [] for n in range(9)}, 10),
            ([1, 2], 3),
            ("x" * 2**17, 1),
        ):
            self.assertEqual(unpack(pack(value), max_values=values), value)
            error = self.assertRaises(PayloadTooLarge, unpack, pack(value), max_values=values - 1)
            self.assertIn(f"values or more are over the limit of {values - 1:,}", error.message)

    def test_long(self) -> None:
        """What is wrong far behind, or deep, is refused in words."""
        long = b"\xdd" + (20_000).to_bytes(4) + pack("x" * 10) * 20_000
        for body, why in (
            (long + b"\x01", "extra data"),
            (long[:-1], "incomplete input"),
            (b"\xdd\0\0\x4e\x21" + long[5:], "incomplete input"),
            (b"\xdd\xff\xff\xff\xff" + long[5:], "exceeds max_array_len"),
            (b"\xdf\xff\xff\xff\xff" + long[5:], "exceeds max_map_len"),
            (b"\xdd\0\0\x4e\x21" + long[5:] + b"\xc1", "not MessagePack"),
            (b"\x91" * 100_000, "nested too deeply"),
            (b"\x81" + long + b"\x01", "no key of a map"),
        ):
            error = self.assertRaises(InvalidRequest, unpack, body)
            self.assertIn(why, error.message)

    def test_compressed(self) -> None:
        """What was compressed is counted when it is unpacked."""
        packed = extension(COMPRESSED, zlib.compress(pack([0] * 100_000)))
        self.assertEqual(unpack(packed, max_values=100_001), [0] * 100_000)
        self.assertRaises(PayloadTooLarge, unpack, packed, max_values=100_000)

    def test_not_unicode(self) -> None:
        """Long strings that are not UTF-8 keep their bytes as lone surrogates."""
        for raw in (b"\xff" * 200_000, "é".encode() * 100_000 + b"\xc3", b"\xe2\x82" * 100_000):
            body = b"\xdb" + len(raw).to_bytes(4) + raw
            self.assertEqual(unpack(body), raw.decode(errors="surrogateescape"))
