"""What answers tell browsers (SPEC 9)."""

from typing import ClassVar

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.codec import MAX_MESSAGE
from kato.errors import TooManyRequests
from kato.protocols.rest import Access
from kato.protocols.rest.routes import ROUTES
from tests.rest.talking import Answer, Server, get, post, read_answers, request

PAGE = "https://page.example"
OTHER = "http://other.example:8080"
FROM_PAGE = f"Origin: {PAGE}"
EVIL = "Origin: https://evil.example"
ACCESS = Access(origins=frozenset({PAGE.encode(), OTHER.encode()}))
KEY = "X-API-Key: s3cret"


def shares(answer: Answer) -> dict[str, str]:
    """What an answer says of sharing it."""
    return {
        name: value
        for name, value in answer.headers.items()
        if name.startswith("access-control-") or name == "vary"
    }


SHARED = {
    "access-control-allow-origin": PAGE,
    "access-control-expose-headers": "X-Request-ID, Retry-After",
    "vary": "Origin",
}


class SharingTests(SynchronousTestCase):
    """Answers to pages of other origins."""

    def setUp(self) -> None:
        self.server = Server(access=ACCESS, api_key=b"s3cret")

    def test_allowed(self) -> None:
        """A page of an allowed origin may read its answers, and which origin that is."""
        self.assertEqual(shares(self.server.ask(get("/p1/status", FROM_PAGE, KEY))), SHARED)
        answer = self.server.ask(get("/live", f"Origin: {OTHER}"))
        self.assertEqual(answer.headers["access-control-allow-origin"], OTHER)

    def test_errors(self) -> None:
        """It may read errors as well, also those that end the connection."""
        huge = f"Content-Length: {MAX_MESSAGE + 1}"
        for raw, status in (
            (get("/p1/status", FROM_PAGE), 401),
            (get("/p1/nowhere", FROM_PAGE, KEY), 404),
            (request("PATCH", "/p1/status", None, FROM_PAGE, KEY), 405),
            (post("/p1/observe", b"nonsense", FROM_PAGE, KEY), 415),
            (post("/p1/observe", b"[]", FROM_PAGE, KEY), 400),
            (request("POST", "/p1/observe", None, FROM_PAGE, KEY, huge), 413),
            (get("/ws", FROM_PAGE), 409),
        ):
            answer = self.server.ask(raw)
            self.assertEqual((answer.status, shares(answer)), (status, SHARED), raw)
        self.server.asked.error = TooManyRequests("full", retry_after=3)
        answer = self.server.ask(post("/p1/learn", None, FROM_PAGE, KEY))
        self.assertEqual((answer.status, answer.headers["retry-after"]), (429, "3"))
        self.assertEqual(shares(answer), SHARED)

    def test_large(self) -> None:
        """An answer that may be compressed names all that it varies by at once."""
        self.server.asked.fields = {"models": ["a" * 100] * 100}
        for more in ((), ("Accept-Encoding: gzip",)):
            answer = self.server.ask(get("/p1/models", FROM_PAGE, KEY, *more))
            self.assertEqual(shares(answer), {**SHARED, "vary": "Accept-Encoding, Origin"})

    def test_not_allowed(self) -> None:
        """A page of any other origin is refused, and may not even read that; one's own, and who is
        no page, need no permission."""
        for origin in (
            *(EVIL, "Origin: null", f"Origin: {PAGE}.evil.example", f"Origin: {PAGE}:8443"),
            *(f"Origin: {PAGE.upper()}", f"Origin: {PAGE}, {OTHER}", "Origin: *", "Origin:"),
        ):
            answer = self.server.ask(get("/p1/status", origin, KEY))
            self.assertEqual((answer.status, shares(answer)), (403, {}), origin)
        twice = self.server.ask(get("/p1/status", FROM_PAGE, f"Origin: {OTHER}", KEY))
        self.assertEqual(shares(twice), {})
        for own in (["Origin: http://localhost"], []):
            answer = self.server.ask(get("/p1/status", KEY, *own))
            self.assertEqual((answer.status, shares(answer)), (200, {}))

    def test_never_all(self) -> None:
        """Nothing is shared with everybody, and nothing goes with cookies."""
        for raw in (get("/p1/status", FROM_PAGE, KEY), preflight("/p1/observe", "POST")):
            told = shares(self.server.ask(raw))
            self.assertNotIn("*", told.values())
            self.assertNotIn("access-control-allow-credentials", told)


def preflight(path: str, method: str, *headers: str, origin: str = FROM_PAGE) -> bytes:
    """What a browser asks before a page's request with a header or body of its own."""
    asks = f"Access-Control-Request-Method: {method}"
    return request("OPTIONS", path, None, origin, asks, *headers)


