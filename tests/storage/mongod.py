"""A MongoDB for tests: C{secantusd-py} on a port of its own, or the one that C{KATO_TEST_MONGO}
names."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from threading import Event, Thread
from typing import Self
from uuid import uuid4

from tests.live.ports import HeldPort

PATIENCE = 60.0
"""Seconds after which a server that does not answer fails the test."""


class MongoServer:
    """A server in a process of its own, which can be killed, and started again."""

    def __init__(self, *options: str) -> None:
        self._options = options
        self._folder = Path(tempfile.mkdtemp(prefix="kato-mongod-"))
        self._held = HeldPort()
        self._process: subprocess.Popen[str] | None = None
        self._log: list[str] = []

    @property
    def port(self) -> int:
        return self._held.port

    def url(self, database: str, user: str = "") -> str:
        """What names one of its databases to a store.

        @param user: C{user:password}, where one is asked for.
        """
        return f"mongodb://{user}{'@' if user else ''}127.0.0.1:{self.port}/{database}"

    def start(self, *options: str) -> Self:
        """Start it, and wait until it listens."""
        program = Path(sys.executable).with_name("secantusd-py")
        where = ("--port", str(self.port), "--storage-path", str(self._folder / "data"))
        self._process = subprocess.Popen(
            [str(program), *where, "--log-level", "INFO", *self._options, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self._folder,
        )
        listens = Event()
        Thread(target=self._read, args=(self._process, listens), daemon=True).start()
        if not listens.wait(PATIENCE) or self._process.poll() is not None:
            raise AssertionError("\n".join(self._log))
        return self

    def _read(self, process: "subprocess.Popen[str]", listens: Event) -> None:
        assert process.stderr is not None
        with process.stderr as lines:
            for line in lines:
                self._log.append(line.rstrip("\n"))
                if "listening" in line:
                    listens.set()
        listens.set()

    def stop(self) -> None:
        """End it as it would have it, with all that it has in memory written out."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(PATIENCE)

    def kill(self) -> None:
        """End it as C{kill -9} does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE)

    def remove(self) -> None:
        """End it, with all it has."""
        self.kill()
        self._held.close()
        shutil.rmtree(self._folder, ignore_errors=True)


@cache
def shared_server() -> MongoServer:
    """One server for all tests of this process."""
    server = MongoServer("--enable-test-commands").start()
    atexit.register(server.remove)
    return server


def new_database() -> str:
    """The URL of a database that nobody uses."""
    name = f"kato_test_{uuid4().hex}"
    given = os.environ.get("KATO_TEST_MONGO")
    if not given:
        return shared_server().url(name)
    address, mark, options = given.partition("?")
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}/{name}{mark}{options}"
