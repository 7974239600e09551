"""Paths and queries, decoded strictly (SPEC 9)."""

from urllib.parse import quote, quote_plus

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.errors import InvalidRequest
from kato.protocols.rest.target import parse_query, parse_target

WORDS = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=12)


class PathTests(SynchronousTestCase):
    """The words of a path."""

    def test_plain(self) -> None:
        """A path is its words between slashes; one at the end begins an empty word."""
        self.assertEqual(parse_target(b"/p1/observe").segments, ("p1", "observe"))
        self.assertEqual(parse_target(b"/").segments, ("",))
        self.assertEqual(parse_target(b"/p1/").segments, ("p1", ""))
        self.assertEqual(parse_target(b"//p1").segments, ("", "p1"))

    def test_encoded(self) -> None:
        """Names are percent-encoded; a slash that is encoded stays in its word."""
        got = parse_target(b"/p1/model/MODEL%7Cab%2fc%C3%A9").segments
        self.assertEqual(got, ("p1", "model", "MODEL|ab/cé"))

    def test_plus_is_itself(self) -> None:
        """A plus in a path is no space."""
        self.assertEqual(parse_target(b"/a+b").segments, ("a+b",))

    @settings(deadline=None, max_examples=200)
    @given(st.lists(WORDS, min_size=1, max_size=4), WORDS, WORDS)
    def test_any_name_goes_through(self, words: list[str], name: str, value: str) -> None:
        """Whatever is encoded comes out as it was, and nothing else does."""
        path = "/" + "/".join(quote(word, safe="") for word in words)
        query = f"{quote_plus(name)}={quote_plus(value)}"
        target = parse_target(f"{path}?{query}".encode())
        self.assertEqual(target.segments, tuple(words))
        self.assertEqual(parse_query(target.query), ((name, value),))

    @settings(deadline=None, max_examples=300)
    @given(st.binary(max_size=20))
    def test_any_bytes_are_read_or_refused(self, raw: bytes) -> None:
        """Whatever the bytes are, they are words without a NUL, or refused."""
        try:
            segments = parse_target(b"/" + raw).segments
        except InvalidRequest:
            return
        self.assertNotIn("\0", "".join(segments))
        "".join(segments).encode()

    def test_refused(self) -> None:
        """What is no proper encoding is refused by an error that shows it."""
        for path, says in [
            (b"/p1/model/%", "bad percent-encoding % in '/p1"),
            (b"/p1/model/%7", "bad percent-encoding %7"),
            (b"/p1/model/%zz", "bad percent-encoding %zz"),
            (b"/p1/model/%+1", "bad percent-encoding %+1"),
            (b"/p1/model/%u0041", "bad percent-encoding %u0"),
            (b"/p1/model/%\n0", "bad percent-encoding %\\n0"),
            (b"/p1/model/a%00b", "a NUL"),
            (b"/p1/model/a\0b", "a NUL"),
            (b"/p1/model/%ff", "not UTF-8 at byte 0"),
            (b"/p1/model/%ed%a0%80", "not UTF-8"),
            (b"/p1/model/%c0%af", "not UTF-8"),
            (b"/p1/model/\xff", "not UTF-8"),
            (b"/p1/status#x", "fragment"),
            (b"p1/status", "begins with a slash"),
            (b"*", "begins with a slash"),
            (b"localhost:8000", "begins with a slash"),
            (b"ftp://localhost/p1", "begins with a slash"),
        ]:
            error = self.assertRaises(InvalidRequest, parse_target, path)
            self.assertTrue(error.message.startswith("path: "), error.message)
            self.assertIn(says.split(" in ")[0], error.message)


class AbsoluteTests(SynchronousTestCase):
    """Targets that name the server, as proxies send them."""

    def test_parts(self) -> None:
        """The host is told apart from the path and the query."""
        for raw, host, segments, query in [
            (b"http://localhost:8000/p1/ping", b"localhost:8000", ("p1", "ping"), b""),
            (b"HTTPS://kato.example/p1?a=b", b"kato.example", ("p1",), b"a=b"),
            (b"http://localhost", b"localhost", ("",), b""),
            (b"http://localhost?a=/b", b"localhost", ("",), b"a=/b"),
            (b"http:///p1", b"", ("p1",), b""),
        ]:
            got = parse_target(raw)
            self.assertEqual((got.host, got.segments, got.query), (host, segments, query), raw)


class QueryTests(SynchronousTestCase):
    """The pairs of a query."""

    def test_pairs(self) -> None:
        """Pairs stand between ampersands; a plus is a space, a name may have no value."""
        got = parse_query(b"a=1&b=x+y%2Bz&&c&d==")
        self.assertEqual(got, (("a", "1"), ("b", "x y+z"), ("c", ""), ("d", "=")))
        self.assertEqual(parse_query(b""), ())

    def test_refused(self) -> None:
        """A query is decoded as strictly as a path."""
        for raw in [b"a=%", b"%zz=1", b"a=%00", b"a=%ff"]:
            error = self.assertRaises(InvalidRequest, parse_query, raw)
            self.assertTrue(error.message.startswith("query: "), error.message)
