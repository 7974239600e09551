"""Who may speak over a WebSocket (SPEC 9)."""

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any, ClassVar

from kato import suspicion
from kato.commands import Scope
from kato.key_file import StoredKey
from kato.keys import digest
from kato.policy import Key
from kato.settings import Settings
from tests.websocket.memory import CLIENT, NOW, Client, StreamTestCase, System

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
        params = {"strings": ["a" * 7_000] * 10}
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


class ClientTests(StreamTestCase):
    """Where clients are."""

    settings = Settings(proxies=(ip_network("192.0.2.0/24"), ip_network("127.0.0.0/8")))

    def test_address(self) -> None:
        """A session knows the address of its client, be it through a proxy."""
        given: list[dict[str, str]] = [{}, {"X-Forwarded-For": "a, 8.8.8.8"}]
        for headers in given:
            self.connect(headers=headers)
        sessions = self.system.parts.streams._sessions.values()
        self.assertEqual([each.client_address for each in sessions], [CLIENT.host, "8.8.8.8"])


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


class ScopedCase(StreamTestCase):
    """A server with keys of a file."""

    KEYS: ClassVar[Mapping[bytes, Key]] = {
        b"reads": Key("reads", frozenset({Scope.READ}), ("p1", "p3")),
        b"all": Key("all", frozenset(Scope)),
        b"ends": Key("ends", frozenset(Scope), expires=NOW + 100),
    }
    settings = Settings(keys=tuple(StoredKey(digest(each), key) for each, key in KEYS.items()))

    def setUp(self) -> None:
        super().setUp()
        self.admin = self.connect(headers={"X-API-Key": "all"})
        for processor in ("p1", "p2"):
            self.admin.ask(method="create_processor", processor=processor)

    def replace(self, **keys: Key) -> None:
        """Know these keys, and C{all}."""
        known = {b"all": self.KEYS[b"all"], **{name.encode(): key for name, key in keys.items()}}
        self.system.keeper.replace({digest(token): key for token, key in known.items()})


class ScopeTests(ScopedCase):
    """Keys with scopes."""

    def test_told(self) -> None:
        """Who tells a key is told what it may do."""
        client = self.connect()
        told = client.ask(method="authenticate", params={"api_key": "reads"})
        self.assertEqual((told["scopes"], told["processors"]), (["read"], ["p1", "p3"]))

    def test_another(self) -> None:
        """Another key that is told on the same connection takes the place of the first; what that
        was not for ends."""
        client = self.connect(headers={"X-API-Key": "all"})
        for processor in ("p1", "p2"):
            client.ask(method="subscribe", processor=processor)
        client.say(id=1, method="authenticate", params={"api_key": "reads"})
        ended, told = client.told()
        self.assertEqual((ended["processor"], ended["data"]), ("p2", {"state": "forbidden"}))
        self.assertEqual((told["id"], told["scopes"]), (1, ["read"]))
        answer = client.ask(method="observe", processor="p1", params={"strings": ["a"]})
        self.assertEqual(answer["error_code"], "FORBIDDEN")
        self.assertEqual(self.system.statistics["subscriptions"], 1)

    def test_judged_first(self) -> None:
        """What a key may not do is refused as that, whatever else is wrong with the request."""
        client = self.connect(headers={"X-API-Key": "reads"})
        for request in (
            {"method": "observe", "processor": "p1", "params": {"nonsense": 1}},
            {"method": "clear_stm", "processor": "p1"},
            {"method": "get_status", "processor": "p2", "params": 7},
            {"method": "nonsense", "processor": "p2"},
            {"method": "get_status", "processor": "no id"},
            {"method": "subscribe", "processor": "p2", "params": {"topics": 7}},
        ):
            self.assertEqual(client.ask(**request)["error_code"], "FORBIDDEN", request)
        answer = client.ask(method="get_status", processor="p1", params=7)
        self.assertEqual(answer["error_code"], "INVALID_REQUEST")


