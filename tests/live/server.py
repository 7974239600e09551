"""A service in a process of its own, as an operator would run it."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Condition, Thread
from time import monotonic
from types import MappingProxyType
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 60.0
"""Seconds after which a process that does not do what is waited for fails the test."""

LONG_PATIENCE = 5 * PATIENCE
"""The same for a program that does all of its work, and ends."""

_STALE = 20.0
"""Seconds: a server closes a connection on which nothing was asked for three times as many."""


class LiveProcess:
    """Runs C{twistd} with one of our services."""

    def __init__(
        self,
        service: str,
        *options: str,
        program: Sequence[str] = (),
        env: Mapping[str, str] = MappingProxyType({}),
        folder: Path | None = None,
    ) -> None:
        """
        @param service: the name by which C{twistd} knows it.
        @param program: what to run in the place of C{twistd}, as arguments to Python.
        @param folder: where it works, if not here.
        """
        self._command = [
            sys.executable,
            *(program or ("-c", "from twisted.scripts.twistd import run; run()")),
            *("--nodaemon", "--pidfile=", service),
            *options,
        ]
        self._env = {**os.environ, "PYTHONPATH": str(ROOT), **env}
        self._folder = folder
        self.log: list[str] = []
        self._said = Condition()
        self._ended = False

    def start(self) -> Self:
        """Start it, and wait until it is ready."""
        self.launch()
        self.wait_for(r': ready$|"message": "ready"')
        return self

    def launch(self) -> None:
        """Start it."""
        self._process = subprocess.Popen(
            self._command,
            env=self._env,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                with self._said:
                    self.log.append(line.rstrip("\n"))
                    self._said.notify_all()
        with self._said:
            self._ended = True
            self._said.notify_all()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait until the log says it."""
        with self._said:
            found: list[re.Match[str]] = []

            def said() -> bool:
                found.extend(filter(None, (re.search(pattern, line) for line in self.log)))
                return bool(found) or self._ended

            self._said.wait_for(said, PATIENCE)
        if not found:
            self.stop()
            raise AssertionError(f"{pattern!r} was not said:\n" + "\n".join(self.log))
        return found[0]

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """End it at once, as a loss of power would."""
        self._process.kill()
        self.wait()

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def terminate(self) -> int:
        """Ask it to end, and give its exit status."""
        self.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Wait for its end; gives its exit status."""
        status = self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return status

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """End it if it still runs."""
        if self.alive:
            self.kill()


class LiveServer(LiveProcess):
    """Runs C{twistd kato-gateway} on a free port of loopback, and speaks REST to it."""

    def __init__(
        self,
        *options: str,
        program: Sequence[str] = (),
        env: Mapping[str, str] = MappingProxyType({}),
        port: int = 0,
    ) -> None:
        """
        @param options: those of the gateway; C{--listen} is added.
        @param program: what to run in the place of C{twistd}, as arguments to Python.
        @param port: where it listens, if not anywhere.
        """
        listen = ("--listen", f"tcp:{port}:interface=127.0.0.1")
        super().__init__("kato-gateway", *listen, *options, program=program, env=env)
        self.port = 0

    def launch(self) -> None:
        """Start it, and wait until it is known where it listens."""
        super().launch()
        self.port = int(self.wait_for(r"listening on 127\.0\.0\.1:(\d+)").group(1))

    def connect(self, timeout: float = PATIENCE) -> "Connection":
        """@param timeout: seconds that an answer may take."""
        return Connection(self.port, timeout)


class Connection:
    """A connection that is kept alive, and made anew where nothing was said on it for so long that
    the server may be about to close it; not for several threads at a time."""

    def __init__(self, port: int, timeout: float = PATIENCE) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        self._used = monotonic()

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> tuple[int, dict[str, Any]]:
        """Send a request; gives the status and the decoded answer."""
        response = self._sent(method, path, body, headers)
        return response.status, json.loads(response.read())

    def send_and_see(
        self, method: str, path: str, body: object = None
    ) -> tuple[int, dict[str, str], dict[str, Any]]:
        """Send a request; gives the status, the headers by their names in small letters, and the
        decoded answer."""
        response = self._sent(method, path, body, {})
        headers = {name.lower(): value for name, value in response.getheaders()}
        return response.status, headers, json.loads(response.read())

    def text(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> str:
        """Send a request; gives the answer's body as it came."""
        return self._sent(method, path, body, headers).read().decode()

    def raw(self, method: str, path: str, headers: Mapping[str, str]) -> bytes:
        """Send a request; gives the answer's body as it came, compressed or not."""
        return self._sent(method, path, None, headers).read()

    def _sent(
        self, method: str, path: str, body: object, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        self.request(method, path, body, headers)
        response = self._http.getresponse()
        self._used = monotonic()
        return response

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Send a request, and do not wait for the answer."""
        if monotonic() - self._used > _STALE:
            self._http.close()
        self._used = monotonic()
        data = None if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} if data is not None else {}
        self._http.request(method, path, data, {**sent, **headers})

    def page(self, path: str) -> tuple[int, str]:
        """GET; gives the status and the text."""
        response = self._sent("GET", path, None, {})
        return response.status, response.read().decode()

    def head(self, path: str) -> tuple[int, Mapping[str, str]]:
        """GET; gives the status and the headers."""
        response = self._sent("GET", path, None, {})
        response.read()
        return response.status, dict(response.getheaders())

    def get(self, path: str) -> dict[str, Any]:
        """GET what must succeed."""
        return self._okay("GET", path, *self.send("GET", path))

    def post(self, path: str, body: object = None, request_id: str | None = None) -> dict[str, Any]:
        """POST what must succeed."""
        headers = {} if request_id is None else {"Idempotency-Key": request_id}
        return self._okay("POST", path, *self.send("POST", path, body, headers))

    def _okay(self, method: str, path: str, status: int, answer: dict[str, Any]) -> dict[str, Any]:
        if answer.get("status") != "okay":
            raise AssertionError(f"{method} {path}: {status} {answer}")
        return answer

    def close(self) -> None:
        self._http.close()
