"""A real Redis for tests, on a port of its own."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from socket import create_connection
from threading import Event, Thread
from typing import Self

from twisted.trial.unittest import SkipTest

from tests.live.ports import HeldPort

_PATIENCE = 30.0


def _program() -> str:
    program = shutil.which("redis-server")
    if program is not None:
        return program
    if "CI" in os.environ:
        raise AssertionError("Redis is required here: apt-get install redis-server")
    raise SkipTest("there is no Redis here: install redis-server")


class RedisServer:
    """A server in a process of its own, which can be killed, put to sleep, and started again."""

    def __init__(self, *options: str) -> None:
        """@raise SkipTest: where there is none, except in CI."""
        self._program = _program()
        self._options = options
        self._folder = Path(tempfile.mkdtemp(prefix="kato-redis-"))
        self._held = HeldPort()
        self._process: subprocess.Popen[str] | None = None
        self._log: list[str] = []

    def url(self, user: str = "") -> str:
        """What names it to a service.

        @param user: C{user:password}, or C{:password}.
        """
        return f"redis://{user}{'@' if user else ''}127.0.0.1:{self._held.port}/0"

    def start(self) -> Self:
        """Start it, and wait until it listens; it keeps nothing on disk."""
        port = str(self._held.port)
        self._process = subprocess.Popen(
            [self._program, "--port", port, "--bind", "127.0.0.1", "--save", "", *self._options],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        listens = Event()
        Thread(target=self._read, args=(self._process, listens), daemon=True).start()
        if not listens.wait(_PATIENCE) or self._process.poll() is not None:
            raise AssertionError("\n".join(self._log))
        return self

    def _read(self, process: "subprocess.Popen[str]", listens: Event) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                self._log.append(line.rstrip("\n"))
                if "Ready to accept connections" in line:
                    listens.set()
        listens.set()

    def say(self, *words: bytes) -> bytes:
        """Say something to it over a connection of its own; gives the beginning of the answer."""
        said = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(w), w) for w in words)
        with create_connection(("127.0.0.1", self._held.port), timeout=_PATIENCE) as connection:
            connection.sendall(said)
            return connection.recv(65536)

    def sleep(self) -> None:
        """Have it answer nothing, with all connections open."""
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Have it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def kill(self) -> None:
        """End it at once, awake or not."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(_PATIENCE)
            self._process = None

    def remove(self) -> None:
        """End it, and leave nothing behind."""
        self.kill()
        self._held.close()
        shutil.rmtree(self._folder, ignore_errors=True)
