"""What a request asks for: path, query, body and headers put together (SPEC 8 and 9)."""

from typing import ClassVar

from twisted.trial.unittest import SynchronousTestCase

from tests.rest.talking import Answer, Server, get, post, request

JSON = "Content-Type: application/json"


class ParameterTests(SynchronousTestCase):
    """Where parameters come from."""

    REFUSED: ClassVar = [
        (get("/p1/status?x=1"), "x"),
        (get("/kato-api/ping?_=1"), "_"),
        (get("/live?deep=true"), "deep"),
        (get("/p1/predictions?Unique_id=a"), "Unique_id"),
        (get("/p1/predictions?unique_id=a&unique_id=a"), "unique_id: given twice"),
        (get("/p1/models?limit=ten"), "limit: expected a whole number, got 'ten'"),
        (get("/p1/models?limit=1.0"), "limit: expected a whole number"),
        (get("/p1/models?limit=1e3"), "limit: expected a whole number"),
        (get("/p1/models?limit="), "limit: expected a whole number"),
        (get("/p1/models?limit=%D9%A3"), "limit: expected a whole number"),
        (get("/p1/models?limit=+5"), "limit: expected a whole number"),
        (get("/p1/models?limit=" + "9" * 5000), "limit: expected a whole number"),
        (get("/p1/models?limit=0"), "limit: expected an integer from 1"),
        (get("/p1/models?limit=-3"), "limit: expected an integer from 1"),
        (get("/p1/models?limit=10001"), "limit: expected an integer from 1 to 10000"),
        (post("/p1/observe?brief", {}), "brief: expected true or false, got ''"),
        (post("/p1/observe?brief=1", {}), "brief: expected true or false, got '1'"),
        (post("/p1/observe?brief=True", {}), "brief: expected true or false"),
        (post("/p1/observe?brief=true&brief=true", {}), "brief: given twice"),
        (post("/p1/observe?brief=true", {"brief": True}), "brief: given twice"),
        (post("/p1/gene/sort/change", {"value": True, "gene": "sort"}), "gene: given twice"),
        (request("PUT", "/p1/model/a", b'{"model_name":"a","frequency":1}'), "model_name: given"),
        (post("/p1/learn", {"x": 1}), "x: unknown key"),
        (post("/p1/learn", {"request_id": "a"}), "request_id: unknown key"),
        (post("/p1/genes/change", {"genes": {}, "data": {}}), "data: another name of genes"),
        (post("/p1/genes/change", {"x": {}}), "x: unknown key"),
        (request("PUT", "/p1", b'{"data":{}}'), "data: unknown key"),
        (post("/p1/observe", b'{"strings":["a"],"strings":["a"]}'), "strings: given twice"),
    ]

    def test_refused(self) -> None:
        """What is unknown, unfit or given twice is named, and nothing is asked for."""
        for raw, says in self.REFUSED:
            server = Server()
            answer = server.ask(raw)
            self.assertEqual((answer.status, answer.json["error_code"]), (400, "INVALID_REQUEST"))
            self.assertIn(says, answer.json["message"])
            self.assertEqual(server.asked.commands, [])

    def test_a_flag_in_the_body(self) -> None:
        """C{brief} may stand in the body as well, but not in both."""
        server = Server()
        server.ask(post("/p1/observe", {"strings": ["a"], "brief": True}))
        self.assertTrue(server.asked.commands[0].brief)


class BodyTests(SynchronousTestCase):
    """Whether there is a body, and what it is."""

    def test_required(self) -> None:
        """Where a body is needed, the error for none says so."""
        for method, path in [
            ("POST", "/p1/observe"),
            ("POST", "/p1/observe-sequence"),
            ("POST", "/p1/genes/change"),
            ("POST", "/p1/gene/sort/change"),
            ("PUT", "/p1/model/a"),
        ]:
            for raw in [request(method, path), request(method, path, b"")]:
                answer = Server().ask(raw)
                self.assertEqual(answer.status, 400)
                self.assertIn("body: missing", answer.json["message"])

    def test_none(self) -> None:
        """Where none is known, one is refused, and not passed over."""
        for method, path in [("GET", "/p1/status"), ("DELETE", "/p1"), ("GET", "/live")]:
            server = Server()
            answer = server.ask(request(method, path, b"{}"))
            self.assertEqual(answer.status, 400)
            self.assertIn("body: ", answer.json["message"])
            self.assertEqual(server.asked.commands, [])

    def test_no_object(self) -> None:
        """A body that is JSON but no object is refused for what it is."""
        for body in [b"[]", b"null", b'"a"', b"3", b"true"]:
            answer = Server().ask(post("/p1/observe", body))
            self.assertEqual(answer.status, 400)
            self.assertIn("body: expected an object", answer.json["message"])


