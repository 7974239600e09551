"""The page on the client does what it says."""

import re
import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from tests.live.server import LONG_PATIENCE, LiveServer
from tests.source import ROOT

PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")


class PageTests(SynchronousTestCase):
    """docs/python.md."""

    def test_examples(self) -> None:
        """Each example, run one after the other, prints what stands below it."""
        examples = re.findall(r"```python\n(.*?)```\n\n```\n(.*?)```", PAGE, re.DOTALL)
        self.assertEqual(len(examples), 2)
        server = LiveServer("--storage", "memory:").start()
        self.addCleanup(server.stop)
        for source, printed in examples:
            script = source.replace("localhost:8000", f"127.0.0.1:{server.port}")
            said = subprocess.run(
                [sys.executable, "-c", script],
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=LONG_PATIENCE,
                check=False,
            )
            self.assertEqual((said.stdout, said.stderr), (printed, ""))
