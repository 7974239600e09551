"""Every limit, on every transport on which it holds."""

import contextlib
from dataclasses import replace
from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from kato.commands import Command, Scope
from kato.dispatch import Dispatch
from kato.errors import InvalidRequest, TooManyRequests
from kato.intake import BRIEF, HUGE, Intake, Share
from kato.keys import digest
from kato.limits import Limits
from kato.messagepack import pack, unpack
from kato.policy import Key
from kato.protocols.rest.channel import PIPELINED, RestChannel
from kato.protocols.rest.turned_away import TurnedAway
from kato.protocols.websocket.protocol import STEPS
from kato.protocols.zmq.server import ZmqServer
from kato.settings import Settings
from tests.doubles import Threads, at_once
from tests.gates import make_gate
from tests.rest.talking import Wire, get, post, read_answers, request
from tests.websocket.memory import StreamTestCase, System
from tests.zmq.memory import MemoryPort, MemorySockets

SMALL = Limits(
    message=2_000,
    values=30,
    symbols=4,
    components=3,
    emotives=2,
    observations=3,
    string=10,
    buffered=4_000,
)
LONG = "x" * 11
WRONG = "X-API-Key: wrong"

ALL = frozenset(Scope)
STATUS = {"okay": 200, "INVALID_REQUEST": 400, "PAYLOAD_TOO_LARGE": 413}

REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "observe",
        {"strings": ["a", LONG]},
        "INVALID_REQUEST",
        f"strings[1]: 11 characters are over the limit of 10, got '{LONG}'",
    ),
    (
        "observe",
        {"strings": ["a"] * 3, "vectors": [[1.0]] * 2},
        "INVALID_REQUEST",
        "strings: 3 strings and 2 vectors are over the limit of 4 symbols",
    ),
    (
        "observe",
        {"vectors": [[1.0], [1.0] * 4]},
        "INVALID_REQUEST",
        "vectors[1]: 4 components are over the limit of 3",
    ),
    (
        "observe",
        {"emotives": {"a": 1.0, "b": 1.0, "c": 1.0}},
        "INVALID_REQUEST",
        "emotives: 3 emotives are over the limit of 2",
    ),
    (
        "observe",
        {"emotives": {LONG: 1.0}},
        "INVALID_REQUEST",
        f"emotives: key: 11 characters are over the limit of 10, got '{LONG}'",
    ),
    (
        "observe",
        {"unique_id": LONG},
        "INVALID_REQUEST",
        f"unique_id: 11 characters are over the limit of 10, got '{LONG}'",
    ),
    (
        "observe_sequence",
        {"observations": [{}] * 4},
        "INVALID_REQUEST",
        "observations: 4 observations are over the limit of 3",
    ),
    (
        "observe_sequence",
        {"observations": [{}, {"strings": [LONG]}]},
        "INVALID_REQUEST",
        "observations[1].strings[0]: 11 characters are over the limit of 10, got 'xxxxxxxxxxx'",
    ),
    (
        "observe",
        {"vectors": [[1.0]] * 5},
        "INVALID_REQUEST",
        "vectors: 0 strings and 5 vectors are over the limit of 4 symbols",
    ),
    (
        "observe",
        {"metadata": {"m": [0] * 30}},
        "PAYLOAD_TOO_LARGE",
        " values or more are over the limit of 30",
    ),
    (
        "observe",
        {"metadata": {"m": "x" * 2_000}},
        "PAYLOAD_TOO_LARGE",
        " bytes are over the limit of 2,000",
    ),
]
"""What is refused under L{SMALL}: an operation, its parameters, and what is answered."""

TAKEN: list[tuple[str, dict[str, Any]]] = [
    ("observe", {"strings": ["é" * 10] * 2, "vectors": [[1.0] * 3] * 2, "unique_id": "x" * 10}),
    ("observe", {"emotives": {"a": 1.0, "b": 1.0}, "metadata": {"m": "x" * 1_500}}),
    ("observe_sequence", {"observations": [{"strings": [LONG[1:]]}] * 3}),
]
"""What is just within the limits."""

PATHS = {"observe": "/p1/observe", "observe_sequence": "/p1/observe-sequence"}


