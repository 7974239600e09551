"""The description of REST: all that there is stands in it, and what stands in it is so."""

import gzip
import json
import re
from typing import Any
from urllib.parse import quote, urlencode

import schemathesis
from jsonschema import Draft202012Validator
from twisted.trial.unittest import SynchronousTestCase

from kato import __version__
from kato.commands import Command
from kato.dashboard_files import dashboard
from kato.errors import BY_CODE, InvalidRequest
from kato.genes import NAMES
from kato.limits import Limits
from kato.operations import OPERATIONS, Scope
from kato.policy import Key
from kato.protocols.rest.openapi import description
from kato.protocols.rest.openapi.examples import session
from kato.protocols.rest.routes import ROUTES, Page
from tests.rest.asking import asked_by
from tests.rest.system import System
from tests.rest.talking import Answer, Server, get, request
from tests.rest.test_docs import lasting
from tests.shapes import misshapen

DOCUMENT = description(Limits())


def references(thing: object) -> set[str]:
    """All that is referred to within something."""
    if isinstance(thing, dict):
        inner = {each for value in thing.values() for each in references(value)}
        return inner | ({thing["$ref"]} if isinstance(thing.get("$ref"), str) else set())
    return {each for value in thing for each in references(value)} if type(thing) is list else set()


def led_to(reference: str) -> Any:
    """What a reference leads to."""
    found: Any = DOCUMENT
    for word in reference.removeprefix("#/").split("/"):
        found = found[word]
    return found


def operations(document: dict[str, Any] = DOCUMENT) -> list[tuple[str, str, dict[str, Any]]]:
    """Every method, path and what is said of them."""
    return [
        (method.upper(), path, told)
        for path, methods in document["paths"].items()
        for method, told in methods.items()
    ]


def longer(value: Any) -> list[Any]:
    """What is a little longer than this, in each way in which that can be."""
    if isinstance(value, str):
        return [value + "a"]
    if isinstance(value, dict):
        name, *_ = sorted(value, key=len, reverse=True)
        others = {key: each for key, each in value.items() if key != name}
        return [{**value, "more": 1}, {**others, name + "a": 1}]
    inner = [[each, *value[1:]] for each in longer(value[0])] if type(value[0]) is not int else []
    return [[*value, value[-1]], *inner]


class DocumentTests(SynchronousTestCase):
    """The description itself."""

    def test_valid(self) -> None:
        """It is one of OpenAPI 3.1, and all that it refers to is there."""
        schemathesis.openapi.from_dict(DOCUMENT).validate()
        self.assertEqual(DOCUMENT["openapi"], "3.1.0")
        self.assertEqual(DOCUMENT["info"]["version"], __version__)
        for reference in references(DOCUMENT):
            self.assertTrue(led_to(reference), reference)

    def test_schemas(self) -> None:
        """All that has a name is a schema of the dialect that is told."""
        self.assertEqual(DOCUMENT["jsonSchemaDialect"], Draft202012Validator.META_SCHEMA["$id"])
        for schema in DOCUMENT["components"]["schemas"].values():
            Draft202012Validator.check_schema(schema)

    def test_nothing_is_missing(self) -> None:
        """Every path, operation, error and gene stands in it."""
        told = {(method, path) for method, path, _ in operations()}
        self.assertEqual(told, {(route.method, route.path) for route in ROUTES})
        ids = [each["operationId"] for *_, each in operations()]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertLessEqual(set(OPERATIONS), set(ids))
        self.assertEqual(set(DOCUMENT["components"]["responses"]), set(BY_CODE))
        for code, response in DOCUMENT["components"]["responses"].items():
            self.assertIn(f"`{code}`: ", response["description"])
        self.assertEqual(set(DOCUMENT["components"]["schemas"]["Genes"]["properties"]), set(NAMES))
        tags = {each["name"] for each in DOCUMENT["tags"]}
        self.assertEqual({tag for *_, each in operations() for tag in each["tags"]}, tags)

    def test_second_path(self) -> None:
        """An operation that has a second path goes there by another id."""
        paths = {each["operationId"]: path for _, path, each in operations()}
        self.assertEqual(paths["clear_all_memory"], "/{processor}/clear-all-memory")
        self.assertEqual(paths["clear_all_memory_2"], "/{processor}/memory/clear-all")

    def test_statuses(self) -> None:
        """Every error is told under the status that it has."""
        for _, path, told in operations():
            for status, response in told["responses"].items():
                shown = led_to(response["$ref"]) if "$ref" in response else response
                for code in re.findall(r"`([A-Z_]+)`: ", shown["description"]):
                    self.assertEqual(BY_CODE[code].http_status, int(status), path)

    def test_scopes(self) -> None:
        """What a key must have is told with every operation, and which paths are open."""
        paths = {(route.method, route.path): route.serves for route in ROUTES}
        for method, path, told in operations():
            serves = paths[method, path]
            if path in ("/", "/live", "/ready", "/kato-api/ping") or path.startswith("/static"):
                self.assertEqual(told["security"], [])
                self.assertNotIn("401", told["responses"])
                continue
            roles = []
            if not isinstance(serves, Page):
                roles = [OPERATIONS[serves].scope.value]
            elif not serves.is_open:
                roles = [Scope.ADMIN.value]
            self.assertEqual(told["security"], [{"ApiKey": roles}, {"Bearer": roles}], path)

    def test_limits(self) -> None:
        """How long things may be is told as this server has it."""
        limits = Limits(
            message=9_999, symbols=2, components=3, emotives=4, string=5, observations=6
        )
        told = description(limits)
        self.assertIn("at most 9,999 bytes", told["info"]["description"])
        shapes = told["components"]["schemas"]["Observation"]["properties"]
        for name, most in (
            ("strings", ["aaaaa", "a"]),
            ("vectors", [[1, 2, 3], [1]]),
            ("emotives", {"a": 1, "b": 1, "c": 1, "ddddd": 1}),
            ("unique_id", "aaaaa"),
        ):
            raw = {name: most}
            limits.check(Command.parse("observe", raw, "p1"))
            self.assertEqual(list(Draft202012Validator(shapes[name]).iter_errors(most)), [])
            for more in longer(most):
                command = Command.parse("observe", {name: more}, "p1")
                self.assertRaises(InvalidRequest, limits.check, command)
                self.assertFalse(Draft202012Validator(shapes[name]).is_valid(more), more)
        [sequence] = [
            each for *_, each in operations(told) if each["operationId"] == "observe_sequence"
        ]
        body = sequence["requestBody"]["content"]["application/json"]["schema"]
        self.assertEqual(body["properties"]["observations"]["maxItems"], 6)

    def test_other_transports(self) -> None:
        """It says what else is spoken, and links to it."""
        about = DOCUMENT["info"]["description"]
        for word in ("WebSocket", "/static/kato.js", "ZeroMQ", "https://rfc.zeromq.org"):
            self.assertIn(word, about)


