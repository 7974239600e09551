"""Keys in processes of their own: made, used, read again and taken back, as a person does it
(SPEC 9 and 10)."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgpack
import zmq
from twisted.trial.unittest import SynchronousTestCase

from tests.live.family import LiveService, zmq_port
from tests.live.server import PATIENCE, ROOT, LiveServer
from tests.live.streaming import Stream

OBSERVED = {"strings": ["a"]}


def header(key: str) -> dict[str, str]:
    """How REST is told a key."""
    return {"X-API-Key": key}


class KeysCase(SynchronousTestCase):
    """A file of keys, and what a person does with it."""

    def setUp(self) -> None:
        self.file = Path(self.mktemp()).absolute()

    def manage(self, *words: str) -> str:
        """What C{kato-manager.sh key} says on standard output."""
        done = subprocess.run(
            [sys.executable, "-m", "kato.manager", "key", *words, "--file", str(self.file)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
        return done.stdout

    def create(self, name: str, scopes: str, processors: str) -> str:
        """A key."""
        said = self.manage("create", name, "--scopes", scopes, "--processors", processors)
        return said.removesuffix("\n")

    def zmq(self, port: int, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a request from a plain REQ socket."""
        context = zmq.Context()
        try:
            socket = context.socket(zmq.REQ)
            socket.set(zmq.RCVTIMEO, int(PATIENCE * 1000))
            socket.connect(f"tcp://127.0.0.1:{port}")
            socket.send(msgpack.packb(request))
            answer: dict[str, Any] = msgpack.unpackb(socket.recv())
        finally:
            context.destroy(0)
        return answer


class ReloadingTests(KeysCase):
    """One server."""

    def start(self) -> None:
        """Start the server, and wait until it is ready."""
        options = ("--storage", "memory:", "--api-keys", str(self.file))
        self.server = LiveServer(*options).start()
        self.addCleanup(self.server.stop)
        self.rest = self.server.connect()
        self.addCleanup(self.rest.close)

    def observe(self, key: str, processor: str = "p1") -> int:
        """The status of an observation."""
        return self.rest.send("POST", f"/{processor}/observe", OBSERVED, header(key))[0]

    def reload(self, says: str) -> None:
        """Have the server read the file again, and wait until its log says what came of it."""
        self.server.send_signal(signal.SIGHUP)
        self.server.wait_for(says)

    def test_newcomer(self) -> None:
        """A key that was made opens what it is for, and nothing else; nobody else gets in."""
        key = self.create("sensor", "write", "p1,weather-*")
        self.start()
        self.assertEqual(self.observe(key), 200)
        self.assertEqual(self.observe(key, "weather-7"), 200)
        self.assertEqual(self.observe(key, "p2"), 403)
        self.assertEqual(self.observe("kato_" + "x" * 43), 401)
        self.assertEqual(self.rest.send("GET", "/p1/status", None, header(key))[0], 403)
        self.assertEqual(self.rest.send("GET", "/p1/status")[0], 401)
        self.assertNotIn(key, "\n".join(self.server.log))

    def test_read_again(self) -> None:
        """On SIGHUP the file is read again: what was revoked is refused, and its streams end; what
        is new is taken, and other streams go on.  A bad file changes nothing."""
        first, other = self.create("first", "read,write", "*"), self.create("other", "read", "*")
        self.start()
        self.assertEqual(self.observe(first), 200)
        streams = [
            Stream(self.server.port, headers=[f"X-API-Key: {key}"]) for key in (first, other)
        ]
        for stream in streams:
            self.addCleanup(stream.close)
            self.assertEqual(stream.ask("subscribe", "p1")["status"], "okay")
        good = self.file.read_text(encoding="utf-8")
        self.file.write_text(good + "x", encoding="utf-8")
        self.reload(r"--api-keys: .*no TOML.*stays in use")
        self.assertEqual(self.observe(first), 200)
        self.file.write_text(good, encoding="utf-8")
        self.manage("revoke", "first")
        second = self.create("second", "write", "p1")
        self.reload("--api-keys: read again")
        self.assertEqual((self.observe(first), self.observe(second)), (401, 200))
        end = streams[0].end()
        self.assertEqual((end.code, end.reason), (4401, "this is not a key of this server"))
        self.assertEqual(streams[1].ask("get_status", "p1")["status"], "okay")

    def test_refused(self) -> None:
        """A file that is none is said in one line, and nothing is started."""
        self.file.write_text("[keys.a]\nscopes = []\n", encoding="utf-8")
        self.file.chmod(0o600)
        server = LiveServer("--storage", "memory:", "--api-keys", str(self.file))
        self.addCleanup(server.stop)
        with self.assertRaises(AssertionError):
            server.launch()
        self.assertEqual(server.wait(), 1)
        said = f"kato: --api-keys: {self.file}: keys.a.hash: missing"
        self.assertEqual(server.log, [said])


class FamilyTests(KeysCase):
    """A gateway and a service, which have the same keys, and one with which they speak to each
    other."""

    def test_both(self) -> None:
        """Keys are judged where clients come in; what a gateway says is not said by a client."""
        key = self.create("one", "read,write", "p1")
        link = Path(self.mktemp()).absolute()
        link.write_text("the-link\n", encoding="utf-8")
        common = ("--api-keys", str(self.file), "--api-key-file", str(link))
        service = LiveService("--storage", "memory:", *common).start()
        self.addCleanup(service.stop)
        port = zmq_port(service)
        names = ",".join(f"{each}:127.0.0.1:{port}" for each in ("p1", "p2"))
        gateway = LiveServer("--processors", names, *common).start()
        self.addCleanup(gateway.stop)
        gateway.wait_for(rf"the service at tcp://127\.0\.0\.1:{port} is there")
        rest = gateway.connect()
        self.addCleanup(rest.close)
        for processor in ("p1", "p2"):
            sent = rest.send("PUT", f"/{processor}", None, header("the-link"))
            self.assertEqual(sent[0], 201)
        self.assertEqual(rest.send("POST", "/p1/observe", OBSERVED, header(key))[0], 200)
        self.assertEqual(rest.send("POST", "/p2/observe", OBSERVED, header(key))[0], 403)
        listed = rest.send("GET", "/processors", None, header(key))[1]
        self.assertEqual([each["id"] for each in listed["processors"]], ["p1"])
        self.assertEqual((listed["total"], listed["next"]), (1, None))
        request = {"method": "get_status", "processor": "p1", "api_key": key}
        self.assertEqual(self.zmq(port, request)["status"], "okay")
        origin = {"transport": "rest", "id": "1", "key": "admin"}
        for more in ({"processor": "p2"}, {"origin": origin}):
            self.assertEqual(self.zmq(port, {**request, **more})["error_code"], "FORBIDDEN")
        hello = {"type": "hello", "api_key": key}
        self.assertEqual(self.zmq(port, hello)["error_code"], "FORBIDDEN")
