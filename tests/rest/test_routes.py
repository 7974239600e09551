"""The table of paths (SPEC 9)."""

import json
from typing import Any, ClassVar

from twisted.trial.unittest import SynchronousTestCase

from kato.commands import OPERATIONS, Command
from kato.errors import UnknownOperation
from kato.protocols.rest.routes import (
    ROUTES,
    NotAllowedHere,
    Page,
    find,
    named_processor,
)
from tests.rest.talking import Server, request

OBSERVATION = {"strings": ["hello"], "vectors": [[1.0]], "emotives": {"joy": 0.5}}


class EveryRouteTests(SynchronousTestCase):
    """Each path and method of SPEC 9's table, and the operation it asks for."""

    COMMANDS: ClassVar[list[tuple[str, str, Any, str, dict[str, Any]]]] = [
        ("GET", "/kato-api/ping", None, "ping", {}),
        ("GET", "/connect", None, "list_processors", {}),
        ("GET", "/connect?limit=5&after=p1", None, "list_processors", {"limit": 5, "after": "p1"}),
        ("GET", "/processors", None, "list_processors", {}),
        ("GET", "/processors?limit=7", None, "list_processors", {"limit": 7}),
        ("PUT", "/p1", None, "create_processor", {}),
        ("PUT", "/p1", {}, "create_processor", {}),
        ("PUT", "/p1", {"genes": {"sort": False}}, "create_processor", {"genes": {"sort": False}}),
        ("DELETE", "/p1", None, "delete_processor", {}),
        ("GET", "/p1/ping", None, "ping", {}),
        ("GET", "/p1/status", None, "get_status", {}),
        ("GET", "/p1/short-term-memory", None, "get_short_term_memory", {}),
        ("GET", "/p1/predictions", None, "get_predictions", {}),
        ("GET", "/p1/predictions?unique_id=a%20b", None, "get_predictions", {"unique_id": "a b"}),
        ("GET", "/p1/predictions?unique_id=7", None, "get_predictions", {"unique_id": "7"}),
        ("GET", "/p1/forecast", None, "get_forecast", {}),
        ("GET", "/p1/forecast?limit=3", None, "get_forecast", {"limit": 3}),
        ("GET", "/p1/explain/MODEL%7Cab", None, "explain", {"model_name": "MODEL|ab"}),
        ("GET", "/p1/percept-data", None, "get_percept_data", {}),
        ("GET", "/p1/cognition-data", None, "get_cognition_data", {}),
        ("GET", "/p1/genes", None, "get_genes", {}),
        ("GET", "/p1/gene/sort", None, "get_gene", {"gene": "sort"}),
        ("GET", "/p1/models", None, "list_models", {}),
        (
            "GET",
            "/p1/models?limit=2&after=MODEL%7Cab",
            None,
            "list_models",
            {"limit": 2, "after": "MODEL|ab"},
        ),
        ("GET", "/p1/model/MODEL%7Cab", None, "get_model", {"model_name": "MODEL|ab"}),
        ("GET", "/p1/model/a%2Fb", None, "get_model", {"model_name": "a/b"}),
        ("POST", "/p1/observe", OBSERVATION, "observe", OBSERVATION),
        ("POST", "/p1/observe", {}, "observe", {}),
        ("POST", "/p1/observe?brief=true", OBSERVATION, "observe", {**OBSERVATION, "brief": True}),
        ("POST", "/p1/observe?brief=false", {}, "observe", {"brief": False}),
        (
            "POST",
            "/p1/observe-sequence?brief=true",
            {"observations": [OBSERVATION], "learn_at_end": True},
            "observe_sequence",
            {"observations": [OBSERVATION], "learn_at_end": True, "brief": True},
        ),
        ("POST", "/p1/learn", None, "learn", {}),
        ("POST", "/p1/learn", {}, "learn", {}),
        ("POST", "/p1/clear-short-term-memory", None, "clear_short_term_memory", {}),
        ("POST", "/p1/short-term-memory/clear", None, "clear_short_term_memory", {}),
        ("POST", "/p1/clear-all-memory", None, "clear_all_memory", {}),
        ("POST", "/p1/memory/clear-all", {}, "clear_all_memory", {}),
        (
            "POST",
            "/p1/genes/change",
            {"genes": {"persistence": 3}},
            "change_genes",
            {"genes": {"persistence": 3}},
        ),
        (
            "POST",
            "/p1/genes/change",
            {"data": {"persistence": 3}},
            "change_genes",
            {"genes": {"persistence": 3}},
        ),
        (
            "POST",
            "/p1/gene/rank_by/change",
            {"value": "snr"},
            "change_gene",
            {"gene": "rank_by", "value": "snr"},
        ),
        (
            "PUT",
            "/p1/model/abc",
            {"frequency": 2, "emotives": [{"joy": 1.0}]},
            "update_model",
            {"model_name": "abc", "frequency": 2, "emotives": [{"joy": 1.0}]},
        ),
        ("DELETE", "/p1/model/abc", None, "delete_model", {"model_name": "abc"}),
    ]

    def test_commands(self) -> None:
        """Each becomes the very command that its operation and parameters make."""
        for method, path, body, operation, params in self.COMMANDS:
            server = Server()
            answer = server.ask(_raw(method, path, body))
            processor = "p1" if path.startswith("/p1") else None
            expected = Command.parse(operation, params, processor)
            self.assertEqual(server.asked.commands, [expected], (method, path))
            self.assertEqual(answer.status, 200, (method, path))
            self.assertEqual(answer.json["message"], OPERATIONS[operation].message)

    def test_all_are_covered(self) -> None:
        """No route and no operation is left out of this table."""
        found = [
            find(method, tuple(_words(path.partition("?")[0]))).route
            for method, path, *_ in self.COMMANDS
        ]
        self.assertEqual(
            {(route.method, route.path) for route in ROUTES if not isinstance(route.serves, Page)},
            {(route.method, route.path) for route in found},
        )
        self.assertEqual({operation for *_, operation, _ in self.COMMANDS}, set(OPERATIONS))

    def test_head(self) -> None:
        """C{HEAD} asks for the same as C{GET}, wherever there is one."""
        for method, path, _, operation, params in self.COMMANDS:
            if method != "GET":
                continue
            server = Server()
            answer = server.ask(_raw("HEAD", path, None))
            self.assertEqual((answer.status, answer.body), (200, b""), path)
            processor = "p1" if path.startswith("/p1") else None
            self.assertEqual(
                server.asked.commands, [Command.parse(operation, params, processor)], path
            )


