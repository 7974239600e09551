"""What is not HTTP, or does not come: answered in JSON all the same (SPEC 8)."""

from typing import ClassVar

from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http import HTTPChannel

from kato.errors import InternalError
from kato.limits import Limits
from kato.protocols.rest.channel import MAX_HEAD, MAX_HEADERS
from kato.protocols.rest.refusing import LINGER
from tests.rest.talking import Client, Server, Wire, get, post, request

START = b"POST /p1/observe HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = START + b"Transfer-Encoding: chunked\r\n\r\n"

IDLE, ARRIVAL = Limits().idle, Limits().arrival


class MalformedTests(SynchronousTestCase):
    """Bytes that are no request."""

    REFUSED: ClassVar = [
        # the request line
        (b"GET\r\n", "request line"),
        (b"GET /p1/ping\r\n", "request line"),
        (b"GET  /p1/ping HTTP/1.1\r\n", "request line"),
        (b"GET /p1/ping HTTP/1.1 \r\n", "request line"),
        (b"GET /p1/ping HTTP/2.0\r\n", "request line"),
        (b"GET /p1/ping HTTP/0.9\r\n", "request line"),
        (b"GET /p1/ping http/1.1\r\n", "request line"),
        (b"GET /p1/a b HTTP/1.1\r\n", "request line"),
        (b"GET /p1/\x01 HTTP/1.1\r\n", "request line"),
        (b"G\x00T /p1/ping HTTP/1.1\r\n", "request line"),
        (b"(GET) /p1/ping HTTP/1.1\r\n", "request line"),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n", "TLS: "),
        (b"\r\n\r\n", "request line"),
        # headers
        (b"GET /p1/ping HTTP/1.1\r\nHost\r\n", "Host"),
        (b"GET /p1/ping HTTP/1.1\r\nHost : localhost\r\n", "Host "),
        (b"GET /p1/ping HTTP/1.1\r\n: x\r\n", "malformed"),
        (b"GET /p1/ping HTTP/1.1\r\nX: a\x00b\r\n", "X: malformed"),
        (b"GET /p1/ping HTTP/1.1\r\nX: a\nY: b\r\n", "X: malformed"),
        (b"GET /p1/ping HTTP/1.1\r\nX\x01: a\r\n", "malformed"),
        (b"GET /p1/ping HTTP/1.1\r\nX: a\r\n b\r\n", "malformed"),
        (b"GET /p1/ping HTTP/1.1\r\n Host: localhost\r\n", "malformed"),
        # lengths that two readers could take differently
        (START + b"Content-Length: 5\r\nContent-Length: 5\r\n", "Content-Length"),
        (START + b"Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length"),
        (START + b"Content-Length: 5, 5\r\n", "Content-Length"),
        (START + b"Content-Length: +5\r\n", "Content-Length"),
        (START + b"Content-Length: -1\r\n", "Content-Length"),
        (START + b"Content-Length: 0x5\r\n", "Content-Length"),
        (START + b"Content-Length: 5.0\r\n", "Content-Length"),
        (START + b"Content-Length:\r\n", "Content-Length"),
        (START + b"content-length: five\r\n", "content-length"),
        (START + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding"),
        (START + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "Content-Length"),
        (START + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "Transfer-Enc"),
        (START + b"Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding"),
        (START + b"Transfer-Encoding: gzip\r\n", "Transfer-Encoding"),
        (START + b"Transfer-Encoding: xchunked\r\n", "Transfer-Encoding"),
        (START + b"Transfer-Encoding: identity\r\n\r\n", "Transfer-Encoding"),
        (START + b"Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\n", "Transfer-Encoding"),
        (
            b"POST /p1/observe HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            "Transfer-Encoding",
        ),
        # chunks
        (CHUNKED + b"zz\r\n", "chunk"),
        (CHUNKED + b"-1\r\n", "chunk"),
        (CHUNKED + b"0x5\r\n", "chunk"),
        (CHUNKED + b"\r\n", "chunk"),
        (CHUNKED + b"2\r\nabc\r\n", "chunk"),
        (CHUNKED + b"2;\x00\r\n", "chunk"),
        (CHUNKED + b"1" * 2000, "chunk"),
        (CHUNKED + b"0\r\n" + b"X: y\r\n" * 20000, "chunk"),
    ]

    def test_tls(self) -> None:
        """Who asks by HTTPS is refused at once, and does not wait for a line to end."""
        client = Server().connect()
        client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        self.assertEqual(client.answer().status, 400)
        self.assertTrue(client.wire.half_closed)

    def test_json(self) -> None:
        """Each is answered 400 in JSON that says what is wrong, and the connection ends."""
        for raw, says in self.REFUSED:
            server = Server()
            client = server.connect()
            client.send(raw + b"\r\n" + get("/p1/ping"))
            answer = client.answer()
            self.assertEqual((answer.status, answer.json["error_code"]), (400, "INVALID_REQUEST"))
            self.assertIn(says, answer.json["message"], raw)
            self.assertEqual(answer.json["status"], "error")
            self.assertIn("time_stamp", answer.json)
            self.assertEqual(answer.headers["connection"], "close")
            self.assertTrue(client.wire.half_closed)
            self.assertEqual(server.asked.commands, [])
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_byte_by_byte(self) -> None:
        """It does not matter in which pieces they come."""
        for raw, _ in self.REFUSED:
            if len(raw) > 1000:
                continue
            client = Server().connect()
            for byte in raw + b"\r\n" + get("/p1/ping"):
                client.send(bytes([byte]))
            self.assertEqual(client.answer().status, 400, raw)

    def test_after_a_good_one(self) -> None:
        """What was asked before is answered before."""
        client = Server().connect()
        client.send(get("/p1/ping") + b"nonsense\r\n\r\n" + get("/p1/ping"))
        self.assertEqual([each.status for each in client.answers()], [200, 400])

    def test_private_hook(self) -> None:
        """twisted.web still calls the one private name that is relied on."""
        self.assertTrue(callable(HTTPChannel._respondToBadRequestAndDisconnect))
        called: list[bool] = []
        self.patch(HTTPChannel, "_respondToBadRequestAndDisconnect", lambda _: called.append(True))
        channel = HTTPChannel()
        channel.makeConnection(StringTransport())
        channel.setTimeout(None)
        channel.dataReceived(b"nonsense\r\n")
        self.assertEqual(called, [True])

    def test_head_method(self) -> None:
        """An answer to C{HEAD} has no body even then."""
        client = Server().connect()
        client.send(b"HEAD /p1/ping HTTP/1.1\r\nHost\r\n")
        [answer] = client.answers(["HEAD"])
        self.assertEqual((answer.status, answer.body), (400, b""))


class SizeTests(SynchronousTestCase):
    """Heads that are too large."""

    def test_too_large(self) -> None:
        """A line, lines together, and the number of headers each have their limit: 431."""
        for raw in [
            b"GET /" + b"a" * MAX_HEAD,
            b"GET /" + b"a" * MAX_HEAD + b" HTTP/1.1\r\n",
            b"GET / HTTP/1.1\r\nX: " + b"a" * MAX_HEAD,
            b"GET / HTTP/1.1\r\n" + b"X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 400,
            get("/p1/ping", *["X: y"] * MAX_HEADERS),
        ]:
            client = Server().connect()
            client.send(raw)
            answer = client.answer()
            self.assertEqual(answer.status, 431)
            self.assertEqual(answer.json["error_code"], "HEADERS_TOO_LARGE")
            told = r"^head: [\d,]+ (bytes|headers) or more are over the limit of (16,384|100)$"
            self.assertRegex(answer.json["message"], told)
            self.assertTrue(client.wire.half_closed)

    def test_just_fits(self) -> None:
        """A head of just the limits is read, and the next one counts anew."""
        client = Server().connect()
        for _ in range(3):
            client.send(get("/p1/ping", *["X: y"] * (MAX_HEADERS - 1)))
            spare = MAX_HEAD - len(get("/p1/ping", "X: "))
            client.send(get("/p1/ping", "X: " + "y" * spare))
        self.assertEqual([each.status for each in client.answers()], [200] * 6)


class SlowTests(SynchronousTestCase):
    """Clients that wait."""

    def setUp(self) -> None:
        self.server = Server()
        self.client = self.server.connect()

    def test_idle(self) -> None:
        """A connection on which nothing is asked is closed without a word."""
        self.client.send(get("/p1/ping"))
        self.client.answer()
        self.server.clock.advance(IDLE - 1)
        self.assertFalse(self.client.wire.disconnecting)
        self.server.clock.advance(1)
        self.assertTrue(self.client.wire.disconnecting)
        self.assertEqual(self.client.answers(), [])

    def test_never_used(self) -> None:
        """So is one on which nothing ever came."""
        self.server.clock.advance(IDLE)
        self.assertTrue(self.client.wire.disconnecting)
        self.assertEqual(self.client.answers(), [])

    def test_begun(self) -> None:
        """Who has begun a request, by as little as a byte, is told that it took too long."""
        raw = post("/p1/observe", b"{}")
        for length in [1, 20, 40, len(raw) - 1]:
            client = self.server.connect()
            client.send(raw[:length])
            self.server.clock.advance(IDLE)
            answer = client.answer()
            self.assertEqual((answer.status, answer.json["error_code"]), (408, "REQUEST_TIMEOUT"))
            told = "request: no byte of it came for 60 seconds, the limit"
            self.assertEqual(answer.json["message"], told)
            self.assertEqual(answer.headers["connection"], "close")

    def test_begun_behind_another(self) -> None:
        """That holds for a request which came with the end of the one before it."""
        self.client.send(get("/p1/ping") + get("/p1/status")[:10])
        self.client.answer()
        self.server.clock.advance(IDLE)
        self.assertEqual(self.client.answer().status, 408)

    def test_drop_by_drop(self) -> None:
        """Sending a byte now and then does not keep a request alive for ever."""
        self.client.send(b"GET /p1/ping?")
        for _ in range(int(ARRIVAL / 30) + 2):
            self.server.clock.advance(30)
            self.client.send(b"x")
        self.server.clock.advance(30)
        answer = self.client.answer()
        self.assertEqual(answer.status, 408)
        told = r"request: not whole after 3\d\d seconds, over the limit of 300"
        self.assertRegex(answer.json["message"], told)

    def test_long_answer(self) -> None:
        """However long an answer takes, its connection waits, and goes on behind it."""
        self.server.asked.holds = True
        self.client.send(get("/p1/predictions"))
        self.server.clock.advance(IDLE * 10)
        self.assertFalse(self.client.wire.disconnecting)
        self.server.asked.release()
        self.assertEqual(self.client.answer().status, 200)
        self.server.clock.advance(IDLE - 1)
        self.assertFalse(self.client.wire.disconnecting)


class LingerTests(SynchronousTestCase):
    """The end of a connection that was refused."""

    def refused(self, wire: Wire) -> tuple[Server, Client]:
        server = Server()
        client = server.connect(wire)
        client.send(b"nonsense\r\n")
        return server, client

    def test_what_follows_is_thrown_away(self) -> None:
        """What a client still sends is read and thrown away, then the connection is closed."""
        server, client = self.refused(Wire())
        client.answer()
        client.send(get("/p1/ping") * 100)
        self.assertEqual(client.answers(), [])
        self.assertFalse(client.wire.disconnecting)
        server.clock.advance(LINGER)
        self.assertTrue(client.wire.disconnecting)
        server.clock.advance(15)
        self.assertTrue(client.wire.aborted)

    def test_nothing_is_left(self) -> None:
        """When the client goes first, no timer is left."""
        server, client = self.refused(Wire())
        client.leave()
        self.assertEqual(server.clock.getDelayedCalls(), [])


class DefectTests(SynchronousTestCase):
    """Defects of ours while a request is read."""

    def test_told_without_a_traceback(self) -> None:
        """They are logged under a reference, which is all that the client is told."""
        server = Server()
        client = server.connect()
        self.patch(type(client.channel), "checkPersistence", lambda *_: 1 / 0)
        client.send(request("GET", "/p1/ping", None, "Connection: close"))
        [logged] = self.flushLoggedErrors(ZeroDivisionError)
        answer = client.answer()
        self.assertEqual(
            (answer.status, answer.json["error_code"]), (500, InternalError.error_code)
        )
        self.assertRegex(answer.json["message"], r"\Ainternal error, logged under [0-9a-f]{12}\Z")
        self.assertIn("ZeroDivisionError", logged.getTraceback())
