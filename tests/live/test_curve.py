"""A gateway and its services whose links are encrypted, and who else may connect to them."""

import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import msgpack
import zmq
from twisted.trial.unittest import SynchronousTestCase

from kato.curve_files import read_pair
from kato.curve_keys import client as new_client
from kato.curve_keys import create
from kato.health import Unwell
from kato.health import ask as ask_health
from kato.protocols.zmq.curve import KeyPair, parse_pair
from tests.live.family import Family, LiveService
from tests.live.server import PATIENCE, ROOT, LiveServer
from tests.live.streaming import Stream

SHORT = 0.5
"""Seconds that somebody is not answered who will never be."""

HELD_UP = 2.0
"""Seconds after which who is answered was held up: who says nothing is sent away after four."""
_TRIES = 5
"""A machine that is busy may hold up anybody, but not so many times."""

_LOOK = 0.02

PING = {"method": "ping"}


class CurveCase(SynchronousTestCase):
    """A folder with the key of a cluster, and with a client that it knows."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.curve = self.folder / "kato.curve"
        create(self.curve)
        self.client = self.folder / "reports.curve"
        self.client.write_text(new_client("reports", self.curve), encoding="utf-8")
        known = self.pair(self.client).public.decode()
        self.clients = self.folder / "clients"
        self.clients.write_text(f"# who reports\nreports {known}\n", encoding="utf-8")
        self.options = ("--curve", str(self.curve), "--curve-clients", str(self.clients))
        self.stack = ExitStack()
        self.addCleanup(self.stack.close)

    @staticmethod
    def pair(file: Path) -> KeyPair:
        return parse_pair(file.read_text(encoding="utf-8"))

    def other_curve(self) -> Path:
        """The key of another cluster."""
        other = self.folder / "other.curve"
        create(other)
        return other

    def ask(
        self,
        port: int,
        own: KeyPair | None,
        request: Mapping[str, object] = PING,
        *,
        wait: float = PATIENCE,
        refused: Callable[[], object] = lambda: None,
    ) -> Any:
        """The C{status} of what a client is answered; C{None}: nothing.

        @param own: its keys; C{None}: it does not encrypt.
        @param refused: waits until it is: who goes away before that need not be.
        """
        with zmq.Context() as context, context.socket(zmq.REQ) as asking:
            asking.set(zmq.LINGER, 0)
            if own is not None:
                asking.set(zmq.CURVE_SERVERKEY, read_pair(self.curve).public)
                asking.set(zmq.CURVE_PUBLICKEY, own.public)
                asking.set(zmq.CURVE_SECRETKEY, own.secret)
            asking.connect(f"tcp://127.0.0.1:{port}")
            asking.send(msgpack.packb(request))
            refused()
            if not asking.poll(int(wait * 1000)):
                return None
            return msgpack.unpackb(asking.recv())["status"]


class FamilyTests(CurveCase):
    """A gateway with two services that announce themselves to it."""

    def setUp(self) -> None:
        super().setUp()
        service = ("--storage", "memory:", "--checkpoint", "0", *self.options)
        self.family = Family(service, service, gateway=self.options)
        self.stack.callback(self.family.stop)
        self.family.start()

    def test_life(self) -> None:
        """Processors are placed and asked, events come, and a service that is started again is
        found; nothing of that is refused."""
        connection = self.family.gateway.connect()
        self.stack.callback(connection.close)
        for processor in ("p1", "p2"):
            connection.post(f"/{processor}/observe", {"strings": ["a"]})
        stream = Stream(self.family.gateway.port)
        self.stack.callback(stream.close)
        for processor in ("p1", "p2"):
            told = stream.ask("subscribe", processor, {"topics": ["observations"]})
            self.assertEqual(told["status"], "okay")
            connection.post(f"/{processor}/observe", {"strings": ["b"]})
            self.assertEqual(stream.event()["processor"], processor)
        told = connection.get("/stats")
        self.assertEqual((told["curve"]["refused"], told["curve"]["clients"]), (0, 1))
        self.assertGreaterEqual(told["curve"]["admitted"], 2)
        self.assertEqual(len(told["services"]), 2)

        member = self.family.members[0]
        self.assertIn(member.end(), (0, -15))
        member.start()
        self.until_ready()
        for processor in ("p1", "p2"):
            connection.post(f"/{processor}/observe", {"strings": ["c"]})
        self.assertFalse([each for each in self.family.logs() if "refused" in each])

    def until_ready(self) -> None:
        connection = self.family.gateway.connect()
        end = monotonic() + PATIENCE
        while not all(
            each["healthy"] and each["there"]
            for each in connection.get("/stats")["services"].values()
        ):
            self.assertLess(monotonic(), end, "a service is not found again")
            Event().wait(_LOOK)
        connection.close()

    def test_registry(self) -> None:
        """A client that the gateway answers cannot announce a service to it, whatever it says."""
        said = self.family.gateway.wait_for(r"announce themselves at tcp://127\.0\.0\.1:(\d+)")
        registry = int(said.group(1))
        leave = {"type": "leave", "address": "tcp://127.0.0.1:1", "boot": "b"}
        pair = self.pair(self.client)
        self.assertEqual(self.ask(self.family.zmq_port, pair), "okay")

        def refused() -> None:
            self.family.gateway.wait_for("refused: reports is a client")

        self.assertIsNone(self.ask(registry, pair, leave, wait=SHORT, refused=refused))
        self.assertEqual(self.ask(registry, read_pair(self.curve), leave), "okay")


class ClientTests(CurveCase):
    """A service, and clients."""

    def setUp(self) -> None:
        super().setUp()
        self.service = LiveService("--storage", "memory:", *self.options)
        self.stack.callback(self.service.stop)
        self.service.start()

    def test_who_is_answered(self) -> None:
        """A client that is listed is answered, and so is the cluster itself; one whose key is not
        known, or who does not encrypt, is not, and the former is told in the log."""
        pair = self.pair(self.client)
        stranger = KeyPair(*zmq.curve_keypair())
        port = self.service.port
        self.assertIsNone(self.ask(port, None, wait=SHORT))
        told: list[str] = []

        def refused() -> None:
            said = self.service.wait_for(r"a connection from '127\.0\.0\.1' is refused: .*")
            told.append(said.group(0))

        self.assertIsNone(self.ask(port, stranger, wait=SHORT, refused=refused))
        self.assertIn(stranger.public.decode(), told[0])
        for own in (pair, read_pair(self.curve)):
            self.assertEqual(self.ask(port, own), "okay")

    def test_hangup(self) -> None:
        """A client that is added to the list is answered from SIGHUP on."""
        newcomer = KeyPair(*zmq.curve_keypair())
        with self.clients.open("a", encoding="utf-8") as file:
            file.write(f"newcomer {newcomer.public.decode()}\n")
        self.assertIsNone(self.ask(self.service.port, newcomer, wait=SHORT))
        self.service.send_signal(signal.SIGHUP)
        self.service.wait_for("--curve-clients: read again")
        self.assertEqual(self.ask(self.service.port, newcomer), "okay")

    def test_noise(self) -> None:
        """Connections that say nothing, or nonsense, hold up nobody, and are ended soon."""
        took: list[float] = []
        while not took or (took[-1] > HELD_UP and len(took) < _TRIES):
            silent = self.make_noise()
            began = monotonic()
            self.assertEqual(self.ask(self.service.port, self.pair(self.client)), "okay")
            took.append(monotonic() - began)
        self.assertLess(took[-1], HELD_UP, took)
        silent.settimeout(PATIENCE)
        while silent.recv(4096):
            continue

    def make_noise(self) -> socket.socket:
        """Connect many times; gives one of those that say nothing."""
        for said in (b"GET / HTTP/1.1\r\n\r\n", b"\xff", b"\xff" + bytes(8) + b"\x7f\x03", b""):
            for _ in range(50):
                silent = socket.create_connection(("127.0.0.1", self.service.port))
                self.stack.callback(silent.close)
                silent.sendall(said)
        return silent

    def test_example(self) -> None:
        """The example on the page is answered with the file that the manager printed."""
        done = subprocess.run(
            [
                *(sys.executable, str(ROOT / "examples" / "zeromq" / "encrypted.py")),
                *(f"tcp://127.0.0.1:{self.service.port}", str(self.client)),
            ],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.assertEqual((done.stdout, done.stderr), ("observed\n", ""))

    def test_health(self) -> None:
        """A check of health encrypts as the server does, and without the key finds nobody."""
        url = f"tcp://127.0.0.1:{self.service.port}/ready"
        self.patch(sys.modules["kato.health"], "PATIENCE", PATIENCE)
        ask_health(url, {"KATO_CURVE": str(self.curve)})
        self.patch(sys.modules["kato.health"], "PATIENCE", SHORT)
        self.assertRaises(Unwell, ask_health, url, {})

    def test_end(self) -> None:
        """It ends without giving anything up, also with connections that are half open."""
        silent = socket.create_connection(("127.0.0.1", self.service.port))
        self.stack.callback(silent.close)
        silent.sendall(b"\xff")
        self.assertIn(self.service.terminate(), (0, -15))
        self.assertNotIn("takes too long", "\n".join(self.service.log))


class DisagreeingTests(CurveCase):
    """A gateway and a service that have not the same key."""

    def test_told(self) -> None:
        """The side that connects says so: the gateway of a service that it was told of, and the
        service of a gateway to which it announces itself."""
        service = LiveService("--storage", "memory:", *self.options)
        self.stack.callback(service.stop)
        service.start()
        other = ("--curve", str(self.other_curve()))
        gateway = LiveServer(*("--processors", f"p1:127.0.0.1:{service.port}", *other))
        self.stack.callback(gateway.stop)
        gateway.start()
        gateway.wait_for(
            rf"no handshake with tcp://127\.0\.0\.1:{service.port}: .*; "
            r"is --curve the same file on both sides\?"
        )
        plain = LiveServer("--registry", "tcp://127.0.0.1:0")
        self.stack.callback(plain.stop)
        plain.start()
        said = plain.wait_for(r"announce themselves at (tcp://127\.0\.0\.1:\d+)")
        announcing = LiveService("--storage", "memory:", "--registry", said.group(1), *other)
        self.stack.callback(announcing.stop)
        announcing.start()
        announcing.wait_for(f"no handshake with {said.group(1)}: ")
