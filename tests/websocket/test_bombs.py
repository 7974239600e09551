"""Messages that come compressed and become large: others have their turn meanwhile, and nothing
else changes (SPEC 9, RFC 7692)."""

import json
from typing import Any

from autobahn.twisted.websocket import WebSocketServerProtocol

from kato.limits import Limits
from kato.protocols.websocket.hearing import GUEST_MESSAGE
from kato.protocols.websocket.inflating import MADE, Inflating
from kato.protocols.websocket.protocol import INFLATED, STEPS, StreamFactory
from kato.protocols.websocket.turns import AT_ONCE
from kato.settings import Settings
from tests.doubles import Threads, TurningClock
from tests.websocket.deflating import Deflating
from tests.websocket.memory import Client, StreamTestCase, System

SIZE = 4 * 2**20
TURNS = SIZE // MADE // (STEPS // INFLATED) + 2
"""So many turns it takes at the most to inflate so much."""

TEXT = 0x40 | 1
PING = 9
GRAPHQL = "graphql-transport-ws"


def large(size: int = SIZE, **said: Any) -> bytes:
    """A message of so many bytes, most of them blanks."""
    whole = json.dumps(said).encode()
    return whole[:-1] + b" " * (size - len(whole)) + whole[-1:]


class BombTestCase(StreamTestCase):
    """Tests on a system in which a turn is a turn."""

    def setUp(self) -> None:
        self.begin()

    def begin(self, settings: Settings | None = None, **given: Any) -> None:
        self.clock = TurningClock()
        self.system = System(self, settings or Settings(), clock=self.clock, **given)
        self.factory: StreamFactory = self.system.parts.streams._factory
        self.intake = self.factory.intake

    def bomber(self, *protocols: str, path: str = "/ws") -> Client:
        return self.connect(*protocols, path=path, deflates=True)

    def frame(self, client: Client, opcode: int, payload: bytes, *, fin: bool = True) -> None:
        rsv = 4 if opcode == TEXT else 0
        client.speaker.sendFrame(opcode & 0xF, payload, fin=fin, rsv=rsv)
        self.system.flush()

    def say(self, client: Client, payload: bytes) -> None:
        """Send a message, compressed by itself."""
        self.frame(client, TEXT, Deflating().message(payload))

    def turns(self, number: int) -> None:
        for _ in range(number):
            self.clock.advance(0)

    def nothing_is_left(self) -> None:
        """No byte is held, and nobody waits."""
        self.turns(1)
        self.assertEqual((self.intake.held, self.intake.held_of_guests), (0, 0))
        self.assertEqual(len(self.factory.turns), 0)

    def ends(self, client: Client, after: int = TURNS) -> tuple[int | None, str | None] | None:
        """How a connection was closed, after so many turns."""
        self.turns(after)
        return client.closed


