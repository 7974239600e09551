"""What a client says before a connection becomes a WebSocket."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kato.errors import InvalidRequest
from kato.protocols.websocket.frames import Codec
from kato.protocols.websocket.handshake import Handshake
from tests.websocket.memory import CLIENT, ServerEnd, StreamTestCase

OFFER = "permessage-deflate"
NONCE = b"dGhlIHNhbXBsZSBub25jZQ=="

GOOD = {
    b"Upgrade": [b"websocket"],
    b"Connection": [b"keep-alive, Upgrade"],
    b"Sec-Websocket-Version": [b"13"],
    b"Sec-Websocket-Key": [NONCE],
}


def asked(*protocols: bytes) -> Handshake:
    return Handshake.parse({**GOOD, b"Sec-Websocket-Protocol": protocols})


class ConnectionTests(StreamTestCase):
    """How a connection of HTTP becomes a WebSocket."""

    def test_at_once(self) -> None:
        """What comes with the head is heard behind it; a request before it is answered first."""
        head = b"GET /ws HTTP/1.1\r\nHost: localhost\r\n" + b"".join(
            b"%b: %b\r\n" % (name, values[0]) for name, values in GOOD.items()
        )
        payload = b'{"method":"ping"}'
        frame = b"\x81" + bytes((0x80 | len(payload),)) + b"\0\0\0\0" + payload
        server = self.system.parts.site.buildProtocol(CLIENT)
        assert server is not None
        end = ServerEnd(server)
        server.makeConnection(end)
        server.dataReceived(
            b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n" + head + b"\r\n" + frame
        )
        first, second = b"".join(end.stream).split(b"HTTP/1.1 ")[1:]
        self.assertTrue(first.startswith(b"200 "))
        self.assertTrue(second.startswith(b"101 "))
        self.assertIn(b'"message":"pong"', second)
        self.assertEqual(self.system.parts.site.connections, 0)
        self.assertEqual(self.system.statistics["connections"], 1)


class HandshakeTests(SynchronousTestCase):
    """L{Handshake}."""

    def test_default(self) -> None:
        """Who names no sub-protocol speaks JSON."""
        self.assertEqual(Handshake.parse(GOOD), Handshake(NONCE, Codec.JSON))
        headers = {**GOOD, b"Upgrade": [b"h2c", b"WebSocket"], b"Connection": [b"upgrade"]}
        self.assertEqual(Handshake.parse(headers).codec, Codec.JSON)

    def test_protocols(self) -> None:
        """The first that is known is spoken, in one header or in several."""
        known = "kato.v1.msgpack"
        wanted = Handshake(NONCE, Codec.MESSAGEPACK, known)
        self.assertEqual(asked(b"kato.v1.msgpack"), wanted)
        self.assertEqual(asked(b"other, kato.v1.msgpack , kato.v1.json"), wanted)
        self.assertEqual(asked(b"other", b"kato.v1.msgpack"), wanted)

    def test_key(self) -> None:
        """A key may stand beside what is spoken, and is never what is agreed upon."""
        self.assertEqual(
            asked(b"kato.v1.json, kato.key.s3cret"),
            Handshake(NONCE, Codec.JSON, "kato.v1.json", b"s3cret"),
        )
        self.assertNotIn(b"kato.key.", asked(b"kato.key.x, kato.v1.msgpack").head())

    def test_key_alone(self) -> None:
        """Who offers a key and nothing that is spoken is refused, without a word of the key."""
        for offered in (b"kato.key.s3cret", b"kato.key.s3cret, soap", b"soap, kato.key.s3cret"):
            error = self.assertRaises(InvalidRequest, asked, offered)
            self.assertIn("known are kato.v1.json, kato.v1.msgpack", error.message)
            self.assertNotIn("s3cret", error.message)

    def test_key_is_not_shown(self) -> None:
        """A key does not come into a log with what it stands in."""
        self.assertNotIn("s3cret", repr(asked(b"kato.v1.json, kato.key.s3cret")))

    def test_compression(self) -> None:
        """The first offer with which one compression serves all is taken; the others are passed
        over, also those that are none."""
        for offers, taken in [
            ("permessage-deflate", "permessage-deflate"),
            ("permessage-deflate; client_max_window_bits", "permessage-deflate"),
            ("permessage-deflate; client_max_window_bits=8", "permessage-deflate"),
            ('permessage-deflate; server_max_window_bits="15"', "permessage-deflate"),
            (
                "permessage-deflate;server_no_context_takeover; client_no_context_takeover",
                "permessage-deflate; server_no_context_takeover",
            ),
            ("permessage-deflate; server_max_window_bits=10", None),
            ("permessage-deflate; server_max_window_bits=10, permessage-deflate", OFFER),
            ("permessage-deflate; client_max_window_bits=7", None),
            ("permessage-deflate; client_max_window_bits; client_max_window_bits", None),
            ("permessage-deflate; level=9", None),
            ("permessage-bzip2, x-webkit-deflate-frame", None),
            (";;, ,=", None),
        ]:
            headers = {**GOOD, b"Sec-Websocket-Extensions": [offers.encode()]}
            self.assertEqual(Handshake.parse(headers).extension, taken, offers)

    def test_head(self) -> None:
        """What Autobahn is told is what was judged, and nothing else of what came."""
        headers = {
            **GOOD,
            b"Host": [b"127.0.0.1:"],
            b"Origin": [b"a", b"b"],
            b"Sec-Websocket-Protocol": [b",,kato.v1.json"],
            b"Sec-Websocket-Extensions": [b"permessage-bzip2", b"permessage-deflate"],
        }
        self.assertEqual(
            Handshake.parse(headers).head().split(b"\r\n"),
            [
                b"GET /ws HTTP/1.1",
                b"Host: localhost",
                b"Upgrade: websocket",
                b"Connection: Upgrade",
                b"Sec-WebSocket-Version: 13",
                b"Sec-WebSocket-Key: " + NONCE,
                b"Sec-WebSocket-Protocol: kato.v1.json",
                b"Sec-WebSocket-Extensions: permessage-deflate",
                b"",
                b"",
            ],
        )

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
