"""What C{docs/zeromq.md} promises, with clients in two languages on a live service."""

import json
import re
import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable, Collection
from pathlib import Path
from threading import Thread
from typing import Any

import msgpack
import zmq
from twisted.trial.unittest import SynchronousTestCase

from kato.commands import OPERATIONS
from kato.errors import BY_CODE
from kato.genes import NAMES
from kato.messagepack import pack
from kato.requests import OLDER
from tests.live.family import zmq_port
from tests.live.server import PATIENCE, ROOT, LiveServer
from tests.live.speaking import packed, unpacked, zmq_request
from tests.node import install, need_node

PAGE = (ROOT / "docs" / "zeromq.md").read_text(encoding="utf-8")
EXAMPLES = ROOT / "examples" / "zeromq"
TOLD = [
    "MODEL|4772c243ccf3c216170b3ac980a1d67abc59e4e9",
    "go 1",
]

_EXCHANGE = re.compile(r"^> (.+)\n< (.+)$", re.MULTILINE)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_REST_ALONE = frozenset(
    {
        *("METHOD_NOT_ALLOWED", "REQUEST_TIMEOUT"),
        *("UNSUPPORTED_MEDIA_TYPE", "HEADERS_TOO_LARGE"),
    }
)
"""Errors that HTTP alone knows."""

_VARYING = ("time_stamp", "timestamp", "matcher", "memory")


