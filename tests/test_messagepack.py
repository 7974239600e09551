"""MessagePack and its three extensions (SPEC 9)."""

import zlib
from typing import Any

import msgpack
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.codec import encode_json
from kato.errors import InvalidRequest, PayloadTooLarge
from kato.messagepack import COMPRESSED, INTEGER, JSON, LARGE, WrittenList, pack, unpack
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

    def test_bomb(self) -> None:
        """No more is unpacked than the limit allows."""
        bomb = extension(COMPRESSED, zlib.compress(bytes(10_000)))
        error = self.assertRaises(PayloadTooLarge, unpack, bomb, limit=9_999)
        self.assertIn("9999 bytes when it is unpacked", error.message)

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
