"""The log of a server that is killed tells all that was answered, and what is there (SPEC 11)."""

import http.client
import os
import random
import subprocess
import sys
from hashlib import sha256
from itertools import count
from pathlib import Path
from threading import Thread

from twisted.trial.unittest import SynchronousTestCase

from tests.live.server import ROOT, Connection, LiveProcess, LiveServer
from tests.live.test_kill import Script
from tests.storage.process import PATIENCE

CLIENTS = 3
ROUNDS = 4


class AuditTests(SynchronousTestCase):
    """A server with a log."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.log = self.folder / "audit"

    def serve(self, checkpoint: float, *options: str) -> LiveServer:
        server = LiveServer(
            *options,
            *("--storage", f"sqlite:{self.folder}/kato.db", "--checkpoint", str(checkpoint)),
            *("--audit", str(self.log), "--audit-reads", "--audit-file-size", "1"),
        )
        self.addCleanup(server.stop)
        return server.start()

    def type(self, *words: str, status: int = 0, **environment: str) -> str:
        ended = subprocess.run(
            [sys.executable, "-P", "-m", "kato.auditing", *words],
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.assertEqual(ended.returncode, status, ended.stdout + ended.stderr)
        return ended.stdout + ended.stderr

    def test_killed(self) -> None:
        """After kills in the midst of a load, what the log tells gives processors that are equal to
        those that are there, and its head is what the server said at its end."""
        seed = random.SystemRandom().randrange(2**32)
        chance = random.Random(seed)
        scripts = [Script(number, chance.randrange(2**32)) for number in range(CLIENTS)]
        for _ in range(ROUNDS):
            server = self.serve(5.0 if chance.random() < 0.5 else 0.05)
            self.speak(server, scripts, chance.randrange(20, 300))
        server = self.serve(5.0)
        connection = server.connect()
        self.create(connection, scripts)
        for script in scripts:
            script.say(connection, script.next())
        for model in connection.get("/p0/models?limit=3")["models"]:
            learned = connection.get(f"/p0/explain/{model['name']}")["learned"]
            self.assertEqual(learned["times"], model["frequency"], f"seed {seed}")
            self.assertTrue(learned["first"]["observations"], f"seed {seed}")
        self.type("verify", str(self.log))
        said = self.replay("rest", f"http://127.0.0.1:{server.port}")
        self.assertEqual(said.count(": equal ("), CLIENTS, f"seed {seed}: {said}")
        connection.close()
        server.terminate()
        head = server.wait_for(r"its head is ([0-9a-f]{64})")[1]
        self.assertIn(head, self.type("verify", str(self.log), "--expect", head))
        said = self.replay("store", f"sqlite:{self.folder}/kato.db")
        self.assertEqual(said.count(": equal ("), CLIENTS, f"seed {seed}: {said}")

    def create(self, connection: Connection, scripts: list[Script]) -> None:
        """See that there are all processors: what was only observed may be gone with a kill."""
        for script in scripts:
            connection.send("PUT", f"/{script.processor}", {"genes": {"persistence": 3}})

    def test_keys(self) -> None:
        """A key that does not see all is refused, since what it does not see would seem to be
        missing; where those are named that it is for, it will do."""
        file = self.folder / "keys.toml"
        text = '[keys.{}]\nhash = "sha256:{}"\nscopes = ["{}"]\nprocessors = ["{}"]\n'
        rows = (
            *(("all", "read", "*"), ("some", "read", "p*")),
            *(("writes", "write", "*"), ("maker", "admin", "*")),
        )
        keys = (text.format(row[0], sha256(row[0].encode()).hexdigest(), *row[1:]) for row in rows)
        file.write_text("".join(keys), encoding="ascii")
        file.chmod(0o600)
        server = self.serve(5.0, "--api-keys", str(file))
        connection = server.connect()
        for processor in ("p1", "other"):
            asked = ("POST", f"/{processor}/observe", {"strings": ["a"]})
            self.assertEqual(connection.send(*asked, {"X-API-Key": "writes"})[0], 200)
        connection.close()
        url = f"http://127.0.0.1:{server.port}"
        for key, more, said in (
            ("some", (), "the key does not read all processors"),
            ("maker", (), "the key does not read all processors"),
            ("some", ("--processor", "other"), "is answered 403: processor: this key is not for"),
            ("none", (), "is answered 401: this is not a key of this server\n"),
        ):
            told = self.replay(key, url, *more, status=1, KATO_API_KEY=key)
            self.assertIn(f"kato: --against: {'/' if 'is answ' in said else ''}", told)
            self.assertIn(said, told)
            self.assertFalse((self.folder / f"{key}.db").exists(), told)
        told = self.replay("some", url, "--processor", "p1", KATO_API_KEY="some")
        self.assertIn("p1: equal", told)
        told = self.replay("all", url, KATO_API_KEY="all")
        self.assertEqual(told.count(": equal ("), 2, told)

    def replay(
        self, name: str, against: str, *more: str, status: int = 0, **environment: str
    ) -> str:
        into = f"sqlite:{self.folder}/{name}.db"
        words = ("replay", str(self.log), "--into", into, "--against", against, *more)
        return self.type(*words, status=status, **environment)

    def speak(self, server: LiveServer, scripts: list[Script], answers: int) -> None:
        """Let all clients speak until they have so many answers, and the server is killed."""
        connection = server.connect()
        self.create(connection, scripts)
        connection.close()
        left = count(answers, -1)

        def speak(script: Script) -> None:
            connection = server.connect()
            try:
                while True:
                    script.say(connection, script.next())
                    if next(left) == 0:
                        server.kill()
            except (OSError, http.client.HTTPException):
                connection.close()

        clients = [Thread(target=speak, args=(each,)) for each in scripts]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        server.wait()

    def test_refused(self) -> None:
        """A server does not start with a log that another writes, or that it cannot write."""
        self.serve(5.0)
        storage = f"sqlite:{self.folder}/other.db"
        for folder, why in (
            (str(self.log), "another server uses it"),
            ("/proc/none", "No such file or directory"),
        ):
            server = LiveProcess("kato-gateway", "--storage", storage, "--audit", folder)
            server.launch()
            self.assertEqual(server.wait(), 1)
            said = server.log[-1]
            self.assertTrue(said.startswith(f"kato: audit log {folder} cannot be written: {why}"))
