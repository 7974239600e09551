"""Requests over a WebSocket: answered, in order, and refused by what is wrong (SPEC 8 and 9)."""

import json
from typing import Any

from twisted.internet.defer import Deferred

from kato.commands import Reply
from kato.protocols.websocket import session, streams
from kato.settings import Settings
from tests.doubles import Threads
from tests.websocket.memory import NOW, Client, StreamTestCase, System

PROTOCOLS = ("kato.v1.json", "kato.v1.msgpack")


class AnswerTests(StreamTestCase):
    """What is answered."""

    def test_operations(self) -> None:
        """Operations are answered as everywhere, with the id of the request, in each
        sub-protocol."""
        for protocol in PROTOCOLS:
            client = self.connect(protocol)
            self.assertEqual(
                client.ask(id=[1, {"a": None}], method="ping"),
                {"status": "okay", "message": "pong", "time_stamp": NOW, "id": [1, {"a": None}]},
            )
            answer = client.ask(
                id="o", method="observe", processor=protocol[8:], params={"strings": ["b", "a"]}
            )
            self.assertEqual(
                {key: answer[key] for key in ("message", "interval", "short_term_memory", "id")},
                {
                    "message": "observed",
                    "interval": 1,
                    "short_term_memory": [["a", "b"]],
                    "id": "o",
                },
            )
            self.assertNotIn("id", client.ask(method="ping"))

    def test_default(self) -> None:
        """Who offers no sub-protocol that we know besides its key, or none, speaks JSON."""
        client = self.connect("kato.key.any")
        self.assertEqual(client.ask(method="ping")["message"], "pong")

    def test_request_id(self) -> None:
        """A change that is sent again under its request id is done once."""
        first, second = self.connect(), self.connect("kato.v1.msgpack")
        request: dict[str, Any] = {
            "method": "observe",
            "processor": "p1",
            "params": {"strings": ["a"]},
            "request_id": "r1",
        }
        answer = first.ask(**request)
        self.assertEqual(second.ask(**request), answer)
        self.assertEqual(answer["interval"], 1)

    def test_errors(self) -> None:
        """What is wrong is answered by an error that names it, and the connection stays."""
        client = self.connect()
        cases: list[tuple[dict[str, Any], str, str]] = [
            ({"method": "nope"}, "UNKNOWN_OPERATION", "method: no operation is called 'nope'"),
            ({"method": 7}, "INVALID_REQUEST", "method: expected a string, got int 7"),
            ({}, "INVALID_REQUEST", "method: missing"),
            ({"method": "ping", "extra": 1}, "INVALID_REQUEST", "extra: unknown key"),
            (
                {"method": "learn", "processor": "ghost"},
                "PROCESSOR_NOT_FOUND",
                "there is no 'ghost'",
            ),
            ({"method": "learn", "processor": "no id"}, "INVALID_REQUEST", "'no id' is no id"),
            ({"method": "learn"}, "INVALID_REQUEST", "processor: expected an id, got null"),
            (
                {"method": "observe", "processor": "p1", "params": {"strings": ["a", 3]}},
                "INVALID_REQUEST",
                "strings[1]: expected a string, got int 3",
            ),
            (
                {"method": "subscribe", "processor": "p1", "params": {"topics": ["news"]}},
                "INVALID_REQUEST",
                "topics[0]: 'news' is unknown",
            ),
            (
                {"method": "subscribe", "processor": "p1", "params": {"since": -1}},
                "INVALID_REQUEST",
                "since: expected an integer",
            ),
            (
                {"method": "subscribe", "processor": "p1", "params": {"speed": 1}},
                "INVALID_REQUEST",
                "speed: unknown key",
            ),
            (
                {"method": "subscribe", "processor": "ghost"},
                "PROCESSOR_NOT_FOUND",
                "there is no 'ghost'",
            ),
            (
                {"method": "unsubscribe", "processor": "p1"},
                "INVALID_REQUEST",
                "processor: 'p1' is not subscribed to",
            ),
            (
                {"method": "unsubscribe", "params": {"topics": []}},
                "INVALID_REQUEST",
                "topics: unknown key",
            ),
            ({"method": "authenticate"}, "INVALID_REQUEST", "api_key: missing"),
        ]
        for request, code, message in cases:
            answer = client.ask(id="x", **request)
            self.assertEqual((answer["error_code"], answer["id"]), (code, "x"), answer)
            self.assertIn(message, answer["message"])
        self.assertEqual(client.ask(method="list_processors")["processors"], [])

    def test_malformed(self) -> None:
        """A message that is none is answered without an id."""
        for protocol, body in [
            ("kato.v1.json", b"{"),
            ("kato.v1.json", b""),
            ("kato.v1.json", b"[" * 100_000),
            ("kato.v1.json", b'{"method": "ping", "method": "learn", "id": 1}'),
            ("kato.v1.msgpack", b"\xc1"),
            ("kato.v1.msgpack", b""),
            ("kato.v1.msgpack", b"\x91" * 5_000 + b"\x01"),
        ]:
            client = self.connect(protocol)
            client.send(body, client.packs)
            [answer] = client.told()
            self.assertEqual(answer["error_code"], "INVALID_REQUEST")
            self.assertEqual("id" in answer, b'"id"' in body)
            self.assertEqual(client.ask(method="ping")["message"], "pong")

    def test_older_names(self) -> None:
        """Older names of operations work here, too."""
        client = self.connect()
        client.ask(method="observe", processor="p1", params={"strings": ["a"]})
        self.assertEqual(client.ask(method="get_stm", processor="p1")["short_term_memory"], [["a"]])