class ExampleTests(SynchronousTestCase):
    """The session that the description shows."""

    def test_answers(self) -> None:
        """Each request is answered as it is shown, and each answer has the shape that is told, with
        nothing in it that is not."""
        system = System()
        self.successResultOf(system.start)
        for example in session():
            route = next(
                each
                for each in ROUTES
                if each.serves == example.operation
                and ("{processor}" in each.path) == (example.processor is not None)
            )
            [answer] = system.ask(asked_by(route, example.params, example.processor))
            self.assertEqual(lasting(answer.json), lasting(example.answer), example.operation)
            self.assertEqual(misshapen(example.operation, answer.json), [])
            told = DOCUMENT["paths"][route.path][route.method.lower()]
            self.assertIn(str(answer.status), told["responses"])

    def test_all(self) -> None:
        """Every operation has an example of its request and its answer in the description, and the
        request that is made of what stands there succeeds."""
        by_id = {each["operationId"]: (method, path, each) for method, path, each in operations()}
        system = System()
        self.successResultOf(system.start)
        for example in session():
            name = example.operation
            if name == "ping" and example.processor is not None:
                name = "ping_2"
            raw, shown = _as_shown(*by_id[name])
            [answer] = system.ask(raw)
            self.assertEqual(answer.json["status"], "okay", (name, answer.json))
            self.assertEqual(lasting(answer.json), lasting(shown), name)
            by_id.pop(name)
        self.assertEqual([name for name in by_id if name in OPERATIONS], [])


def _as_shown(method: str, path: str, told: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
    """The request that the description shows, and its answer."""
    query = {}
    for each in told["parameters"]:
        if "example" in each and each["in"] == "path":
            path = path.replace(f"{{{each['name']}}}", quote(each["example"], safe=""))
        elif "example" in each:
            query[each["name"]] = each["example"]
    if query:
        path += "?" + urlencode(query)
    body = None
    if "requestBody" in told:
        media = told["requestBody"]["content"]["application/json"]
        if "example" in media:
            schema = {**media["schema"], "components": DOCUMENT["components"]}
            Draft202012Validator(schema).validate(media["example"])
            body = json.dumps(media["example"]).encode()
    answer: dict[str, Any] = told["responses"]["200"]["content"]["application/json"]["example"]
    return request(method, path, body), answer


class ServedTests(SynchronousTestCase):
    """The description and its page over HTTP."""

    def setUp(self) -> None:
        self.server = Server(assets=dashboard(Limits()))

    def ask(self, path: str, *headers: str) -> Answer:
        return self.server.ask(get(path, *headers))

    def test_description(self) -> None:
        """It is constant bytes, which who has them already need not be sent."""
        answer = self.ask("/openapi.json")
        self.assertEqual(answer.headers["content-type"], "application/json")
        self.assertEqual(answer.json, json.loads(json.dumps(DOCUMENT)))
        client = self.server.connect()
        client.send(get("/openapi.json", f"If-None-Match: {answer.headers['etag']}"))
        self.assertTrue(client.wire.value().startswith(b"HTTP/1.1 304 "))
        packed = self.ask("/openapi.json", "Accept-Encoding: gzip")
        self.assertEqual(gzip.decompress(packed.body), answer.body)
        self.assertLess(len(packed.body), 20_000)

    def test_page(self) -> None:
        """The page is at C{/docs}, and is the one among the files."""
        answer = self.ask("/docs")
        self.assertEqual(answer.headers["content-type"], "text/html; charset=utf-8")
        self.assertEqual(answer.body, self.ask("/static/docs/index.html").body)
        self.assertNotIn("unsafe", answer.headers["content-security-policy"])

    def test_key(self) -> None:
        """Where the server has keys, both need one, whatever its scopes; among the files the page
        is open, since a browser sends no key with it, and asks for one. A browser is told so."""
        reader = Key("reader", frozenset({Scope.READ}), ("p1",))
        self.server = Server(assets=dashboard(Limits()), keys={b"s3cret": reader})
        for path in ("/openapi.json", "/docs"):
            self.assertEqual(self.ask(path).json["error_code"], "UNAUTHORIZED")
            self.assertEqual(self.ask(path, "X-API-Key: s3cret").status, 200)
        told = self.ask("/docs", "Accept: text/html").json["message"]
        self.assertTrue(told.endswith("; a browser is asked for it at /static/docs/index.html"))
        self.assertEqual(self.ask("/static/docs/index.html").status, 200)
