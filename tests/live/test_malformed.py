"""The malformed requests of tests.rest.malformed over sockets, as strangers send them."""

import socket
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.live.server import PATIENCE, LiveServer
from tests.rest.malformed import MALFORMED
from tests.rest.talking import Answer, read_answers

STATE = ["status", "short-term-memory", "models", "genes", "percept-data", "cognition-data"]


class MalformedTests(SynchronousTestCase):
    """A server in a process of its own."""

    def setUp(self) -> None:
        self.server = LiveServer("--storage", "memory:")
        self.addCleanup(self.server.stop)
        self.server.start()
        self.connection = self.server.connect()
        self.addCleanup(self.connection.close)
        for path, body in [
            ("observe", {"strings": ["a", "b"], "vectors": [[1.0]], "emotives": {"joy": 1}}),
            ("learn", None),
            ("observe", {"strings": ["a"], "unique_id": "mine"}),
        ]:
            self.connection.post(f"/p1/{path}", body)

    def state(self) -> list[dict[str, Any]]:
        answers = [self.connection.get(f"/p1/{path}") for path in STATE]
        answers.append(self.connection.get("/processors"))
        return [{key: answer[key] for key in answer if key != "time_stamp"} for answer in answers]

    def ask(self, raw: bytes) -> Answer:
        """Send it all, read one answer to its end, and go."""
        with socket.create_connection(("127.0.0.1", self.server.port), PATIENCE) as connection:
            connection.sendall(raw)
            with connection.makefile("rb") as stream:
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    line = stream.readline()
                    self.assertTrue(line, head)
                    head += line
                [length] = [
                    int(line.partition(b":")[2])
                    for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length:")
                ]
                [answer] = read_answers(head + stream.read(length))
        return answer

    def test_each_is_named_and_nothing_happens(self) -> None:
        """Each is answered in JSON with its status, its code and the field at fault, even where the
        server stopped reading in the middle; after all of them everything is as it was before."""
        before = self.state()
        for case in MALFORMED:
            answer = self.ask(case.raw)
            self.assertEqual(
                (answer.status, answer.json["error_code"]),
                (case.status, case.error_code),
                (case.title, answer.json),
            )
            self.assertIn(case.names, answer.json["message"], case.title)
        self.assertEqual(self.state(), before)
        self.assertEqual(self.server.terminate(), -15)
        self.assertNotIn("Traceback", "\n".join(self.server.log))
