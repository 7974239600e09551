"""What a client says before a connection becomes a WebSocket."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kato.errors import InvalidRequest
from kato.protocols.websocket.frames import Codec
from kato.protocols.websocket.handshake import Handshake

GOOD = {
    b"Upgrade": [b"websocket"],
    b"Connection": [b"keep-alive, Upgrade"],
    b"Sec-Websocket-Version": [b"13"],
    b"Sec-Websocket-Key": [b"dGhlIHNhbXBsZSBub25jZQ=="],
}


def asked(*protocols: bytes) -> Handshake:
    return Handshake.parse({**GOOD, b"Sec-Websocket-Protocol": protocols})


class HandshakeTests(SynchronousTestCase):
    """L{Handshake}."""

    def test_default(self) -> None:
        """Who names no sub-protocol speaks JSON."""
        self.assertEqual(Handshake.parse(GOOD), Handshake(Codec.JSON, None, None))
        headers = {**GOOD, b"Upgrade": [b"h2c", b"WebSocket"], b"Connection": [b"upgrade"]}
        self.assertEqual(Handshake.parse(headers).codec, Codec.JSON)

    def test_protocols(self) -> None:
        """The first that is known is spoken, in one header or in several."""
        known = "kato.v1.msgpack"
        wanted = Handshake(Codec.MESSAGEPACK, known, None)
        self.assertEqual(asked(b"kato.v1.msgpack"), wanted)
        self.assertEqual(asked(b"other, kato.v1.msgpack , kato.v1.json"), wanted)
        self.assertEqual(asked(b"other", b"kato.v1.msgpack"), wanted)

    def test_key(self) -> None:
        """A key may stand beside, or alone; it is then itself what is agreed upon."""
        self.assertEqual(
            asked(b"kato.v1.json, kato.key.s3cret"),
            Handshake(Codec.JSON, "kato.v1.json", b"s3cret"),
        )
        self.assertEqual(asked(b"kato.key.x"), Handshake(Codec.JSON, "kato.key.x", b"x"))

    def test_refused(self) -> None:
        """What is wrong is named, with what was given."""
        cases: list[tuple[dict[bytes, Any], str]] = [
            ({b"Upgrade": []}, "Upgrade: expected websocket, got nothing"),
            ({b"Upgrade": [b"h2c"]}, "Upgrade: expected websocket, got 'h2c'"),
            ({b"Connection": [b"close"]}, "Connection: expected Upgrade, got 'close'"),
            ({b"Sec-Websocket-Version": [b"8"]}, "Sec-WebSocket-Version: expected 13, got '8'"),
            ({b"Sec-Websocket-Version": [b"13", b"13"]}, "Sec-WebSocket-Version: expected 13"),
            ({b"Sec-Websocket-Key": []}, "Sec-WebSocket-Key: expected 16 bytes in base64"),
            ({b"Sec-Websocket-Key": [b"short=="]}, "Sec-WebSocket-Key: "),
            ({b"Sec-Websocket-Protocol": [b"soap"]}, "Sec-WebSocket-Protocol: 'soap' is unknown"),
            (
                {b"Sec-Websocket-Protocol": [b"kato.v1.json", b"kato.v1.json"]},
                "Sec-WebSocket-Protocol: a sub-protocol is given twice",
            ),
            (
                {b"Sec-Websocket-Protocol": [b"kato.key.a, kato.key.b"]},
                "Sec-WebSocket-Protocol: expected one key at most",
            ),
        ]
        for change, message in cases:
            error = self.assertRaises(InvalidRequest, Handshake.parse, {**GOOD, **change})
            self.assertIn(message, error.message)
