"""What a server does not take over WebSocket, over sockets, as strangers send it (SPEC 9)."""

import http.client
import json
import socket
from signal import SIGTERM
from typing import Any

import msgpack
from twisted.trial.unittest import SynchronousTestCase
from websocket import ABNF

from tests.live.refused import BROKEN, HANDSHAKES, KEY, TEXT, UNHEARD, Broken, Handshake, frame
from tests.live.server import PATIENCE, LiveServer
from tests.live.streaming import JSON, MESSAGEPACK, Stream

_NO_KEY = 4401
_STATE = ("get_cognition_data", "get_genes", "get_percept_data", "list_models")


class RefusalTests(SynchronousTestCase):
    """A server with a key; somebody who has it watches over a processor."""

    def setUp(self) -> None:
        self.server = LiveServer("--storage", "memory:", "--api-key", KEY).start()
        self.addCleanup(self.server.stop)
        self.streams: list[Stream] = []
        self.watching = self.member()
        self.watching.ask("observe", "p1", {"strings": ["a", "b"], "emotives": {"joy": 1}})
        self.before = self.state()

    def connect(self, protocol: str | None = JSON, *others: str, headers: Any = ()) -> Stream:
        stream = Stream(self.server.port, protocol, *others, headers=headers)
        self.addCleanup(stream.close)
        self.streams.append(stream)
        return stream

    def member(self, protocol: str | None = JSON, *headers: str) -> Stream:
        return self.connect(protocol, headers=(f"X-API-Key: {KEY}", *headers))

    def state(self) -> list[dict[str, Any]]:
        answers = [self.watching.ask(each, "p1") for each in _STATE]
        answers.append(self.watching.ask("list_processors"))
        same = {"time_stamp": 0, "id": 0}
        return [{**each, **same} for each in answers]

    def unharmed(self) -> None:
        """Nothing has changed, nobody else noticed, and nothing was a defect."""
        self.assertEqual(self.state(), self.before)
        for each in self.streams[1:]:
            each.close()
        self.server.send_signal(SIGTERM)
        self.assertEqual(self.watching.end().code, 1001)
        self.assertEqual(self.server.wait(), -SIGTERM)
        log = self.server.log
        self.assertEqual([each for each in log if "Traceback" in each or "defect" in each], [])

    def answer(self, handshake: Handshake) -> tuple[int, dict[str, Any]]:
        """What a handshake is answered with."""
        port = self.server.port
        headers = {**handshake.headers(f"127.0.0.1:{port}")}
        lines = [handshake.line, *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
            connection.sendall("\r\n".join(lines).encode())
            response = http.client.HTTPResponse(connection)
            response.begin()
            return response.status, json.loads(response.read())

    def test_handshakes(self) -> None:
        """A handshake that is none, or comes from where it must not, is answered in JSON with what
        is wrong with it."""
        for each in HANDSHAKES:
            status, error = self.answer(each)
            told = (status, error["status"], error["error_code"])
            self.assertEqual(told, (each.status, "error", each.error_code), (each.title, error))
            self.assertIn(each.names, error["message"], each.title)
        self.unharmed()

    def test_broken(self) -> None:
        """What is no frame, too large, or of the wrong kind, ends the connection with the code that
        says so; nobody else notices."""
        for each in BROKEN:
            stream = self.member(JSON, *each.headers)
            self.assertEqual(self.ended(stream, each), each.code, each.title)
        self.unharmed()

    def ended(self, stream: Stream, broken: Broken) -> int | None:
        """Send it; gives the code with which it ends."""
        stream.socket.sendall(broken.sent)
        gone = stream.end()
        self.assertIn(broken.says.lower(), gone.reason.lower(), broken.title)
        return gone.code

    def test_text_for_binary(self) -> None:
        """Who agreed upon binary frames sends no text."""
        gone = self.ended(
            self.member(MESSAGEPACK), Broken("text", frame(TEXT, b"{}"), 1003, "binary")
        )
        self.assertEqual(gone, 1003)
        self.unharmed()

    def test_unheard(self) -> None:
        """A message that says nothing that can be done is answered with an error, with the id where
        it has one, and the connection goes on."""
        stream = self.member()
        for sent, error_code, names in UNHEARD:
            stream.send(sent)
            answer = stream.receive()
            self.assertEqual(answer["error_code"], error_code, (sent[:100], answer))
            self.assertIn(names, answer["message"], sent[:100])
            self.assertNotIn("id", answer)
        stream.say({"id": ["mine"], "method": "surprise"})
        self.assertEqual(stream.receive()["id"], ["mine"])
        self.assertEqual(stream.ask("ping")["message"], "pong")
        self.unharmed()

    def test_unheard_as_messagepack(self) -> None:
        """The same in MessagePack."""
        stream = self.member(MESSAGEPACK)
        for sent, names in (
            (b"", "not MessagePack"),
            (b"\xc1", "not MessagePack"),
            (b"\x81", "not MessagePack"),
            (msgpack.packb({"method": "ping"}) + b"\x00", "not MessagePack"),
            (b"\x91" * 100_000, "deep"),
            (msgpack.packb([]), "body"),
            (b"\x82\xa1a\x01\xa1a\x02", "a: given twice"),
            (msgpack.packb({"method": b"ping"}), "method"),
        ):
            stream.send(sent, ABNF.OPCODE_BINARY)
            answer = stream.receive()
            self.assertEqual(answer["error_code"], "INVALID_REQUEST", (sent[:100], answer))
            self.assertIn(names, answer["message"], sent[:100])
        self.assertEqual(stream.ask("ping")["message"], "pong")
        self.unharmed()

    def test_guest(self) -> None:
        """Who has told no key may ping, and tell it; all else is refused."""
        stream = self.connect()
        self.assertEqual(stream.ask("ping")["message"], "pong")
        for method, processor in (
            *((each, "p1") for each in ("observe", "get_predictions", "subscribe", "ping")),
            *((each, None) for each in ("list_processors", "subscribe", "unsubscribe", "no")),
        ):
            answer = stream.ask(method, processor)
            self.assertEqual(answer["error_code"], "UNAUTHORIZED", answer)
        for key, expected in (("wrong", "error"), (KEY, "okay"), ("wrong", "error")):
            answer = stream.ask("authenticate", params={"api_key": key})
            self.assertEqual(answer["status"], expected)
            self.assertNotIn(KEY, str(answer))
        self.assertEqual(stream.ask("list_processors")["total"], 1)
        self.unharmed()

    def test_key_in_the_handshake(self) -> None:
        """A browser tells the key as a sub-protocol; where it is wrong, it is told so by a code."""
        for known in (JSON, MESSAGEPACK):
            stream = self.connect(known, f"kato.key.{KEY}")
            self.assertEqual(stream.wire.subprotocol, known)
            self.assertEqual(stream.ask("list_processors")["total"], 1)
            self.assertEqual(self.connect(known, "kato.key.wrong").end().code, _NO_KEY)
        self.unharmed()
