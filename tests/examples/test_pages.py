"""What the pages of the examples show is what the examples do."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

from twisted.trial.unittest import SynchronousTestCase

from tests.live.ports import HeldPort
from tests.live.server import LONG_PATIENCE, ROOT, LiveServer

PAGES = ROOT / "docs" / "examples"
EXAMPLES = ROOT / "examples"
SCRIPTS = (
    "agent_cache",
    "game_players",
    "log_anomalies",
    "next_step",
    "seattle_weather",
    "vector_events",
)

_RUN = re.compile(r"^```console\n\$ \.venv/bin/python (examples/[^\n]*)\n(.*?)^```$", re.M | re.S)
_CODE = re.compile(r"^```(python|js)\n(.*?)^```$", re.M | re.S)
_SOURCE = re.compile(r"\]\(\.\./\.\./examples/([\w/]+\.(?:py|js))\)")


def pages() -> Iterator[tuple[Path, str]]:
    """The pages, without the list of them."""
    for path in sorted(PAGES.glob("*.md")):
        if path.name != "README.md":
            yield path, path.read_text(encoding="utf-8")


def stands_in(code: str, source: str) -> bool:
    """Whether these lines stand one after the other in a source, indented or not."""
    lines = source.splitlines()
    count = len(code.splitlines())
    windows = (lines[start : start + count] for start in range(len(lines)))
    return any(dedent("\n".join(window)) == code.rstrip("\n") for window in windows)


class PageTests(SynchronousTestCase):
    """The pages below docs/examples."""

    def test_output(self) -> None:
        """Each script, run with what its page says, prints what the page shows."""
        server = LiveServer("--storage", "memory:").start()
        self.addCleanup(server.stop)
        shown = [run for _, text in pages() for run in _RUN.findall(text)]
        ran = {Path(shlex.split(command)[0]).stem for command, _ in shown}
        self.assertEqual(sorted(ran), list(SCRIPTS))
        for command, printed in shown:
            done = run(server.port, *shlex.split(command))
            self.assertEqual((done.stdout, done.stderr), (printed, ""), command)

    def test_code(self) -> None:
        """The lines that a page shows stand so in its example."""
        for path, text in pages():
            sources = [
                (EXAMPLES / name).read_text(encoding="utf-8") for name in _SOURCE.findall(text)
            ]
            shown = [code for _, code in _CODE.findall(text)]
            self.assertGreater(len(shown), 0, path.name)
            for code in shown:
                found = any(stands_in(code, source) for source in sources)
                self.assertTrue(found, f"{path.name}: {code}")

    def test_listed(self) -> None:
        """The list of examples names each page."""
        listed = re.findall(r"\]\((\w[\w-]*\.md)\)", (PAGES / "README.md").read_text("utf-8"))
        self.assertEqual(sorted(listed), [path.name for path, _ in pages()])


class ScriptTests(SynchronousTestCase):
    """The scripts themselves."""

    def test_limit(self) -> None:
        """With less data each script tells less, and the same a second time."""
        server = LiveServer("--storage", "memory:").start()
        self.addCleanup(server.stop)
        for name in SCRIPTS:
            first, second = (
                run(server.port, f"examples/{name}.py", "--limit", "20", "--processor", name)
                for _ in range(2)
            )
            self.assertEqual((first.returncode, first.stderr), (0, ""), name)
            self.assertEqual(second.stdout, first.stdout)

    def test_no_server(self) -> None:
        """Without a server a script says how to start one."""
        held = HeldPort()
        self.addCleanup(held.close)
        done = run(held.port, "examples/seattle_weather.py")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("./kato-manager.sh start", done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def test_refused(self) -> None:
        """What a server says against it is told, and is not taken for the lack of one."""
        server = LiveServer("--storage", "memory:", "--api-key", "sesame").start()
        self.addCleanup(server.stop)
        for name in SCRIPTS:
            done = run(server.port, f"examples/{name}.py")
            self.assertEqual(done.returncode, 1, name)
            self.assertRegex(done.stderr, r"\AUNAUTHORIZED: [^\n]+\n\Z")
            self.assertNotIn("kato-manager", done.stderr)


def run(port: int, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run a script on the server at a port."""
    return subprocess.run(
        [sys.executable, *command, "--url", f"http://127.0.0.1:{port}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LONG_PATIENCE,
        check=False,
    )
