"""What the manager asks of the system: processes, ports and servers.

Its tests put another one in its place, so that they need neither.
"""

import json
import os
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

_SECONDS = 5.0
"""How long a server may take to answer a question of the manager."""


class System:
    """This machine."""

    def spawn(
        self, command: Sequence[str], log: Path, environment: Mapping[str, str]
    ) -> tuple[int, float]:
        """Start a process of its own session whose output goes to the end of C{log}; gives its
        number and time of birth."""
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return process.pid, psutil.Process(process.pid).create_time()

    def is_running(self, pid: int, began: float) -> bool:
        """Whether the process that was born then still lives."""
        try:
            process = psutil.Process(pid)
            same = abs(process.create_time() - began) < 1.0
            return bool(same and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    def end(self, pid: int, *, at_once: bool = False) -> None:
        """Ask a process to end, or end it."""
        os.kill(pid, signal.SIGKILL if at_once else signal.SIGTERM)

    def is_free(self, port: int) -> bool:
        """Whether a server on loopback could have this port."""
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                return False
            return True

    def ask(self, url: str, key: str | None = None) -> tuple[int, dict[str, Any]] | None:
        """What a server answers; C{None}: nothing."""
        request = urllib.request.Request(url, headers={"X-API-Key": key} if key else {})
        unverified = ssl.create_default_context()
        unverified.check_hostname = False  # it is our own process, whatever its certificate says
        unverified.verify_mode = ssl.CERT_NONE
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=unverified)
        )
        try:
            with opener.open(request, timeout=_SECONDS) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)
        except (OSError, ValueError):
            return None

    def now(self) -> float:
        """The time, in Unix seconds."""
        return time.time()

    def pause(self, seconds: float) -> None:
        """Let some time pass."""
        time.sleep(seconds)
