"""A stream of events over connections that are lost."""

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kato.client.streams import FRESH, Closed, Stream, StreamEvent, refused, stream_url
from kato.client.trying import ForeignAnswer, NoAnswer
from kato.errors import (
    Forbidden,
    ProcessorNotFound,
    ProcessorUnavailable,
    Unauthorized,
)


def granted(epoch: str, offset: int, *, recovered: bool = False) -> str:
    """The answer to a subscription."""
    told = {"id": 1, "status": "okay", "epoch": epoch, "offset": offset, "recovered": recovered}
    return json.dumps({**told, "time_stamp": 1.5})


def event(topic: str, offset: int, **data: Any) -> str:
    """An event as it is sent."""
    told = {"event": topic, "processor": "p1", "offset": offset, "time_stamp": 2.5, "data": data}
    return json.dumps(told)


class StreamTests(SynchronousTestCase):
    """L{Stream}."""

    def setUp(self) -> None:
        self.stream = Stream("p1", ["learning", "predictions"], random=lambda: 0.5)

    def said(self) -> dict[str, Any]:
        """What is said first on a connection."""
        said: dict[str, Any] = json.loads(self.stream.opening())
        return said

    def test_first(self) -> None:
        """At first the state is to be read, then events come."""
        self.assertEqual(
            self.said(),
            {
                "id": 1,
                "method": "subscribe",
                "processor": "p1",
                "params": {"topics": ["learning", "predictions"]},
            },
        )
        [fresh] = self.stream.take(granted("e", 5))
        self.assertEqual((fresh.topic, fresh.data), (FRESH, {"epoch": "e", "offset": 5}))
        [told] = self.stream.take(event("learning", 6, change="learned"))
        self.assertEqual(told, StreamEvent("learning", "p1", 6, 2.5, {"change": "learned"}, 0))

    def test_recovery(self) -> None:
        """On a new connection is said how far it had come, and nothing is told but what comes."""
        self.said()
        self.stream.take(granted("e", 5))
        self.stream.take(event("learning", 6))
        self.stream.take(event("predictions", 6))
        self.stream.lost(Closed(1006, ""))
        params = self.said()["params"]
        del params["topics"]
        self.assertEqual(params, {"epoch": "e", "since": 6, "predictions": 6})
        self.assertEqual(self.stream.take(granted("e", 7, recovered=True)), ())
        [told] = self.stream.take(event("learning", 7))
        self.assertEqual(told.offset, 7)

    def test_lost_history(self) -> None:
        """Where what was missed is not to be had, the state is to be read anew."""
        self.said()
        self.stream.take(granted("e", 5))
        self.stream.lost(Closed(1001, "the server is stopping"))
        self.said()
        [fresh] = self.stream.take(granted("f", 2))
        self.assertEqual((fresh.topic, fresh.offset), (FRESH, 2))
        self.assertEqual(self.said()["params"]["epoch"], "f")

    def test_anew(self) -> None:
        """A service that is back with another history is told, and then the state is to be read."""
        self.said()
        self.stream.take(granted("e", 5))
        told = self.stream.take(event("status", 3, state="back", epoch="f", recovered=False))
        self.assertEqual([each.topic for each in told], ["status", FRESH])
        told = self.stream.take(event("status", 3, state="back", epoch="f", recovered=True))
        self.assertEqual([each.topic for each in told], ["status"])

    def test_refusals(self) -> None:
        """What is said against the subscription is raised, and ends the stream unless it is for
        now."""
        for code, kind, more in (
            ("PROCESSOR_NOT_FOUND", ProcessorNotFound, {}),
            ("PROCESSOR_UNAVAILABLE", ProcessorUnavailable, {"retry_after": 1}),
        ):
            self.said()
            told = {"id": 1, "status": "error", "error_code": code, "message": "no", **more}
            error = self.assertRaises(kind, self.stream.take, json.dumps(told))
            if more:
                self.assertEqual(self.stream.lost(error), 0.1875)
            else:
                self.assertRaises(kind, self.stream.lost, error)

    def test_pauses(self) -> None:
        """Pauses double up to 8 seconds, and are short again once a connection was granted."""
        pauses = [self.stream.lost(NoAnswer("gone")) for _ in range(7)]
        self.assertEqual(pauses, [0.1875, 0.375, 0.75, 1.5, 3, 6, 6])
        self.said()
        self.stream.take(granted("e", 1))
        self.assertEqual(self.stream.lost(Closed(1006, "")), 0.1875)

    def test_closed(self) -> None:
        """A key that is refused, and what is the client's fault, end the stream."""
        for code, kind in ((4401, Unauthorized), (1003, NoAnswer), (1009, NoAnswer)):
            self.assertRaises(kind, self.stream.lost, Closed(code, "why"))

    def test_handshakes(self) -> None:
        """What is answered in the place of a WebSocket is told by its code, or its status."""
        told = {"status": "error", "error_code": "FORBIDDEN", "message": "no"}
        for status, body, kind in (
            (403, json.dumps(told).encode(), Forbidden),
            (401, b"", Unauthorized),
            (503, b"<h1>", NoAnswer),
            (404, b"{}", ForeignAnswer),
        ):
            self.assertIsInstance(refused(status, body), kind)

    def test_addresses(self) -> None:
        """The WebSocket is beside REST."""
        self.assertEqual(stream_url("http://a:1"), "ws://a:1/ws")
        self.assertEqual(stream_url("https://a/kato/"), "wss://a/kato/ws")
