"""What the README promises, on a live server."""

import re
import shlex
import subprocess

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
        self.assertEqual(len(commands), 3)
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


class PageTests(SynchronousTestCase):
    """The README as a page."""

    def test_two_screens(self) -> None:
        """It fits on two screens, and shows the two commands first, then the dashboard."""
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        self.assertLessEqual(len(readme.splitlines()), 90)
        commands = re.findall(r"^    (\./kato-manager\.sh \w+)", readme, re.MULTILINE)
        self.assertEqual(commands, ["./kato-manager.sh start", "./kato-manager.sh test"])
        self.assertLess(readme.index(commands[1]), readme.index("](docs/dashboard-light.png)"))
