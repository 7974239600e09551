"""The hub: what listeners are told, and what they are told again."""

from collections.abc import Callable
from itertools import count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato import feed
from kato.events import (
    KEPT,
    LEARNING,
    MEMORY,
    OBSERVATIONS,
    PREDICTIONS,
    STATUS,
    TOPICS,
    Event,
    Position,
    Subscribed,
)
from kato.happenings import (
    CameOrWent,
    Cleared,
    Deleted,
    Foreseen,
    Forgotten,
    GenesChanged,
    Happened,
    Learned,
    Seen,
    SeenInTurn,
    Updated,
)
from kato.hub import ALL, Hub
from kato.observation import Observation
from tests.listening import Ear

LEARN = Learned("MODEL|1", 2, 3, automatic=False, left=0)


def seen(word: str = "a") -> Seen:
    return Seen(Observation(strings=(word,)), "id", [(word,)], 1)


def seen_in_turn(number: int) -> SeenInTurn:
    words = [str(i) for i in range(number)]
    observations = [Observation(strings=(word,)) for word in words]
    return SeenInTurn(observations, [(word,) for word in words], 0)


class HubCase(SynchronousTestCase):
    """A L{Hub} whose epochs are counted."""

    def setUp(self) -> None:
        self.failures: list[tuple[Exception, Event]] = []
        epochs = map("epoch {}".format, count(1))
        self.hub = Hub(
            make_epoch=lambda: next(epochs),
            failed=lambda error, event: self.failures.append((error, event)),
        )

    def tell(self, *happened: Happened, key: str = "p1", durable: bool = False) -> bool:
        return self.hub.tell(key, happened, 5.0, durable=durable)

    def foresee(self) -> None:
        self.hub.foresee("p1", Foreseen([], []), 5.0)

    def subscribe(
        self,
        listener: Callable[[Event], None],
        *topics: str,
        position: Position | None = None,
        key: str = "p1",
    ) -> Subscribed:
        return self.hub.subscribe(key, frozenset(topics) or TOPICS, position, listener)

    def ear(self, *topics: str, **rest: Any) -> Ear:
        ear = Ear()
        ear.answered(self.subscribe(ear, *topics, **rest))
        return ear


