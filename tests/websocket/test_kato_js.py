"""C{kato.js}, the client for pages: in memory, and over connections to a live server."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from kato.commands import OPERATIONS
from kato.requests import OLDER
from tests.live.server import PATIENCE, ROOT, LiveServer

HERE = Path(__file__).resolve().parent
MODULE = ROOT / "kato" / "dashboard" / "static" / "kato.js"
EXAMPLES = ROOT / "examples" / "websocket"
KEY = "sesame"

_LARGEST_LINE = 100


def need_node() -> None:
    """Node is there, or what needs it is skipped, except in CI."""
    if shutil.which("node") and shutil.which("npm"):
        return
    if "CI" in os.environ:
        raise AssertionError("Node is required here: apt-get install nodejs npm")
    raise SkipTest("there is no Node here: install node and npm to run kato.js")


def run(*command: str, folder: Path = ROOT) -> str:
    """Run a program that must succeed; gives what it printed."""
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=2 * PATIENCE, check=False
    )
    if done.returncode:
        raise AssertionError(f"{command}: {done.stdout}\n{done.stderr}")
    return done.stdout


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
        npm = ("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")
        run(*npm, folder=self.folder)

    def start(self, *options: str) -> LiveServer:
        """Start a server, and take its C{kato.js}."""
        server = LiveServer("--storage", "memory:", *options).start()
        self.addCleanup(server.stop)
        connection = server.connect()
        self.addCleanup(connection.close)
        served = connection.text("GET", "/static/kato.js")
        (self.folder / "kato.js").write_text(served, encoding="utf-8")
        return server

    def test_cut_off(self) -> None:
        """Who is cut off again and again misses nothing of what was learned, gets nothing twice,
        knows how much else was passed over, and has each change made once."""
        key_file = self.folder / "key"
        key_file.write_text(KEY, encoding="utf-8")
        server = self.start("--api-key-file", str(key_file))
        shutil.copy(HERE / "kato_js_live.mjs", self.folder)
        url = f"ws://127.0.0.1:{server.port}/ws"
        told = json.loads(run("node", "kato_js_live.mjs", url, KEY, folder=self.folder))
        self.assertGreaterEqual(told["cuts"], 20)
        self.assertGreaterEqual(told["resent"], 15)
