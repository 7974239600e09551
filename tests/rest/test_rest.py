"""Envelopes, pages, keys and the log (SPEC 8 and 9)."""

from typing import Any, ClassVar

from twisted.logger import LogLevel
from twisted.trial.unittest import SynchronousTestCase

from kato import errors
from kato.errors import KatoError
from kato.ledger import GATHERED, Entry
from kato.protocols.rest import Access
from kato.protocols.rest.routes import ROUTES, Page
from tests.rest.talking import NOW, Server, get, logged, post, request


class SuccessTests(SynchronousTestCase):
    """Answers to what went well."""

    def test_envelope(self) -> None:
        """The reply is sent as every transport sends it."""
        server = Server()
        server.asked.fields = {"unique_id": "é", "short_term_memory": [["a"]]}
        answer = server.ask(post("/p1/observe", {"strings": ["a"]}))
        self.assertEqual(answer.status, 200)
        self.assertEqual(
            answer.json,
            {
                "status": "okay",
                "message": "observed",
                "processor": "p1",
                "time_stamp": NOW,
                "unique_id": "é",
                "short_term_memory": [["a"]],
            },
        )

    def test_created(self) -> None:
        """A processor that was made is answered 201, one that was there 200."""
        for created, status in [(True, 201), (False, 200)]:
            server = Server()
            server.asked.fields = {"created": created}
            self.assertEqual(server.ask(request("PUT", "/p1")).status, status)


class ErrorTests(SynchronousTestCase):
    """Answers to what went wrong."""

    ERRORS: ClassVar[list[tuple[KatoError, int, dict[str, Any]]]] = [
        (errors.InvalidRequest("m"), 400, {}),
        (errors.Unauthorized("m"), 401, {"www-authenticate": "Bearer"}),
        (errors.Forbidden("m"), 403, {}),
        (errors.ProcessorNotFound("m"), 404, {}),
        (errors.ModelNotFound("m"), 404, {}),
        (errors.ObservationNotFound("m"), 404, {}),
        (errors.UnknownGene("m"), 404, {}),
        (errors.UnknownOperation("m"), 404, {}),
        (errors.MethodNotAllowed("m"), 405, {}),
        (errors.RequestTimeout("m"), 408, {}),
        (errors.Conflict("m"), 409, {}),
        (errors.LimitReached("m"), 409, {}),
        (errors.PayloadTooLarge("m"), 413, {}),
        (errors.UnsupportedMediaType("m"), 415, {}),
        (errors.TooManyRequests("m", retry_after=1), 429, {"retry-after": "1"}),
        (errors.HeadersTooLarge("m"), 431, {}),
        (errors.InternalError("m"), 500, {}),
        (errors.ProcessorUnavailable("m", retry_after=3), 503, {"retry-after": "3"}),
        (errors.StorageUnavailable("m", retry_after=0), 503, {"retry-after": "0"}),
        (errors.Timeout("m", outcome_unknown=True), 504, {}),
        (errors.Timeout("m"), 504, {}),
    ]

    def test_shape(self) -> None:
        """Each has its status, its code and its headers, and says whom it is about, but to who has
        no key."""
        for error, status, headers in self.ERRORS:
            server = Server()
            server.asked.error = error
            answer = server.ask(post("/p1/learn"))
            self.assertEqual(answer.status, status)
            expected = {
                "status": "error",
                "message": "m",
                "error_code": error.error_code,
                "processor": "p1",
                "time_stamp": NOW,
            }
            if isinstance(error, errors.Unauthorized):
                del expected["processor"]
            if error.outcome_unknown:
                expected["outcome"] = "unknown"
            self.assertEqual(answer.json, expected)
            special = {"retry-after", "www-authenticate"}
            got = {name: each for name, each in answer.headers.items() if name in special}
            self.assertEqual(got, headers)

    def test_all_are_covered(self) -> None:
        """No error of the tree is left out of this table."""
        tree = {each.error_code for each in KatoError.__subclasses__()}
        self.assertEqual({type(error).error_code for error, *_ in self.ERRORS}, tree)

    def test_without_a_processor(self) -> None:
        """An error that is about no processor names none."""
        for raw in [get("/p1/nowhere"), get("/docs"), post("/stats", {}), post("/-/learn")]:
            answer = Server().ask(raw)
            self.assertIn(answer.status, [400, 404, 405])
            self.assertNotIn("processor", answer.json)

    def test_unknown_path(self) -> None:
        """A path that there is not is an unknown operation, in JSON."""
        answer = Server().ask(get("/p1/frobnicate"))
        self.assertEqual((answer.status, answer.json["error_code"]), (404, "UNKNOWN_OPERATION"))
        self.assertIn("/p1/frobnicate", answer.json["message"])

    def test_method_not_allowed(self) -> None:
        """A method that a path does not know is answered with those it does."""
        answer = Server().ask(request("BREW", "/p1/status"))
        self.assertEqual((answer.status, answer.json["error_code"]), (405, "METHOD_NOT_ALLOWED"))
        self.assertEqual(answer.headers["allow"], "GET, HEAD")
        self.assertEqual(answer.json["processor"], "p1")

    def test_defect(self) -> None:
        """A defect is logged, and the client told a reference and nothing of it."""
        for breaks in [
            lambda server: setattr(server.asked, "error", ValueError("secret")),
            lambda server: setattr(server.asked, "ask", lambda _: 1 / 0),
            lambda server: server.asked.fields.update(a=float("inf")),
            lambda server: server.asked.fields.update(a=object()),
        ]:
            server = Server()
            breaks(server)
            answer = server.ask(post("/p1/learn"))
            self.assertEqual((answer.status, answer.json["error_code"]), (500, "INTERNAL_ERROR"))
            self.assertRegex(answer.json["message"], r"\Ainternal error, logged under [0-9a-f]+\Z")
            self.assertNotIn(b"secret", answer.body)
            self.assertEqual(len(self.flushLoggedErrors()), 1)

    def test_defect_in_judging(self) -> None:
        """So is one that shows while the head is judged."""
        server = Server()
        self.patch(Access, "check_host", lambda *_, **__: 1 / 0)
        self.assertEqual(server.ask(get("/p1/ping")).status, 500)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class PageTests(SynchronousTestCase):
    """What the server answers by itself."""

    def test_live(self) -> None:
        """A server that serves is live, ready or not."""
        server = Server(is_ready=False)
        answer = server.ask(get("/live"))
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json, {"status": "okay", "message": "live", "time_stamp": NOW})

    def test_ready(self) -> None:
        """One that is ready says so."""
        server = Server()
        self.assertEqual(server.ask(get("/ready")).json["message"], "ready")
        server.is_ready = False
        answer = server.ask(get("/ready"))
        self.assertEqual((answer.status, answer.headers["retry-after"]), (503, "1"))
        self.assertEqual(answer.json["error_code"], "PROCESSOR_UNAVAILABLE")

    def test_statistics(self) -> None:
        """The statistics are those of the house."""
        server = Server(statistics=lambda: {"processors": 3, "store": {"commits": 7}})
        answer = server.ask(get("/stats")).json
        self.assertEqual((answer["processors"], answer["store"]), (3, {"commits": 7}))
        self.assertEqual((answer["status"], answer["message"]), ("okay", "statistics"))


