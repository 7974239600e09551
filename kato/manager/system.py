"""What the manager asks of the system: processes, ports and servers.

Its tests put another one in its place, so that they need neither.
"""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import psutil

_SECONDS = 5.0
"""How long a server may take to answer a question of the manager."""

_PROC = Path("/proc")
_STATE, _STARTED = 0, 19
"""Places in C{/proc/PID/stat} after the name: the state, and the ticks from boot to birth."""


class System:
    """This machine."""

    def spawn(
        self, command: Sequence[str], *, log: Path, environment: Mapping[str, str], folder: Path
    ) -> tuple[int, str]:
        """Start a process of its own session whose output goes to the end of C{log}; gives its
        number and birth.

        @param environment: what it has beside the manager's own.
        @param folder: where it works: relative paths are meant from there.
        @raise OSError: where it cannot be started.
        """
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return process.pid, birth(process.pid) or ""

    def become(
        self, command: Sequence[str], *, environment: Mapping[str, str], folder: Path
    ) -> NoReturn:
        """Go on as another program, which has this terminal and gives the exit status.

        @param environment: what it has beside the manager's own.
        @raise OSError: where it cannot be started.
        """
        os.chdir(folder)
        sys.stdout.flush()
        os.execve(command[0], tuple(command), {**os.environ, **environment})

    def is_running(self, pid: int, born: str) -> bool:
        """Whether the process that was born then still lives."""
        return birth(pid) == born

    def end(self, pid: int, *, at_once: bool = False) -> None:
        """Ask a process to end, or end it; one that is gone needs neither."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL if at_once else signal.SIGTERM)

    def hang_up(self, pid: int) -> None:
        """Have a process of ours read again what it reads again; one that is gone need not."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGHUP)

    def is_free(self, port: int) -> bool:
        """Whether a server on loopback could have this port."""
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                return False
            return True

    def listens(self, pid: int, port: int) -> bool:
        """Whether this very process serves a port: another may have taken it, and answer."""
        try:
            open_ones = psutil.Process(pid).net_connections("tcp")
        except psutil.NoSuchProcess:
            return False
        return any(
            each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in open_ones
        )

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
                return _refused(error)
        except (OSError, ValueError):
            return None

    def now(self) -> float:
        """The time, in Unix seconds."""
        return time.time()

    def pause(self, seconds: float) -> None:
        """Let some time pass."""
        time.sleep(seconds)


def _refused(error: urllib.error.HTTPError) -> tuple[int, dict[str, Any]]:
    try:
        return error.code, json.load(error)
    except ValueError:
        return error.code, {}


def birth(pid: int, proc: Path = _PROC) -> str | None:
    """What tells a process from any other that ever has its number, or C{None} where none lives.

    Where the system counts from its own start, and so the clock may be set without a process
    becoming another one, this is the boot and that count; elsewhere the time of birth.
    """
    if not (proc / "self" / "stat").exists():
        return _time_of_birth(pid)
    try:
        said = (proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        boot = (proc / "sys" / "kernel" / "random" / "boot_id").read_text(encoding="ascii").strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = said.rpartition(")")[2].split()
    return None if fields[_STATE] in "ZX" else f"{boot}+{fields[_STARTED]}"


def _time_of_birth(pid: int) -> str | None:
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return f"{process.create_time():.2f}"
    except psutil.NoSuchProcess:
        return None