class CloseTests(StreamTestCase):
    """What ends a connection."""

    def test_wrong_kind(self) -> None:
        """A frame of the other kind is no message of the sub-protocol."""
        for protocol, expected in (("kato.v1.json", "text"), ("kato.v1.msgpack", "binary")):
            client = self.connect(protocol)
            client.send(b"{}", not client.packs)
            assert client.closed is not None
            code, reason = client.closed
            self.assertEqual(code, 1003)
            self.assertIn(f"expected {expected} frames", str(reason))

    def test_not_unicode(self) -> None:
        """A text that is not UTF-8 is none."""
        client = self.connect()
        client.send(b'"\xff"')
        assert client.closed is not None
        self.assertEqual(client.closed[0], 1007)

    def test_too_large(self) -> None:
        """A message over the limit is refused before it has come."""
        client = self.connect()
        client.speaker.sendFrame(1, b"x", payload_len=16 * 2**20 + 1)
        assert client.closed is not None
        self.assertEqual(client.closed[0], 1009)

    def test_bomb(self) -> None:
        """One that is over the limit when it is no longer compressed, too; what comes behind it is
        not read any more, so the end takes its time."""
        client = self.connect(deflates=True)
        client.speaker.sendMessage(b"0" * (17 * 2**20))
        self.system.pass_time(11)
        assert client.closed is not None
        self.assertEqual(client.closed[0], 1009)

    def test_fragments(self) -> None:
        """A message may come in pieces; pieces that belong to none are no WebSocket."""
        client = self.connect()
        client.speaker.sendMessage(b'{"method":"ping"}', fragmentSize=3)
        self.assertEqual([each["message"] for each in client.told()], ["pong"])
        client.speaker.sendFrame(0, b"x")
        assert client.closed is not None
        self.assertEqual(client.closed[0], 1002)


