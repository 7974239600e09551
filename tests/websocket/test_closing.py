"""How a WebSocket ends, and why (SPEC 9, RFC 6455)."""

from kato.limits import Limits
from kato.protocols.websocket import hearing
from kato.settings import Settings
from tests.doubles import Threads
from tests.websocket.memory import StreamTestCase, System

PROTOCOLS = ("kato.v1.json", "kato.v1.msgpack")


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

    def test_read_on(self) -> None:
        """A connection from which nothing was read is read again when it is closed: its answer to
        that must be heard."""
        self.patch(hearing, "MAX_UNDER_WAY", 1)
        self.system = System(self, Settings(api_key=b"s3cret"))
        client = self.connect()
        self.patch(hearing, "MAX_UNREAD", 0)
        client.say(id=1, method="ping")
        self.assertFalse(client.end.reads)
        self.system.pass_time(11)
        assert client.closed is not None
        self.assertEqual(client.closed[0], 4401)
        self.assertEqual(self.system.statistics["connections"], 0)

    def test_too_large(self) -> None:
        """A message over the limit is refused before it has come."""
        client = self.connect()
        client.speaker.sendFrame(1, b"x", payload_len=16 * 2**20 + 1)
        assert client.closed is not None
        self.assertEqual(client.closed[0], 1009)

    def test_bomb(self) -> None:
        """One that is over the limit when it is no longer compressed, too."""
        client = self.connect(deflates=True)
        client.speaker.sendMessage(b"0" * (17 * 2**20))
        assert client.closed is not None
        self.assertEqual(client.closed[0], 1009)

    def test_closing_frames(self) -> None:
        """A closing frame that is none is answered by one that says why."""
        for payload, code in [(b"\x03", 1002), (b"\x03\xe7", 1002), (b"\x03\xe8\xff", 1007)]:
            client = self.connect()
            client.speaker.sendFrame(8, payload)
            assert client.closed is not None
            self.assertEqual(client.closed[0], code)

    def test_fragments(self) -> None:
        """A message may come in pieces; pieces that belong to none are no WebSocket."""
        client = self.connect()
        client.speaker.sendMessage(b'{"method":"ping"}', fragmentSize=3)
        self.assertEqual([each["message"] for each in client.told()], ["pong"])
        client.speaker.sendFrame(0, b"x")
        assert client.closed is not None
        self.assertEqual(client.closed[0], 1002)


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

    def test_long_answer(self) -> None:
        """A long answer that is being written when the server stops is sent before the end, and a
        long request that is being read is answered."""
        threads = Threads()
        self.system = System(self, in_thread=threads)
        client = self.connect()
        many = [{"strings": [str(each)]} for each in range(40)]
        client.say(id=1, method="observe_sequence", processor="p1", params={"observations": many})
        other = self.connect()
        other.say(id=2, method="observe", processor="p1", params={"strings": ["a" * 40_000]})
        other.say(id=3, method="ping")
        told = self.drained()
        self.assertEqual(told, [])
        while threads.waiting:
            threads.run()
        self.assertEqual([each["status"] for each in client.told()], ["okay"])
        self.assertEqual([each["id"] for each in other.told()], [2, 3])
        for each in (client, other):
            self.assertEqual(each.closed, (1001, "the server is stopping"))
        self.assertEqual(told, [None])

    def test_latecomer_leaves(self) -> None:
        """One that comes after the end, and leaves, changes nothing."""
        self.assertEqual(self.drained(), [None])
        self.assertEqual(self.system.connect().closed, (1001, "the server is stopping"))
        self.assertEqual(self.system.connect().closed, (1001, "the server is stopping"))

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
        params = {"strings": ["a" * 60_000] * 10}
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
        params = {"strings": ["a" * 60_000] * 10}
        client.ask(method="observe", processor="p1", params=params)
        client.stall()
        client.say(id=1, method="get_short_term_memory", processor="p1")
        self.system.pass_time(21)
        client.read_on()
        [answer] = client.told()
        self.assertEqual(answer["short_term_memory"], [params["strings"]])

    def test_most(self) -> None:
        """No more connections than a bound are made; the refusal says so."""
        self.system = System(self, Settings(limits=Limits(connections=2)))
        self.connect()
        self.connect()
        client = self.system.connect()
        self.assertFalse(client.speaker.opened)
        self.assertIn("429", client.speaker.wasNotCleanReason)
