"""A server whose answers are kept in a real Redis, over its own death."""

import json
import signal
from pathlib import Path
from time import monotonic

from twisted.trial.unittest import SynchronousTestCase

from tests.caching.redis_server import RedisServer
from tests.live.server import PATIENCE, Connection, LiveServer

MODELS = 1_500
"""So many take Python long enough to be worth a look."""


class LiveCacheTests(SynchronousTestCase):
    """One server after the other, on one database, whose models are matched in Python."""

    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        self.storage = ("--storage", f"sqlite:{folder}/kato.db")
        self.redis = RedisServer()
        self.addCleanup(self.redis.remove)
        self.redis.start()

    def server(self, *options: str) -> tuple[LiveServer, Connection]:
        made = LiveServer(*self.storage, *options, env={"KATO_MATCHER": "python"})
        self.addCleanup(made.stop)
        made.start()
        connection = made.connect()
        self.addCleanup(connection.close)
        return made, connection

    def cached(self) -> tuple[LiveServer, Connection]:
        return self.server("--cache", self.redis.url())

    def answer(self, connection: Connection) -> str:
        """The predictions for a short-term memory that is made anew, so that they are not known."""
        connection.post("/p1/clear-short-term-memory")
        connection.post("/p1/observe", {"strings": ["a1", "c"]})
        return json.dumps(connection.get("/p1/predictions")["predictions"])

    def ask_until(self, connection: Connection, name: str, value: object = None) -> str:
        """Ask until C{/stats} tells something of the cache, or has counted it; gives the answer,
        which is always the same."""
        until = monotonic() + PATIENCE
        answers = {self.answer(connection)}
        while True:
            told = connection.get("/stats")["cache"]
            if told[name] if value is None else told[name] is value:
                break
            self.assertLess(monotonic(), until, f"{name}: {told}")
            answers.add(self.answer(connection))
        [answer] = answers
        return answer

    def test_over_death(self) -> None:
        """What one computed the next one finds; while Redis answers nothing, and when it is gone,
        it is computed; all of these are the same."""
        first, connection = self.cached()
        observations = [{"strings": [f"a{i % 7}", f"b{i}", "c"]} for i in range(MODELS)]
        sequence = {"observations": observations, "learn_after_each": True}
        connection.post("/p1/observe-sequence", sequence)
        computed = self.ask_until(connection, "written")
        first.kill()
        second, connection = self.cached()
        self.assertEqual(self.ask_until(connection, "hits"), computed)
        self.redis.sleep()
        self.assertEqual(self.ask_until(connection, "skipped"), computed)
        self.redis.kill()
        self.assertEqual(self.ask_until(connection, "answers", False), computed)
        until = monotonic() + PATIENCE
        while not any(" is not there, answers are computed " in each for each in second.log):
            self.assertLess(monotonic(), until, "it is not told of")
            self.assertEqual(self.answer(connection), computed)
        self.redis.start()
        self.assertEqual(self.ask_until(connection, "answers", True), computed)
        second.wait_for("the cache at redis://.* answers again")

    def test_not_there(self) -> None:
        """A server starts, and answers, where there is no Redis, and says so in one line."""
        self.redis.kill()
        server, connection = self.cached()
        server.wait_for("the cache at redis://.* is not there")
        connection.post("/p1/observe", {"strings": ["a"]})
        self.assertEqual(connection.get("/stats")["cache"]["answers"], False)
        self.assertEqual(server.terminate(), -signal.SIGTERM)
