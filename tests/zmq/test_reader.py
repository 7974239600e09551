"""One who follows events over a wire that loses some."""

from collections.abc import Mapping
from itertools import count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.events import (
    KEPT,
    LEARNING,
    MEMORY,
    OBSERVATIONS,
    PREDICTIONS,
    STATUS,
    TOPICS,
    Event,
    Subscribed,
)
from kato.happenings import Cleared, Foreseen, Happening, Learned, Seen
from kato.hub import Hub, Standing
from kato.observation import Observation
from kato.protocols.zmq import reader
from kato.protocols.zmq.reader import Reader
from tests.listening import Ear

HAPPENINGS: Mapping[str, Happening] = {
    "seen": Seen(Observation(strings=("a",)), None, [("a",)], 1),
    "learn": Learned("MODEL|1", 1, 2, automatic=False, left=0),
    "clear": Cleared(),
}

STEPS = st.lists(
    st.sampled_from(
        [
            *HAPPENINGS,
            *HAPPENINGS,
            "foresee",
            "foresee",
            "arrive",
            "arrive",
            "arrive",
            "drop",
            "drop",
            "beat",
            "answer",
            "answer",
            "lose",
            "renew",
        ]
    ),
    max_size=80,
)


class ReaderCase(SynchronousTestCase):
    """A L{Reader} of a hub: what is told is on its way until the test lets it arrive, or drops
    it."""

    topics = TOPICS

    def setUp(self) -> None:
        epochs = map("epoch {}".format, count(1))
        self.hub = Hub(make_epoch=lambda: next(epochs), failed=lambda error, event: None)
        self.way: list[Event | Standing] = []
        self.questions = 0
        self.answered: Subscribed | None = None
        self.away = False
        self.whole = Ear()
        self.whole.answered(self.hub.subscribe("p1", TOPICS, None, self.whole))
        self.hub.listen("p1", TOPICS, self.way.append)
        self.ear = Ear()
        self.reader = Reader("p1", self.topics, self.ear)
        told = self.question()
        self.reader.begin(told, None)
        self.ear.answered(told)
        self.assertTrue(self.reader.go_on())

    def question(self) -> Subscribed:
        """Ask the service."""
        told = self.hub.subscribe("p1", self.topics | KEPT, self.reader.position, self.ear)
        told.cancel()
        return told

    def seen(self) -> None:
        self.hub.tell("p1", (HAPPENINGS["seen"],), 1.0)

    def learn(self) -> None:
        self.hub.tell("p1", (HAPPENINGS["learn"],), 1.0)

    def clear(self) -> None:
        self.hub.tell("p1", (HAPPENINGS["clear"],), 1.0)

    def foresee(self) -> None:
        if self.hub.lacks_predictions("p1"):
            self.hub.foresee("p1", Foreseen([], []), 1.0)

    def renew(self) -> None:
        self.hub.renew("p1", 1.0)

    def beat(self) -> None:
        standing = self.hub.standing("p1")
        assert standing is not None
        self.way.append(standing)

    def arrive(self) -> None:
        """The oldest that is on its way arrives."""
        if not self.way:
            return
        came = self.way.pop(0)
        if self.away:
            return
        if isinstance(came, Standing):
            whole = self.reader.beat(came.epoch, came.numbers)
        else:
            whole = self.reader.take(came)
        self.ask_if(not whole)

    def drop(self) -> None:
        """The oldest that is on its way is lost."""
        if self.way:
            self.way.pop(0)

    def ask_if(self, missing: bool) -> None:
        if missing:
            self.assertTrue(self.reader.asking)
            self.questions += 1
            self.answered = self.question()

    def answer(self) -> None:
        """What was asked is answered; where the connection was lost, it is there again."""
        if self.away:
            self.away = False
            self.answered = self.question()
        told, self.answered = self.answered, None
        if told is not None:
            self.ask_if(not self.reader.catch_up(told, 2.0))

    def lose(self) -> None:
        """The connection is lost, with all that is on its way."""
        self.reader.lose(2.0)
        self.way.clear()
        self.away, self.answered = True, None

    def arrive_all(self) -> None:
        """Nothing is lost any more, and a last beat comes."""
        self.beat()
        while self.way or self.away or self.answered is not None:
            self.arrive()
            self.answer()

    def go_through(self, steps: list[str]) -> str:
        """Do all of that, and let the end arrive; gives the last epoch."""
        self.setUp()
        for step in steps:
            getattr(self, step)()
        self.arrive_all()
        self.seen()
        self.foresee()
        self.arrive_all()
        self.assertFalse(self.reader.asking)
        standing = self.hub.standing("p1")
        assert standing is not None
        self.assertEqual(self.reader.position.epoch, standing.epoch)
        epochs = dict.fromkeys(each.epoch for each in self.ear.told if each.topic != STATUS)
        self.assertEqual(sorted(epochs, key=lambda each: int(each.split()[1])), list(epochs))
        return standing.epoch


