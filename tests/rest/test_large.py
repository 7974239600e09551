"""Large answers: encoded bit by bit, and sent no faster than they are read."""

from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from kato.codec import PART
from kato.protocols.rest.delivery import PATIENCE
from kato.protocols.rest.rest import LONG_BODY
from tests.doubles import Threads, Written
from tests.rest.talking import Server, get, post, read_answers, request


class Turns(Clock):
    """A clock that goes by turns, as a reactor does: what is put off in one is done in the next."""

    def turn(self) -> None:
        for call in [each for each in self.calls if each.getTime() <= self.seconds()]:
            if call.active():
                self.calls.remove(call)
                call.called = 1
                call.func(*call.args, **call.kw)


PREDICTIONS = [{"name": f"MODEL|{number:040x}", "matches": ["x" * 900]} for number in range(1000)]


class LargeTests(SynchronousTestCase):
    """An answer of a megabyte."""

    def setUp(self) -> None:
        self.turns = Turns()
        self.server = Server(clock=self.turns)
        self.server.asked.fields = {"predictions": PREDICTIONS}
        self.client = self.server.connect()

    def encode(self) -> int:
        """Let the encoding go on to its end; how many turns of the reactor that took."""
        turns = 0
        while not self.client.wire.value():
            self.turns.turn()
            turns += 1
        return turns

    def test_whole(self) -> None:
        """It comes whole, with its length."""
        self.client.send(get("/p1/predictions"))
        self.encode()
        answer = self.client.answer()
        self.assertEqual(answer.json["predictions"], PREDICTIONS)
        self.assertEqual(int(answer.headers["content-length"]), len(answer.body))

    def test_bit_by_bit(self) -> None:
        """It is encoded over many turns of the reactor, in which others are served."""
        self.client.send(get("/p1/predictions"))
        self.turns.turn()
        self.assertEqual(self.client.wire.value(), b"")
        other = self.server.connect()
        other.send(get("/live"))
        self.assertEqual(other.answer().status, 200)
        size = len(PREDICTIONS) * 950
        self.assertGreater(self.encode(), size // (2 * PART))

    def test_two_at_a_time(self) -> None:
        """Two of them take turns, and a turn is one part of one of them."""
        clients = [self.client, self.server.connect()]
        for client in clients:
            client.send(get("/p1/predictions"))
        turns = 0
        while not all(client.wire.value() for client in clients):
            self.turns.turn()
            turns += 1
        self.assertGreater(turns, 2 * len(PREDICTIONS) * 950 // (2 * PART))

    def test_head(self) -> None:
        """C{HEAD} tells its length alone."""
        self.client.send(request("HEAD", "/p1/predictions"))
        self.encode()
        [answer] = self.client.answers(["HEAD"])
        self.assertGreater(int(answer.headers["content-length"]), 900_000)

    def test_next_request(self) -> None:
        """The next request on the connection is answered behind it."""
        self.client.send(get("/p1/predictions") + get("/live"))
        self.encode()
        first, second = self.client.answers()
        self.assertEqual((first.status, second.json["message"]), (200, "live"))

    def test_gone_while_encoding(self) -> None:
        """When the client goes, the encoding ends."""
        self.client.send(get("/p1/predictions"))
        self.client.leave()
        self.turns.turn()
        self.turns.turn()
        self.assertEqual(self.server.clock.getDelayedCalls(), [])
        self.assertEqual(self.client.wire.value(), b"")

    def test_middling(self) -> None:
        """A list that is long but small is answered at once."""
        self.server.asked.fields = {"short_term_memory": [["a"]] * 100}
        self.client.send(get("/p1/short-term-memory"))
        self.assertEqual(len(self.client.answer().json["short_term_memory"]), 100)

    def test_self_writing(self) -> None:
        """A list that writes itself is written over many turns, too, and never built."""
        written = Written(PREDICTIONS)
        self.server.asked.fields = {"predictions": written}
        self.client.send(get("/p1/predictions"))
        self.turns.turn()
        self.assertLess(written.wrote, len(PREDICTIONS) // 2)
        self.encode()
        self.assertEqual(self.client.answer().json["predictions"], PREDICTIONS)
        self.assertEqual(written.built, 0)

    def test_defect(self) -> None:
        """What cannot be encoded, even late, is a defect and no half an answer."""
        self.server.asked.fields = {"predictions": [*PREDICTIONS, float("nan")]}
        self.client.send(get("/p1/predictions"))
        self.encode()
        answer = self.client.answer()
        self.assertEqual((answer.status, answer.json["error_code"]), (500, "INTERNAL_ERROR"))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)


class LongBodyTests(SynchronousTestCase):
    """A request with a long body."""

    def setUp(self) -> None:
        self.threads = Threads()
        self.server = Server(in_thread=self.threads)
        self.client = self.server.connect()

    def test_in_a_thread(self) -> None:
        """It is read off the reactor, while others are served, and then asked for."""
        body = b'{"strings":["' + b"x" * LONG_BODY + b'"]}'
        self.client.send(post("/p1/observe", body))
        self.assertEqual((self.client.answers(), self.server.asked.commands), ([], []))
        self.assertEqual(self.server.ask(get("/live")).status, 200)
        self.threads.run()
        self.assertEqual(self.client.answer().json["message"], "observed")
        self.assertEqual(len(self.server.asked.commands), 1)

    def test_bad(self) -> None:
        """What is wrong with it is told like anything else."""
        self.client.send(post("/p1/observe", b'{"string":"' + b"x" * LONG_BODY + b'"}'))
        self.threads.run()
        answer = self.client.answer()
        self.assertEqual(answer.status, 400)
        self.assertIn("string: unknown key", answer.json["message"])

    def test_short(self) -> None:
        """A short one is read at once."""
        self.client.send(post("/p1/observe", b"{}".ljust(LONG_BODY)))
        self.assertEqual(self.client.answer().status, 200)
        self.assertEqual(self.threads.waiting, [])


class SlowReaderTests(SynchronousTestCase):
    """A client that reads slowly, or not at all."""

    def setUp(self) -> None:
        self.server = Server()
        self.server.asked.fields = {"predictions": PREDICTIONS}
        self.client = self.server.connect()
        self.client.send(get("/p1/predictions"))
        self.received = b""
        write = self.client.wire.write

        def full(data: bytes) -> None:
            write(data)
            if self.received is not None and len(self.client.wire.value()) > PART:
                self.client.channel.pauseProducing()

        self.patch(self.client.wire, "write", full)
        while not self.client.wire.value():
            self.server.clock.advance(0)

    def read(self) -> None:
        self.received += self.client.wire.value()
        self.client.wire.clear()
        self.client.channel.resumeProducing()

    def test_no_faster_than_read(self) -> None:
        """No more than a part or two wait for the client, and all comes in the end."""
        rounds = 0
        while self.client.wire.value():
            self.assertLess(len(self.client.wire.value()), 4 * PART)
            self.server.clock.advance(PATIENCE - 1)
            self.read()
            rounds += 1
        self.assertGreater(rounds, 5)
        [answer] = read_answers(self.received)
        self.assertEqual(answer.json["predictions"], PREDICTIONS)
        self.assertFalse(self.client.wire.aborted)

    def test_never_read(self) -> None:
        """A client that takes nothing for a while is cut off, and leaves nothing behind."""
        self.server.clock.advance(PATIENCE)
        self.assertTrue(self.client.wire.aborted)
        self.client.channel.stopProducing()
        self.client.channel.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.server.clock.getDelayedCalls(), [])

    def test_gone_while_sending(self) -> None:
        """A client that goes in the middle leaves nothing behind."""
        self.client.channel.stopProducing()
        self.client.leave()
        self.assertEqual(self.server.clock.getDelayedCalls(), [])