class PreflightTests(SynchronousTestCase):
    """C{OPTIONS}, as browsers ask it."""

    ALL: ClassVar = "DELETE, GET, HEAD, POST, PUT"

    def setUp(self) -> None:
        self.server = Server(access=ACCESS, api_key=b"s3cret")

    def test_answer(self) -> None:
        """It is answered without a key, with the methods of the path and the headers that one may
        send, and asks nobody."""
        asks = "Access-Control-Request-Headers: authorization, content-type"
        answer = self.server.ask(preflight("/p1/observe", "POST", asks))
        self.assertEqual((answer.status, answer.body), (204, b""))
        self.assertEqual(
            shares(answer),
            {
                **SHARED,
                "access-control-allow-methods": "POST",
                "access-control-allow-headers": (
                    "Authorization, X-API-Key, Content-Type, Idempotency-Key, X-Request-ID"
                ),
                "access-control-max-age": "600",
            },
        )
        self.assertNotIn("content-length", answer.headers)
        self.assertNotIn("content-type", answer.headers)
        self.assertEqual(self.server.asked.commands, [])

    def test_methods(self) -> None:
        """Every route is allowed where it is, whether its processor exists or not."""
        words = {"processor": "p1", "gene": "sort", "model_name": "a"}
        for route in ROUTES:
            path = route.path.format(**words, folder="a", name="a.js")
            answer = self.server.ask(preflight(path, route.method))
            methods = answer.headers["access-control-allow-methods"].split(", ")
            self.assertIn(route.method, methods)
        answer = self.server.ask(preflight("/p1/model/a", "PUT"))
        self.assertEqual(answer.headers["access-control-allow-methods"], "DELETE, GET, HEAD, PUT")

    def test_nothing_told(self) -> None:
        """Of a path that is nobody's nothing is told, but to who asks for it."""
        for path in ("/no/such/path", "/p1/nowhere", "/%2F/x"):
            answer = self.server.ask(preflight(path, "GET"))
            self.assertEqual(answer.status, 204)
            self.assertEqual(answer.headers["access-control-allow-methods"], self.ALL)

    def test_stays_open(self) -> None:
        """The connection goes on behind it."""
        client = self.server.connect()
        client.send(preflight("/p1/learn", "POST"))
        client.send(post("/p1/learn", None, FROM_PAGE, KEY))
        statuses = [each.status for each in read_answers(client.wire.value())]
        self.assertEqual(statuses, [204, 200])

    def test_foreign(self) -> None:
        """A page that may not ask is told nothing."""
        for origin in (EVIL, "Origin: null"):
            answer = self.server.ask(preflight("/p1/observe", "POST", origin=origin))
            self.assertEqual((answer.status, shares(answer)), (403, {}))

    def test_no_preflight(self) -> None:
        """Any other C{OPTIONS} is a method that no path knows, for who has the key."""
        for headers in (
            [],
            [FROM_PAGE],
            ["Access-Control-Request-Method: POST"],
            ["Origin: http://localhost", "Access-Control-Request-Method: POST"],
        ):
            self.assertEqual(
                self.server.ask(request("OPTIONS", "/p1/learn", None, *headers)).status, 401
            )
            answer = self.server.ask(request("OPTIONS", "/p1/learn", None, KEY, *headers))
            self.assertEqual((answer.status, answer.headers["allow"]), (405, "POST"))

    def test_body(self) -> None:
        """It has no body: one that is announced is refused before it is read."""
        asks = "Access-Control-Request-Method: POST"
        answer = self.server.ask(request("OPTIONS", "/p1/learn", b"{}", FROM_PAGE, asks))
        self.assertEqual((answer.status, shares(answer)), (400, SHARED))
        raw = request("OPTIONS", "/p1/learn", None, FROM_PAGE, asks, f"Content-Length: {10**6}")
        self.assertEqual(self.server.ask(raw).headers["connection"], "close")


class InjectionTests(SynchronousTestCase):
    """Bytes of a client in headers of an answer."""

    VALUES: ClassVar = (
        b"a\rSet-Cookie: x=1",
        b"a\nSet-Cookie: x=1",
        b"a\r\nSet-Cookie: x=1",
        b"a\r\n Set-Cookie: x=1",
        b"a\x00b",
        b"a\x0bb",
        b"a\xc2\x85b",
        b"a%0d%0aSet-Cookie: x=1",
    )

    def heads(self, name: bytes, value: bytes) -> list[bytes]:
        """The lines of the heads of all that is answered to a request with such a header."""
        server = Server(access=Access(origins=frozenset({PAGE.encode()})))
        client = server.connect()
        client.send(b"GET /p1/ping HTTP/1.1\r\nHost: localhost\r\n%b: %b\r\n\r\n" % (name, value))
        said: bytes = client.wire.value()
        lines = said.partition(b"\r\n\r\n")[0].split(b"\r\n")
        self.assertEqual([each for each in lines if b"\r" in each or b"\n" in each], [])
        return lines

    def test_known(self) -> None:
        """No header of a request makes one of the answer."""
        for name in (b"X-Request-ID", b"Origin", b"Host", b"X-Forwarded-Host"):
            for value in self.VALUES:
                lines = self.heads(name, value)
                self.assertFalse(any(each.startswith(b"Set-Cookie") for each in lines), lines)

    @given(st.binary(max_size=40))
    def test_any(self, value: bytes) -> None:
        """Whatever stands in one, the head of the answer has lines that are known."""
        for name in (b"X-Request-ID", b"Origin"):
            names = {each.partition(b":")[0] for each in self.heads(name, value)[1:]}
            self.assertLessEqual(names, KNOWN)


KNOWN = {
    *(b"Date", b"Server", b"X-Content-Type-Options", b"X-Frame-Options", b"Referrer-Policy"),
    *(b"Cross-Origin-Resource-Policy", b"Content-Type", b"Cache-Control", b"Content-Length"),
    *(b"X-Request-ID", b"Connection", b"Access-Control-Allow-Origin", b"Vary"),
    b"Access-Control-Expose-Headers",
}