class TellingTests(HubCase):
    """Who is told what."""

    def test_offsets(self) -> None:
        """Offsets rise by one with every change, whoever listens; predictions have the offset of
        the change that they follow."""
        self.tell(seen(), LEARN)
        ear = self.ear()
        self.tell(seen(), LEARN, Cleared())
        self.foresee()
        self.tell(seen())
        self.assertEqual(ear.offsets, [3, 4, 5, 5, 6])
        self.assertEqual(ear.topics, [OBSERVATIONS, LEARNING, MEMORY, PREDICTIONS, OBSERVATIONS])

    def test_data(self) -> None:
        """An event says what happened."""
        for happening, topic, data in (
            (
                seen(),
                OBSERVATIONS,
                {
                    "observation": {
                        "strings": ["a"],
                        "vectors": [],
                        "emotives": {},
                        "unique_id": "id",
                        "metadata": {},
                    },
                    "short_term_memory": [["a"]],
                },
            ),
            (
                LEARN,
                LEARNING,
                {
                    "change": "learned",
                    "model_name": "MODEL|1",
                    "frequency": 2,
                    "length": 3,
                    "automatic": False,
                    "events": 0,
                },
            ),
            (
                Updated("MODEL|1", 4),
                LEARNING,
                {"change": "updated", "model_name": "MODEL|1", "frequency": 4},
            ),
            (
                Forgotten("MODEL|1"),
                LEARNING,
                {"change": "deleted", "model_name": "MODEL|1"},
            ),
            (Cleared(), MEMORY, {"change": "cleared", "memory": "short_term"}),
            (Cleared(all=True), MEMORY, {"change": "cleared", "memory": "all"}),
            (
                GenesChanged({"sort": False}),
                MEMORY,
                {"change": "genes", "genes": {"sort": False}},
            ),
            (Deleted(), MEMORY, {"change": "deleted"}),
        ):
            ear = self.ear()
            self.tell(happening)
            [event] = ear.told
            self.assertEqual((event.topic, event.processor, event.time_stamp), (topic, "p1", 5.0))
            self.assertEqual(event.data, data)

    def test_processors(self) -> None:
        """The stream of all processors names the one that came or went."""
        ear = self.ear("processors", key=ALL)
        self.tell(CameOrWent("p7", came=True), CameOrWent("p7", came=False), key=ALL)
        self.assertEqual(
            [(each.processor, each.data) for each in ear.told],
            [("p7", {"change": "came"}), ("p7", {"change": "went"})],
        )

    def test_topics(self) -> None:
        """A listener is told of its topics and its processor only."""
        ear, other = self.ear(LEARNING), self.ear(key="p2")
        self.tell(seen(), LEARN, Cleared())
        self.assertEqual(ear.topics, [LEARNING])
        self.assertEqual(other.told, [])

    def test_once(self) -> None:
        """An event is made once, and not at all where nobody wants it."""
        made: list[None] = []

        class Counted(Cleared):
            def data(self) -> dict[str, Any]:
                made.append(None)
                return {}

        self.tell(Counted())
        self.ear(LEARNING)
        self.assertTrue(self.tell(Counted()))
        self.assertEqual(made, [])
        first, second = self.ear(MEMORY), self.ear()
        self.tell(Counted())
        self.assertEqual(made, [None])
        self.assertIs(first.told[0], second.told[0])

    def test_nobody(self) -> None:
        """It is told whether anybody listens to anything of a processor."""
        self.assertFalse(self.tell(seen()))
        cancel = self.hub.listen("p1", frozenset({MEMORY}), Ear())
        self.assertTrue(self.tell(seen()))
        self.assertTrue(self.hub.wants("p1", MEMORY))
        self.assertFalse(self.hub.wants("p1", PREDICTIONS))
        cancel()
        self.assertFalse(self.tell(seen()))
        self.assertFalse(self.hub.wants("p1", MEMORY))

    def test_failing(self) -> None:
        """A listener that fails is logged, and told again; the others are told all the same."""
        error = RuntimeError("the test says so")

        def fails(event: Event) -> None:
            raise error

        self.subscribe(fails)
        ear = self.ear()
        self.tell(seen(), LEARN)
        self.assertEqual(ear.topics, [OBSERVATIONS, LEARNING])
        self.assertEqual([each for each, _ in self.failures], [error, error])

    def test_cancelled(self) -> None:
        """Who cancels is told nothing more, also while others are being told; twice is once."""
        cancels: list[Callable[[], None]] = []
        second = Ear()
        first: list[Event] = []

        def first_hears(event: Event) -> None:
            first.append(event)
            cancels[0]()
            cancels[1]()

        cancels.append(self.subscribe(first_hears).cancel)
        cancels.append(second.answered(self.subscribe(second)).cancel)
        third = self.ear()
        self.tell(seen())
        self.hub.renew("p1", 6.0)
        cancels[0]()
        self.assertEqual((len(first), second.told), (1, []))
        self.assertEqual(third.topics, [OBSERVATIONS, STATUS])

    def test_joining(self) -> None:
        """Who begins to listen while others are told is told what comes after its answer."""
        late = Ear()

        def joins(event: Event) -> None:
            if late.answer is None:
                late.answered(self.subscribe(late))

        self.subscribe(joins)
        self.tell(seen())
        self.tell(seen())
        assert late.answer is not None
        self.assertEqual((late.answer.offset, late.offsets), (1, [2]))

    def test_sequence(self) -> None:
        """A sequence of observations is told one by one, and counted alike where nobody listens."""
        self.tell(seen_in_turn(3))
        ear = self.ear(LEARNING)
        self.tell(seen_in_turn(2), LEARN)
        whole = self.ear()
        self.tell(seen_in_turn(2))
        self.assertEqual(ear.offsets, [6])
        self.assertEqual(whole.offsets, [7, 8])
        memories = [each.data["short_term_memory"] for each in whole.told]
        self.assertEqual(memories, [[["0"]], [["0"], ["1"]]])

    def test_statistics(self) -> None:
        """It is counted who listens, and what was told."""
        self.ear()
        self.ear(LEARNING)
        self.tell(seen(), LEARN)
        self.assertEqual(self.hub.statistics(), {"listeners": 2, "told": 3})