def lasting(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer in which what is another one each time, or on each machine, is only named."""
    kept = {key: ... if key in _VARYING else value for key, value in answer.items()}
    if _UUID.fullmatch(str(kept.get("unique_id"))):
        kept["unique_id"] = ...
    return kept


class PageTests(SynchronousTestCase):
    """The page itself."""

    def test_examples(self) -> None:
        """The examples on the page are those that are run."""
        for name in ("client.py", "client.mjs", "encrypted.py"):
            self.assertIn((EXAMPLES / name).read_text(encoding="utf-8"), PAGE)

    def test_nothing_is_missing(self) -> None:
        """Every operation is there with an example, and every older name, error and gene."""
        asked = [json.loads(request) for request, _ in _EXCHANGE.findall(PAGE)]
        methods = {each["method"] for each in asked if "method" in each}
        shown = {OLDER.get(each, each) for each in methods}
        self.assertEqual(set(OPERATIONS) - shown, set())
        for name in (*OPERATIONS, *OLDER, *NAMES, *(set(BY_CODE) - _REST_ALONE)):
            self.assertIn(f"`{name}`", PAGE)

    def test_bytes(self) -> None:
        """What the page writes byte by byte is what MessagePack makes."""
        written = re.findall(r"^((?:[0-9a-f]{2} ?)+)$", PAGE, re.MULTILINE)
        self.assertEqual(
            [bytes.fromhex(each) for each in written], [pack({"method": "ping"}), pack(2**64)]
        )


class Client:
    """A plain REQ socket."""

    def __init__(self, port: int) -> None:
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.REQ)
        self._socket.set(zmq.RCVTIMEO, int(PATIENCE * 1000))
        self._socket.connect(f"tcp://127.0.0.1:{port}")

    def send(self, request: bytes) -> bytes:
        """Send a request; gives the reply as it came."""
        self._socket.send(request)
        return self._socket.recv()

    def close(self) -> None:
        self._context.destroy(0)


class SessionTests(SynchronousTestCase):
    """The session that the page shows."""

    def setUp(self) -> None:
        storage = f"sqlite:{self.mktemp()}"
        server = LiveServer("--storage", storage, "--zmq", "tcp://127.0.0.1:0").start()
        self.addCleanup(server.stop)
        self.client = Client(zmq_port(server))
        self.addCleanup(self.client.close)

    def test_replies(self) -> None:
        """Each request gets the reply that the page shows."""
        exchanges = _EXCHANGE.findall(PAGE)
        self.assertEqual(len(exchanges), len(re.findall("^[>] ", PAGE, re.MULTILINE)))
        self.assertGreater(len(exchanges), 30)
        for request, shown in exchanges:
            answer = unpacked(self.client.send(packed(json.loads(request))))
            self.assertEqual(lasting(answer), lasting(json.loads(shown)), request)

    def test_large(self) -> None:
        """The page's function reads a reply that is compressed and holds JSON, and gives the same
        as a plain one; an integer beyond 64 bits comes back as it was sent."""
        extended = self.extended()
        for number in range(30):
            words = [f"a{number}", "b", f"c{number}"]
            self.ask("observe_sequence", {"observations": [{"strings": [w]} for w in words]})
            self.ask("learn")
        self.ask("observe_sequence", {"observations": [{"strings": ["b"]}, {"strings": ["c1"]}]})
        plain = self.ask("get_predictions")["predictions"]
        self.assertGreater(len(plain), 9)
        request = packed({**zmq_request("get_predictions", {}, "p1"), "accept": ["zlib", "json"]})
        reply = self.client.send(request)
        found = [msgpack.unpackb(reply)]
        found.append(msgpack.unpackb(zlib.decompress(found[0].data)))
        self.assertEqual([found[0].code, found[1]["predictions"].code], [3, 1])
        read = msgpack.unpackb(reply, ext_hook=extended)
        self.assertEqual(read["predictions"], plain)

        body = msgpack.packb(
            zmq_request("observe", {"strings": ["b"], "metadata": {"n": [-(2**70), 2**64]}}, "p1"),
            default=lambda n: msgpack.ExtType(2, str(n).encode()),
        )
        self.client.send(body)
        asked = self.client.send(packed(zmq_request("get_percept_data", {}, "p1")))
        told = msgpack.unpackb(asked, ext_hook=extended)
        self.assertEqual(told["metadata"], {"n": [-(2**70), 2**64]})

    def ask(self, operation: str, params: Any = None) -> dict[str, Any]:
        answer = unpacked(self.client.send(packed(zmq_request(operation, params or {}, "p1"))))
        self.assertEqual(answer["status"], "okay", answer)
        return answer

    def extended(self) -> Callable[[int, bytes], object]:
        """The function that the page shows."""
        [source] = re.findall(r"```python\n(def extended.*?)```", PAGE, re.DOTALL)
        names: dict[str, Any] = {"json": json, "msgpack": msgpack, "zlib": zlib}
        exec(source, names)
        found: Callable[[int, bytes], object] = names["extended"]
        return found


class Lossy:
    """Stands between clients and a server, and loses some of its replies."""

    def __init__(self, server: str, lost: Collection[int]) -> None:
        """@param lost: which replies, from 1."""
        self._lost = lost
        self.replies = 0
        self._context = zmq.Context()
        self._front = self._context.socket(zmq.ROUTER)
        self.address = f"tcp://127.0.0.1:{self._front.bind_to_random_port('tcp://127.0.0.1')}"
        self._back = self._context.socket(zmq.DEALER)
        self._back.connect(server)
        self._end = self._context.socket(zmq.PAIR)
        self._end.bind("inproc://end")
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        ending = self._context.socket(zmq.PAIR)
        ending.connect("inproc://end")
        poller = zmq.Poller()
        for each in (self._front, self._back, ending):
            poller.register(each, zmq.POLLIN)
        while ending not in (ready := dict(poller.poll())):
            if self._front in ready:
                self._back.send_multipart(self._front.recv_multipart())
            if self._back in ready:
                self._reply(self._back.recv_multipart())
        ending.close()

    def _reply(self, frames: list[bytes]) -> None:
        self.replies += 1
        if self.replies not in self._lost:
            self._front.send_multipart(frames)

    def close(self) -> None:
        """End."""
        self._end.send(b"")
        self._thread.join(PATIENCE)
        self._context.destroy(linger=0)


def plain(said: str) -> list[str]:
    """The lines of an example, without what only its language writes."""
    marks = str.maketrans("", "", "[]'")
    return [
        " ".join(line.replace("1.0", "1").translate(marks).split()) for line in said.splitlines()
    ]


class ExampleTests(SynchronousTestCase):
    """The examples, each on a service of its own, which loses some replies."""

    def setUp(self) -> None:
        server = LiveServer("--storage", "memory:", "--zmq", "tcp://127.0.0.1:0").start()
        self.addCleanup(server.stop)
        self.server = server.connect()
        self.addCleanup(self.server.close)
        self.lossy = Lossy(f"tcp://127.0.0.1:{zmq_port(server)}", {2, 4, 6})
        self.addCleanup(self.lossy.close)

    def run_example(self, *command: str, folder: Path = EXAMPLES) -> None:
        """An example prints what it should, all that it did was done once, and it asked again."""
        done = subprocess.run(
            [*command, self.lossy.address, "1"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(plain(done.stdout), TOLD)
        self.assertEqual(self.server.get("/p1/models")["models"][0]["frequency"], 1)
        self.assertEqual(self.server.get("/p1/ping")["interval"], 5)
        self.assertGreaterEqual(self.lossy.replies, 10)

    def test_python(self) -> None:
        """A plain REQ socket in Python."""
        self.run_example(sys.executable, "client.py")

    def test_node(self) -> None:
        """A plain REQ socket in Node, with the packages that the example names."""
        need_node()
        folder = Path(self.mktemp()).absolute()
        shutil.copytree(EXAMPLES, folder)
        install(folder)
        self.run_example("node", "client.mjs", folder=folder)