class TransportTests(StreamTestCase):
    """The same limits on all transports."""

    settings = Settings(limits=SMALL)

    def over_rest(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """What REST answers."""
        wire = Wire()
        channel = self.system.parts.site.buildProtocol(None)
        channel.makeConnection(wire)
        channel.dataReceived(post(PATHS[operation], params))
        [answer] = read_answers(wire.value())
        told: dict[str, Any] = answer.json
        self.assertEqual(
            answer.status, 200 if told["status"] == "okay" else STATUS[told["error_code"]]
        )
        return told

    def over_zeromq(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """What a ROUTER answers."""
        network = MemorySockets(self.system.clock)
        server = ZmqServer(
            make_gate(self.system.parts.dispatch),
            clock=self.system.clock,
            in_thread=at_once,
            intake=Intake(at_once, SMALL),
            sole=lambda _: None,
            controls={},
        )
        address = "tcp://127.0.0.1:5555"
        server.open(network, MemoryPort(address))
        came: list[list[bytes]] = []
        client = network.dealer(address, received=came.append, up=lambda: None, down=lambda _: None)
        network.pump()
        client.send([pack({"method": operation, "processor": "p1", "params": params})])
        network.pump()
        server.close()
        told = unpack(came[0][-1])
        assert isinstance(told, dict)
        return told

    def over_websocket(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """What a WebSocket answers."""
        return self.connect().ask(method=operation, processor="p1", params=params)

    def over_packed_websocket(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """What one answers that speaks MessagePack."""
        client = self.connect("kato.v1.msgpack")
        return client.ask(method=operation, processor="p1", params=params)

    def test_refused(self) -> None:
        """What is over a limit is refused in words that name the field, its value and the limit,
        and changes nothing."""
        for operation, params, code, message in REFUSED:
            for transport in self.transports(params):
                answer = transport(operation, params)
                self.assertEqual(answer.get("error_code"), code, (transport.__name__, answer))
                self.assertIn(message, answer["message"], transport.__name__)
        told = self.connect().ask(method="list_processors")
        self.assertEqual(told["total"], 0)

    def test_taken(self) -> None:
        """What is just within them is taken."""
        for operation, params in TAKEN:
            for transport in self.transports(params):
                answer = transport(operation, params)
                self.assertEqual(answer["status"], "okay", (transport.__name__, answer))

    def transports(self, params: dict[str, Any]) -> list[Any]:
        """Those on which such a request is answered: a WebSocket is closed by one that is too
        large."""
        rest = [self.over_rest, self.over_zeromq]
        if len(str(params)) > SMALL.message:
            return rest
        return [*rest, self.over_websocket, self.over_packed_websocket]

    def test_too_large_for_a_stream(self) -> None:
        """A WebSocket on which a message is over the limit is closed with the code that says so."""
        client = self.connect()
        client.say(method="observe", params={"metadata": {"m": "x" * 2_000}})
        assert client.closed is not None
        self.assertEqual(client.closed[0], 1009)


class RoomTests(StreamTestCase):
    """What is counted of all clients together."""

    settings = Settings(
        api_key=b"k", limits=Limits(connections=4, buffered=200_000, message=200_000)
    )

    def begun(
        self,
        body: bytes,
        length: int,
        *,
        key: str = "k",
        host: str = "127.0.0.1",
    ) -> tuple[Wire, Any]:
        """A connection on which a request with a body has begun."""
        wire = Wire(peer=IPv4Address("TCP", host, 50_000))
        channel = self.system.parts.site.buildProtocol(None)
        channel.makeConnection(wire)
        head = request(
            "POST", "/p1/observe", None, f"X-API-Key: {key}", f"Content-Length: {length}"
        )
        channel.dataReceived(head + body)
        return wire, channel

    @property
    def held(self) -> int:
        return self.system.parts.site.rest.intake.held

    def test_connections(self) -> None:
        """One connection more than there may be is told so at once, whatever it is, and closed; so
        it goes on until one has ended."""
        _, first = self.begun(b"", 10)
        for _ in range(3):
            self.begun(b"", 10)
        late = Wire()
        channel = self.system.parts.site.buildProtocol(None)
        channel.makeConnection(late)
        [answer] = read_answers(late.value())
        self.assertEqual((answer.status, answer.headers["retry-after"]), (429, "1"))
        self.assertEqual(answer.json["message"], "connections: 4 are open, which is the limit")
        self.assertFalse(late.disconnecting)
        channel.dataReceived(get("/live"))
        self.assertTrue(late.disconnecting)
        channel.connectionLost(Failure(ConnectionDone()))
        first.connectionLost(Failure(ConnectionDone()))
        _, last = self.begun(b"", 10)
        self.assertIsInstance(last, RestChannel)

    def test_strangers(self) -> None:
        """Connections on which no key was told are half of them at most; one is free for another
        when it tells the key, or ends."""
        strangers = []
        for _ in range(2):
            channel = self.system.parts.site.buildProtocol(None)
            channel.makeConnection(Wire())
            for raw in (get("/live", WRONG), get("/kato-api/ping", WRONG), get("/stats", WRONG)):
                channel.dataReceived(raw)
            strangers.append(channel)
        self.assertIsInstance(self.system.parts.site.buildProtocol(None), TurnedAway)
        strangers[0].dataReceived(get("/p1/status", "X-API-Key: k"))
        _, channel = self.begun(b"", 10)
        self.assertIsInstance(channel, RestChannel)
        channel = self.system.parts.site.buildProtocol(None)
        self.assertIsInstance(channel, RestChannel)
        channel.makeConnection(Wire())
        strangers[1].connectionLost(Failure(ConnectionDone()))
        self.assertIsInstance(self.system.parts.site.buildProtocol(None), RestChannel)

    def test_guests(self) -> None:
        """Streams that have told no key are half of them at most; one that told it is let in."""
        for _ in range(2):
            self.connect()
        client = self.system.connect()
        self.assertIn("429", client.speaker.wasNotCleanReason)
        self.assertTrue(self.connect(headers={"X-API-Key": "k"}).speaker.opened)

    def test_bodies(self) -> None:
        """Bodies that have begun have so many bytes at most; the newest is refused, and its
        place is free when another one has gone."""
        first, channel = self.begun(b"{", 150_000)
        self.assertEqual(self.held, 150_000)
        [answer] = read_answers(self.begun(b"{", 150_000)[0].value())
        self.assertEqual((answer.status, answer.headers["retry-after"]), (429, "1"))
        self.assertIn("are over the limit of 200,000", answer.json["message"])
        self.assertEqual(first.value(), b"")
        self.assertEqual(self.held, 150_000)
        channel.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.held, 0)

    def test_one_key(self) -> None:
        """Who has begun as many bodies as he may keeps out neither a longer body of another key,
        nor one of another address where no key is asked for."""
        for settings in (self.settings, Settings(limits=self.settings.limits)):
            limits = Limits(buffered=2_000_000, message=400_000)
            self.system = System(self, replace(settings, limits=limits))
            keys = (b"k", b"other")
            if settings.api_key is not None:
                keeper = self.system.parts.site.rest.gate.keeper
                keeper.replace({digest(key): Key(key.decode(), ALL) for key in keys})
            statuses = [self.answered_of("k", "192.0.2.1") for _ in range(5)]
            self.assertEqual(statuses, [None, None, 429, 429, 429])
            self.assertIsNone(self.answered_of("other", "192.0.2.2"))

    def answered_of(self, key: str, host: str) -> int | None:
        """How a body is answered at once that one of a key and an address has begun."""
        wire, _ = self.begun(b"{", 400_000, key=key, host=host)
        answers = read_answers(wire.value())
        return answers[0].status if answers else None

    def test_open_page(self) -> None:
        """Of the body of a request for a page that is open to all is kept what is kept of guests
        at most."""
        wire = Wire()
        channel = self.system.parts.site.buildProtocol(None)
        channel.makeConnection(wire)
        channel.dataReceived(request("GET", "/live", None, "Content-Length: 150000"))
        self.assertEqual(read_answers(wire.value())[0].status, 429)
        self.assertEqual(self.held, 0)

    def test_whole(self) -> None:
        """A body that is answered takes no place any more."""
        body = b'{"metadata":{"m":"' + b"x" * 10_000 + b'"}}'
        wire, channel = self.begun(body[:5_000], len(body))
        channel.dataReceived(body[5_000:])
        self.assertEqual(read_answers(wire.value())[0].status, 200)
        self.assertEqual(self.held, 0)

    def test_chunks(self) -> None:
        """Of a body in chunks that counts which has come."""
        wire = Wire()
        channel = self.system.parts.site.buildProtocol(None)
        channel.makeConnection(wire)
        head = request("POST", "/p1/observe", None, "X-API-Key: k", "Transfer-Encoding: chunked")
        channel.dataReceived(head + b"1000\r\n" + b" " * BRIEF + b"\r\n")
        self.assertEqual(self.held, BRIEF)
        self.begun(b"", 200_000 - BRIEF)
        channel.dataReceived(b"1\r\n \r\n")
        [answer] = read_answers(wire.value())
        self.assertEqual(answer.status, 429)
        self.assertEqual(self.held, 200_000 - BRIEF)

    def test_let_in(self) -> None:
        """A body that was let in goes on, however little room is left for others since."""
        limits = Limits(buffered=600_000, message=200_000)
        self.system = System(self, replace(self.settings, limits=limits))
        self.system.parts.site.rest.gate.keeper.replace(
            {digest(key): Key(key.decode(), ALL) for key in (b"k", b"other")}
        )
        body = b'{"metadata":{"m":"' + b"x" * 140_000 + b'"}}'
        wires = [self.begun(body[:10], len(body)) for _ in range(2)]
        other, _ = self.begun(b"", 200_000, key="other")
        for wire, channel in wires:
            channel.dataReceived(body[10:70_000])
            channel.dataReceived(body[70_000:])
            self.assertEqual([each.status for each in read_answers(wire.value())], [200])
        self.assertEqual((other.value(), self.held), (b"", 200_000))

    def test_brief(self) -> None:
        """A brief request is answered on every transport where no room is left, though its body
        comes after its head, or by the byte."""
        self.begun(b"", 200_000)
        wire, channel = self.begun(b"", 15)
        for byte in b'{"strings":[]}\n':
            channel.dataReceived(bytes([byte]))
        self.assertEqual([each.status for each in read_answers(wire.value())], [200])
        client = self.connect(headers={"X-API-Key": "k"})
        self.assertEqual(client.ask(method="ping", params={})["status"], "okay")
        speaker = client.speaker
        speaker.beginMessage()
        for byte in b'{"id":1,"method":"ping"}':
            speaker.sendMessageFrame(bytes([byte]))
            client.flush()
        speaker.endMessage()
        client.flush()
        self.assertEqual([each["status"] for each in client.told()], ["okay"])
        self.assertEqual(self.held, 200_000)

    def test_nothing_of_strangers(self) -> None:
        """Of a body that is sent without the key nothing is kept."""
        wire = Wire()
        channel = self.system.parts.site.buildProtocol(None)
        channel.makeConnection(wire)
        head = request("POST", "/p1/observe", None, "Content-Length: 150000")
        channel.dataReceived(head + b"x" * 1_000)
        self.assertEqual(self.held, 0)
        self.assertEqual(read_answers(wire.value())[0].status, 401)

    def test_frames(self) -> None:
        """A message on a WebSocket counts while it comes; where there is no room for it, its
        connection is closed."""
        client = self.connect(headers={"X-API-Key": "k"})
        speaker = client.speaker
        speaker.beginMessage()
        speaker.beginMessageFrame(150_000)
        speaker.sendMessageFrameData(b" " * 140_000)
        client.flush()
        self.assertEqual(self.held, 140_000)
        other = self.connect(headers={"X-API-Key": "k"})
        other.send(b" " * 70_000)
        assert other.closed is not None
        self.assertEqual(other.closed[0], 1013)
        self.assertEqual(self.held, 140_000)
        speaker.sendMessageFrameData(b" " * 10_000)
        speaker.endMessage()
        client.flush()
        self.assertEqual(self.held, 0)
        self.assertEqual([each["status"] for each in client.told()], ["error"])

    def test_frames_of_strangers(self) -> None:
        """Who has told no key yet has an eighth of the room with all others who have not."""
        for size in (20_000, 6_000):
            stranger = self.connect()
            stranger.speaker.beginMessage()
            stranger.speaker.beginMessageFrame(50_000)
            stranger.speaker.sendMessageFrameData(b" " * size)
            stranger.flush()
        assert stranger.closed is not None
        self.assertEqual(stranger.closed[0], 1013)
        self.assertEqual(self.held, 20_000)
        self.system.pass_time(30)
        self.assertEqual(self.held, 0)


class TimeTests(StreamTestCase):
    """How long a client may take."""

    settings = Settings(api_key=b"k", limits=Limits(idle=2, arrival=5, greeting=3))

    def status_of(self, *pieces: bytes) -> tuple[int, str]:
        """How one is answered who sends such pieces, a second between."""
        wire = Wire()
        channel = self.system.parts.site.buildProtocol(None)
        channel.makeConnection(wire)
        for piece in pieces:
            channel.dataReceived(piece)
            self.system.clock.advance(1)
        self.system.clock.advance(2)
        [answer] = read_answers(wire.value())
        return answer.status, answer.json["message"]

    def test_idle(self) -> None:
        """No byte for so long ends a request that was begun."""
        told = "request: no byte of it came for 2 seconds, the limit"
        self.assertEqual(self.status_of(b"GET /live"), (408, told))

    def test_arrival(self) -> None:
        """So does one that comes drop by drop for so long."""
        told = "request: not whole after 6 seconds, over the limit of 5"
        self.assertEqual(self.status_of(b"GET ", *[b"x"] * 7), (408, told))

    def test_greeting(self) -> None:
        """A WebSocket that tells no key for so long is closed, whatever is spoken on it."""
        plain = self.connect()
        graphql = self.connect("graphql-transport-ws", path="/graphql")
        self.system.pass_time(2)
        self.assertEqual((plain.closed, graphql.closed), (None, None))
        self.system.pass_time(1)
        self.assertEqual(plain.closed, (4401, "no key within 3 seconds"))
        told = "Connection initialisation timeout: 3 seconds"
        self.assertEqual(graphql.closed, (4408, told))


class FairnessTests(StreamTestCase):
    """Much that one client sends at once leaves others their turn."""

    def test_frames(self) -> None:
        """Of many small frames in one piece some are read in a turn of the reactor, and nothing is
        read from the connection before the others are."""
        client = self.connect()
        many = 3 * STEPS
        for number in range(many):
            client.speaker.sendMessage(b'{"method":"ping","id":%d}' % number)
        frames = b"".join(client.pump.clientIO.stream)
        client.pump.clientIO.stream.clear()
        client.end.protocol.dataReceived(frames)
        self.assertLessEqual(self.system.parts.dispatch.statistics()["requests"], STEPS)
        self.assertFalse(client.end.reads)
        self.system.clock.advance(0)
        self.assertTrue(client.end.reads)
        self.assertEqual([each["id"] for each in client.told()], list(range(many)))

    def test_requests(self) -> None:
        """Of many requests in one piece some are answered in a turn of the reactor."""
        wire = Wire()
        channel = self.system.parts.site.buildProtocol(None)
        channel.makeConnection(wire)
        many = 3 * PIPELINED
        channel.dataReceived(get("/kato-api/ping") * many)
        self.assertEqual(len(read_answers(wire.value())), PIPELINED)
        self.system.clock.advance(0)
        self.assertEqual(len(read_answers(wire.value())), many)

    def test_gone(self) -> None:
        """What a client sent that is gone is not looked at any more."""
        wire = Wire()
        channel = self.system.parts.site.buildProtocol(None)
        channel.makeConnection(wire)
        channel.dataReceived(get("/kato-api/ping") * 2 * PIPELINED)
        channel.connectionLost(Failure(ConnectionDone()))
        self.system.clock.advance(0)
        self.assertEqual(len(read_answers(wire.value())), PIPELINED)


class ShareTests(SynchronousTestCase):
    """What one client may have of the room that all have together."""

    def setUp(self) -> None:
        self.intake = Intake(Threads(), Limits(message=400_000, buffered=2_000_000))

    def taken(self, who: str, *, size: int = 400_000, guest: bool = False) -> int:
        """How many messages of this size are kept of one client, who begins as many as he can."""
        for number in count():
            try:
                self.intake.hold(size, self.share(who, guest=guest), BRIEF)
            except TooManyRequests:
                return number
        raise AssertionError

    def share(self, who: str, *, guest: bool = False) -> Share:
        """A client's share, which lives until the test is over."""
        share = self.intake.share(who, guest=guest)
        self.addCleanup(id, share)
        return share

    def test_greedy(self) -> None:
        """Who takes all that he can leaves as much as he has, so that the next one has room, too;
        who has as little as one message has it as long as there is room."""
        taken = [self.taken(who) for who in ("one", "two", "three", "four", "five")]
        self.assertEqual(taken, [2, 1, 1, 1, 0])

    def test_many_pieces(self) -> None:
        """In pieces nobody gets more than he would at once."""
        self.taken("one", size=1_000)
        self.assertEqual(self.intake.held, 1_000_000)
        self.assertEqual(self.taken("two", size=300_000), 1)

    def test_alone(self) -> None:
        """One message is kept of everybody, however little room there is beside it."""
        intake = Intake(Threads(), Limits(message=400_000, buffered=400_000))
        share = intake.share("one")
        for number in range(400):
            intake.hold(1_000, share, number * 1_000)
        error = self.assertRaises(TooManyRequests, intake.hold, 1, share, 400_000)
        self.assertEqual(
            error.message,
            "body: 400,000 bytes of requests wait to be read, 1 more are over the limit of 400,000",
        )

    def test_same(self) -> None:
        """All connections of one client have the same share; what is given back is free again."""
        one = self.share("one")
        self.intake.hold(1_000, one)
        self.assertIs(self.intake.share("one"), one)
        self.assertIsNot(self.intake.share("one", guest=True), one)
        self.intake.release(1_000, one)
        self.assertEqual((one.held, self.intake.held), (0, 0))

    def test_message(self) -> None:
        """Who has too much is told how much that is."""
        self.taken("one")
        error = self.assertRaises(TooManyRequests, self.intake.hold, 400_000, self.share("one"))
        self.assertEqual(
            error.message,
            "body: 800,000 bytes of this client's requests wait to be read, 400,000 more are over "
            "the share of 1,000,000",
        )

    def test_guests(self) -> None:
        """Those who have told no key have an eighth of the room together."""
        self.assertEqual(self.taken("one", size=100_000, guest=True), 2)
        self.assertEqual(self.taken("two", size=100_000, guest=True), 0)

    @given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 400_000)), max_size=60))
    def test_law(self, asked: list[tuple[str, int]]) -> None:
        """Whoever has more than one message leaves as much to others as he has, and nobody has more
        than there is."""
        intake = Intake(Threads(), Limits(message=400_000, buffered=2_000_000))
        shares = {who: intake.share(who) for who in "abcd"}
        for who, size in asked:
            with contextlib.suppress(TooManyRequests):
                intake.hold(size, shares[who], BRIEF)
                if shares[who].held > 400_000:
                    self.assertLessEqual(shares[who].held, 2_000_000 - intake.held)
            self.assertLessEqual(intake.held, 2_000_000)
            self.assertEqual(intake.held, sum(each.held for each in shares.values()))


