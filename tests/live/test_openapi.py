"""The description of REST, held against what a server does by schemathesis."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.live.server import PATIENCE, ROOT, LiveServer

CONFIG = Path(__file__).with_name("schemathesis.toml")
KEY = "sesame"
LOW = (
    *("--max-symbols", "50", "--max-components", "50", "--max-emotives", "20"),
    *("--max-observations", "20", "--max-string", "200"),
)
"""Limits that are reached by requests of a size that makes no long ones."""

_CASES = re.compile(r"(\d+) generated, (\d+) passed")
_SELECTED = re.compile(r"(\d+) selected / (\d+) total")


class SchemathesisTests(SynchronousTestCase):
    """Requests that are made of the description, good and bad ones, and their answers."""

    def test_holds(self) -> None:
        """Every request that fits the description is taken, every other one is refused, and each
        answer has a status, headers and a shape that the description tells."""
        server = LiveServer("--storage", "memory:", "--api-key", KEY, *LOW).start()
        self.addCleanup(server.stop)
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [
                    *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG)),
                    *("run", f"http://127.0.0.1:{server.port}/openapi.json"),
                    *("--header", f"X-API-Key: {KEY}"),
                    *("--seed", "1", "--max-examples", "5", "--generation-database", "none"),
                    "--no-color",
                ],
                cwd=folder,
                env={"PYTHONPATH": str(ROOT), "PATH": "", "HOME": folder, "COLUMNS": "100"},
                capture_output=True,
                text=True,
                timeout=15 * PATIENCE,
                check=False,
            )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        cases = _CASES.search(done.stdout)
        assert cases is not None, done.stdout
        self.assertGreater(int(cases[2]), 1_000)
        self.assertEqual(cases[1], cases[2])
        selected = _SELECTED.search(done.stdout)
        assert selected is not None, done.stdout
        self.assertEqual(selected[1], selected[2])

    timeout = 16 * PATIENCE
