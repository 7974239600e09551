"""The official JavaScript client of C{graphql-transport-ws}, with a live server."""

import shutil
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.live.ports import HeldPort
from tests.live.server import ROOT, LiveServer
from tests.live.test_zeromq import TOLD, plain
from tests.node import install, need_node, run

HERE = Path(__file__).resolve().parent
EXAMPLES = ROOT / "examples" / "graphql"
KEY = "sesame"


class LiveTests(SynchronousTestCase):
    """Node, the package C{graphql-ws}, and sockets."""

    def setUp(self) -> None:
        need_node()
        self.folder = Path(self.mktemp()).absolute()
        shutil.copytree(EXAMPLES, self.folder)
        install(self.folder)

    def start(self, *options: str) -> LiveServer:
        server = LiveServer(*options).start()
        self.addCleanup(server.stop)
        return server

    def test_example(self) -> None:
        """The example prints what those of other transports print."""
        server = self.start("--storage", "memory:")
        url = f"ws://127.0.0.1:{server.port}/graphql"
        told = run("node", "client.mjs", url, folder=self.folder)
        self.assertEqual(plain(told), TOLD)

    def test_killed(self) -> None:
        """A client whose server is killed and started again goes on by itself: it subscribes
        again, is told that all begins anew, and finds all that was answered."""
        held = HeldPort()
        self.addCleanup(held.close)
        key_file = self.folder / "key"
        key_file.write_text(KEY, encoding="utf-8")
        listen = ("--listen", f"tcp:{held.port}:interface=127.0.0.1")
        storage = ("--storage", f"sqlite:{self.folder / 'kato.db'}", "--checkpoint", "0")
        options = (*storage, *listen, "--api-key-file", str(key_file))
        server = self.start(*options)
        shutil.copy(HERE / "reconnecting.mjs", self.folder)
        with subprocess.Popen(
            ["node", "reconnecting.mjs", f"ws://127.0.0.1:{held.port}/graphql", KEY],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as client:
            self.addCleanup(client.kill)
            assert client.stdout is not None
            self.assertEqual(client.stdout.readline(), "kill\n")
            server.kill()
            self.start(*options)
            said = client.stdout.read()
            self.assertEqual(said, "done\n", said)
        self.assertEqual(client.returncode, 0)