class OrderTests(StreamTestCase):
    """Requests of one connection."""

    def setUp(self) -> None:
        self.threads = Threads()
        self.system = System(self, in_thread=self.threads)

    def test_long_request(self) -> None:
        """What comes behind a long request, which is read in a thread, waits for it."""
        client = self.connect()
        client.say(id=1, method="observe", processor="p1", params={"strings": ["a" * 40_000]})
        client.say(id=2, method="observe", processor="p1", params={"strings": ["b"]})
        self.assertEqual(client.told(), [])
        self.assertFalse(client.end.reads)
        self.threads.run()
        self.assertEqual([each["interval"] for each in client.told()], [1, 2])
        self.assertTrue(client.end.reads)

    def test_malformed_long_request(self) -> None:
        """One that is none is refused in its turn."""
        client = self.connect()
        client.send(b"[" + b" " * 40_000)
        client.say(id=2, method="ping")
        self.threads.run()
        self.assertEqual([each["status"] for each in client.told()], ["error", "okay"])

    def test_long_answer(self) -> None:
        """A long answer is written in a thread; what is asked meanwhile is answered."""
        client = self.connect()
        many = [{"strings": [str(each)]} for each in range(40)]
        client.say(id=1, method="observe_sequence", processor="p1", params={"observations": many})
        client.say(id=2, method="ping")
        self.assertEqual([each["id"] for each in client.told()], [2])
        self.assertEqual(self.system.statistics["under_way"], 1)
        self.threads.run()
        [answer] = client.told()
        self.assertEqual((answer["id"], len(answer["short_term_memory"])), (1, 40))
        self.assertEqual(self.system.statistics["under_way"], 0)

    def test_gone(self) -> None:
        """Nobody is answered who is gone."""
        client = self.connect()
        client.say(id=1, method="observe", processor="p1", params={"strings": ["a" * 40_000]})
        client.cut()
        self.threads.run()
        self.assertEqual(self.system.statistics["connections"], 0)
        other = self.connect()
        self.assertEqual(other.ask(method="list_processors")["total"], 0)


class RoomTests(StreamTestCase):
    """How much is done for who does not read."""

    def test_unread_answers(self) -> None:
        """Where answers are not read, no further request is heard until they are."""
        client = self.connect()
        params = {"strings": ["a" * 30_000]}
        client.stall()
        for each in range(9):
            client.say(id=each, method="observe", processor="p1", params=params)
        self.assertFalse(client.end.reads)
        done = self.connect().ask(method="get_status", processor="p1")["events"]
        self.assertLess(done, 5)
        client.read_on()
        self.assertEqual([each["id"] for each in client.told()], list(range(9)))
        self.assertTrue(client.end.reads)

    def test_under_way(self) -> None:
        """No more requests of a connection are under way than a bound."""
        self.patch(session, "MAX_UNDER_WAY", 2)
        threads = Threads()
        self.system = System(self, in_thread=threads)
        client = self.connect()
        many = [{"strings": [str(each)]} for each in range(40)]
        for each in range(3):
            client.say(
                id=each, method="observe_sequence", processor="p1", params={"observations": many}
            )
        self.assertEqual(self.system.statistics["under_way"], 2)
        self.assertFalse(client.end.reads)
        for _ in range(3):
            threads.run()
        self.assertEqual([each["id"] for each in client.told()], [0, 1, 2])

    def test_bytes_under_way(self) -> None:
        """Nor so many large ones that they are larger together than a bound."""
        self.patch(session, "MAX_BYTES_UNDER_WAY", 10_000)
        self.system = System(self)
        held: list[Deferred[Any]] = []

        def ask(command: object) -> "Deferred[Any]":
            held.append(Deferred())
            return held[-1]

        self.patch(self.system.parts.dispatch, "ask", ask)
        client = self.connect()
        for each in range(4):
            params = {"strings": ["a" * 6_000]}
            client.say(id=each, method="observe", processor="p1", params=params)
        self.assertEqual(len(held), 2)
        self.assertFalse(client.end.reads)
        held[0].callback(Reply("observed", NOW))
        self.assertEqual([each["id"] for each in client.told()], [0])
        self.assertEqual(len(held), 3)

    def test_many_at_once(self) -> None:
        """Thousands of requests in one piece are answered one after the other."""
        client = self.connect()
        for each in range(3_000):
            client.speaker.sendMessage(json.dumps({"id": each, "method": "ping"}).encode())
        self.assertEqual([each["id"] for each in client.told()], list(range(3_000)))


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
        client = self.connect("kato.v1.json", "kato.key.wrong")
        self.assertEqual(client.closed, (4401, "this is not the server's key"))

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