class RecoveryTests(HubCase):
    """What is told to who was cut off."""

    def recovered(self, position: Position, *topics: str) -> list[tuple[str, int, int]]:
        answer = self.subscribe(Ear(), *topics, position=position)
        self.assertTrue(answer.recovered)
        return [(each.topic, each.offset, each.skipped) for each in answer.events]

    def test_missed(self) -> None:
        """All that was learned and done to memory is told again, and the newest of the rest."""
        self.tell(seen(), seen(), LEARN, seen(), Cleared(), seen())
        self.foresee()
        self.assertEqual(
            self.recovered(Position("epoch 1", 1)),
            [
                (LEARNING, 3, 0),
                (MEMORY, 5, 0),
                (OBSERVATIONS, 6, 2),
                (PREDICTIONS, 6, 0),
            ],
        )
        self.assertEqual(
            self.recovered(Position("epoch 1", 3), MEMORY, PREDICTIONS),
            [(MEMORY, 5, 0), (PREDICTIONS, 6, 0)],
        )

    def test_nothing(self) -> None:
        """Who missed nothing is told so."""
        self.tell(seen(), LEARN)
        self.foresee()
        self.assertEqual(self.recovered(Position("epoch 1", 2)), [])

    def test_predictions(self) -> None:
        """Who says which predictions it has is told newer ones, also of the same change."""
        self.tell(seen())
        self.foresee()
        self.tell(seen())
        self.foresee()
        self.assertEqual(self.recovered(Position("epoch 1", 2, 1)), [(PREDICTIONS, 2, 0)])
        self.assertEqual(self.recovered(Position("epoch 1", 2, 0)), [(PREDICTIONS, 2, 1)])
        self.assertEqual(self.recovered(Position("epoch 1", 2, 2)), [])
        self.assertTrue(self.hub.lacks_predictions("p1") is False)
        self.tell(seen())
        self.assertTrue(self.hub.lacks_predictions("p1"))

    def test_order(self) -> None:
        """What was missed is told by rising offsets, predictions behind the change they follow."""
        self.tell(seen(), LEARN)
        self.foresee()
        self.tell(LEARN)
        self.assertEqual(
            self.recovered(Position("epoch 1", 0)),
            [(OBSERVATIONS, 1, 0), (LEARNING, 2, 0), (PREDICTIONS, 2, 0), (LEARNING, 3, 0)],
        )

    def test_observations(self) -> None:
        """Who says which observations it has is told the newest that it lacks, also one that was
        before the last event it knows, and how many were before that."""
        self.tell(seen(), seen(), LEARN, seen(), LEARN)

        def told(since: int, observed: int) -> list[tuple[str, int, int]]:
            return self.recovered(Position("epoch 1", since, observations=observed))

        self.assertEqual(told(5, 1), [(OBSERVATIONS, 4, 1)])
        self.assertEqual(told(5, 2), [(OBSERVATIONS, 4, 0)])
        self.assertEqual(told(5, 4), [])
        self.assertEqual(told(3, 0), [(OBSERVATIONS, 4, 2), (LEARNING, 5, 0)])

    def test_observations_long_ago(self) -> None:
        """Of observations before what is remembered the newest is told, and none is counted."""
        self.patch(feed, "HISTORY", 1)
        self.tell(seen(), LEARN, seen(), LEARN)
        position = Position("epoch 1", 4, observations=0)
        self.assertEqual(self.recovered(position), [(OBSERVATIONS, 3, 0)])
        self.tell(LEARN)
        position = Position("epoch 1", 5, observations=0)
        self.assertEqual(self.recovered(position), [(OBSERVATIONS, 3, 0)])
        position = Position("epoch 1", 5, observations=3)
        self.assertEqual(self.recovered(position), [])

    def test_not_recovered(self) -> None:
        """Another epoch, an offset that was never told, or none: the state is to be read anew."""
        self.tell(seen(), LEARN)
        positions = [
            None,
            Position("epoch 0", 1),
            Position("epoch 1", 3),
            Position("epoch 1", 1, 3),
            Position("epoch 1", 1, observations=3),
        ]
        for position in positions:
            answer = self.subscribe(Ear(), position=position)
            self.assertEqual((answer.recovered, answer.events), (False, ()))
            self.assertEqual(answer.as_map(), {"epoch": "epoch 1", "offset": 2, "recovered": False})

    def test_bound(self) -> None:
        """So many events are kept; who missed more reads the state anew."""
        self.patch(feed, "HISTORY", 3)
        self.tell(seen(), LEARN, LEARN, seen(), LEARN, LEARN)
        answer = self.subscribe(Ear(), position=Position("epoch 1", 1))
        self.assertFalse(answer.recovered)
        self.assertEqual(
            self.recovered(Position("epoch 1", 2)),
            [(LEARNING, 3, 0), (OBSERVATIONS, 4, 0), (LEARNING, 5, 0), (LEARNING, 6, 0)],
        )

    def test_counted(self) -> None:
        """Of more predictions than are counted it is told that so many were skipped."""
        self.patch(feed, "COUNTED", 3)
        for _ in range(9):
            self.tell(seen())
            self.foresee()
        self.assertEqual(self.recovered(Position("epoch 1", 5), PREDICTIONS), [(PREDICTIONS, 9, 2)])

    def test_small(self) -> None:
        """What is kept of an event that nobody wanted is the happening itself."""
        self.tell(LEARN)
        [kept] = self.hub._feeds["p1"]._history
        self.assertIs(kept[0], LEARN)


