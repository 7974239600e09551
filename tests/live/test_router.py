"""The ROUTER of a service over sockets of libzmq's own: all that clients do to it (SPEC 9)."""

import signal
import socket
from collections.abc import Callable, Sequence
from typing import Any

import zmq
from twisted.trial.unittest import SynchronousTestCase

from kato.codec import MAX_MESSAGE
from tests.live.family import LiveService
from tests.live.server import PATIENCE
from tests.live.speaking import packed, unpacked, zmq_request
from tests.zmq.malformed import MALFORMED
from tests.zmq.test_malformed import HISTORY, STATE

_LARGEST_FRAME = 96 * 2**20
"""A larger frame is not even read (docs/zeromq.md)."""


class RouterCase(SynchronousTestCase):
    """A service in a process of its own, and sockets that speak to it."""

    def start(self, *options: str) -> LiveService:
        """Start a service."""
        service = LiveService(*(options or ("--storage", "memory:")))
        self.addCleanup(service.stop)
        self.context = zmq.Context()
        self.addCleanup(self.context.destroy)
        self.service = service.start()
        return service

    def connect(self, kind: int = zmq.DEALER) -> "zmq.Socket[bytes]":
        """A socket of a client."""
        made = self.context.socket(kind)
        made.setsockopt(zmq.LINGER, 0)
        made.setsockopt(zmq.RCVTIMEO, int(PATIENCE * 1000))
        made.setsockopt(zmq.SNDHWM, 0)
        made.setsockopt(zmq.RCVHWM, 0)
        made.connect(f"tcp://127.0.0.1:{self.service.port}")
        return made

    def exchange(self, client: "zmq.Socket[bytes]", *frames: bytes) -> dict[str, Any]:
        """Send a message; gives the answer, which comes behind the frames before the last."""
        client.send_multipart(frames)
        *envelope, answer = client.recv_multipart()
        self.assertEqual(envelope, list(frames[:-1]))
        return unpacked(answer)

    def ask(
        self,
        client: "zmq.Socket[bytes]",
        operation: str,
        params: dict[str, Any] | None = None,
        processor: str | None = "p1",
    ) -> dict[str, Any]:
        """Say an operation that succeeds."""
        request = zmq_request(operation, params or {}, processor)
        answer = self.exchange(client, packed(request))
        self.assertEqual(answer["status"], "okay", answer)
        return answer

    def state(self, client: "zmq.Socket[bytes]") -> list[dict[str, Any]]:
        """All that can be told of C{p1}, and which processors there are."""
        answers = [self.ask(client, operation) for operation in STATE]
        answers.append(self.ask(client, "list_processors", processor=None))
        varying = ("time_stamp", "memory")  # to ask may take memory, where Python matches
        return [{key: each[key] for key in each if key not in varying} for each in answers]


class MalformedTests(RouterCase):
    """The messages of tests.zmq.malformed, as strangers send them."""

    def setUp(self) -> None:
        self.start()
        self.client = self.connect()
        for operation, params in HISTORY:
            self.ask(self.client, operation, params)
        self.before = self.state(self.client)

    def assert_alive(self) -> None:
        """Everything is as it was before, and nothing was logged that a client should not cause."""
        self.assertEqual(self.state(self.client), self.before)
        self.assertEqual(self.service.terminate(), -15)
        self.assertNotRegex("\n".join(self.service.log), "Traceback|[Dd]efect|Unhandled")

    def test_each_is_named_and_nothing_happens(self) -> None:
        """Each is answered with its code and the field at fault, to a REQ, to a DEALER, and to one
        that puts frames in front."""
        req = self.connect(zmq.REQ)
        ways: Sequence[Callable[[bytes], dict[str, Any]]] = (
            lambda frame: self.exchange(req, frame),
            lambda frame: self.exchange(self.client, frame),
            lambda frame: self.exchange(self.client, b"", frame),
            lambda frame: self.exchange(self.client, b"correlation", b"", b"\xff", frame),
        )
        for case in MALFORMED:
            for way in ways:
                answer = way(case.frame)
                given = (answer["status"], answer.get("error_code"))
                self.assertEqual(given, ("error", case.error_code), (case.title, answer))
                self.assertIn(case.names, answer["message"], case.title)
        self.assert_alive()

    def test_many_frames(self) -> None:
        """As many frames as may come before a request come back before the answer."""
        request = packed({"method": "ping"})
        for envelope in ([b""] * 60, [b"x" * 3_800, b"", bytes(range(256))]):
            self.assertEqual(self.exchange(self.client, *envelope, request)["message"], "pong")
        self.assert_alive()

    def test_too_large_to_read(self) -> None:
        """A frame that is too large to be read costs its sender the connection, nobody else's."""
        sender = self.connect()
        sender.setsockopt(zmq.RECONNECT_IVL, -1)
        ended = sender.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        sender.send(bytes(_LARGEST_FRAME + 1))
        self.assertTrue(ended.poll(int(PATIENCE * 1000)))
        sender.disable_monitor()
        self.assert_alive()

    def test_strangers(self) -> None:
        """Who does not speak ZMTP, or stops in the middle of it, disturbs nobody."""
        greeting = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
        for said in (b"GET / HTTP/1.1\r\n\r\n", b"\0" * 100, b"\xff" * 100, greeting, greeting[:5]):
            with socket.create_connection(("127.0.0.1", self.service.port), PATIENCE) as stranger:
                stranger.sendall(said)
                self.ask(self.client, "ping")
        self.assert_alive()