class InTurnsTests(BombTestCase):
    """In how many turns it is inflated, and what happens between them."""

    def test_others(self) -> None:
        """Others are answered while it is inflated; the client waits meanwhile."""
        bomber, other = self.bomber(), self.connect()
        self.say(bomber, large(4 * SIZE, id=1, method="ping"))
        self.assertFalse(bomber.end.reads)
        for number in (2, 3):
            self.assertEqual(other.ask(id=number, method="ping")["id"], number)
            self.assertEqual((bomber.end.reads, bomber.speaker.messages), (False, []))
        self.turns(4 * TURNS)
        self.assertTrue(bomber.end.reads)
        self.assertEqual([each["id"] for each in bomber.told()], [1])

    def test_one_turn(self) -> None:
        """A small message needs none of that: it is answered in the turn in which it comes."""
        client = self.bomber()
        waits: list[object] = []
        self.patch(self.factory.turns, "wait", waits.append)
        for number in range(20):
            self.say(client, large(2_000, id=number, method="ping"))
        self.assertEqual([each["id"] for each in client.told()], list(range(20)))
        self.assertEqual(waits, [])

    def test_few_at_once(self) -> None:
        """However many send such messages, a few are inflated in one turn."""
        spent: list[int] = []
        inflate = Inflating.decompress_message_data

        def counted(self: Inflating, data: bytes, max_output_len: int) -> bytes:
            spent[-1] += 1
            return inflate(self, data, max_output_len)

        bombers = [self.bomber() for _ in range(3 * AT_ONCE)]
        spent.append(0)
        self.patch(Inflating, "decompress_message_data", counted)
        for each in bombers:
            self.say(each, large(id=1, method="ping"))
        while not all(each.end.reads for each in bombers):
            spent.append(0)
            self.clock.advance(0)
        self.assertLessEqual(max(spent[1:]), AT_ONCE * (STEPS // INFLATED))
        self.assertEqual([len(each.told()) for each in bombers], [1] * len(bombers))

    def test_order(self) -> None:
        """Pings and messages that come behind it, or between its parts, keep their order."""
        client = self.bomber()
        payload = large(id=1, method="ping")
        pieces = Deflating().message(payload)
        heard: list[bytes | int] = []
        self.patch(client.speaker, "onPong", heard.append)
        self.patch(
            client.speaker, "onMessage", lambda said, _: heard.append(json.loads(said)["id"])
        )
        self.frame(client, TEXT, pieces[:500], fin=False)
        self.frame(client, PING, b"between")
        self.frame(client, 0, pieces[500:])
        self.frame(client, PING, b"behind")
        self.say(client, large(3_000, id=2, method="ping"))
        self.frame(client, 1, b'{"id":3,"method":"ping"}')
        self.turns(TURNS)
        self.system.flush()
        self.assertEqual(heard, [b"between", 1, b"behind", 2, 3])

    def test_graphql(self) -> None:
        """So it is with GraphQL, whose text is read off the reactor as well."""
        threads = Threads()
        self.begin(in_thread=threads)
        client, other = self.bomber(GRAPHQL, path="/graphql"), self.connect()
        client.ask(type="connection_init")
        self.say(client, large(type="ping", payload={"a": 1}))
        self.assertFalse(client.end.reads)
        self.assertEqual(other.ask(id=1, method="ping")["id"], 1)
        self.turns(TURNS)
        self.assertEqual((len(threads.waiting), client.told()), (1, []))
        threads.run()
        self.assertEqual(client.told(), [{"type": "pong", "payload": {"a": 1}}])

    def test_joined_in_a_thread(self) -> None:
        """What is long is put together where it is read, not on the reactor."""
        threads = Threads()
        self.begin(in_thread=threads)
        client = self.bomber()
        self.say(client, large(id=1, method="ping"))
        self.turns(TURNS)
        self.assertEqual(self.intake.held, SIZE)
        threads.run()
        self.assertEqual([each["id"] for each in client.told()], [1])
        self.assertEqual(self.intake.held, 0)


class EndTests(BombTestCase):
    """What ends it."""

    def test_too_large(self) -> None:
        """A message over the limit closes the connection where the limit is passed; the rest of it
        is not inflated, so that the client's own closing frame is heard."""
        self.begin(Settings(limits=Limits(message=SIZE)))
        client = self.bomber()
        self.say(client, large(SIZE, id=1, method="ping"))
        self.turns(TURNS)
        self.assertEqual([each["id"] for each in client.told()], [1])
        self.say(client, large(SIZE + 1, id=2, method="ping"))
        closed = self.ends(client)
        assert closed is not None
        self.assertEqual(closed[0], 1009)
        self.assertEqual(self.system.statistics["connections"], 0)
        self.nothing_is_left()

    def test_guests(self) -> None:
        """Who has told no key has 64 KiB."""
        self.begin(Settings(api_key=b"s3cret"))
        for size, code in ((GUEST_MESSAGE, 4401), (GUEST_MESSAGE + 1, 1009)):
            client = self.bomber()
            self.say(client, large(size, id=1, method="ping"))
            self.turns(2)
            self.system.pass_time(11)
            assert client.closed is not None
            self.assertEqual(client.closed[0], code)
        self.nothing_is_left()

    def test_no_room(self) -> None:
        """Where all clients together have sent too much it is closed, and inflates nothing more."""
        self.begin(Settings(limits=Limits(message=SIZE, buffered=SIZE // 2)))
        client = self.bomber()
        self.say(client, large(id=1, method="ping"))
        closed = self.ends(client)
        assert closed is not None
        self.assertEqual(closed[0], 1013)
        self.nothing_is_left()

    def test_no_text(self) -> None:
        """Text that is none closes it where it ceases to be text."""
        client = self.bomber()
        self.say(client, b" " * (SIZE // 2) + b"\xff" + b" " * SIZE)
        self.assertFalse(client.end.reads)
        closed = self.ends(client)
        assert closed is not None
        self.assertEqual(closed[0], 1007)
        self.nothing_is_left()

    def test_not_compressed(self) -> None:
        """So does what was never compressed."""
        client = self.bomber()
        self.frame(client, TEXT, b"\xff" * 20)
        closed = self.ends(client)
        assert closed is not None
        self.assertEqual(closed[0], 1007)

    def test_lost(self) -> None:
        """A connection that is lost in the midst of it leaves nothing behind."""
        client = self.bomber()
        self.say(client, large(id=1, method="ping"))
        self.assertGreater(self.intake.held, 0)
        client.cut()
        self.assertEqual(self.system.statistics["connections"], 0)
        self.nothing_is_left()

    def test_stopping(self) -> None:
        """The server stops in the midst of it: the client is told so, and the rest is dropped."""
        client = self.bomber()
        self.say(client, large(id=1, method="ping"))
        self.assertFalse(client.end.reads)
        told: list[object] = []
        self.system.parts.streams.drain().addCallback(told.append)
        self.assertEqual(self.ends(client), (1001, "the server is stopping"))
        self.assertEqual((client.told(), told), ([], [None]))
        self.nothing_is_left()

    def test_client_closes(self) -> None:
        """A client that closes behind such a message is heard when it was inflated."""
        client = self.bomber()
        self.say(client, large(id=1, method="ping"))
        client.speaker.sendClose(1000)
        closed = self.ends(client)
        assert closed is not None
        self.assertEqual(closed[0], 1000)
        self.nothing_is_left()

    def test_nothing_at_all(self) -> None:
        """Fragments without a byte are not kept, however many come."""
        client = self.bomber()
        kept: list[bytes] = []
        self.patch(WebSocketServerProtocol, "onMessageFrameData", lambda _, each: kept.append(each))
        self.frame(client, 1, b"{", fin=False)
        for _ in range(100):
            self.frame(client, 0, b"", fin=False)
        self.assertEqual(kept, [b"{"])
