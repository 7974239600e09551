"""The program, run as a person would, and without a process of its own."""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from subprocess import PIPE, Popen

from click.testing import CliRunner, Result
from twisted.trial.unittest import SynchronousTestCase

from kato.cli.output import Output
from kato.cli.program import program
from tests.live.server import LiveServer
from tests.source import ROOT

KEY = "sesame"


def plain(text: str) -> str:
    """Text as it is read, without colours."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


class Terminal(StringIO):
    """What says that it is a terminal, and keeps what was written."""

    def isatty(self) -> bool:
        return True

    def lines(self) -> list[str]:
        """What was written, without colours and margins."""
        return [each.strip() for each in plain(self.getvalue()).splitlines()]


def terminal(width: int = 100) -> tuple[Output, Terminal]:
    """An output to a terminal, and where it is kept."""
    kept = Terminal()
    return Output(out=kept, err=kept, width=width), kept


class ProgramCase(SynchronousTestCase):
    """Runs the program against a server of its own."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.server = LiveServer("--storage", "memory:", "--api-key", KEY, *self.options()).start()
        self.addCleanup(self.server.stop)
        self.env = {
            "KATO_URL": f"http://127.0.0.1:{self.server.port}",
            "KATO_API_KEY": KEY,
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "KATO_API_KEY_FILE": "",
        }

    def options(self) -> tuple[str, ...]:
        """More options of the server."""
        return ()

    def ran(self, *words: str, given: str = "", env: dict[str, str] | None = None) -> Result:
        """What comes of a command."""
        runner = CliRunner(env={**self.env, **(env or {})})
        return runner.invoke(program, list(words), input=given, prog_name="kato")

    def okay(self, *words: str, given: str = "") -> str:
        """What a command that must succeed prints on standard output."""
        result = self.ran(*words, given=given)
        self.assertEqual((result.exit_code, result.exception), (0, None), result.output)
        return result.stdout

    def refused(self, status: int, *words: str, given: str = "") -> str:
        """What a command that must end with this status says on standard error."""
        result = self.ran(*words, given=given)
        self.assertEqual(result.exit_code, status, result.output)
        self.assertIsInstance(result.exception, SystemExit)
        self.assertEqual(result.stdout, "")
        return result.stderr

    @contextmanager
    def process(self, *words: str, env: dict[str, str] | None = None) -> Iterator[Popen[str]]:
        """The program in a process of its own, which is ended if it still runs."""
        with Popen(
            [sys.executable, "-m", "kato.cli", *words],
            stdout=PIPE,
            stderr=PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **self.env, **(env or {})},
        ) as process:
            try:
                yield process
            finally:
                process.kill()
