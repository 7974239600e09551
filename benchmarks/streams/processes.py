"""Processes of their own that are told, and tell, in lines."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Other:
    """A module of ours that runs in another process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def tell(self, asked: dict[str, Any]) -> None:
        """Tell it what to do."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()

    def hear(self) -> str:
        """The next line that it says."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("a process has ended")
        return line

    def ask(self, asked: dict[str, Any]) -> str:
        """Tell it what to do, and wait until it says something."""
        self.tell(asked)
        return self.hear()


@contextmanager
def other(module: str) -> Iterator[Other]:
    """Run a module as long as it is needed."""
    command = [sys.executable, "-m", module]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield Other(process)
        finally:
            process.terminate()