class IntakeTests(SynchronousTestCase):
    """L{Intake}."""

    def test_one_at_a_time(self) -> None:
        """Huge messages are read one after the other, smaller ones beside them."""
        threads = Threads()
        intake = Intake(threads)
        done = [intake.read(size, lambda: None) for size in (HUGE + 1, HUGE + 1, HUGE)]
        self.assertEqual(len(threads.waiting), 2)
        threads.run()
        self.successResultOf(done[0])
        self.assertEqual(len(threads.waiting), 2)
        threads.run()
        threads.run()
        for each in done[1:]:
            self.successResultOf(each)

    def test_under_way(self) -> None:
        """More requests than may be under way in a process are refused, and may come again."""
        waiting: list[Deferred[Any]] = []

        class Slow:
            def ask(self, command: Command) -> "Deferred[Any]":
                waiting.append(Deferred())
                return waiting[-1]

        dispatch = Dispatch(Slow(), clock=Clock(), timeout=30, max_requests=2)  # type: ignore[arg-type]
        learn = Command.parse("learn", processor="p1")
        asked = [dispatch.ask(learn) for _ in range(3)]
        error = self.failureResultOf(asked[2], TooManyRequests).value
        self.assertEqual((error.message, error.retry_after), ("2 requests are under way", 1))
        waiting[0].errback(InvalidRequest("no"))
        self.failureResultOf(asked[0], InvalidRequest)
        self.assertNoResult(dispatch.ask(learn))

    def test_zeromq(self) -> None:
        """Long messages over ZeroMQ that wait to be read are counted with all others."""
        network, threads = MemorySockets(Clock()), Threads()
        intake = Intake(threads, Limits(message=50_000, buffered=50_000))
        server = ZmqServer(
            make_gate(None),
            clock=network.clock,
            in_thread=threads,
            intake=intake,
            sole=lambda _: None,
            controls={},
        )
        address = "tcp://127.0.0.1:5555"
        server.open(network, MemoryPort(address))
        came: list[list[bytes]] = []
        client = network.dealer(address, received=came.append, up=lambda: None, down=lambda _: None)
        network.pump()
        for _ in range(2):
            client.send([pack("x" * 40_000)])
        network.pump()
        self.assertEqual(intake.held, 40_000 + 3)
        [answer] = came
        self.assertEqual(unpack(answer[-1])["error_code"], "TOO_MANY_REQUESTS")  # type: ignore[index]
        threads.run()
        network.pump()
        self.assertEqual(intake.held, 0)
        self.assertEqual(unpack(came[1][-1])["error_code"], "INVALID_REQUEST")  # type: ignore[index]