class EpochTests(HubCase):
    """When histories end."""

    def test_renewed(self) -> None:
        """A new epoch is told to all who listen, whatever their topics, and begins at 0."""
        ear = self.ear(LEARNING)
        self.tell(LEARN)
        self.hub.renew("p1", 6.0)
        self.tell(seen(), LEARN)
        self.assertEqual(ear.topics, [LEARNING, STATUS, LEARNING])
        status = ear.told[1]
        self.assertEqual((status.offset, status.epoch), (0, "epoch 2"))
        self.assertEqual(status.data, {"state": "anew", "epoch": "epoch 2", "recovered": False})
        self.assertEqual(ear.told[2].offset, 2)
        self.assertFalse(self.subscribe(Ear(), position=Position("epoch 1", 1)).recovered)

    def test_forgotten(self) -> None:
        """The feed of a processor that is gone, and to which nobody listens, is gone."""
        self.tell(LEARN)
        self.hub.renew("p1", 6.0)
        self.assertIsNone(self.hub.standing("p1"))
        self.tell(LEARN)
        standing = self.hub.standing("p1")
        assert standing is not None
        self.assertEqual((standing.epoch, standing.numbers.kept), ("epoch 2", 1))

    def test_rolled_back(self) -> None:
        """Where nothing was told that is void, the epoch goes on; else a new one begins."""
        ear = self.ear()
        self.hub.roll_back("p1", 6.0)
        self.tell(seen())
        self.tell(LEARN, durable=True)
        self.hub.roll_back("p1", 6.0)
        self.assertEqual(ear.topics, [OBSERVATIONS, LEARNING])
        self.tell(seen())
        self.hub.roll_back("p1", 6.0)
        self.assertEqual(ear.topics[2:], [OBSERVATIONS, STATUS])

    def test_saved(self) -> None:
        """What was told before a saving began is durable when it ends, also in an epoch of its
        own only."""
        ear = self.ear()
        self.hub.saving("p2")()
        self.tell(seen())
        saved = self.hub.saving("p1")
        saved()
        self.hub.roll_back("p1", 6.0)
        self.assertEqual(ear.topics, [OBSERVATIONS])
        saved = self.hub.saving("p1")
        self.tell(seen())
        saved()
        self.hub.roll_back("p1", 6.0)
        self.assertEqual(ear.topics, [OBSERVATIONS, OBSERVATIONS, STATUS])
        self.tell(seen())
        saved()
        self.hub.roll_back("p1", 6.0)
        self.assertEqual(ear.topics[3:], [OBSERVATIONS, STATUS])

    def test_status(self) -> None:
        """What is up with where events come from is told to who wants it, and is no event."""
        ear, other = self.ear(STATUS), self.ear(LEARNING)
        self.tell(LEARN)
        self.hub.tell_status("p1", {"state": "away"}, 6.0)
        [event] = ear.told
        self.assertEqual((event.offset, event.data), (1, {"state": "away"}))
        self.assertEqual(other.topics, [LEARNING])


STEPS = st.lists(
    st.one_of(
        st.sampled_from(["seen", "learn", "clear", "foresee", "foresee", "cut", "come back"]),
        st.tuples(st.just("in turn"), st.integers(1, 4)),
    ),
    max_size=60,
)


class Laws(HubCase):
    """Listeners that are cut off and come back, beside one that never is."""

    @settings(deadline=None, max_examples=200)
    @given(STEPS)
    def test_recovery(self, steps: list[Any]) -> None:
        """However often one is cut off, it is told every event of learning and memory once and in
        order, and of the others it is told the newest, and how many it skipped."""
        self.setUp()
        whole = self.ear()
        ear = self.ear()
        for step in [*steps, "come back"]:
            match step:
                case "seen":
                    self.tell(seen())
                case "learn":
                    self.tell(LEARN)
                case "clear":
                    self.tell(Cleared())
                case "foresee":
                    if self.hub.lacks_predictions("p1"):
                        self.foresee()
                case "cut":
                    assert ear.answer is not None
                    ear.answer.cancel()
                case "come back":
                    assert ear.answer is not None
                    ear.answer.cancel()
                    ear.answered(self.subscribe(ear, position=ear.position))
                    self.assertTrue(ear.answer.recovered)
                case _, number:
                    self.tell(seen_in_turn(number))
        self.assertEqual(ear.kept, whole.kept)
        for topic in (OBSERVATIONS, PREDICTIONS):
            told = ear.of(topic)
            self.assertEqual(ear.counted(topic), len(whole.of(topic)))
            self.assertEqual([each.offset for each in told], sorted({each.offset for each in told}))
            self.assertEqual(
                told[-1:], [each.after(told[-1].skipped) for each in whole.of(topic)[-1:]]
            )
        changes = [each for each in ear.told if each.topic in KEPT | {OBSERVATIONS}]
        self.assertEqual(changes, sorted(changes, key=lambda each: each.offset))
