"""Listeners that follow a processor from service to service."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kato.errors import ProcessorNotFound, ProcessorUnavailable
from kato.events import LEARNING, MEMORY, OBSERVATIONS, PREDICTIONS, STATUS, TOPICS, Position, Wish
from kato.following import CHECK, Following, Follows
from kato.happenings import Cleared, Foreseen, Learned, Seen
from kato.observation import Observation
from tests.follow import TellingService
from tests.listening import Ear

LEARN = Learned("MODEL|1", 1, 2, automatic=False, left=0)
SEEN = Seen(Observation(strings=("a",)), None, [("a",)], 1)


class FollowingTests(SynchronousTestCase):
    """L{Following}, and the services that own p1 in turn."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.owner: Follows | None = None
        self.first, self.second = TellingService("first"), TellingService("second")
        self.following = Following(lambda processor: self.owner, clock=self.clock)

    def listen(self, *topics: str, position: Position | None = None) -> Ear:
        self.owner = self.first
        ear = Ear()
        wish = Wish("p1", frozenset(topics) or TOPICS, position)
        following = self.following.subscribe(wish, ear, self.first)
        self.successResultOf(ear.follow(following))
        return ear

    def move(self, owner: Follows | None) -> None:
        self.owner = owner
        self.clock.advance(CHECK)

    def test_stays(self) -> None:
        """As long as the owner is the same nothing happens but what it tells."""
        ear = self.listen()
        self.first.tell(LEARN)
        self.move(self.first)
        self.move(None)
        self.first.tell(LEARN)
        self.assertEqual((ear.offsets, len(self.first.wishes)), ([1, 2], 1))

    def test_other_history(self) -> None:
        """Another owner tells another history: who listens is told so, whatever its topics."""
        ear = self.listen(LEARNING)
        self.first.tell(LEARN)
        self.second.tell(SEEN)
        self.move(self.second)
        self.assertEqual(self.first.listeners, 0)
        self.second.tell(LEARN)
        self.first.tell(LEARN)
        self.assertEqual(ear.topics, [LEARNING, STATUS, LEARNING])
        self.assertEqual(
            ear.told[1].data, {"state": "back", "epoch": "second 1", "recovered": False}
        )
        self.assertEqual(ear.offsets, [1, 1, 2])

    def test_same_history(self) -> None:
        """The same history, from someone who asks for it anew, goes on where it was."""
        ear, other = self.listen(), self.listen(MEMORY)
        self.first.tell(SEEN)
        self.first.hub.foresee("p1", Foreseen([], []), 5.0)
        again = TellingService("again")
        again.hub = self.first.hub
        self.owner = None
        self.first.tell(LEARN)
        self.move(again)
        self.assertEqual(again.wishes[0].position, Position("first 1", 2, 1))
        self.first.tell(Cleared())
        self.assertEqual(ear.topics, [OBSERVATIONS, PREDICTIONS, LEARNING, STATUS, MEMORY])
        self.assertEqual(ear.told[3].data["recovered"], True)
        self.assertEqual(other.topics, [MEMORY])

    def test_missed(self) -> None:
        """What was missed between two owners of one history is told."""
        ear = self.listen()
        self.first.tell(SEEN)
        again = TellingService("again")
        again.hub = self.first.hub
        again.held = []
        self.move(again)
        self.first.tell(LEARN, SEEN)
        self.first.hub.foresee("p1", Foreseen([], []), 5.0)
        again.go_on()
        self.assertEqual(ear.topics, [OBSERVATIONS, STATUS, LEARNING, OBSERVATIONS, PREDICTIONS])
        self.first.tell(LEARN)
        self.assertEqual(ear.offsets[-1], 4)

    def test_not_there(self) -> None:
        """A new owner that refuses is asked again."""
        ear = self.listen()
        for error in (ProcessorUnavailable("no"), ProcessorNotFound("no")):
            self.second.error = error
            self.move(self.second)
        self.assertEqual((len(self.second.wishes), ear.told), (2, []))
        self.second.error = None
        self.clock.advance(CHECK)
        self.assertEqual(ear.topics, [STATUS])
        self.clock.advance(CHECK)
        self.assertEqual(len(self.second.wishes), 3)

    def test_moved_twice(self) -> None:
        """What an owner of a moment ago answers late is not listened to."""
        ear = self.listen(MEMORY, STATUS)
        self.second.held = []
        self.move(self.second)
        third = TellingService("third")
        self.move(third)
        self.second.go_on()
        self.second.tell(Cleared())
        self.assertEqual(self.second.listeners, 0)
        third.tell(Cleared())
        self.assertEqual([each.epoch for each in ear.told], ["third 1", "third 1"])

    def test_renewed(self) -> None:
        """A new epoch is where the listener stands from then on."""
        self.listen()
        self.first.tell(SEEN)
        self.first.hub.renew("p1", 5.0)
        self.first.tell(SEEN)
        self.move(self.second)
        self.assertEqual(self.second.wishes[0].position, Position("first 2", 1, 0))

    def test_cancelled(self) -> None:
        """Who cancels is told nothing more, also not by an owner to be, and nobody looks any
        more."""
        ear = self.listen()
        self.second.held = []
        self.move(self.second)
        assert ear.answer is not None
        ear.answer.cancel()
        ear.answer.cancel()
        self.second.go_on()
        self.second.tell(SEEN)
        self.assertEqual((ear.told, self.first.listeners, self.second.listeners), ([], 0, 0))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_closed(self) -> None:
        """Once it is closed nobody looks any more."""
        self.listen()
        self.following.close()
        self.assertEqual(self.clock.getDelayedCalls(), [])