class ChangedTests(ScopedCase):
    """Keys that change while connections are open."""

    def test_gone(self) -> None:
        """A connection whose key is gone is closed; others stay, and a guest may still tell one."""
        client = self.connect("kato.v1.json", "kato.key.reads")
        guest = self.connect()
        self.replace()
        self.assertEqual(client.closed, (4401, "this is not a key of this server"))
        self.assertEqual(self.admin.ask(method="list_processors")["total"], 2)
        told = guest.ask(method="authenticate", params={"api_key": "all"})
        self.assertEqual(told["status"], "okay")

    def test_expired(self) -> None:
        """A connection is closed at the moment at which its key expires, though nothing is said
        on it."""
        client = self.connect(headers={"X-API-Key": "ends"})
        self.system.pass_time(99)
        self.assertIsNone(client.closed)
        self.system.pass_time(1)
        self.assertEqual(client.closed, (4401, "this is not a key of this server"))

    def test_narrowed(self) -> None:
        """Subscriptions to processors that a key is for no more end, and their listener is told so;
        the others go on."""
        client = self.connect(headers={"X-API-Key": "reads"})
        self.admin.ask(method="create_processor", processor="p3")
        for processor in ("p1", "p3"):
            client.ask(method="subscribe", processor=processor)
        client.ask(method="subscribe")
        self.replace(reads=Key("reads", frozenset({Scope.READ}), ("p3",)))
        told = [(each["event"], each["processor"], each["data"]["state"]) for each in client.told()]
        self.assertEqual(told, [("status", "p1", "forbidden"), ("status", "", "forbidden")])
        for processor in ("p1", "p3"):
            params = {"strings": ["a"]}
            self.admin.ask(method="observe", processor=processor, params=params)
        self.assertEqual({each["processor"] for each in client.told()}, {"p3"})
        answer = client.ask(method="subscribe", processor="p1")
        self.assertEqual(answer["error_code"], "FORBIDDEN")

    def test_widened(self) -> None:
        """What a key is for now may be asked at once, on connections that are open."""
        client = self.connect(headers={"X-API-Key": "reads"})
        self.assertEqual(client.ask(method="get_status", processor="p2")["status"], "error")
        self.replace(reads=Key("reads", frozenset({Scope.READ})))
        self.assertEqual(client.ask(method="get_status", processor="p2")["status"], "okay")
        self.assertEqual(client.ask(method="list_processors")["total"], 2)


class GuessingTests(StreamTestCase):
    """Who tells wrong keys waits for the answer."""

    settings = Settings(api_key=b"s3cret")

    def setUp(self) -> None:
        super().setUp()
        self.client = self.connect()
        for _ in range(suspicion.FREE):
            self.authenticate("wrong")
        self.assertEqual(len(self.client.told()), suspicion.FREE)

    def authenticate(self, key: str) -> None:
        self.client.say(id=key, method="authenticate", params={"api_key": key})

    def test_authenticating(self) -> None:
        """The answer comes later and later; meanwhile all else is answered, and the right key is
        taken at once."""
        self.authenticate("wrong")
        self.assertEqual(self.client.told(), [])
        self.assertEqual(self.client.ask(method="ping")["message"], "pong")
        self.system.pass_time(0.125, step=0.125)
        [told] = self.client.told()
        self.assertEqual((told["id"], told["error_code"]), ("wrong", "UNAUTHORIZED"))
        self.authenticate("wrong")
        self.authenticate("s3cret")
        [told] = self.client.told()
        self.assertEqual((told["id"], told["status"]), ("s3cret", "okay"))
        self.system.pass_time(1)
        self.assertEqual([each["id"] for each in self.client.told()], ["wrong"])

    def test_protocol(self) -> None:
        """One who is to be closed for a wrong key is closed later."""
        client = self.connect("kato.v1.json", "kato.key.wrong")
        self.assertIsNone(client.closed)
        self.system.pass_time(0.125, step=0.125)
        self.assertEqual(client.closed, (4401, "this is not a key of this server"))

    def test_too_many(self) -> None:
        """Where no more answers may wait, the connection is closed."""
        self.patch(suspicion, "MAX_WAITING", 1)
        self.authenticate("wrong")
        self.assertIsNone(self.client.closed)
        self.authenticate("wrong")
        self.assertEqual(self.client.closed, (4401, "this is not a key of this server"))

    def test_lost(self) -> None:
        """A connection that is lost meanwhile is not spoken to."""
        self.authenticate("wrong")
        self.client.cut()
        self.system.pass_time(1)
        self.assertEqual(self.system.statistics["connections"], 0)
