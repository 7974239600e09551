"""Processors that come and go in several services."""

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kato.comings import CHECK, PATIENCE, Comings
from kato.errors import ProcessorUnavailable
from kato.events import PROCESSORS, STATUS, TOPICS_OF_ALL, Event, Subscribed, Wish
from kato.hub import ALL
from tests.follow import TellingService
from tests.listening import Ear


class ComingsTests(SynchronousTestCase):
    """L{Comings} of two services."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.one, self.two = TellingService("one"), TellingService("two")
        self.services = {"host:1": self.one, "host:2": self.two}
        epochs = map("epoch {}".format, range(1, 100))
        self.comings = Comings(
            lambda: self.services, clock=self.clock, make_epoch=lambda: next(epochs)
        )

    def subscribe(self, ear: Ear, *, again: bool = False) -> "Deferred[Subscribed]":
        position = ear.position if again else None
        return ear.follow(self.comings.subscribe(Wish(None, TOPICS_OF_ALL, position), ear))

    def listen(self) -> Ear:
        ear = Ear()
        self.successResultOf(self.subscribe(ear))
        return ear

    def cancel(self, ear: Ear) -> None:
        assert ear.answer is not None
        ear.answer.cancel()

    def states(self, ear: Ear) -> list[object]:
        return [each.data["state"] for each in ear.of(STATUS)]

    def test_merged(self) -> None:
        """What comes and goes anywhere is told in one order, with offsets of its own."""
        ear = self.listen()
        self.one.come("p1")
        self.two.come("p2")
        self.one.go("p1")
        self.assertEqual(
            [(each.topic, each.processor, each.data["change"]) for each in ear.told],
            [
                (PROCESSORS, "p1", "came"),
                (PROCESSORS, "p2", "came"),
                (PROCESSORS, "p1", "went"),
            ],
        )
        self.assertEqual(ear.offsets, [1, 2, 3])

    def test_nobody(self) -> None:
        """Services are followed once, and only while somebody listens."""
        first = self.listen()
        self.assertEqual(self.one.listeners, 1)
        second = self.listen()
        self.assertEqual((self.one.listeners, len(self.one.wishes)), (1, 1))
        self.cancel(first)
        self.cancel(first)
        self.assertEqual(self.one.listeners, 1)
        self.cancel(second)
        self.assertEqual((self.one.listeners, self.two.listeners), (0, 0))
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.one.come("p1")
        self.assertEqual((first.told, second.told), ([], []))

    def test_recovered(self) -> None:
        """Who comes back while another one listened is told what it missed; else nobody knows."""
        ear, other = self.listen(), self.listen()
        self.cancel(ear)
        self.one.come("p1")
        answer = self.successResultOf(self.subscribe(ear, again=True))
        self.assertEqual((answer.recovered, ear.offsets), (True, [1]))
        self.cancel(ear)
        self.cancel(other)
        answer = self.successResultOf(self.subscribe(ear, again=True))
        self.assertFalse(answer.recovered)

    def test_waits(self) -> None:
        """Who begins is answered when all services are followed, or have had their time."""
        self.two.held = []
        ear, late = Ear(), Ear()
        subscribing, later = self.subscribe(ear), self.subscribe(late)
        self.assertNoResult(subscribing)
        self.two.go_on()
        self.successResultOf(subscribing)
        self.successResultOf(later)
        self.cancel(ear)
        self.cancel(late)
        self.two.held = []
        subscribing = self.subscribe(Ear())
        self.clock.pump([CHECK] * round(PATIENCE / CHECK))
        self.successResultOf(subscribing)

    def test_cancelled(self) -> None:
        """Who gives up while it waits leaves nothing behind."""
        self.two.held = []
        subscribing = self.subscribe(Ear())
        subscribing.cancel()
        self.failureResultOf(subscribing, CancelledError)
        self.assertEqual((self.one.listeners, self.two.listeners), (0, 0))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_not_there(self) -> None:
        """A service that cannot be followed yet is tried again; once it is, the list is to be read
        anew."""
        self.two.error = ProcessorUnavailable("not there")
        ear = self.listen()
        self.clock.advance(CHECK)
        self.assertEqual(ear.told, [])
        self.two.error = None
        self.clock.advance(CHECK)
        self.assertEqual(self.states(ear), ["anew"])
        self.two.come("p2")
        self.assertEqual(ear.told[-1].processor, "p2")

    def test_joined_and_left(self) -> None:
        """A service that joins, leaves or is another one makes the list be read anew."""
        ear = self.listen()
        third = self.services["host:3"] = TellingService("three")
        self.clock.advance(CHECK)
        third.come("p3")
        del self.services["host:3"]
        self.clock.advance(CHECK)
        third.come("p4")
        self.assertEqual(ear.topics, [STATUS, PROCESSORS, STATUS])
        self.services["host:1"] = TellingService("other")
        self.clock.advance(CHECK)
        self.assertEqual(self.one.listeners, 0)
        self.services["host:1"].come("p5")
        self.assertEqual(ear.told[-1].processor, "p5")

    def test_history_lost(self) -> None:
        """Where a service has lost its history, the list is to be read anew."""
        ear = self.listen()
        self.one.come("p1")
        self.one.hub.renew(ALL, 5.0)
        self.assertEqual(ear.topics, [PROCESSORS, STATUS])
        self.assertEqual(ear.told[1].data["recovered"], False)

    def test_away(self) -> None:
        """That a service went away or came back is told with its name."""
        ear = self.listen()
        self.two.hub.tell_status(ALL, {"state": "away"}, 5.0)
        self.two.hub.tell_status(ALL, {"state": "back", "epoch": "e", "recovered": True}, 5.0)
        self.assertEqual(
            [each.data for each in ear.told],
            [
                {"state": "away", "service": "host:2"},
                {"state": "back", "service": "host:2"},
            ],
        )

    def test_failing(self) -> None:
        """A listener that fails is logged; the others are told all the same."""

        def fails(event: Event) -> None:
            raise RuntimeError("the test says so")

        self.successResultOf(self.comings.subscribe(Wish(None, TOPICS_OF_ALL), fails))
        ear = self.listen()
        self.one.come("p1")
        self.assertEqual(ear.offsets, [1])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