class KeyTests(RouterCase):
    """A service with a key."""

    def test_key(self) -> None:
        """Without the key, or with another, nothing is told and nothing happens; with it, all is as
        without. Who sends a heartbeat or a plain ping needs none."""
        self.start("--storage", "memory:", "--api-key", "secret")
        client = self.connect()
        changing = {"method": "observe", "processor": "p1", "params": {"strings": ["a"]}}
        for key in ({}, {"api_key": "wrong"}, {"api_key": ""}, {"api_key": "secret✓"}):
            for request in (
                {**changing, **key},
                {"method": "list_processors", **key},
                {"method": "nothing", **key},
                {"type": "hello", **key},
            ):
                answer = self.exchange(client, packed(request))
                self.assertEqual(answer["error_code"], "UNAUTHORIZED", request)
        for plain in ({"type": "heartbeat"}, {"method": "ping"}):
            self.assertEqual(self.exchange(client, packed(plain))["status"], "okay")
        right = {"api_key": "secret"}
        told = self.exchange(client, packed({"method": "list_processors", **right}))
        self.assertEqual(told["total"], 0)
        told = self.exchange(client, packed({**changing, **right}))
        self.assertEqual(told["short_term_memory"], [["a"]])


class LoadTests(RouterCase):
    """Much at a time."""

    def setUp(self) -> None:
        self.start("--storage", "memory:", "--max-string", str(MAX_MESSAGE))

    def test_almost_too_large(self) -> None:
        """A request of just 16 MiB is taken, and its answer comes whole; one byte more is not."""
        client = self.connect()
        empty = len(packed(zmq_request("observe", {"strings": ["x" * 2**16]}, "p1"))) - 2**16
        for length, expected in ((MAX_MESSAGE, "okay"), (MAX_MESSAGE + 1, "error")):
            string = "x" * (length - empty)
            request = packed(zmq_request("observe", {"strings": [string]}, "p1"))
            self.assertEqual(len(request), length)
            answer = self.exchange(client, request)
            self.assertEqual(answer["status"], expected)
            if expected == "okay":
                self.assertEqual(answer["short_term_memory"], [[string]])
        self.assertEqual(self.ask(client, "get_status")["events"], 1)

    def test_many_clients(self) -> None:
        """Many clients with many requests under way get each their own answers, and those of one
        processor in the order in which they asked."""
        clients = {f"p{number}": self.connect() for number in range(20)}
        for number in range(250):
            for name, client in clients.items():
                params = {"strings": [name, str(number)], "brief": True}
                client.send_multipart(
                    [b"%d" % number, b"", packed(zmq_request("observe", params, name))]
                )
        for name, client in clients.items():
            for number in range(250):
                correlation, empty, answer = client.recv_multipart()
                self.assertEqual((correlation, empty), (b"%d" % number, b""))
                told = unpacked(answer)
                self.assertEqual((told["processor"], told["events"]), (name, number + 1))
        events = self.ask(client, "get_short_term_memory", processor="p7")["short_term_memory"]
        self.assertEqual(events, [sorted(["p7", str(number)]) for number in range(250)])

    def test_heartbeat(self) -> None:
        """A heartbeat is answered with the time, also among much else."""
        client = self.connect()
        for _ in range(500):
            client.send(packed(zmq_request("observe", {"strings": ["a"], "brief": True}, "p1")))
        heart = self.connect(zmq.REQ)
        told = self.exchange(heart, packed({"type": "heartbeat"}))
        self.assertEqual(list(told), ["status", "timestamp"])
        self.assertIsInstance(told["timestamp"], float)
        for number in range(500):
            self.assertEqual(unpacked(client.recv())["events"], number + 1)


class EndTests(RouterCase):
    """A service that is asked to end."""

    def test_finishes(self) -> None:
        """What is under way is answered first, and is there after the next start."""
        path = self.mktemp()
        service = self.start("--storage", f"sqlite:{path}", "--max-observations", "60000")
        client = self.connect()
        many = {"observations": [{"strings": ["a", "b"]}] * 60_000, "brief": True}
        client.send(packed(zmq_request("observe_sequence", many, "p1")))
        heart = {"type": "heartbeat"}
        self.assertIn("timestamp", self.exchange(client, packed(heart)))  # it came after it
        self.assertEqual(service.terminate(), -signal.SIGTERM)
        self.assertEqual(unpacked(client.recv())["observed"], 60_000)
        self.start("--storage", f"sqlite:{path}")
        self.assertEqual(self.ask(self.connect(), "get_status")["events"], 60_000)
