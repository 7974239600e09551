"""HTTP as a client meets it: connections, bodies and headers."""

from twisted.internet.address import IPv6Address, UNIXAddress
from twisted.internet.defer import CancelledError
from twisted.trial.unittest import SynchronousTestCase

from kato.codec import MAX_MESSAGE
from kato.commands import Command
from kato.limits import Limits
from kato.protocols.rest.channel import PIPELINED, SMALL_BODY
from tests.rest.talking import Server, Wire, get, post, request

OBSERVE = b'{"strings":["a"]}'


def chunked(path: str, *chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """The bytes of a C{POST} whose body comes in chunks."""
    parts = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return request("POST", path, None, "Transfer-Encoding: chunked") + parts + end


class ConnectionTests(SynchronousTestCase):
    """What one connection is used for."""

    def setUp(self) -> None:
        self.server = Server()
        self.client = self.server.connect()

    def test_kept(self) -> None:
        """A connection serves one request after another, with and without bodies."""
        for _ in range(3):
            self.client.send(get("/p1/ping"))
            self.assertEqual(self.client.answer().json["message"], "pong")
            self.client.send(post("/p1/observe", {"strings": ["a"]}))
            self.assertEqual(self.client.answer().json["message"], "observed")
        self.assertFalse(self.client.wire.disconnecting)

    def test_byte_by_byte(self) -> None:
        """A request may come in pieces of any size."""
        raw = post("/p1/observe", {"strings": ["a"]}) + get("/p1/ping")
        for at in range(len(raw)):
            self.client.send(raw[at : at + 1])
        messages = [answer.json["message"] for answer in self.client.answers()]
        self.assertEqual(messages, ["observed", "pong"])

    def test_pipelined(self) -> None:
        """Requests that are sent without waiting are answered in order, one after the other."""
        self.server.asked.holds = True
        self.client.send(
            get("/p1/status") + get("/p2/genes") + get("/p3/unknown") + get("/p4/ping")
        )
        self.assertEqual([each.processor for each in self.server.asked.commands], ["p1"])
        for _ in range(3):
            self.server.asked.release()
        answers = self.client.answers()
        self.assertEqual(
            [(each.status, each.json.get("processor")) for each in answers],
            [(200, "p1"), (200, "p2"), (404, None), (200, "p4")],
        )

    def test_others_have_their_turn(self) -> None:
        """Of many requests that come at once some are answered, then others have their turn."""
        for raw in (get("/live"), post("/p1/observe", {"strings": ["a"]})):
            self.client.send(raw * 3 * PIPELINED)
            self.assertEqual(len(self.client.answers()), PIPELINED)
            other = self.server.connect()
            other.send(get("/p1/ping"))
            self.assertEqual(other.answer().status, 200)
            self.server.clock.pump([0, 0])
            self.assertEqual(len(self.client.answers()), 2 * PIPELINED)
        self.assertEqual(self.server.asked.commands[-1].operation, "observe")

    def test_unread(self) -> None:
        """Who does not read the answers gets no more of them until they are read, is not listened
        to meanwhile, and not for ever."""
        self.client.send(get("/live")[:10])
        self.client.channel.pauseProducing()
        self.client.send(get("/live")[10:] + get("/live") * 3)
        self.assertEqual(len(self.client.answers()), 1)
        self.assertEqual(self.client.wire.producerState, "paused")
        self.client.channel.resumeProducing()
        self.assertEqual(len(self.client.answers()), 3)
        self.assertEqual(self.client.wire.producerState, "producing")
        self.client.channel.pauseProducing()
        self.client.send(get("/live") * 2)
        self.server.clock.advance(Limits().idle)
        self.assertTrue(self.client.wire.disconnecting)
        self.assertEqual(len(self.client.answers()), 1)

    def test_gone_between(self) -> None:
        """One who goes away meanwhile is forgotten."""
        self.client.send(get("/live") * 3 * PIPELINED)
        self.client.leave()
        self.server.clock.advance(0)
        self.assertEqual(len(self.client.answers()), PIPELINED)
        self.assertEqual(self.server.site.connections, 0)

    def test_errors_keep_it(self) -> None:
        """A request that was understood and refused leaves the connection open."""
        for raw in [
            get("/p1/nowhere"),
            request("DELETE", "/live"),
            post("/p1/observe", b"[]"),
            post("/p1/nowhere", b"x" * SMALL_BODY),
            get("/p1/%zz"),
            get("/p1/status", "Origin: http://evil.example"),
            request("GET", "/p1/status", host=None),
        ]:
            self.client.send(raw)
            self.assertGreaterEqual(self.client.answer().status, 400)
        self.client.send(get("/p1/ping"))
        self.assertEqual(self.client.answer().status, 200)
        self.assertFalse(self.client.wire.disconnecting)

    def test_closed_when_asked(self) -> None:
        """A client that says C{close}, alone or among others, gets one answer, which says so."""
        for value in ["close", "Close", "keep-alive, close", "close, TE"]:
            client = self.server.connect()
            client.send(get("/p1/ping", f"Connection: {value}") + get("/p1/ping"))
            self.assertEqual(client.answer().headers["connection"], "close")
            self.assertTrue(client.wire.disconnecting)

    def test_http_1_0(self) -> None:
        """HTTP/1.0 needs no host, and ends with its answer."""
        self.client.send(request("GET", "/p1/ping", host=None, version="HTTP/1.0"))
        answer = self.client.answer()
        self.assertEqual((answer.status, answer.headers["connection"]), (200, "close"))
        self.assertTrue(self.client.wire.disconnecting)

    def test_a_blank_line_before(self) -> None:
        """An empty line before a request is passed over."""
        self.client.send(b"\r\n" + get("/p1/ping"))
        self.assertEqual(self.client.answer().status, 200)

    def test_gone_while_it_ran(self) -> None:
        """A client that went away is answered nothing, and harms nobody."""
        self.server.asked.holds = True
        self.client.send(post("/p1/learn"))
        self.client.leave()
        self.server.asked.release()
        self.assertEqual(self.client.wire.value(), b"")
        self.assertEqual(self.server.clock.getDelayedCalls(), [])
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_gone_while_it_failed(self) -> None:
        """The same holds where the request fails."""
        self.server.asked.holds = True
        self.client.send(post("/p1/learn"))
        self.client.leave()
        self.server.asked.held.pop().errback(ValueError("a defect"))
        self.assertEqual(self.client.wire.value(), b"")
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_gone_in_the_middle(self) -> None:
        """A client that goes away in the middle of its request asked for nothing."""
        self.client.send(post("/p1/observe", OBSERVE)[:-3])
        self.client.leave()
        self.assertEqual(self.server.asked.commands, [])
        self.assertEqual(self.server.clock.getDelayedCalls(), [])


class HeadTests(SynchronousTestCase):
    """C{HEAD}."""

    def test_same_without_body(self) -> None:
        """Its answer is that of C{GET} without the body, in status and in length."""
        server = Server()
        server.asked.fields = {"predictions": ["x" * 100] * 50}
        for path in ["/p1/predictions", "/kato-api/ping", "/live", "/stats", "/p1/nowhere"]:
            got = server.ask(get(path))
            head = server.ask(request("HEAD", path))
            self.assertEqual((head.status, head.body), (got.status, b""), path)
            same = {"content-length", "content-type"}
            self.assertEqual(
                {name: value for name, value in head.headers.items() if name in same},
                {name: value for name, value in got.headers.items() if name in same},
            )

    def test_next_request(self) -> None:
        """The connection goes on behind it."""
        client = Server().connect()
        client.send(request("HEAD", "/p1/status") + get("/p1/ping"))
        first, second = client.answers(["HEAD", "GET"])
        self.assertEqual((first.body, second.json["message"]), (b"", "pong"))


class BodyTests(SynchronousTestCase):
    """How bodies come, and how long they may be."""

    def setUp(self) -> None:
        self.server = Server()
        self.client = self.server.connect()

    def test_chunks(self) -> None:
        """A body may come in chunks, with extensions and trailers, which say nothing."""
        end = b"0;last\r\nX-Sum: 1\r\n\r\n"
        self.client.send(chunked("/p1/observe", OBSERVE[:5], OBSERVE[5:], end=end))
        self.client.send(chunked("/p1/learn"))
        self.assertEqual([each.status for each in self.client.answers()], [200, 200])
        self.assertEqual(
            self.server.asked.commands,
            [Command.parse("observe", {"strings": ["a"]}, "p1"), Command.parse("learn", {}, "p1")],
        )

    def test_too_long(self) -> None:
        """A body that is announced as too long is refused before a byte of it is read."""
        start = post("/p1/observe").removesuffix(b"\r\n")
        self.client.send(start + b"Content-Length: %d\r\n\r\n" % (MAX_MESSAGE + 1))
        answer = self.client.answer()
        self.assertEqual(answer.status, 413)
        self.assertEqual(answer.json["error_code"], "PAYLOAD_TOO_LARGE")
        self.assertIn("16,777,217 bytes are over the limit of 16,777,216", answer.json["message"])
        self.assertEqual(answer.headers["connection"], "close")
        self.assertTrue(self.client.wire.half_closed)

    def test_far_too_long(self) -> None:
        """That holds for any number of digits."""
        for digits in [20, 5000]:
            client = self.server.connect()
            start = post("/p1/observe").removesuffix(b"\r\n")
            client.send(start + b"Content-Length: " + b"9" * digits + b"\r\n\r\n")
            self.assertEqual(client.answer().status, 413)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_chunks_too_long(self) -> None:
        """A body in chunks is refused as soon as it is over the limit, and not kept."""
        self.client.send(request("POST", "/p1/observe", None, "Transfer-Encoding: chunked"))
        piece = b"100000\r\n" + b"x" * 2**20 + b"\r\n"
        for _ in range(MAX_MESSAGE // 2**20):
            self.client.send(piece)
        self.assertEqual(self.client.answers(), [])
        self.client.send(b"1\r\nx")
        self.assertEqual(self.client.answer().status, 413)
        self.client.send(b"\r\n0\r\n\r\n" + get("/p1/ping"))
        self.assertEqual(self.client.answers(), [])

    def test_longest(self) -> None:
        """A body of just the limit is read."""
        body = b'{"metadata":{"m":"' + b"x" * (MAX_MESSAGE - 21) + b'"}}'
        self.assertEqual(len(body), MAX_MESSAGE)
        self.client.send(post("/p1/observe", body))
        self.assertEqual(self.client.answer().status, 200)

    def test_forms_are_not_parsed(self) -> None:
        """A body that says it is a form is read as JSON, like any other."""
        raw = post("/p1/observe", OBSERVE, "Content-Type: multipart/form-data")
        self.client.send(raw)
        self.assertEqual(self.client.answer().status, 200)

    def test_expected(self) -> None:
        """A client that asks first is told to go on."""
        raw = post("/p1/observe", OBSERVE, "Expect: 100-continue")
        head, _, body = raw.partition(b"\r\n\r\n")
        self.client.send(head + b"\r\n\r\n")
        self.assertEqual(self.client.wire.value(), b"HTTP/1.1 100 Continue\r\n\r\n")
        self.client.send(body)
        self.assertEqual(self.client.answer().status, 200)

    def test_not_expected(self) -> None:
        """It is not told so where the head is refused already, but why."""
        for path, length, status in [
            ("/p1/observe", MAX_MESSAGE + 1, 413),
            ("/p1/nowhere", 10, 404),
            ("/live", 10, 405),
        ]:
            client = self.server.connect()
            start = post(path, None, "Expect: 100-continue").removesuffix(b"\r\n")
            client.send(start + b"Content-Length: %d\r\n\r\n" % length)
            self.assertNotIn(b"100 Continue", client.wire.value())
            answer = client.answer()
            self.assertEqual((answer.status, answer.headers["connection"]), (status, "close"))

    def test_large_and_refused(self) -> None:
        """A large body is not waited for where the head is refused; a small one is."""
        for length, at_once in [(SMALL_BODY, False), (SMALL_BODY + 1, True)]:
            client = self.server.connect()
            start = post("/p1/nowhere").removesuffix(b"\r\n")
            client.send(start + b"Content-Length: %d\r\n\r\n" % length)
            self.assertEqual(len(client.answers()), int(at_once))
        client = self.server.connect()
        client.send(request("POST", "/p1/nowhere", None, "Transfer-Encoding: chunked"))
        self.assertEqual(client.answer().status, 404)


class NameTests(SynchronousTestCase):
    """By which names the server is called."""

    def test_absolute(self) -> None:
        """A target may name the server, by one of its names."""
        server = Server()
        self.assertEqual(server.ask(get("http://localhost:8000/p1/ping?")).status, 200)
        self.assertEqual(server.ask(get("http://evil.example/p1/ping")).status, 403)
        self.assertEqual(server.ask(get("http:///p1/ping")).status, 400)

    def test_local_address(self) -> None:
        """The address on which the connection came in is one of its names."""
        server = Server()
        raw = request("GET", "/p1/ping", host="[2001:db8::7]:8000")
        for host, status in [
            (IPv6Address("TCP", "2001:db8::7", 8000), 200),
            (IPv6Address("TCP", "2001:db8::8", 8000), 403),
            (UNIXAddress("/tmp/kato"), 403),
        ]:
            client = server.connect(Wire(host))
            client.send(raw)
            self.assertEqual(client.answer().status, status, host)

    def test_foreign(self) -> None:
        """An unknown host and a foreign page are forbidden, none at all is invalid."""
        server = Server()
        for raw, status, code in [
            (request("GET", "/live", host="evil.example"), 403, "FORBIDDEN"),
            (get("/live", "Origin: http://evil.example"), 403, "FORBIDDEN"),
            (get("/live", "Origin: null"), 403, "FORBIDDEN"),
            (request("GET", "/live", host=None), 400, "INVALID_REQUEST"),
            (get("/live", "Host: localhost"), 400, "INVALID_REQUEST"),
        ]:
            answer = server.ask(raw)
            self.assertEqual((answer.status, answer.json["error_code"]), (status, code))


class HeaderTests(SynchronousTestCase):
    """What every answer carries."""

    def test_always(self) -> None:
        """Successes and errors carry the same headers, and no more."""
        server = Server()
        common = {
            "server",
            "date",
            "content-type",
            "content-length",
            "cache-control",
            *("x-content-type-options", "x-frame-options"),
            *("referrer-policy", "cross-origin-resource-policy"),
            "x-request-id",
        }
        for raw, more in [
            (get("/p1/ping"), set()),
            (get("/p1/unknown"), set()),
            (request("DELETE", "/live"), {"allow"}),
            (b"nonsense\r\n", {"connection"}),
        ]:
            answer = server.ask(raw)
            self.assertEqual(set(answer.headers), common | more, raw)
            self.assertEqual(answer.headers["content-type"], "application/json")
            self.assertEqual(answer.headers["cache-control"], "no-store")
            self.assertEqual(answer.headers["x-content-type-options"], "nosniff")
            self.assertEqual(answer.headers["x-frame-options"], "DENY")
            self.assertEqual(answer.headers["referrer-policy"], "no-referrer")
            self.assertEqual(answer.headers["cross-origin-resource-policy"], "same-origin")
            self.assertEqual(answer.headers["date"], "Mon, 12 Jan 1970 13:46:40 GMT")

    def test_request_id_taken(self) -> None:
        """The id that a client gave its request comes back."""
        for name in ["abc", "x" * 128, "!~{}"]:
            answer = Server().ask(get("/p1/ping", f"X-Request-ID: {name}"))
            self.assertEqual(answer.headers["x-request-id"], name)

    def test_request_id_made(self) -> None:
        """One that is unfit for a log is replaced, and none twice the same."""
        server = Server()
        made = [
            server.ask(get("/p1/ping", *headers)).headers["x-request-id"]
            for headers in [
                [],
                ["X-Request-ID:"],
                ["X-Request-ID: a b"],
                ["X-Request-ID: a\xe9"],
                ["X-Request-ID: " + "x" * 129],
                ["X-Request-ID: a", "X-Request-ID: b"],
            ]
        ]
        self.assertEqual(len(set(made)), len(made))
        for each in made:
            self.assertRegex(each, r"\A[0-9a-f]{8}-[0-9a-f]+\Z")

    def test_request_id_traced(self) -> None:
        """A request that somebody traces, and that has no id, is known by the trace and by the
        caller's part of it; what is no C{traceparent} is none."""
        trace, part = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
        for given, name in (
            ([f"traceparent: 00-{trace}-{part}-01"], f"{trace}-{part}"),
            ([f"Traceparent: cc-{trace}-{part}-01-more"], f"{trace}-{part}"),
            ([f"traceparent: 00-{trace}-{part}-01", "X-Request-ID: abc"], "abc"),
        ):
            answer = Server().ask(get("/p1/ping", *given))
            self.assertEqual(answer.headers["x-request-id"], name)
        for wrong in (
            f"ff-{trace}-{part}-01",
            f"00-{trace}-{part}",
            f"00-{trace.upper()}-{part}-01",
        ):
            answer = Server().ask(get("/p1/ping", f"traceparent: {wrong}"))
            self.assertRegex(answer.headers["x-request-id"], r"\A[0-9a-f]{8}-[0-9a-f]+\Z")


class SiteTests(SynchronousTestCase):
    """What twisted.web is told of the site."""

    def test_no_timers(self) -> None:
        """A site that only listens starts no timer and opens no file."""
        server = Server()
        server.site.doStart()
        self.assertEqual(server.clock.getDelayedCalls(), [])
        server.site.doStop()

    def test_tls(self) -> None:
        """Over TLS it speaks HTTP/1.1 and nothing else."""
        self.assertEqual(Server().site.acceptableProtocols(), [b"http/1.1"])


class DrainTests(SynchronousTestCase):
    """The end of a site."""

    def setUp(self) -> None:
        self.server = Server()

    def test_none(self) -> None:
        """Without connections there is nothing to wait for."""
        self.successResultOf(self.server.site.drain())

    def test_idle(self) -> None:
        """A connection on which nothing is asked is closed at once, used before or not, and so is
        one on which a request is only half there."""
        clients = [self.server.connect() for _ in range(3)]
        clients[1].send(get("/p1/ping"))
        clients[2].send(post("/p1/learn", {})[:-1])
        drained = self.server.site.drain()
        for client in clients:
            self.assertTrue(client.wire.disconnecting)
            self.assertNoResult(drained)
            client.leave()
        self.successResultOf(drained)

    def test_under_way(self) -> None:
        """A request that is under way is answered first, and no other one behind it."""
        client = self.server.connect()
        self.server.asked.holds = True
        client.send(post("/p1/learn") + get("/p1/status"))
        drained = self.server.site.drain()
        self.assertFalse(client.wire.disconnecting)
        self.server.asked.release()
        answer = client.answer()
        self.assertEqual((answer.status, answer.headers["connection"]), (200, "close"))
        self.assertTrue(client.wire.disconnecting)
        self.assertEqual(len(self.server.asked.commands), 1)
        self.assertNoResult(drained)
        client.leave()
        self.successResultOf(drained)

    def test_given_up(self) -> None:
        """Who waits for it may give up, whatever ends later."""
        client = self.server.connect()
        drained = self.server.site.drain()
        drained.cancel()
        self.failureResultOf(drained, CancelledError)
        client.leave()