class MediaTests(SynchronousTestCase):
    """What a body is declared as."""

    GOOD = b'{"strings":["\xc3\xa9"]}'

    def ask(self, body: bytes, *headers: str) -> Answer:
        return Server().ask(post("/p1/observe", body, *headers))

    def test_json_is_taken(self) -> None:
        """A body that is JSON is taken, whatever it is declared as."""
        for headers in [
            [],
            ["Content-Type: application/json"],
            ["Content-Type: application/json; charset=utf-8"],
            ['Content-Type: Application/JSON;CHARSET="UTF-8"'],
            ["Content-Type: application/json;charset=utf8"],
            ["Content-Type: application/vnd.kato+json"],
            ["Content-Type: application/x-www-form-urlencoded"],
            ["Content-Type: multipart/form-data; boundary=x"],
            ["Content-Type: text/plain"],
            ["Content-Type: nonsense"],
            ["Content-Type:"],
            ["Content-Encoding: identity"],
        ]:
            self.assertEqual(self.ask(self.GOOD, *headers).status, 200, headers)

    def test_neither(self) -> None:
        """A body that is no JSON, nor declared as such, is of an unsupported type."""
        for headers in [
            [],
            ["Content-Type: text/plain"],
            ["Content-Type: application/x-www-form-urlencoded"],
            ["Content-Type: application/jsonp"],
        ]:
            answer = self.ask(b"strings=a", *headers)
            self.assertEqual(answer.status, 415)
            self.assertEqual(answer.json["error_code"], "UNSUPPORTED_MEDIA_TYPE")
            self.assertIn("Content-Type", answer.json["message"])

    def test_declared_but_not(self) -> None:
        """A body that is declared as JSON and is none is an invalid request, which says where."""
        for content_type in ["application/json", "text/json", "application/a+json"]:
            answer = self.ask(b'{"strings": [', f"Content-Type: {content_type}")
            self.assertEqual((answer.status, answer.json["error_code"]), (400, "INVALID_REQUEST"))
            self.assertIn("body: not JSON", answer.json["message"])
            self.assertIn("line 1 column", answer.json["message"])

    def test_character_sets(self) -> None:
        """A character set other than UTF-8 is not supported."""
        for charset in ["latin-1", "utf-16", "us-ascii", "''", ""]:
            answer = self.ask(self.GOOD, f"Content-Type: application/json; charset={charset}")
            self.assertEqual(answer.status, 415, charset)
            self.assertIn("charset", answer.json["message"])

    def test_encodings(self) -> None:
        """A compressed body is not supported."""
        for encoding in ["gzip", "br", "identity, gzip"]:
            answer = self.ask(self.GOOD, JSON, f"Content-Encoding: {encoding}")
            self.assertEqual(answer.status, 415, encoding)
            self.assertIn("Content-Encoding", answer.json["message"])

    def test_without_a_body(self) -> None:
        """What is declared about a body that there is not does not matter."""
        raw = post("/p1/learn", None, "Content-Type: text/html; charset=koi8-r")
        self.assertEqual(Server().ask(raw).status, 200)


class IdempotencyTests(SynchronousTestCase):
    """The request id that makes a change safe to send again."""

    def test_taken(self) -> None:
        """The header is the command's request id."""
        server = Server()
        server.ask(post("/p1/learn", None, "Idempotency-Key: a b\u00c3\u00a9"))
        self.assertEqual(server.asked.commands[0].request_id, "a bé")

    def test_ignored(self) -> None:
        """Where nothing changes it means nothing."""
        server = Server()
        for path in ["/p1/status", "/live", "/p1/predictions"]:
            self.assertEqual(server.ask(get(path, "Idempotency-Key: " + "x" * 300)).status, 200)
        self.assertEqual({command.request_id for command in server.asked.commands}, {None})

    def test_unfit(self) -> None:
        """One that is empty, too long, not UTF-8 or given twice is refused by its name."""
        key = "Idempotency-Key: "
        for headers in [[key], [key + "x" * 256], [key + "\xff"], [key + "a", key + "a"]]:
            server = Server()
            answer = server.ask(post("/p1/learn", None, *headers))
            self.assertEqual(answer.status, 400, headers)
            self.assertIn("Idempotency-Key", answer.json["message"])
            self.assertEqual(server.asked.commands, [])
