"""A gateway and a service with MongoDB, as an operator meets them."""

import os
import signal
import subprocess
import sys
from contextlib import closing

from twisted.trial.unittest import SynchronousTestCase

from tests.live.ports import HeldPort
from tests.live.server import PATIENCE, ROOT, LiveProcess, LiveServer
from tests.storage.mongod import new_database

TWISTD = (sys.executable, "-c", "from twisted.scripts.twistd import run; run()")
SECRET = "hunter2"


class RefusalTests(SynchronousTestCase):
    """A database that cannot be used is one line on standard error, and exit status 1."""

    def refused(self, service: str, *options: str, **environment: str) -> str:
        """Start one of the services; gives the line in which it refuses."""
        done = subprocess.run(
            [*TWISTD, "--nodaemon", "--pidfile=", service, *options],
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
        self.assertNotIn(SECRET, done.stderr)
        [line] = done.stderr.splitlines()
        return line

    def test_unreachable(self) -> None:
        """It is named, without the password, whether an option or the environment names it."""
        with closing(HeldPort()) as held:
            where = f"127.0.0.1:{held.port}/kato"
            url = f"mongodb://ann:{SECRET}@{where}?serverSelectionTimeoutMS=2000"
            for service in ("kato-gateway", "kato-processor"):
                for line in (
                    self.refused(service, "--storage", url),
                    self.refused(service, KATO_STORAGE=url),
                ):
                    self.assertIn(f"kato: storage mongodb://{where} cannot be used: ", line)

    def test_nonsense(self) -> None:
        """What is no address is refused, too."""
        line = self.refused("kato-gateway", "--storage", f"mongodb://ann:{SECRET}@host")
        self.assertIn("names no database", line)

    def test_in_use(self) -> None:
        """A second server is told which the first is."""
        url = new_database()
        first = LiveServer("--storage", url).start()
        self.addCleanup(first.stop)
        line = self.refused("kato-processor", "--storage", url)
        self.assertIn(f"another server uses it (process {first.pid} on ", line)


class EndTests(SynchronousTestCase):
    """What is there after a gateway has ended."""

    def learn(self, server: LiveServer) -> str:
        connection = server.connect()
        for strings in (["a", "b"], ["c"]):
            connection.post("/p1/observe", {"strings": strings})
        name: str = connection.post("/p1/learn", {})["model_name"]
        return name

    def again(self, first: LiveProcess, number: int) -> None:
        """End a gateway with a signal; another one on the same database goes on where it was."""
        name = self.learn(self.server)
        self.server.connect().post("/p1/observe", {"strings": ["d"]})
        first.send_signal(number)
        first.wait()
        second = LiveServer("--storage", self.url).start()
        self.addCleanup(second.stop)
        connection = second.connect()
        model = connection.get(f"/p1/model/{name}")["model"]
        self.assertEqual((model["sequence"], model["frequency"]), ([["a", "b"], ["c"]], 1))
        expected = [["d"]] if number == signal.SIGTERM else []
        found = connection.get("/p1/short-term-memory")["short_term_memory"]
        self.assertEqual(found, expected)

    def setUp(self) -> None:
        self.url = new_database()
        self.server = LiveServer("--storage", self.url, "--checkpoint", "600").start()
        self.addCleanup(self.server.stop)

    def test_killed(self) -> None:
        """What was learned survives C{kill -9}, and nobody has to wait for the next start."""
        self.again(self.server, signal.SIGKILL)

    def test_stopped(self) -> None:
        """SIGTERM loses nothing, short-term memory included."""
        self.again(self.server, signal.SIGTERM)
