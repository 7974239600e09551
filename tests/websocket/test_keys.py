"""Who may speak over a WebSocket (SPEC 9)."""

from typing import Any

from kato.settings import Settings
from tests.websocket.memory import NOW, Client, StreamTestCase, System

PROTOCOLS = ("kato.v1.json", "kato.v1.msgpack")


class KeyTests(StreamTestCase):
    """Who may say what."""

    settings = Settings(api_key=b"s3cret")

    def guest(self) -> Client:
        return self.connect()

    def test_guest(self) -> None:
        """Who has told no key may ping, and nothing else; nothing is done for it."""
        client = self.guest()
        self.assertEqual(client.ask(method="ping")["message"], "pong")
        requests: list[dict[str, Any]] = [
            {"method": "observe", "processor": "p1", "params": {"strings": ["a"]}},
            {"method": "ping", "processor": "p1"},
            {"method": "list_processors"},
            {"method": "subscribe"},
            {"method": "unsubscribe"},
            {"method": "no such thing"},
        ]
        for request in requests:
            answer = client.ask(id=1, **request)
            self.assertEqual((answer["error_code"], answer["id"]), ("UNAUTHORIZED", 1))
            self.assertIn("authenticate", answer["message"])

    def test_authenticate(self) -> None:
        """The right key opens everything, and a wrong one changes nothing."""
        client = self.guest()
        for _ in range(2):
            answer = client.ask(id=1, method="authenticate", params={"api_key": "wrong"})
            self.assertEqual(answer["error_code"], "UNAUTHORIZED")
            self.assertNotIn("s3cret", str(answer))
        self.assertEqual(client.ask(method="list_processors")["error_code"], "UNAUTHORIZED")
        answer = client.ask(id=2, method="authenticate", params={"api_key": "s3cret"})
        self.assertEqual(
            answer,
            {
                "status": "okay",
                "message": "authenticated",
                "time_stamp": NOW,
                "scopes": ["read", "write", "admin"],
                "processors": ["*"],
                "id": 2,
            },
        )
        self.assertEqual(client.ask(method="list_processors")["total"], 0)
        answer = client.ask(method="authenticate", params={"api_key": "wrong"})
        self.assertEqual(answer["error_code"], "UNAUTHORIZED")
        self.assertEqual(client.ask(method="list_processors")["total"], 0)
        self.system.pass_time(15)
        self.assertIsNone(client.closed)

    def test_patience(self) -> None:
        """A guest has so many seconds to tell it."""
        client = self.guest()
        self.system.pass_time(9)
        self.assertIsNone(client.closed)
        self.system.pass_time(2)
        self.assertEqual(client.closed, (4401, "no key within 10 seconds"))
        self.assertEqual(self.system.statistics["connections"], 0)

    def test_small(self) -> None:
        """A guest may say nothing that is large; who has told the key may."""
        client = self.guest()
        client.ask(method="authenticate", params={"api_key": "s3cret"})
        params = {"strings": ["a" * 70_000]}
        self.assertEqual(client.ask(method="observe", processor="p1", params=params)["interval"], 1)
        client = self.guest()
        client.say(method="observe", processor="p1", params=params)
        assert client.closed is not None
        self.assertEqual(client.closed[0], 1009)

    def test_header(self) -> None:
        """Programs tell it with the head."""
        for headers in ({"X-API-Key": "s3cret"}, {"Authorization": "Bearer s3cret"}):
            client = self.connect(headers=headers)
            self.assertEqual(client.ask(method="list_processors")["total"], 0)
        client = self.system.connect(headers={"X-API-Key": "wrong"})
        self.assertFalse(client.speaker.opened)
        self.assertIn("401", client.speaker.wasNotCleanReason)

    def test_protocol(self) -> None:
        """Browsers tell it as a sub-protocol; a wrong one is told by the code they are closed
        with."""
        client = self.connect("kato.v1.json", "kato.key.s3cret")
        self.assertEqual(client.speaker.websocket_protocol_in_use, "kato.v1.json")
        self.assertEqual(client.ask(method="list_processors")["total"], 0)
        headers = {"X-API-Key": "s3cret"}
        client = self.connect("kato.v1.json", "kato.key.wrong", headers=headers)
        self.assertEqual(client.ask(method="list_processors")["total"], 0)
        client = self.connect("kato.v1.json", "kato.key.wrong")
        self.assertEqual(client.closed, (4401, "this is not a key of this server"))

    def test_no_key_needed(self) -> None:
        """A server without a key takes any."""
        self.system = System(self)
        client = self.connect("kato.v1.json", "kato.key.any")
        answer = client.ask(method="authenticate", params={"api_key": "any"})
        self.assertEqual(answer["message"], "authenticated")
        self.assertEqual(client.ask(method="list_processors")["total"], 0)


class OriginTests(StreamTestCase):
    """Whose pages may connect."""

    settings = Settings(origins=frozenset({b"https://example.org:8443"}))

    def test_origins(self) -> None:
        """The server's own, and those that were allowed; a foreign one may not."""
        for origin in ("http://127.0.0.1:8000", "https://example.org:8443"):
            self.connect(origin=origin)
        for origin in ("http://evil.example", "https://example.org", "null"):
            client = self.system.connect(origin=origin)
            self.assertFalse(client.speaker.opened)
            self.assertIn("403", client.speaker.wasNotCleanReason)
