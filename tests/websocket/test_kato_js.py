"""C{kato.js}, the client for pages: in memory, and over connections to a live server."""

import json
import re
import shutil
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kato.commands import OPERATIONS
from kato.requests import OLDER
from tests.live.ports import HeldPort
from tests.live.server import ROOT, LiveServer
from tests.live.test_zeromq import TOLD, plain
from tests.node import install, need_node, run

HERE = Path(__file__).resolve().parent
MODULE = ROOT / "kato" / "dashboard" / "static" / "kato.js"
EXAMPLES = ROOT / "examples" / "websocket"
KEY = "sesame"
PLACE = "127.0.0.1:8000"
"""Where the examples look for a server."""

_LARGEST_LINE = 100


class ModuleTests(SynchronousTestCase):
    """The module, without a server."""

    def test_in_node(self) -> None:
        """All that C{kato_js.test.mjs} says holds."""
        need_node()
        run("node", "--test", str(HERE / "kato_js.test.mjs"))

    def test_changes(self) -> None:
        """What it sends with a request id is what changes something, by newer and older names."""
        [listed] = re.findall(
            r"const CHANGES = new Set\((\[.*?\])\)", MODULE.read_text(encoding="utf-8"), re.DOTALL
        )
        changes = {name for name, row in OPERATIONS.items() if row.changes}
        changes |= {older for older, name in OLDER.items() if name in changes}
        self.assertEqual(set(re.findall(r'"(\w+)"', listed)), changes)

    def test_stands_alone(self) -> None:
        """It imports nothing, and its lines are as long as those of the rest."""
        lines = MODULE.read_text(encoding="utf-8").splitlines()
        self.assertEqual([line for line in lines if line.startswith("import")], [])
        self.assertEqual([line for line in lines if len(line) > _LARGEST_LINE], [])


class LiveTests(SynchronousTestCase):
    """The module as a server gives it, over the connections of the package C{ws}."""

    def setUp(self) -> None:
        need_node()
        self.folder = Path(self.mktemp()).absolute()
        shutil.copytree(EXAMPLES, self.folder)
        install(self.folder)

    def start(self, *options: str) -> LiveServer:
        """Start a server, and take its C{kato.js}."""
        server = LiveServer(*options).start()
        self.addCleanup(server.stop)
        connection = server.connect()
        self.addCleanup(connection.close)
        served = connection.text("GET", "/static/kato.js")
        (self.folder / "kato.js").write_text(served, encoding="utf-8")
        return server

    def test_example(self) -> None:
        """The example in Node prints what those of other transports print."""
        server = self.start("--storage", "memory:")
        url = f"ws://127.0.0.1:{server.port}/ws"
        told = run("node", "client.mjs", url, folder=self.folder)
        self.assertEqual(plain(told), TOLD)

    def test_page(self) -> None:
        """The example of a page shows what comes next."""
        server = self.start("--storage", "memory:")
        page = (self.folder / "page.js").read_text(encoding="utf-8")
        page = page.replace(f"http://{PLACE}/static/", "./")
        page = page.replace(PLACE, f"127.0.0.1:{server.port}")
        (self.folder / "page.mjs").write_text(page, encoding="utf-8")
        shutil.copy(HERE / "kato_js_page.mjs", self.folder)
        url = f"ws://127.0.0.1:{server.port}/ws"
        told = run("node", "kato_js_page.mjs", url, folder=self.folder)
        self.assertEqual(told.split("\n"), ["open ", "go: 1", ""])

    def test_killed(self) -> None:
        """A server that is killed and started again has done once what was asked for; the client
        goes on, and reads the state anew."""
        held = HeldPort()
        self.addCleanup(held.close)
        listen = ("--listen", f"tcp:{held.port}:interface=127.0.0.1")
        options = ("--storage", f"sqlite:{self.folder / 'kato.db'}", "--checkpoint", "0", *listen)
        server = self.start(*options)
        shutil.copy(HERE / "kato_js_restart.mjs", self.folder)
        with subprocess.Popen(
            ["node", "kato_js_restart.mjs", f"ws://127.0.0.1:{held.port}/ws"],
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
            self.assertEqual(client.stdout.read(), "done\n")
        self.assertEqual(client.returncode, 0)

    def test_cut_off(self) -> None:
        """Who is cut off again and again misses nothing of what was learned, gets nothing twice,
        knows how much else was passed over, and has each change made once."""
        key_file = self.folder / "key"
        key_file.write_text(KEY, encoding="utf-8")
        server = self.start("--storage", "memory:", "--api-key-file", str(key_file))
        shutil.copy(HERE / "kato_js_live.mjs", self.folder)
        url = f"ws://127.0.0.1:{server.port}/ws"
        told = json.loads(run("node", "kato_js_live.mjs", url, KEY, folder=self.folder))
        self.assertGreaterEqual(told["cuts"], 20)
        self.assertGreaterEqual(told["resent"], 15)
