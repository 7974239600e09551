"""Containers without containers: their commands, users, variables and order, as processes here.

Hosts and ports become ports of loopback, paths that are mounted become folders of the test.  Where
the tests are root's, a process has the user of its container and no privilege but to read what is
installed, so it can write where a container with a read-only root could, and nowhere else.
"""

import http.client
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from threading import Event
from time import monotonic

from kato.engine.matchers import best_provider
from tests.deploy.container import Container
from tests.live.ports import HeldPort
from tests.live.server import PATIENCE, ROOT, Connection, LiveProcess

_LOOK = 0.1
"""Seconds after which is asked again whether a container is well."""

_HERE = frozenset({"0.0.0.0", "127.0.0.1"})
_WHERE = re.compile(r"(?P<host>[a-z0-9][a-z0-9.-]*):(?P<port>\d{4,5})\b")
_LISTEN = re.compile(r"^tcp:(\d+)$")


class Addresses:
    """The port of loopback that stands for each host and port."""

    def __init__(self, there: Mapping[tuple[str, int], int]) -> None:
        """@param there: those where somebody listens already."""
        self._there = there
        self._held: dict[tuple[str, int], HeldPort] = {}

    def port(self, host: str, port: int) -> int:
        """The one that stands for this."""
        if (host, port) in self._there:
            return self._there[host, port]
        if (host, port) not in self._held:
            self._held[host, port] = HeldPort()
        return self._held[host, port].port

    def put(self, text: str, host: str) -> str:
        """What is told to a container, with these ports in it.

        @param host: the container's own name.
        """

        def here(found: re.Match[str]) -> str:
            name = host if found["host"] in _HERE else found["host"]
            return f"127.0.0.1:{self.port(name, int(found['port']))}"

        listening = _LISTEN.sub(
            lambda found: f"tcp:{self.port(host, int(found[1]))}:interface=127.0.0.1", text
        )
        return listening if listening != text else _WHERE.sub(here, text)

    def close(self) -> None:
        """Let go of all."""
        for each in self._held.values():
            each.close()


class Process(LiveProcess):
    """What a container runs."""

    def __init__(
        self,
        container: Container,
        environment: Mapping[str, str],
        *,
        folder: Path,
        by: Sequence[str],
    ) -> None:
        """
        @param folder: where it works.
        @param by: what stands before a command that is to be run by its user.
        """
        service, *options = container.words
        super().__init__(service, *options, folder=folder)
        self._command = [*by, *self._command]
        self._env = dict(environment)

    def end(self, grace: float) -> int:
        """Ask it to end, and give its exit status.

        @param grace: seconds after which an engine would kill it.
        """
        self.send_signal(signal.SIGTERM)
        status = self._process.wait(grace)
        self._reader.join(PATIENCE)
        return status


@cache
def _as_user(user: str, folder: Path) -> tuple[str, ...]:
    """Who a command is run by, where that can be chosen: without any privilege, but for that to
    read, if what is installed or the folder lies where only root may look."""
    if os.getuid() != 0:
        return ()
    uid, gid = user.split(":")
    identity = ("--reuid", uid, "--regid", gid, "--clear-groups", "--no-new-privs")
    for few in ("-all", "-all,+dac_read_search"):
        sets = (f"--{each}={few}" for each in ("inh-caps", "ambient-caps", "bounding-set"))
        found = ("setpriv", *identity, *sets)
        look = [*found, sys.executable, "-c", f"import kato.gateway, os; os.stat({str(folder)!r})"]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        if subprocess.run(look, env=env, capture_output=True, check=False).returncode == 0:
            return found
    raise AssertionError(f"user {user} cannot run {sys.executable}")


def _hand_over(secret: Path, users: Iterable[str]) -> None:
    """Let nobody read a secret but the group of all containers, as Kubernetes does."""
    secret.chmod(0o600)
    if os.getuid() == 0:
        [group] = {int(each.partition(":")[2]) for each in users}
        os.chown(secret, 0, group)
        secret.chmod(0o440)


