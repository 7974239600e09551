"""Readers that do not read, and what they cost a server and its other readers (SPEC 9)."""

from collections import Counter
from collections.abc import Callable

import psutil
from twisted.trial.unittest import SynchronousTestCase

from tests.live.aside import Aside
from tests.live.server import LiveServer
from tests.live.streaming import Gone, Message, Stream

EVENTS = 100_000
MOST = 5_000_000
"""So many bytes may a reader cost that does not read."""

_BATCH = 500
"""So many observations are made in one request."""
_WINDOW = 100
"""So many events has a model that is learned by itself."""
_NARROW = 4096
"""So many bytes wait unread at one who does not read."""
_TOO_SLOW = 4008


def _nothing() -> None:
    """Nobody has to look at anything."""


def _place(event: Message) -> tuple[str, int]:
    return event["event"], event["offset"]


class SlowReaderTests(SynchronousTestCase):
    """One reader reads, another one does not, while 100,000 events pass."""

    def setUp(self) -> None:
        self.server = LiveServer("--storage", "memory:", "--processor-id", "p1").start()
        self.addCleanup(self.server.stop)
        self.process = psutil.Process(self.server.pid)
        self.connection = self.server.connect()
        self.addCleanup(self.connection.close)

    def subscribed(self, *topics: str, room: int | None = None) -> Stream:
        stream = Stream(self.server.port, room=room)
        self.addCleanup(stream.close)
        self.assertEqual(stream.ask("subscribe", "p1", {"topics": topics})["status"], "okay")
        return stream

    @property
    def memory(self) -> int:
        """Bytes that the server has in RAM."""
        return int(self.process.memory_info().rss)

    def told(self, name: str) -> int:
        """What C{/stats} tells of all streams."""
        return int(self.connection.get("/stats")["streams"][name])

    def pass_events(
        self, *others: Stream, learns: bool, look: Callable[[], None] = _nothing
    ) -> int:
        """Let 100,000 events happen, while somebody reads all of C{learning}, and see that each of
        them comes; gives the most memory that the server had meanwhile.

        Who reads is waited for after each request: it is no part of this how fast that is.

        @param others: who reads as well, and is told of observations.
        @param learns: whether something is learned after each observation, and not just at times.
        @param look: is called after each request.
        """
        watching = self.subscribed("learning")
        most = self.memory
        expected = _BATCH if learns else _BATCH // _WINDOW
        body = {"observations": [{"strings": ["a", "b"]}] * _BATCH, "learn_after_each": learns}
        for _ in range(EVENTS // (2 * _BATCH if learns else _BATCH)):
            self.connection.post("/p1/observe-sequence?brief=true", body)
            came = [watching.event() for _ in range(expected)]
            self.assertEqual({each["event"] for each in came}, {"learning"})
            last = came[-1]["offset"] - 1
            for each in others:
                while _place(each.event()) != ("observations", last):
                    pass
            most = max(most, self.memory)
            look()
        watching.close()
        return most

    def warm_up(self, *topics: str, learns: bool) -> None:
        """Let as many events pass while all who listen read."""
        stream = self.subscribed(*topics)
        self.pass_events(stream, learns=learns)
        stream.close()

    def test_newest(self) -> None:
        """One who wants to know only what is newest is told that in the end, and how much else it
        skipped; until then it costs next to nothing."""
        topics = ("observations", "predictions")
        genes = {"max_sequence_length": _WINDOW, "stm_mode": "CLEAR"}
        self.connection.post("/p1/genes/change", {"genes": genes})
        self.warm_up(*topics, learns=False)
        slow = self.subscribed(*topics, room=_NARROW)
        before = self.memory
        self.assertLess(self.pass_events(learns=False) - before, MOST)
        self.assertGreater(self.told("skipped"), EVENTS // 2)
        counts: Counter[str] = Counter()
        while counts["observations"] < EVENTS:
            event = slow.event()
            counts[event["event"]] += 1 + event.get("skipped", 0)
        self.assertEqual(counts["observations"], EVENTS)

    def test_all(self) -> None:
        """One who wants to know all is given up, and told so, before it costs much."""
        topics = ("observations", "learning", "predictions")
        self.warm_up(*topics, learns=True)
        slow = self.subscribed(*topics, room=_NARROW)
        before = self.memory
        reading: list[Aside] = []
        ends: list[Gone] = []

        def look() -> None:
            if not reading and self.told("too_slow"):
                reading.append(Aside(lambda: ends.append(slow.end())))

        self.assertLess(self.pass_events(learns=True, look=look) - before, MOST)
        for each in reading:
            each.join()
        self.assertEqual([each.code for each in ends], [_TOO_SLOW])
        self.assertEqual(self.told("too_slow"), 1)
