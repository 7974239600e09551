"""What C{docs/zeromq.md} promises, with clients in two languages on a live service."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from kato.commands import OPERATIONS
from kato.requests import OLDER
from tests.live.server import PATIENCE, ROOT, LiveServer

PAGE = (ROOT / "docs" / "zeromq.md").read_text(encoding="utf-8")
EXAMPLES = ROOT / "examples" / "zeromq"
TOLD = [
    "MODEL|4772c243ccf3c216170b3ac980a1d67abc59e4e9",
    "go 1",
]


def plain(said: str) -> list[str]:
    """The lines of an example, without what only its language writes."""
    marks = str.maketrans("", "", "[]'")
    return [
        " ".join(line.replace("1.0", "1").translate(marks).split()) for line in said.splitlines()
    ]


class PageTests(SynchronousTestCase):
    """The page itself."""

    def test_examples(self) -> None:
        """The examples on the page are those that are run."""
        for name in ("client.py", "client.mjs"):
            self.assertIn((EXAMPLES / name).read_text(encoding="utf-8"), PAGE)

    def test_operations(self) -> None:
        """Every operation is there, and every older name."""
        for name in (*OPERATIONS, *OLDER):
            self.assertIn(f"`{name}`", PAGE)


class ExampleTests(SynchronousTestCase):
    """The examples, each on a service of its own."""

    def setUp(self) -> None:
        self.server = LiveServer("--storage", "memory:", "--zmq", "tcp://127.0.0.1:0").start()
        self.addCleanup(self.server.stop)
        self.address = self.server.wait_for(r"listening on (tcp://\S+)").group(1)

    def run_example(self, *command: str, folder: Path = EXAMPLES) -> list[str]:
        done = subprocess.run(
            [*command, self.address],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return plain(done.stdout)

    def test_python(self) -> None:
        """A plain REQ socket in Python."""
        self.assertEqual(self.run_example(sys.executable, "client.py"), TOLD)

    def test_node(self) -> None:
        """A plain REQ socket in Node, with the packages that the example names."""
        if not (shutil.which("node") and shutil.which("npm")):
            if "CI" in os.environ:
                self.fail("Node is required here: apt-get install nodejs npm")
            raise SkipTest("there is no Node here")
        folder = Path(self.mktemp()).absolute()
        shutil.copytree(EXAMPLES, folder)
        installed = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--silent"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.assertEqual(installed.returncode, 0, installed.stderr)
        self.assertEqual(self.run_example("node", "client.mjs", folder=folder), TOLD)