class KeyTests(SynchronousTestCase):
    """A server with a key."""

    OPEN: ClassVar = {"/kato-api/ping", "/live", "/ready"}

    def test_every_route(self) -> None:
        """All but the open paths ask for it, whatever the method, and ask nobody else before."""
        for route in ROUTES:
            server = Server(api_key=b"s3cret")
            words = {"processor": "p1", "gene": "sort", "model_name": "a"}
            path = route.path.format(**words, folder="a", name="a.js")
            answer = server.ask(request(route.method, path))
            if route.path in self.OPEN:
                self.assertEqual(answer.status, 200, path)
                continue
            if route.serves is Page.ASSET and route.path not in ("/docs", "/openapi.json"):
                self.assertEqual(answer.status, 404, path)
                continue
            if route.serves is Page.STREAM:
                self.assertEqual(server.streams.asked, [None])
                continue
            self.assertEqual((answer.status, answer.json["error_code"]), (401, "UNAUTHORIZED"))
            self.assertEqual(answer.headers["www-authenticate"], "Bearer")
            self.assertEqual(server.asked.commands, [])

    def test_stream(self) -> None:
        """A stream is not asked for its key with the head: a page can tell it later only.  One that
        tells another key is refused."""
        server = Server(api_key=b"s3cret")
        self.assertEqual(server.ask(get("/ws", "X-API-Key: s3cret")).status, 409)
        self.assertEqual(server.ask(get("/ws")).status, 409)
        self.assertEqual(server.ask(get("/ws", "X-API-Key: wrong")).status, 401)
        self.assertEqual(server.streams.asked, ["api-key", None])

    def test_begin_of_stream(self) -> None:
        """A stream begins with GET, HTTP/1.1 and no body."""
        server = Server()
        chunked = get("/ws", "Transfer-Encoding: chunked") + b"0\r\n\r\n"
        old = get("/ws").replace(b"HTTP/1.1", b"HTTP/1.0")
        for raw in (chunked, old, request("HEAD", "/ws")):
            self.assertEqual(server.ask(raw).status, 400)
        self.assertEqual(server.ask(request("GET", "/ws", b"{}")).status, 400)
        self.assertEqual(server.streams.asked, [])

    def test_unknown_paths(self) -> None:
        """What there is and what there is not is not told to strangers."""
        server = Server(api_key=b"s3cret")
        for raw in [get("/metrics"), get("/p1/nowhere"), request("PATCH", "/p1/learn")]:
            self.assertEqual(server.ask(raw).status, 401)
        for raw in [get("/"), get("/static/app.js")]:
            self.assertEqual(server.ask(raw).status, 404)

    def test_with_it(self) -> None:
        """With the key all is as without one."""
        server = Server(api_key=b"s3cret")
        for header in ["X-API-Key: s3cret", "x-api-key: s3cret", "Authorization: Bearer s3cret"]:
            self.assertEqual(server.ask(get("/p1/status", header)).status, 200)
        for header in ["X-API-Key: wrong", "Authorization: Bearer wrong"]:
            self.assertEqual(server.ask(get("/p1/status", header)).status, 401)

    def test_host_first(self) -> None:
        """A foreign page is refused as such, key or not."""
        server = Server(api_key=b"s3cret")
        for header in ["X-API-Key: s3cret", "X-API-Key: wrong"]:
            raw = get("/p1/status", header, "Origin: http://evil.example")
            self.assertEqual(server.ask(raw).status, 403)

    def test_body_is_not_read(self) -> None:
        """A stranger's large body is not read."""
        client = Server(api_key=b"s3cret").connect()
        start = post("/p1/observe").removesuffix(b"\r\n")
        client.send(start + b"Content-Length: 1000000\r\n\r\n")
        self.assertEqual(client.answer().status, 401)