def _words(path: str) -> list[str]:
    return path[1:].split("/")


def _raw(method: str, path: str, body: Any) -> bytes:
    return request(method, path, None if body is None else json.dumps(body).encode())


class UnknownTests(SynchronousTestCase):
    """Paths that there are not."""

    def test_paths(self) -> None:
        """They are unknown with every method."""
        for path in [
            "/docs/",
            "/openapi.yaml",
            "/static",
            "/static/a/b/app.js",
            "/ws/x",
            "/graphql/x",
            "/kato-api",
            "/kato-api/pong",
            "/live/x",
            "/connect/x",
            "/p1/",
            "/p1/unknown",
            "/p1//observe",
            "/p1/observe/",
            "/P1/OBSERVE",
            "/p1/gene",
            "/p1/gene/sort/unknown",
            "/p1/gene/sort/change/x",
            "/p1/model/a/b",
            "/p1/memory",
            "/p1/../p2/status",
        ]:
            for method in ["GET", "HEAD", "POST", "PATCH"]:
                with self.assertRaises(UnknownOperation, msg=path):
                    find(method, tuple(_words(path)))

    def test_what_is_no_processor(self) -> None:
        """A path of processors is unknown for a word that is none, unless the method fits."""
        for path in ["/metrics/observe", "/docs/status", "/a.b/observe"]:
            with self.assertRaises(UnknownOperation):
                find("PATCH", tuple(_words(path)))
        self.assertEqual(find("POST", ("metrics", "observe")).processor, "metrics")


class NotAllowedTests(SynchronousTestCase):
    """Paths with a method that is not theirs."""

    def test_allow(self) -> None:
        """The error says which methods there are."""
        for method, path, allow in [
            ("POST", "/kato-api/ping", "GET, HEAD"),
            ("DELETE", "/stats", "GET, HEAD"),
            ("PUT", "/live", "GET, HEAD"),
            ("GET", "/p1", "DELETE, PUT"),
            ("POST", "/p1", "DELETE, PUT"),
            ("GET", "/p1/observe", "POST"),
            ("HEAD", "/p1/learn", "POST"),
            ("POST", "/p1/status", "GET, HEAD"),
            ("POST", "/p1/model/x", "DELETE, GET, HEAD, PUT"),
            ("GET", "/p1/gene/sort/change", "POST"),
            ("OPTIONS", "/p1/observe", "POST"),
            ("get", "/p1/status", "GET, HEAD"),
            ("BREW", "/p1/status", "GET, HEAD"),
        ]:
            error = self.assertRaises(NotAllowedHere, find, method, tuple(_words(path)))
            self.assertEqual(error.allow, allow, path)


class NamedProcessorTests(SynchronousTestCase):
    """Whom an error is about."""

    def test_named(self) -> None:
        """The processor is known where the path is one of the table's and the id is valid."""
        for target, processor in [
            (b"/p1/observe?brief=x", "p1"),
            (b"/p%31/model/x", "p1"),
            (b"/p1", "p1"),
            (b"/p1/unknown", None),
            (b"/-p/observe", None),
            (b"/metrics/observe", None),
            (b"/kato-api/ping", None),
            (b"/%zz/observe", None),
        ]:
            self.assertEqual(named_processor(target), processor, target)
