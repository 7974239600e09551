"""A server that finds its models in an index, and one that does not: both answer the same."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kato.changes import Changes, State
from kato.engines import MANY_MODELS
from kato.model import Model, model_name
from kato.storage.sqlite.connection import prepare
from kato.storage.sqlite.database import Database
from tests.engine.providers import built
from tests.live.server import LiveServer

TAKEN = r"p1: \d+ models taken from its index"
KEPT = r"p1: its index is kept"


class IndexTests(SynchronousTestCase):
    """A server with as many models as it keeps an index of."""

    def setUp(self) -> None:
        built("native")
        self.path = Path(self.mktemp()).absolute()
        self.file = self.path.with_name(self.path.name + ".index") / "1"
        prepare(self.path)
        models = []
        for number in range(MANY_MODELS):
            sequence = ((f"s{number % 97}", f"s{number % 89}"), (f"s{number}",), ("end",))
            models.append(Model(model_name(sequence), sequence, 1 + number % 3, ({"n": number},)))
        with closing(Database(self.path)) as database:
            database.commit([Changes(processor="p1", state=State("p1"), models=tuple(models))])

    def start(self, **environment: str) -> LiveServer:
        server = LiveServer("--storage", f"sqlite:{self.path}", env=environment)
        self.addCleanup(server.stop)
        return server.start()

    def told(self, server: LiveServer) -> dict[str, Any]:
        """What a client sees of the models."""
        with closing(server.connect()) as connection:
            connection.post("/p1/clear-short-term-memory")
            connection.post("/p1/observe", {"strings": ["s3", "s12"]})
            paths = ("predictions", "forecast", "models?limit=3", f"model/{self.name}")
            status = connection.get("/p1/status")
            told = {path: connection.get(f"/p1/{path}") for path in paths}
        for each in told.values():
            del each["time_stamp"], each["interval"]
        return {**told, "models": status["models"], "symbols": status["symbols"]}

    @property
    def name(self) -> str:
        return model_name((("s3", "s3"), ("s3",), ("end",)))

    def learn(self, server: LiveServer) -> None:
        with closing(server.connect()) as connection:
            connection.post("/p1/observe-sequence", {"observations": [{"strings": ["s3", "new"]}]})
            connection.post("/p1/learn")

    def is_taken(self, server: LiveServer) -> bool:
        return any("taken from its index" in line for line in server.log)

    def first(self) -> dict[str, Any]:
        """Start it for the first time, which keeps an index; gives what it tells."""
        server = self.start()
        self.assertFalse(self.is_taken(server))
        server.wait_for(KEPT)
        told = self.told(server)
        server.terminate()
        self.assertEqual(told["models"], MANY_MODELS)
        return told

    def test_lives(self) -> None:
        """A start finds the index that the last start or stop kept, and tells the same; one after
        a kill goes over the models that changed since."""
        told = self.first()
        server = self.start()
        self.assertTrue(self.is_taken(server))
        self.assertEqual(self.told(server), told)
        self.learn(server)
        learned = self.told(server)
        self.assertNotEqual(learned, told)
        server.terminate()
        server.wait_for(KEPT)
        server = self.start()
        self.assertTrue(self.is_taken(server))
        self.assertEqual(self.told(server), learned)
        self.learn(server)
        again = self.told(server)
        server.kill()
        server = self.start()
        self.assertFalse(self.is_taken(server))
        self.assertEqual(self.told(server), again)

    def test_unfit(self) -> None:
        """A file that is damaged, or of another time, and models that somebody has changed, cost
        time and no answer."""
        told = self.first()
        content = bytearray(self.file.read_bytes())
        content[len(content) // 2] ^= 1
        for changed in (bytes(content), bytes(content[:-5000]), b""):
            self.file.write_bytes(changed)
            server = self.start()
            self.assertFalse(self.is_taken(server))
            server.wait_for("index .* is not used")
            self.assertEqual(self.told(server), told)
            server.wait_for(KEPT)
            server.terminate()
        with closing(sqlite3.connect(self.path)) as connection:
            change = "UPDATE models SET frequency = 77 WHERE name = ?"
            connection.execute(change, (self.name,))
            connection.commit()
        server = self.start()
        self.assertFalse(self.is_taken(server))
        self.assertEqual(self.told(server)[f"model/{self.name}"]["model"]["frequency"], 77)

    def test_other_matcher(self) -> None:
        """The provider in Python, which has no use for an index, tells the same, and leaves it for
        the next start of the other."""
        told = self.first()
        server = self.start(KATO_MATCHER="python")
        self.assertFalse(self.is_taken(server))
        self.assertEqual(self.told(server), told)
        server.terminate()
        self.assertTrue(self.is_taken(self.start()))
