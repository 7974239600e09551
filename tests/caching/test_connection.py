"""Whether an answer is late, judged by a clock."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kato.caching.connection import Connection


class Silent:
    """A protocol that answers when the test does, and loses its connection as a real one does."""

    connected = 1

    def __init__(self) -> None:
        self.transport = self
        self.asked: Deferred[Any] = Deferred()

    def get(self, key: str) -> "Deferred[Any]":
        return self.asked

    def abortConnection(self) -> None:
        self.connected = 0
        self.asked.errback(ConnectionError("lost"))


class LatenessTests(SynchronousTestCase):
    """One question, which may be answered in 20 ms."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.protocol = Silent()
        self.connection = Connection(self.protocol, reactor=self.clock)
        self.got = self.connection.get("key", 0.02)

    def test_in_time(self) -> None:
        """An answer in time is the answer, and leaves nothing behind."""
        self.clock.advance(0.019)
        self.protocol.asked.callback(b"value")
        self.assertEqual(self.successResultOf(self.got), b"value")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_late(self) -> None:
        """Without one the connection is lost."""
        self.clock.pump([0.02, 0.0])
        self.failureResultOf(self.got, ConnectionError)
        self.assertFalse(self.connection.is_up)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_held_up(self) -> None:
        """What came while this process was held up itself is read before it is judged."""
        self.clock.callLater(0.02, self.protocol.asked.callback, b"value")
        self.clock.advance(5.0)
        self.assertEqual(self.successResultOf(self.got), b"value")
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertTrue(self.connection.is_up)
