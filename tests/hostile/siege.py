"""A live server under attack, and what must hold meanwhile (issue 7): it stays up, takes less than
300 MB, and answers others within 100 ms (p99).

A client that behaves measures that from a process of its own (L{tests.hostile.bystander}).  Time is
measured where tests run beside others: so the bound is 100 ms where the machine computes at its
full pace, and as many times more as it is slower for everybody, which the same process measures.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from threading import Event, Thread
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.hostile.bystander import Seen
from tests.live.ports import HeldPort
from tests.live.server import PATIENCE, ROOT, LiveServer

KEY = "the-key-of-the-house-3fb1c9d27a"
LEAST_KEYS = tuple(f"a-key-that-reads-one-processor-9b0f{number}" for number in range(3))
"""Each reads C{victim}, and nothing else."""

LEAST_KEY = LEAST_KEYS[0]

WRONG_KEY = "another-key-of-no-house-12345678"

ROOM = 300 * 10**6
"""Bytes that the server may have taken at any time."""

LIMIT = 0.1
"""Seconds within which 99 of 100 requests of others are answered, on a machine that is free."""

REQUESTS = 200
"""How many requests of others are measured under each attack."""

TRIES = 5
"""How often an attack is made before it counts as felt."""

_END = 5 * PATIENCE
"""Seconds in which an attack must end: two thousand connections take half a minute where others
compute, since the system lets those wait whole seconds that come faster than they are accepted."""

_KEYS = """
[keys.least-{}]
hash = "sha256:{}"
scopes = ["read"]
processors = ["victim"]
"""

Attack = Callable[["Siege", Event], object]
"""Attacks until the event is set, or until it is done."""


def _written(number: int, key: str) -> str:
    return _KEYS.format(number, sha256(key.encode()).hexdigest())


class Siege:
    """A server with a key, on SQLite and with ZeroMQ, and one client that behaves."""

    def __init__(self, case: SynchronousTestCase, *options: str) -> None:
        folder = case.mktemp()
        ports = HeldPort(2)
        case.addCleanup(ports.close)
        keys = Path(f"{folder}.toml")
        keys.write_text("".join(map(_written, range(len(LEAST_KEYS)), LEAST_KEYS)), "ascii")
        keys.chmod(0o600)
        self.server = LiveServer(
            *("--storage", f"sqlite:///{ROOT / '_trial_temp' / folder}.db"),
            *("--zmq", f"tcp://127.0.0.1:{ports.port}"),
            *("--api-key", KEY, "--api-keys", str(keys.resolve())),
            *options,
        )
        case.addCleanup(self.server.stop)
        self.server.start()
        self.port = self.server.port
        self.zmq_port, self.events_port = ports.port, ports.port + 1
        self._bystander = subprocess.Popen(
            [sys.executable, "-m", "tests.hostile.bystander", str(self.port), KEY],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        case.addCleanup(self._end)
        self.ask("PUT", "/victim")
        self.ask("POST", "/victim/observe", {"strings": ["a", "b"]})
        self._watch(20)

    def _end(self) -> None:
        self._bystander.kill()
        self._bystander.wait(PATIENCE)
        for stream in (self._bystander.stdin, self._bystander.stdout):
            assert stream is not None
            stream.close()

    def ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Ask with the key, over a connection of its own."""
        connection = self.server.connect()
        try:
            _, answer = connection.send(method, path, body, {"X-API-Key": KEY})
        finally:
            connection.close()
        return answer

    def _watch(self, number: int) -> Seen:
        """What others see, who ask so often."""
        assert self._bystander.stdin is not None
        assert self._bystander.stdout is not None
        self._bystander.stdin.write(f"{number}\n")
        self._bystander.stdin.flush()
        told: dict[str, Any] = json.loads(self._bystander.stdout.readline())
        return Seen(**{**told, "errors": tuple(told["errors"])})

    def under(self, attack: Attack) -> Seen:
        """What others see while an attack goes on; what goes wrong in it is raised."""
        over = Event()
        wrong: list[BaseException] = []

        def run() -> None:
            try:
                attack(self, over)
            except BaseException as error:
                wrong.append(error)

        thread = Thread(target=run, daemon=True)
        thread.start()
        try:
            return self._watch(REQUESTS)
        finally:
            over.set()
            thread.join(_END)
            if wrong:
                raise wrong[0]
            if thread.is_alive():
                raise AssertionError(f"{attack} does not end")

    @property
    def peak(self) -> int:
        """The most bytes that the server had in memory so far."""
        with open(f"/proc/{self.server.pid}/status", encoding="ascii") as status:
            [line] = [each for each in status if each.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024


class HostileCase(SynchronousTestCase):
    """Attacks on one server, one after the other."""

    options: tuple[str, ...] = ()

    def setUp(self) -> None:
        self.siege = Siege(self, *self.options)

    def withstands(self, attack: Attack) -> None:
        """See that others hardly notice an attack, and that the server neither dies nor grows.

        What else the machine does can only make others wait longer, so the best of some tries
        counts.
        """
        for _ in range(TRIES):
            seen = self.siege.under(attack)
            told = f"{attack.__name__}: {seen}, peak {self.siege.peak / 1e6:.0f} MB"
            self.assertTrue(self.siege.server.alive, told)
            self.assertEqual(seen.errors, (), told)
            self.assertLess(self.siege.peak, ROOM, told)
            if seen.p99 < LIMIT * max(1.0, seen.slowness):
                return
        self.fail(told)

    def tearDown(self) -> None:
        """It ends as it should, and nothing that nobody thought of has happened."""
        if self.siege.server.alive:
            self.siege.server.terminate()
        log = "\n".join(self.siege.server.log)
        self.assertNotIn("Traceback", log)