class LogTests(SynchronousTestCase):
    """The line in the log for each request."""

    def lines(self, raw: bytes, **settings: Any) -> list[Entry]:
        events = logged(self)
        server = Server(**settings)
        server.asked.holds = True
        client = server.connect()
        client.send(raw)
        server.clock.advance(0.25)
        if server.asked.held:
            server.asked.release()
            self.assertEqual([each for each in events if "lines" in each], [])
            server.clock.advance(GATHERED)
        told = [event for event in events if "lines" in event]
        self.assertTrue(all(event["log_level"] is LogLevel.info for event in told))
        return [line for event in told for line in event["lines"]]

    def test_line(self) -> None:
        """It says what was asked, how it was answered and how long that took, without the query."""
        raw = get("/p1/predictions?unique_id=private", "X-Request-ID: abc")
        [line] = self.lines(raw)
        self.assertEqual(str(line), "GET /p1/predictions 200 250.000 ms abc 192.0.2.99")
        self.assertEqual(
            line.as_dict(),
            {
                "method": "GET",
                "transport": "rest",
                "path": "/p1/predictions",
                "status": 200,
                "operation": "get_predictions",
                "processor": "p1",
                "outcome": "okay",
                "milliseconds": 250.0,
                "request_id": "abc",
                "client": "192.0.2.99",
            },
        )

    def test_many(self) -> None:
        """The lines of many requests are written at once, in order, and the last ones when the
        last connection is closed."""
        events = logged(self)
        server = Server()
        client = server.connect()
        for _ in range(3):
            client.send(get("/p1/ping"))
        client.leave()
        [event] = [each for each in events if "lines" in each]
        self.assertEqual([str(each).split()[1] for each in event["lines"]], ["/p1/ping"] * 3)
        self.assertEqual(server.clock.getDelayedCalls(), [])

    def test_refused(self) -> None:
        """One that was refused has its line, too."""
        for raw, start in [
            (get("/p1/nowhere"), "GET /p1/nowhere 404 "),
            (b"nonsense\r\n", "nonsense - 400 "),
            (b"GET /p1/status?a=b HTTP/1.1\r\nHost\r\n\r\n", "GET /p1/status 400 "),
            (b"\xff\x00\x1b[31m\r\n", "\\xff\\x00\\x1b[31m - 400 "),
            (get("/" + "a" * 20000), "GET /aaa"),
        ]:
            [line] = self.lines(raw)
            self.assertTrue(str(line).startswith(start), str(line))

    def test_no_secret(self) -> None:
        """The key is not in it."""
        [line] = self.lines(get("/p1/status", "X-API-Key: s3cret"), api_key=b"s3cret")
        self.assertNotIn("s3cret", str(line) + str(line.as_dict()))