class Laws(ReaderCase):
    """Whatever is lost, and however often."""

    @settings(deadline=None, max_examples=300)
    @given(STEPS)
    def test_follows(self, steps: list[str]) -> None:
        """In the end it was told every event of learning and memory of the last epoch once and in
        order, and of the others it was told the newest, and how many it skipped."""
        self.judge(self.go_through(steps))

    @settings(deadline=None, max_examples=200)
    @given(STEPS)
    def test_newest(self, steps: list[str]) -> None:
        """What is lost at the end is told at the next beat, unless something later was told."""
        self.setUp()
        for step in [*steps, "seen", "seen", "foresee"]:
            getattr(self, step)()
        self.way.clear()
        self.arrive_all()
        newest = {each.topic: each.offset for each in self.whole.told}
        told = {each.topic: each.offset for each in self.ear.told}
        if self.ear.told[-1].topic != STATUS:
            self.assertEqual(told[OBSERVATIONS], newest[OBSERVATIONS])
            self.assertEqual(told[PREDICTIONS], newest[PREDICTIONS])

    def judge(self, epoch: str) -> None:
        """Hold what was told since the last epoch began against all that happened in it."""
        began = [i for i, each in enumerate(self.ear.told) if _begins(each, epoch)]
        since = self.ear.told[began[-1]].offset if began else 0
        told, whole = Ear(), Ear()
        told.told = [
            each
            for each in self.ear.told[began[-1] + 1 if began else 0 :]
            if each.topic != STATUS and each.offset > since
        ]
        whole.told = [
            each for each in self.whole.told if each.epoch == epoch and each.offset > since
        ]
        self.assertEqual(told.kept, whole.kept)
        # Predictions of the change with which it began may have come before that, or after.
        at_the_beginning = any(
            (each.topic, each.epoch, each.offset) == (PREDICTIONS, epoch, since)
            for each in self.whole.told
        )
        self.assertEqual(told.counted(), len(whole.of(OBSERVATIONS)))
        more = told.counted(PREDICTIONS) - len(whole.of(PREDICTIONS))
        self.assertIn(more, (0, int(at_the_beginning)))
        for topic in (OBSERVATIONS, PREDICTIONS):
            offsets = [each.offset for each in told.of(topic)]
            self.assertEqual(offsets, sorted(set(offsets)))
            self.assertEqual(offsets[-1:], [each.offset for each in whole.of(topic)[-1:]])
        self.assertEqual(told.offsets, sorted(told.offsets))


def _begins(event: Event, epoch: str) -> bool:
    return (
        event.topic == STATUS
        and event.data.get("recovered") is False
        and event.data["epoch"] == epoch
    )


class FewTopicsTests(ReaderCase):
    """The same, where only some of what is kept is wanted."""

    topics = frozenset({MEMORY})

    @settings(deadline=None, max_examples=200)
    @given(STEPS)
    def test_follows(self, steps: list[str]) -> None:
        """In the end it was told all of that, and nothing else."""
        self.judge(self.go_through(steps))

    def judge(self, epoch: str) -> None:
        """What is not wanted is not told, and what is wanted is all told."""
        wanted = {(each.epoch, each.offset) for each in self.whole.of(MEMORY)}
        told = [(each.epoch, each.offset) for each in self.ear.of(MEMORY)]
        self.assertLessEqual(set(told), wanted)
        self.assertEqual(len(set(told)), len(told))
        self.assertLessEqual(set(self.ear.topics), {MEMORY, STATUS})
        last = [i for i, each in enumerate(self.ear.told) if _begins(each, epoch)]
        since = self.ear.told[last[-1]].offset if last else 0
        self.assertLessEqual(
            {(epoch, offset) for e, offset in wanted if e == epoch and offset > since}, set(told)
        )


class ReaderTests(ReaderCase):
    """Single cases."""

    def test_held(self) -> None:
        """While the service is asked, what comes is held, and told after what was missed."""
        self.learn()
        self.drop()
        self.learn()
        self.arrive()
        self.learn()
        self.arrive()
        self.assertEqual(self.ear.told, [])
        self.answer()
        self.assertEqual(self.ear.offsets, [1, 2, 3])
        self.assertEqual(self.questions, 1)

    def test_too_many_held(self) -> None:
        """No more than so many are held; what is over is asked for once more."""
        self.patch(reader, "MAX_HELD", 3)
        self.learn()
        self.drop()
        self.learn()
        self.arrive()
        for _ in range(5):
            self.learn()
            self.arrive()
        self.assertEqual(len(self.reader._held), 3)
        self.answer()
        self.assertEqual((self.ear.offsets, self.questions), ([1, 2, 3, 4], 2))
        self.answer()
        self.assertEqual(self.ear.offsets, [1, 2, 3, 4, 5, 6, 7])

    def test_no_question(self) -> None:
        """Where nothing is missing nothing is asked."""
        for _ in range(3):
            self.seen()
            self.foresee()
            self.clear()
            self.beat()
        while self.way:
            self.arrive()
        self.assertEqual(self.questions, 0)

    def test_status(self) -> None:
        """That the service is away is told once to who wants to know."""
        self.lose()
        self.reader.lose(3.0)
        self.answer()
        self.assertEqual([each.data["state"] for each in self.ear.told], ["away", "back"])

    def test_ended(self) -> None:
        """Who has left is told nothing more."""
        self.reader.end()
        self.learn()
        self.arrive()
        self.lose()
        self.assertEqual(self.ear.told, [])

    def test_not_begun(self) -> None:
        """Who was not answered yet is not told that the service is away."""
        told: list[Any] = []
        waiting = Reader("p1", TOPICS, told.append)
        waiting.lose(2.0)
        self.assertEqual((told, waiting.away), ([], False))

    def test_wanted(self) -> None:
        """Of what it follows it tells what is wanted."""
        self.learn()
        self.clear()
        self.arrive()
        self.arrive()
        self.assertEqual(self.ear.topics, [LEARNING, MEMORY])
