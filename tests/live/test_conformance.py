"""The worked cases over HTTP, against live servers on SQLite, one for each way to match."""

import json
import re
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.conformance import cases, same
from tests.engine.providers import built
from tests.live.server import Connection, LiveServer

_REQUESTS = {
    "observe": ("POST", "observe"),
    "learn": ("POST", "learn"),
    "get_predictions": ("GET", "predictions"),
    "get_forecast": ("GET", "forecast"),
    "change_genes": ("POST", "genes/change"),
    "clear_short_term_memory": ("POST", "clear-short-term-memory"),
    "clear_all_memory": ("POST", "clear-all-memory"),
}
_VARYING = re.compile(r'"(time_stamp|unique_id)":("[^"]*"|[0-9.]+)')


class ConformanceTests(SynchronousTestCase):
    """Two servers that hash differently are given the same cases, and so are two that match
    differently."""

    def connect(self, **environment: str) -> None:
        """Start a server with this environment, and speak to it as well."""
        server = LiveServer("--storage", f"sqlite:{self.mktemp()}", env=environment)
        self.addCleanup(server.stop)
        connection = server.start().connect()
        self.addCleanup(connection.close)
        self.assertEqual(connection.get("/stats")["matcher"], environment["KATO_MATCHER"])
        self.connections.append(connection)

    def setUp(self) -> None:
        self.connections: list[Connection] = []

    def ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Send a request to both; gives the answer, which is the same to the last byte, less the
        time and ids that the server made."""
        first, second = (
            _VARYING.sub(r'"\1":0', each.text(method, path, body)) for each in self.connections
        )
        self.assertEqual(first, second)
        answer: dict[str, Any] = json.loads(first)
        self.assertEqual(answer["status"], "okay", answer)
        return answer

    def test_python(self) -> None:
        """Every case gives what it must where Python matches, however a process hashes."""
        self.connect(KATO_MATCHER="python", PYTHONHASHSEED="1")
        self.connect(KATO_MATCHER="python", PYTHONHASHSEED="2")
        self.go_through()

    def test_native(self) -> None:
        """Every case gives what it must where the kernel matches, to the last byte what it gives
        where Python does."""
        built("native")
        self.connect(KATO_MATCHER="native", PYTHONHASHSEED="1")
        self.connect(KATO_MATCHER="python", PYTHONHASHSEED="2")
        self.go_through()

    def go_through(self) -> None:
        count = 0
        for number, case in enumerate(cases()):
            count += 1
            self.ask("PUT", f"/c{number}", {"genes": case["genes"]})
            for step in case["steps"]:
                self.step(f"/c{number}", case["name"], dict(step))
        self.assertGreater(count, 200)

    def step(self, processor: str, name: str, step: dict[str, Any]) -> None:
        operation, expected = step.pop("op"), step.pop("expect")
        method, path = _REQUESTS[operation]
        if method == "GET" and step:
            path += "?" + "&".join(f"{key}={value}" for key, value in step.items())
        answer = self.ask(method, f"{processor}/{path}", step if method == "POST" else None)
        given = {key: answer.get(key) for key in expected}
        self.assertTrue(same(given, expected), f"{name}, {operation}: {given} is not {expected}")
