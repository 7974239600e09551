"""Requests over a WebSocket: answered, in order, and refused by what is wrong (SPEC 8 and 9)."""

import json
import zlib
from typing import Any

import msgpack

from kato.commands import Reply
from kato.events import Numbers, Subscribed
from kato.limits import Limits
from kato.protocols.websocket import hearing
from kato.settings import Settings
from tests.doubles import Threads
from tests.websocket.memory import NOW, StreamTestCase, System

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
        """Who offers no sub-protocol speaks JSON, also where headers tell its key."""
        client = self.connect(headers={"X-API-Key": "any"})
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
        """A message that is none is answered without an id, where it has none."""
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

    def test_large_id(self) -> None:
        """An id that is large is refused, and not given back."""
        client = self.connect()
        for value in ([0] * 5_000, "a" * 40_000):
            answer = client.ask(id=value, method="ping")
            self.assertEqual(answer["error_code"], "INVALID_REQUEST")
            self.assertNotIn("id", answer)

    def test_extensions(self) -> None:
        """Of MessagePack's extension types only that of integers is taken: nothing is larger than
        it came."""
        client = self.connect("kato.v1.msgpack")
        inflating = msgpack.ExtType(3, zlib.compress(msgpack.packb({"method": "ping"})))
        for value in (inflating, {"method": "ping", "params": msgpack.ExtType(1, b"[]")}):
            client.send(msgpack.packb(value), True)
            [answer] = client.told()
            self.assertEqual(answer["error_code"], "INVALID_REQUEST")
            self.assertIn("not taken here", answer["message"])
        self.assertEqual(client.ask(id=2**80, method="ping")["id"], 2**80)

    def test_older_names(self) -> None:
        """Older names of operations work here, too."""
        client = self.connect()
        client.ask(method="observe", processor="p1", params={"strings": ["a"]})
        self.assertEqual(client.ask(method="get_stm", processor="p1")["short_term_memory"], [["a"]])


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
        """A long answer is written in a thread, when its turn comes; others keep their order."""
        client = self.connect()
        many = [{"strings": [str(each)]} for each in range(40)]
        client.say(id=1, method="observe_sequence", processor="p1", params={"observations": many})
        client.say(id=2, method="ping")
        self.assertEqual(client.told(), [])
        self.assertEqual(self.system.statistics["under_way"], 1)
        self.threads.run()
        answer, other = client.told()
        self.assertEqual((answer["id"], len(answer["short_term_memory"])), (1, 40))
        self.assertEqual(other["id"], 2)
        self.assertEqual(self.system.statistics["under_way"], 0)

    def test_not_written(self) -> None:
        """One that cannot be written is a defect, which is told by its reference; what comes behind
        it is answered."""
        client = self.connect()
        many = [{"strings": [str(each)]} for each in range(40)]
        client.say(id=1, method="observe_sequence", processor="p1", params={"observations": many})
        client.say(id=2, method="ping")
        _, done = self.threads.waiting.pop()
        done.errback(RuntimeError("the test says so"))
        first, second = client.told()
        self.assertEqual({first["id"], second["id"]}, {1, 2})
        [failed] = [each for each in (first, second) if each["id"] == 1]
        self.assertEqual(failed["error_code"], "INTERNAL_ERROR")
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

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

    def test_answered_at_once(self) -> None:
        """However large the answers are that come together, none is left out, and nobody is closed
        who asked for them and reads slowly."""
        held = self.later("ask")
        client = self.connect()
        for each in range(100):
            client.say(id=each, method="get_short_term_memory", processor="p1")
        client.stall()
        for wanted in held:
            wanted.callback(Reply("short_term_memory", NOW, {"text": "a" * 40_000}))
        client.read_on()
        self.assertEqual([each["id"] for each in client.told()], list(range(100)))
        self.assertIsNone(client.closed)

    def test_excused(self) -> None:
        """Who waits for the server, which reads nothing meanwhile, is not given up."""
        self.patch(hearing, "MAX_UNDER_WAY", 1)
        held = self.later("ask")
        client = self.connect()
        self.patch(client.speaker, "onPing", lambda payload: None)
        client.say(id=1, method="learn", processor="p1")
        self.assertFalse(client.end.reads)
        self.system.pass_time(200)
        held[0].callback(Reply("learned", NOW))
        self.assertEqual([each["id"] for each in client.told()], [1])
        self.assertIsNone(client.closed)

    def test_pings(self) -> None:
        """Who pings and does not read makes nothing grow: the last ping is answered."""
        client = self.connect()
        pongs: list[bytes] = []
        self.patch(client.speaker, "onPong", pongs.append)
        client.stall()
        client.say(id=1, method="ping")
        for each in range(1_000):
            client.speaker.sendPing(b"%d" % each)
        self.system.flush()
        self.assertLess(client.end.unsent, 1_000)
        client.read_on()
        self.assertEqual(pongs, [b"999"])
        client.speaker.sendPing(b"again")
        self.system.flush()
        self.assertEqual(pongs, [b"999", b"again"])

    def test_recoveries(self) -> None:
        """Of subscriptions that may have much to tell few are begun at a time."""
        asked = self.later("subscribe")
        client = self.connect()
        for each in range(5):
            params = {"since": 1, "epoch": "e"}
            client.say(id=each, method="subscribe", processor=f"p{each}", params=params)
        self.assertEqual(len(asked), 2)
        for each in range(5):
            asked[each].callback(Subscribed("e", 1, True, (), Numbers(), lambda: None))
        self.assertEqual([each["id"] for each in client.told()], list(range(5)))

    def test_under_way(self) -> None:
        """No more requests of a connection are under way than a bound."""
        self.patch(hearing, "MAX_UNDER_WAY", 2)
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
        self.system = System(self, Settings(limits=Limits(message=6_500)))
        held = self.later("ask")
        client = self.connect()
        for each in range(4):
            params = {"strings": ["a" * 6_400]}
            client.say(id=each, method="observe", processor="p1", params=params)
        self.assertEqual(len(held), 3)
        self.assertFalse(client.end.reads)
        held[0].callback(Reply("observed", NOW))
        self.assertEqual([each["id"] for each in client.told()], [0])
        self.assertEqual(len(held), 4)

    def test_many_at_once(self) -> None:
        """Thousands of requests in one piece are answered one after the other."""
        client = self.connect()
        for each in range(3_000):
            client.speaker.sendMessage(json.dumps({"id": each, "method": "ping"}).encode())
        self.assertEqual([each["id"] for each in client.told()], list(range(3_000)))
