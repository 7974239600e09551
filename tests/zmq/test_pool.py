"""The connections to one service, checked and counted."""

from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from kato.dispatch import AlreadyBegun
from kato.errors import ProcessorUnavailable, TooManyRequests
from kato.messagepack import pack, unpack
from kato.protocols.zmq import pool
from kato.protocols.zmq.link import FIRST_PAUSE, GRACE
from kato.protocols.zmq.measures import Measures
from kato.protocols.zmq.pool import CHECK, CHECK_PATIENCE, Pool
from kato.replies import error_map
from tests.zmq.memory import Bound, MemoryPort, MemorySockets

ADDRESS = "tcp://service:5555"


class PoolTests(SynchronousTestCase):
    """L{Pool} and a service that the test plays."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.network = MemorySockets(self.clock)
        self.hello: Mapping[str, Any] | None = {"status": "okay", "boot": "1", "time_stamp": 1.0}
        self.came: list[list[bytes]] = []
        self.unanswered: list[list[bytes]] = []
        self.asked: list[Deferred[bytes]] = []
        self.addCleanup(self.look_at_all)

    def look_at_all(self) -> None:
        """What a test has no interest in is looked at all the same."""
        for answer in self.asked:
            answer.addErrback(lambda _: None)

    def serve(self) -> Bound:
        return self.network.router(MemoryPort(ADDRESS), self.received)

    def received(self, frames: list[bytes]) -> None:
        if unpack(frames[-1]) != {"type": "hello"}:
            self.came.append(frames)
        elif self.hello is None:
            self.unanswered.append(frames)
        else:
            self.network.bound[ADDRESS].send([*frames[:-1], pack(self.hello)])

    def pool(self, random: Callable[[], float] = lambda: 1.0) -> Pool:
        made = Pool(
            ADDRESS,
            sockets=self.network,
            clock=self.clock,
            random=random,
            hello=pack({"type": "hello"}),
        )
        self.addCleanup(made.close)
        self.network.pump()
        return made

    def ask(self, made: Pool, key: str | None = "p1", body: Any = b"\x80") -> "Deferred[bytes]":
        self.asked.append(made.ask(key, body, changes=True))
        self.network.pump()
        return self.asked[-1]

    def answer(self, number: int = 0) -> None:
        self.network.bound[ADDRESS].send(self.came.pop(number))
        self.network.pump()

    def test_healthy(self) -> None:
        """A service that answers the first check is healthy, and its word is kept."""
        self.serve()
        made = self.pool()
        self.assertTrue(made.healthy)
        self.assertEqual(made.told["boot"], "1")

    def test_one_processor_one_connection(self) -> None:
        """All requests of a processor use one connection, and several connections are used."""
        self.serve()
        made = self.pool()
        for key in ("a", "b", "c", "d", "e") * 3:
            self.ask(made, key)
        peers = [frames[0] for frames in self.came]
        self.assertEqual(peers[:5] * 3, peers)
        self.assertEqual(len(set(peers)), pool.LINKS)

    def test_all_connections_at_once(self) -> None:
        """When a service comes back, no connection waits longer for it than the first: no request
        is refused any more."""
        service = self.serve()
        made = self.pool()
        service.close()
        for _ in range(20):
            self.clock.advance(0.4)
            self.network.pump()
        self.serve()
        while not made.connected:
            self.clock.advance(0.01)
            self.network.pump()
        for number in range(20):
            self.asked.append(made.ask(f"p{number}", b"x", changes=False))
        self.network.pump()
        self.assertEqual(len(self.came), 20)

    def test_counted(self) -> None:
        """Requests, failures, times, retries and reconnections are counted."""
        self.serve()
        made = self.pool()
        self.ask(made)
        self.clock.advance(0.5)
        self.answer()
        self.ask(made)
        self.network.cut(ADDRESS)
        self.network.pump()
        self.ask(made).cancel()
        told = made.statistics()
        self.assertEqual(
            told,
            {
                "connected": True,
                "healthy": True,
                "last_seen": 1000.5,
                "requests": 3,
                "failures": 0,
                "timeouts": 1,
                "p50_ms": 500.0,
                "p99_ms": 500.0,
                "retries": 1,
                "reconnections": pool.LINKS,
                "under_way": 1,
            },
        )
        self.failureResultOf(self.asked[-1], AlreadyBegun)

    def test_gone(self) -> None:
        """A service that is gone is neither connected nor healthy."""
        service = self.serve()
        made = self.pool()
        service.close()
        self.network.pump()
        self.failureResultOf(self.ask(made), ProcessorUnavailable)
        told = made.statistics()
        self.assertEqual((told["connected"], told["healthy"], told["failures"]), (False, False, 1))

    def test_healthy_again(self) -> None:
        """A service that was lost is healthy when it has answered on all connections anew: before
        that, some of its processors may not be reached."""
        self.serve()
        made = self.pool()
        self.hello = None
        self.network.cut(ADDRESS)
        self.network.pump()
        self.assertEqual((made.connected, made.healthy), (True, False))
        self.hello = {"status": "okay", "boot": "2", "time_stamp": 2.0}
        for number, frames in enumerate(self.unanswered, 1):
            self.network.bound[ADDRESS].send([*frames[:-1], pack(self.hello)])
            self.network.pump()
            self.assertEqual(made.healthy, number == pool.LINKS)

    def test_together(self) -> None:
        """When one connection comes about again, the others do not wait out their pauses."""
        pauses = iter([0.0, *[1.0] * 20])
        service = self.serve()
        made = self.pool(random=lambda: next(pauses))
        service.close()
        self.network.pump()
        self.serve()
        self.clock.advance(FIRST_PAUSE / 2)
        self.network.pump()
        self.assertTrue(made.healthy)
        self.assertEqual(made.statistics()["reconnections"], pool.LINKS)

    def test_bound(self) -> None:
        """No more is under way than the bound allows; what is answered makes room."""
        self.patch(pool, "MAX_UNDER_WAY", 2)
        self.serve()
        made = self.pool()
        for _ in range(2):
            self.ask(made)
        error = self.failureResultOf(self.ask(made), TooManyRequests).value
        self.assertEqual(error.message, f"2 requests are under way to {ADDRESS}")
        self.assertEqual(error.retry_after, 1)
        self.answer()
        self.assertNoResult(self.ask(made))

    def test_bound_of_bytes(self) -> None:
        """Large requests are bounded by what they take together, also those written later."""
        self.patch(pool, "MAX_BYTES", 3)
        self.serve()
        made = self.pool()
        later: Deferred[bytes] = Deferred()
        self.ask(made, body=later)
        later.callback(b"\x93\x01\x02\x03")
        self.failureResultOf(self.ask(made), TooManyRequests)
        self.network.pump()
        self.answer()
        self.assertNoResult(self.ask(made))

    def test_given_up_while_it_is_written(self) -> None:
        """A request that is given up before it is written takes nothing."""
        self.patch(pool, "MAX_BYTES", 3)
        self.serve()
        made = self.pool()
        later: Deferred[bytes] = Deferred()
        self.ask(made, body=later).cancel()
        later.callback(b"\x93\x01\x02\x03")
        self.assertNoResult(self.ask(made))
        self.assertEqual(made.under_way, 1)

    def test_checks(self) -> None:
        """A connection on which a check is not answered is replaced."""
        self.serve()
        made = self.pool()
        self.clock.advance(CHECK)
        self.network.pump()
        self.clock.advance(CHECK_PATIENCE)
        self.assertEqual(made.statistics()["reconnections"], 0)
        self.hello = None
        self.clock.advance(CHECK - CHECK_PATIENCE)
        self.network.pump()
        self.hello = {"status": "okay", "boot": "2", "time_stamp": 2.0}
        self.clock.advance(CHECK_PATIENCE)
        self.network.pump()
        self.assertEqual(made.statistics()["reconnections"], pool.LINKS)
        self.assertEqual(made.told["boot"], "2")

    def test_refused_key(self) -> None:
        """A service that does not know our key is not healthy, and the log says why, once."""
        self.hello = error_map(ProcessorUnavailable("this is not the server's key"), time_stamp=1.0)
        self.serve()
        with capturedLogs() as events:
            made = self.pool()
        told = [formatEvent(each) for each in events if "cannot be used" in formatEvent(each)]
        self.assertEqual(
            told,
            [f"the service at {ADDRESS} cannot be used: this is not the server's key"],
        )
        self.assertFalse(made.healthy)
        self.assertTrue(made.connected)

    def test_nonsense(self) -> None:
        """What is no answer to a check is none."""
        self.hello = {"status": "fine"}
        self.serve()
        self.assertFalse(self.pool().healthy)

    def test_closed(self) -> None:
        """When it is closed, what is under way fails, and nothing is left running."""
        self.serve()
        made = self.pool()
        answer = self.ask(made)
        made.close()
        self.failureResultOf(answer, ProcessorUnavailable)
        self.network.pump()
        self.clock.advance(GRACE)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class MeasuresTests(SynchronousTestCase):
    """Percentiles."""

    def test_percentiles(self) -> None:
        """Half of the times, and 99 of 100, are no longer than what is told."""
        measures = Measures()
        self.assertEqual(measures.as_dict()["p50_ms"], None)
        for each in range(1, 101):
            measures.answered(each / 1000, now=5.0)
        told = measures.as_dict()
        self.assertEqual((told["p50_ms"], told["p99_ms"]), (51.0, 100.0))
        self.assertEqual(told["last_seen"], 5.0)
