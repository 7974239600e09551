"""A connection to a service that is lost, comes back, and loses nothing (SPEC 8)."""

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kato.codec import MAX_MESSAGE
from kato.dispatch import AlreadyBegun
from kato.errors import ProcessorUnavailable
from kato.protocols.zmq.forwarding import MARK
from kato.protocols.zmq.link import FIRST_PAUSE, GRACE, HOPE, LONGEST_PAUSE, Link, State
from tests.zmq.memory import Bound, MemoryPort, MemorySockets

ADDRESS = "tcp://service:5555"


class LinkTests(SynchronousTestCase):
    """L{Link} in a network that the test moves."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.network = MemorySockets(self.clock)
        self.came: list[list[bytes]] = []
        self.told: list[str] = []
        self.chance = 1.0
        self.asked: list[Deferred[bytes]] = []
        self.addCleanup(self.look_at_all)

    def look_at_all(self) -> None:
        """What a test has no interest in is looked at all the same."""
        for answer in self.asked:
            answer.addErrback(lambda _: None)

    def serve(self) -> Bound:
        """Have a service there, which keeps what comes."""
        return self.network.router(MemoryPort(ADDRESS), self.came.append)

    def link(self) -> Link:
        link = Link(
            ADDRESS,
            sockets=self.network,
            clock=self.clock,
            random=lambda: self.chance,
            connected=lambda: self.told.append("connected"),
            lost=self.told.append,
        )
        self.addCleanup(link.close)
        self.network.pump()
        return link

    def bodies(self) -> list[bytes]:
        """What came since this was asked last, without identities and numbers."""
        self.network.pump()
        came, self.came[:] = [frames[-1] for frames in self.came], []
        return came

    def ask(self, link: Link, body: bytes, *, changes: bool = True) -> "Deferred[bytes]":
        self.asked.append(link.ask(body, changes=changes))
        return self.asked[-1]

    def test_answers(self) -> None:
        """Each request gets its own answer, in whichever order they come."""
        service, link = self.serve(), self.link()
        first, second = self.ask(link, b"a"), self.ask(link, b"b")
        self.network.pump()
        for peer, number, body in reversed(self.came):
            service.send([peer, number, body.upper()])
        self.network.pump()
        self.assertEqual(self.successResultOf(first), b"A")
        self.assertEqual(self.successResultOf(second), b"B")
        self.assertEqual(self.told, ["connected"])

    def test_large(self) -> None:
        """A request that is larger than a client's may be is marked, and its answer found."""
        service = self.serve()
        link = self.link()
        for length in (MAX_MESSAGE, MAX_MESSAGE + 1):
            asked = self.ask(link, bytes(length))
            self.network.pump()
            [[identity, *marks, number, _]] = self.came
            self.came.clear()
            self.assertEqual(marks, [] if length == MAX_MESSAGE else [MARK])
            service.send([identity, *marks, number, b"answer"])
            self.network.pump()
            self.assertEqual(self.successResultOf(asked), b"answer")

    def test_answer_without_a_number(self) -> None:
        """An answer to nothing that was asked is passed over."""
        service = self.serve()
        link = self.link()
        asked = self.ask(link, b"a")
        self.network.pump()
        [[identity, _, _]] = self.came
        service.send([identity, b"answer"])
        self.network.pump()
        self.assertNoResult(asked)

    def test_sent_again(self) -> None:
        """What was under way when the connection was lost is sent again on the next, in order."""
        service, link = self.serve(), self.link()
        answers = [self.ask(link, each) for each in (b"a", b"b", b"c")]
        self.assertEqual(self.bodies(), [b"a", b"b", b"c"])
        self.network.cut(ADDRESS)
        answers.append(self.ask(link, b"d"))
        self.assertEqual(self.bodies(), [b"a", b"b", b"c", b"d"])
        self.assertEqual((link.connections, link.retries), (2, 4))
        self.assertEqual(self.told, ["connected", "connection lost", "connected"])
        [(peer, _)] = service.peers.items()
        for number in range(1, 5):
            service.send([peer, number.to_bytes(8), b"done"])
        self.network.pump()
        self.assertEqual([self.successResultOf(each) for each in answers], [b"done"] * 4)

    def test_late_answer(self) -> None:
        """An answer that comes twice, or for nobody, is passed over."""
        service, link = self.serve(), self.link()
        answer = self.ask(link, b"a")
        self.network.pump()
        [(peer, number, _)] = self.came
        for number_, body in ((b"nobody", b"?"), (number, b"1"), (number, b"2")):
            service.send([peer, number_, body])
        self.network.pump()
        self.assertEqual(self.successResultOf(answer), b"1")

    def test_gone(self) -> None:
        """Requests to a service that is gone are refused at once: they are not done."""
        link = self.link()
        self.assertIs(link.state, State.GONE)
        error = self.failureResultOf(self.ask(link, b"a"), ProcessorUnavailable).value
        self.assertEqual(error.message, f"the service at {ADDRESS} is not there: not done")
        self.assertEqual((error.retry_after, error.outcome_unknown), (1, False))

    def test_first_hope(self) -> None:
        """Until it is known whether there is a service, requests wait for it."""
        self.network.silent.add(ADDRESS)
        link = self.link()
        answer = self.ask(link, b"a")
        self.clock.advance(HOPE - 0.01)
        self.assertNoResult(answer)
        self.clock.advance(0.01)
        self.failureResultOf(answer, ProcessorUnavailable)
        self.assertIs(link.state, State.GONE)

    def test_comes_back(self) -> None:
        """A service that comes back is found by itself, after no more than the longest pause."""
        link = self.link()
        pauses: list[float] = []
        for _ in range(8):
            [call] = self.clock.getDelayedCalls()
            pauses.append(round(call.getTime() - self.clock.seconds(), 6))
            self.clock.advance(pauses[-1])
            self.network.pump()
        self.assertEqual(pauses[:3], [FIRST_PAUSE, FIRST_PAUSE * 2, FIRST_PAUSE * 4])
        self.assertEqual(pauses[-1], LONGEST_PAUSE)
        self.serve()
        self.clock.advance(LONGEST_PAUSE)
        self.network.pump()
        self.assertIs(link.state, State.UP)
        self.ask(link, b"a")
        self.assertEqual(self.bodies(), [b"a"])

    def test_hurry(self) -> None:
        """Who learns that the service is there need not wait for the pause to end: requests wait
        for the connection, but not for long."""
        link = self.link()
        self.assertIs(link.state, State.GONE)
        self.serve()
        link.hurry()
        self.ask(link, b"a")
        self.assertEqual(self.bodies(), [b"a"])
        link.hurry()
        self.assertIs(link.state, State.UP)

    def test_hurry_in_vain(self) -> None:
        """Where the service is not there after all, requests are refused as before, whether it was
        being tried already or not."""
        link = self.link()
        for silent in (False, True):
            if silent:
                self.network.silent.add(ADDRESS)
                self.clock.advance(LONGEST_PAUSE)
            link.hurry()
            refused = self.ask(link, b"a")
            self.network.pump()
            self.clock.advance(HOPE)
            self.failureResultOf(refused, ProcessorUnavailable)
            self.assertIs(link.state, State.GONE)

    def test_pauses_are_drawn(self) -> None:
        """Not everybody tries again at the same moment."""
        self.chance = 0.0
        self.link()
        [call] = self.clock.getDelayedCalls()
        self.assertEqual(call.getTime(), FIRST_PAUSE / 2)

    def test_restart(self) -> None:
        """What was under way survives a service that is away for a while; what is new does not
        wait for it."""
        service, link = self.serve(), self.link()
        under_way = self.ask(link, b"a")
        self.bodies()
        service.close()
        self.network.pump()
        self.assertIs(link.state, State.GONE)
        self.failureResultOf(self.ask(link, b"b"), ProcessorUnavailable)
        self.clock.advance(GRACE - LONGEST_PAUSE - 0.1)
        self.network.pump()
        self.serve()
        for _ in range(10):
            self.clock.advance(LONGEST_PAUSE / 10)
            self.network.pump()
        self.assertEqual(self.bodies(), [b"a"])
        self.assertNoResult(under_way)

    def test_away_for_long(self) -> None:
        """What was under way fails in the end: of a change nobody knows whether it was made."""
        service, link = self.serve(), self.link()
        change, read = self.ask(link, b"a"), self.ask(link, b"b", changes=False)
        self.bodies()
        service.close()
        self.network.pump()
        for _ in range(101):
            self.clock.advance(GRACE / 100)
            self.network.pump()
        error = self.failureResultOf(change, ProcessorUnavailable).value
        self.assertEqual((error.outcome_unknown, error.retry_after), (True, 1))
        self.assertEqual(error.message, f"the service at {ADDRESS} is not there")
        self.assertFalse(self.failureResultOf(read, ProcessorUnavailable).value.outcome_unknown)

    def test_connection_without_a_handshake(self) -> None:
        """A connection that does not come about lets nobody wait."""
        service, link = self.serve(), self.link()
        under_way = self.ask(link, b"a")
        self.bodies()
        self.network.silent.add(ADDRESS)
        service.close()
        self.serve()
        self.network.pump()
        new = self.ask(link, b"b")
        self.clock.advance(HOPE)
        self.failureResultOf(new, ProcessorUnavailable)
        self.assertNoResult(under_way)

    def test_cancelled(self) -> None:
        """A request that was not sent is taken back; of one that was, nobody will hear."""
        self.network.silent.add(ADDRESS)
        link = self.link()
        waiting = self.ask(link, b"a")
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        self.network.silent.clear()
        self.serve()
        link = self.link()
        self.assertEqual(self.bodies(), [])
        sent = self.ask(link, b"b")
        self.assertEqual(self.bodies(), [b"b"])
        sent.cancel()
        self.failureResultOf(sent, AlreadyBegun)
        self.network.cut(ADDRESS)
        self.assertEqual(self.bodies(), [])

    def test_cancelled_between_connections(self) -> None:
        """One that was sent has begun, also while there is no connection."""
        self.serve()
        link = self.link()
        sent = self.ask(link, b"a")
        self.bodies()
        self.network.silent.add(ADDRESS)
        self.network.cut(ADDRESS)
        self.network.pump()
        sent.cancel()
        self.failureResultOf(sent, AlreadyBegun)

    def test_written_later(self) -> None:
        """A request that is still being written holds up those behind it: order is kept."""
        self.serve()
        link = self.link()
        body: Deferred[bytes] = Deferred()
        self.asked.append(link.ask(body, changes=True))
        self.ask(link, b"b")
        self.assertEqual(self.bodies(), [])
        body.callback(b"a")
        self.assertEqual(self.bodies(), [b"a", b"b"])

    def test_cannot_be_written(self) -> None:
        """One that cannot be written fails, and those behind it go on."""
        self.serve()
        link = self.link()
        body: Deferred[bytes] = Deferred()
        answer = link.ask(body, changes=True)
        self.ask(link, b"b")
        body.errback(ZeroDivisionError())
        self.failureResultOf(answer, ZeroDivisionError)
        self.assertEqual(self.bodies(), [b"b"])

    def test_peer_that_takes_nothing(self) -> None:
        """What the socket does not take now goes when an answer shows that it takes again."""
        service, link = self.serve(), self.link()
        self.ask(link, b"a")
        self.network.pump()
        [(peer, number, _)] = self.came
        [connection] = self.network.connections(ADDRESS)
        connection.full = True
        self.ask(link, b"b")
        self.assertEqual(self.bodies(), [b"a"])
        connection.full = False
        service.send([peer, number, b"A"])
        self.assertEqual(self.bodies(), [b"b"])

    def test_dropped(self) -> None:
        """A connection that is given up is replaced."""
        self.serve()
        link = self.link()
        link.drop("no answer to a check")
        self.network.pump()
        self.assertIs(link.state, State.UP)
        self.assertEqual(link.connections, 2)
        self.assertIn("no answer to a check", self.told)

    def test_closed(self) -> None:
        """What is under way fails when the link is closed, and nothing is tried any more."""
        self.serve()
        link = self.link()
        answer = self.ask(link, b"a")
        self.bodies()
        link.close()
        self.assertTrue(self.failureResultOf(answer, ProcessorUnavailable).value.outcome_unknown)
        self.failureResultOf(self.ask(link, b"b"), ProcessorUnavailable)
        self.network.pump()
        self.assertEqual(self.clock.getDelayedCalls(), [])
