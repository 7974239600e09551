"""Requests that come in one piece are read at once, and mean what they mean in many."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.protocols.rest.whole import MAX_HEAD, WholeHead, read_whole
from tests.rest.malformed import MALFORMED
from tests.rest.talking import Server, get, post, request

_LINES = st.sampled_from(
    [
        "X-Request-ID: abc",
        "x-request-id: abc",
        "X-Request-ID:abc",
        "X-Request-ID: a b",
        "X-Request-ID: abc ",
        "X-Request-ID:",
        "Connection: close",
        "Connection: Keep-Alive",
        "Content-Length: 0",
        "Content-Length: 3",
        "Content-Length: +2",
        "Content-Type: text/plain; charset=latin-1",
        "Transfer-Encoding: chunked",
        "Expect: 100-continue",
        "Host: evil.example",
        "Origin: http://evil.example",
        "Idempotency-Key: k",
        "Bad header: x",
        " continued",
        "no colon",
        "Control: \x01",
        "Accept: */*",
        "\xe9: \xe9",
    ]
)
_STARTS = st.sampled_from(
    [
        "GET /p1/ping HTTP/1.1",
        "GET /p1/ping HTTP/1.0",
        "GET /p1/ping HTTP/2.0",
        "get /p1/ping HTTP/1.1",
        "GET  /p1/ping HTTP/1.1",
        "GET /p1/p\x7fing HTTP/1.1",
        "HEAD /p1/ping HTTP/1.1",
        "POST /p1/learn HTTP/1.1",
        "POST /p1/observe?brief=true HTTP/1.1",
        "DELETE /p1/observe HTTP/1.1",
        "",
    ]
)
_BODIES = st.sampled_from([b"", b"{}", b'{"strings":["a"]}', b"\xff"])


def answered(raw: bytes, *, pieces: bool) -> bytes:
    """What comes of a request that is sent in one piece, or in two; ids that were made aside."""
    client = Server().connect()
    if pieces:
        client.send(raw[:1])
        client.send(raw[1:])
    else:
        client.send(raw)
    return re.sub(rb"[0-9a-f]{8}-1\r", b"made\r", client.wire.value())


class SameTests(SynchronousTestCase):
    """In one piece and in two."""

    def check(self, raw: bytes) -> None:
        self.assertEqual(answered(raw, pieces=False), answered(raw, pieces=True), raw)

    def test_malformed(self) -> None:
        """What is malformed is refused in the same words."""
        for case in MALFORMED:
            self.check(case.raw)

    @given(_STARTS, st.lists(_LINES, max_size=4), st.booleans(), _BODIES, st.booleans())
    @settings(deadline=None, max_examples=400)
    def test_any(
        self, start: str, lines: list[str], host: bool, body: bytes, tells_length: bool
    ) -> None:
        """Any head with any body is answered as it is in two pieces."""
        hosts = ["Host: localhost"] if host else []
        lengths = [f"Content-Length: {len(body)}"] if tells_length else []
        head = "\r\n".join([start, *hosts, *lines, *lengths, "", ""])
        self.check(head.encode("latin-1") + body)


class WholeTests(SynchronousTestCase):
    """L{read_whole} alone."""

    def test_plain(self) -> None:
        """A plain request is taken apart: names are written as they are looked up."""
        raw = b"POST /p1/learn HTTP/1.1\r\nhost: localhost\r\nX-API-key:k \r\ncontent-length: 2\r\n"
        self.assertEqual(
            read_whole(raw + b"\r\n{}"),
            (
                WholeHead(
                    b"POST /p1/learn HTTP/1.1",
                    {b"Host": [b"localhost"], b"X-Api-Key": [b"k"], b"Content-Length": [b"2"]},
                    2,
                ),
                b"{}",
            ),
        )

    def test_what_clients_send(self) -> None:
        """What the usual clients send is plain."""
        for raw in (
            get("/p1/ping", "User-Agent: curl/8.0", "Accept: */*"),
            get("/p1/ping", "Accept-Encoding: gzip, deflate", "Connection: keep-alive"),
            post("/p1/observe", {"strings": ["a"]}, "X-API-Key: k", "Idempotency-Key: 1"),
        ):
            self.assertIsNotNone(read_whole(raw), raw)

    def test_left(self) -> None:
        """What is not plain, or not whole, is left to who reads line by line."""
        plain = post("/p1/observe", {"strings": ["a"]})
        for raw in (
            b"",
            plain[:-1],
            plain + b"x",
            plain * 2,
            get("/p1/ping", "Connection: close"),
            get("/p1/ping", "Transfer-Encoding: chunked"),
            post("/p1/learn", None, "Expect: 100-continue"),
            request("GET", "/p1/ping", version="HTTP/1.0"),
            get("/p1/ping", "X: " + "a" * MAX_HEAD),
            get("/p1/ping", *["A: b"] * 60),
            get("/p1/ping", " continued"),
            get("/p1/ping", "Content-Length: 1x"),
            get("/p1/ping", "Content-Length: 0", "Content-Length: 0"),
        ):
            self.assertIsNone(read_whole(raw), raw)