class Containers:
    """All containers of a file."""

    def __init__(
        self,
        containers: Iterable[Container],
        folder: Path,
        *,
        secrets: Mapping[str, str],
        storage: Callable[[Container, Path], str],
        there: Mapping[tuple[str, int], int],
    ) -> None:
        """
        @param folder: where volumes and secrets lie.
        @param secrets: what stands in each.
        @param storage: where a container keeps its processors, which has this folder for it.
        @param there: the ports of loopback at which hosts and ports of others are reached.
        """
        self.containers = {each.name: each for each in containers}
        self.addresses = Addresses(there)
        self.processes: dict[str, Process] = {}
        self._folder = folder
        self._environments = {}
        folder.mkdir()
        folder.parent.chmod(0o755)  # which trial makes for one user alone
        for name, text in secrets.items():
            (folder / name).write_text(text, encoding="utf-8")
            _hand_over(folder / name, {each.user for each in self.containers.values()})
        for container in self.containers.values():
            self._environments[container.name] = self._environment(container, storage)

    def _environment(
        self, container: Container, storage: Callable[[Container, Path], str]
    ) -> dict[str, str]:
        given = dict(container.environment)
        own = _owned(self._folder / container.name, container.user)
        given["KATO_STORAGE"] = storage(container, own)
        if best_provider().kind != "native":
            given.pop("KATO_MATCHER")
        told = {
            variable: self._put(value, container)
            for variable, value in given.items()
            if variable != "PATH"
        }
        return {**told, "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TMPDIR": str(own)}

    def _put(self, value: str, container: Container) -> str:
        for path, mounted in container.mounted.items():
            at = self._folder / mounted.name
            if mounted.kind == "volume":
                _owned(at, container.user)
            value = value.replace(path, str(at))
        return value if value.startswith("sqlite:") else self.addresses.put(value, container.name)

    # Start and stop

    def start(self, *names: str) -> None:
        """Start these, or all, each as soon as those are well that it needs; wait for all."""
        waiting = [self.containers[each] for each in names or self.containers]
        while waiting:
            ready = [each for each in waiting if not {*each.needs} & {one.name for one in waiting}]
            if not ready:
                raise AssertionError(f"these wait for each other: {[one.name for one in waiting]}")
            for each in ready:
                self._launch(each)
            for each in ready:
                self.wait_until_well(each.name)
            waiting = [each for each in waiting if each not in ready]

    def _launch(self, container: Container) -> None:
        folder = self._folder
        for path, mounted in container.mounted.items():
            if path == container.folder:
                folder = self._folder / mounted.name
        environment, by = self._environments[container.name], _as_user(container.user, self._folder)
        process = Process(container, environment, folder=folder, by=by)
        self.processes[container.name] = process
        process.launch()

    def stop(self, *names: str) -> dict[str, int]:
        """End these, or all, in turn, who was started last first; gives how each has ended."""
        ending = [each for each in reversed(self.processes) if not names or each in names]
        return {each: self.processes[each].end(self.containers[each].grace) for each in ending}

    def close(self) -> None:
        """End whatever still runs."""
        for each in self.processes.values():
            each.stop()
        self.addresses.close()

    # Checks

    def wait_until_well(self, name: str) -> None:
        """Wait until a container says that it is well."""
        until = monotonic() + PATIENCE
        while (trouble := self.trouble(name)) is not None:
            process = self.processes[name]
            if monotonic() > until or not process.alive:
                raise AssertionError(f"{name}: {trouble}\n" + "\n".join(process.log))
            Event().wait(_LOOK)

    def trouble(self, name: str, environment: Mapping[str, str] | None = None) -> str | None:
        """What the check of a container finds.

        @param environment: what is otherwise than in the container.
        """
        container = self.containers[name]
        if not container.check.command:
            return self._unready(name, container.check.path, container.check.port)
        program, *words = container.check.command
        if program != "python":
            raise AssertionError(f"{name}: there is no {program} in our images")
        done = subprocess.run(
            [
                *_as_user(container.user, self._folder),
                sys.executable,
                *(self.addresses.put(each, name) for each in words),
            ],
            env={**self._environments[name], **(environment or {})},
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        return done.stderr or None

    def _unready(self, name: str, path: str, port: int) -> str | None:
        """As the kubelet asks."""
        connection = http.client.HTTPConnection("127.0.0.1", self.addresses.port(name, port))
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            said = answer.read().decode()
        except OSError as error:
            return str(error)
        finally:
            connection.close()
        return None if answer.status == http.client.OK else said

    def connect(self, name: str, port: int = 8000) -> Connection:
        """A connection to a gateway."""
        return Connection(self.addresses.port(name, port))


def _owned(folder: Path, user: str) -> Path:
    """A folder that belongs to a user, where that can be chosen."""
    folder.mkdir(exist_ok=True)
    if os.getuid() == 0:
        os.chown(folder, *map(int, user.split(":")))
    return folder


def strewn(users: Sequence[str]) -> list[str]:
    """What these users have left where everybody may write."""
    ids = {int(each.partition(":")[0]) for each in users}
    places = [Path(each) for each in ("/tmp", "/var/tmp", "/dev/shm")]
    every = (each for place in places if place.is_dir() for each in place.iterdir())
    return [str(each) for each in every if _owner(each) in ids]


def _owner(path: Path) -> int | None:
    """Whose a file is; C{None}: it is gone by now, as those of others may be at any time."""
    try:
        return path.lstat().st_uid
    except FileNotFoundError:
        return None
