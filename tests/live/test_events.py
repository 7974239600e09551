"""Events of a service in a process of its own, for a client made from C{docs/events.md} alone."""

from typing import Any

import msgpack
import zmq
from twisted.trial.unittest import SynchronousTestCase

from tests.live.family import LiveService
from tests.live.server import PATIENCE


class EventTests(SynchronousTestCase):
    """A plain REQ and a plain SUB."""

    def setUp(self) -> None:
        self.service = LiveService("--storage", "memory:", "--processor-id", "p1")
        self.addCleanup(self.service.stop)
        self.service.start()
        self.context = zmq.Context()
        self.addCleanup(self.context.destroy, 0)
        self.req = self.connected(zmq.REQ, self.service.port)

    def connected(self, kind: int, port: int) -> "zmq.Socket[bytes]":
        made = self.context.socket(kind)
        made.setsockopt(zmq.RCVTIMEO, int(PATIENCE * 1_000))
        made.connect(f"tcp://127.0.0.1:{port}")
        return made

    def ask(self, **request: Any) -> dict[str, Any]:
        self.req.send(msgpack.packb(request))
        answer: dict[str, Any] = msgpack.unpackb(self.req.recv())
        self.assertEqual(answer["status"], "okay", answer)
        return answer

    def test_client(self) -> None:
        """The client subscribes, waits for the echo, asks where events stand, and is told what
        happens then; who does not know the secret is told nothing."""
        hello = self.ask(type="hello")
        secret = hello["secret"].encode()
        stranger, sub = (self.connected(zmq.SUB, hello["events"]) for _ in range(2))
        stranger.subscribe(b"")
        stranger.subscribe(b"p1")
        for topic in (b"learning", b"memory", b"predictions", b"~1"):
            sub.subscribe(secret + (b"/" if topic == b"~1" else b"/p1/") + topic)
        self.assertEqual(sub.recv_multipart(), [secret + b"/~1", b""])
        stands = self.ask(type="events", processor="p1")
        self.assertEqual((stands["offset"], stands["recovered"]), (0, False))
        for word in "abc":
            self.observe(word)
        self.ask(method="learn", processor="p1")
        events = self.until(sub, "learning")
        self.assertEqual([each["kept"] for each in events if each["event"] == "learning"], [1])
        self.assertEqual({each["epoch"] for each in events}, {stands["epoch"]})
        self.observe("a")
        self.observe("b")
        newest = self.until(sub, "predictions", offset=6)[-1]
        predictions = newest["data"]["predictions"]
        self.assertIsInstance(predictions, msgpack.ExtType)
        self.assertEqual(predictions.code, 1)
        self.assertIn(b'"future":[["c"]]', predictions.data)
        self.assertEqual(stranger.poll(0), 0)

    def observe(self, word: str) -> None:
        self.ask(method="observe", processor="p1", params={"strings": [word]})

    def until(self, sub: "zmq.Socket[bytes]", topic: str, offset: int = 0) -> list[dict[str, Any]]:
        """What comes, up to an event of a topic."""
        events: list[dict[str, Any]] = []
        while not events or events[-1]["event"] != topic or events[-1]["offset"] < offset:
            events.append(msgpack.unpackb(sub.recv_multipart()[1]))
        return events
