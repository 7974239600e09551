"""What the README and the example promise, on a live server."""

import re
import shlex
import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from tests.live.server import PATIENCE, ROOT, LiveServer

_COMMAND = re.compile(r"^\$ curl (.+)\n(.+)$", re.MULTILINE)
_VARYING = re.compile(r'"(time_stamp|unique_id)":("[^"]*"|[0-9.]+)')


class ReadmeTests(SynchronousTestCase):
    """A newcomer's first minutes."""

    def setUp(self) -> None:
        self.server = LiveServer("--storage", f"sqlite:{self.mktemp()}").start()
        self.addCleanup(self.server.stop)

    def test_requests(self) -> None:
        """The requests of the README give the answers that it shows."""
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        commands = _COMMAND.findall(readme)
        self.assertEqual(len(commands), 5)
        for arguments, shown in commands:
            url, *rest = shlex.split(arguments)
            here = url.replace(":8000", f":{self.server.port}")
            done = subprocess.run(
                ["curl", "--silent", "--show-error", here, *rest],
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=True,
            )
            self.assertEqual(_VARYING.sub("", done.stdout), _VARYING.sub("", shown))

    def test_example(self) -> None:
        """The weather of Seattle, on a few days, ends with how often each forecast was right."""
        done = subprocess.run(
            [
                *(sys.executable, "examples/seattle_weather.py", "--days", "60"),
                *("--url", f"http://127.0.0.1:{self.server.port}"),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        _, found, scores = done.stdout.partition("Right on 60 days of the last year:\n")
        self.assertTrue(found)
        self.assertEqual(len(re.findall(r"^ +\d+\.\d%  \S", scores, re.MULTILINE)), 3)

    def test_example_without_a_server(self) -> None:
        """Without a server the example says what to do."""
        self.server.kill()
        done = subprocess.run(
            [
                *(sys.executable, "examples/seattle_weather.py", "--days", "3"),
                *("--url", f"http://127.0.0.1:{self.server.port}"),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.assertEqual(done.returncode, 1)
        self.assertIn("./kato-manager.sh start", done.stderr)