class EndTests(StreamTestCase):
    """The end of the server, and of the other end."""

    def drained(self) -> list[object]:
        told: list[object] = []
        self.system.parts.streams.drain().addCallback(told.append)
        self.system.flush()
        return told

    def test_drain(self) -> None:
        """Everybody is told what waits, then closed with a frame that says why."""
        first, second = self.connect(), self.connect("kato.v1.msgpack")
        first.stall()
        first.say(id=1, method="ping")
        told = self.drained()
        self.assertEqual(second.closed, (1001, "the server is stopping"))
        self.assertEqual(told, [])
        first.read_on()
        self.assertEqual(first.closed, (1001, "the server is stopping"))
        self.assertEqual([each["id"] for each in first.told()], [1])
        self.assertEqual(told, [None])

    def test_nobody(self) -> None:
        """Where nobody is there it is over at once."""
        self.assertEqual(self.drained(), [None])

    def test_refused_while_draining(self) -> None:
        """What is asked while the server stops is not begun."""
        client = self.connect()
        client.stall()
        client.say(id=0, method="ping")
        client.say(id=1, method="ping")
        self.drained()
        client.say(id=2, method="observe", processor="p1", params={"strings": ["a"]})
        client.read_on()
        self.assertEqual(
            [each.get("error_code") for each in client.told()],
            [None, None, "PROCESSOR_UNAVAILABLE"],
        )

    def test_latecomer(self) -> None:
        """Who connects while the server stops is closed."""
        first = self.connect()
        first.stall()
        first.say(id=1, method="ping")
        self.drained()
        late = self.system.connect()
        self.assertEqual(late.closed, (1001, "the server is stopping"))

    def test_pings(self) -> None:
        """Who answers pings stays; who does not is gone after a while."""
        well, dead = self.connect(), self.connect()
        self.patch(dead.speaker, "onPing", lambda payload: None)
        self.system.pass_time(79)
        self.assertIsNone(dead.closed)
        self.system.pass_time(2)
        self.assertIsNotNone(dead.closed)
        self.system.pass_time(100)
        self.assertIsNone(well.closed)
        self.assertEqual(self.system.statistics["connections"], 1)

    def test_slow_is_not_dead(self) -> None:
        """Who reads, however slowly, is there: what it took is a sign of life."""
        client = self.connect()
        params = {"strings": ["a" * 600_000]}
        client.ask(method="observe", processor="p1", params=params)
        client.stall()
        client.say(id=1, method="get_short_term_memory", processor="p1")
        waiting = client.end.unsent
        self.assertLess(waiting, 2**17)
        for _ in range(5):
            self.system.pass_time(50)
            assert client.end.producer is not None
            client.end.producer.resumeProducing()
        self.assertEqual(self.system.statistics["connections"], 1)
        client.read_on()
        self.assertEqual([each["id"] for each in client.told()], [1])
        self.assertIsNone(client.closed)

    def test_pings_between(self) -> None:
        """A ping goes between the pieces of a long answer, and does not harm it."""
        client = self.connect()
        params = {"strings": ["a" * 600_000]}
        client.ask(method="observe", processor="p1", params=params)
        client.stall()
        client.say(id=1, method="get_short_term_memory", processor="p1")
        self.system.pass_time(21)
        client.read_on()
        [answer] = client.told()
        self.assertEqual(answer["short_term_memory"], [params["strings"]])

    def test_most(self) -> None:
        """No more connections than a bound are made; the refusal says so."""
        self.patch(streams, "MAX_CONNECTIONS", 1)
        self.connect()
        client = self.system.connect()
        self.assertFalse(client.speaker.opened)
        self.assertIn("429", client.speaker.wasNotCleanReason)
