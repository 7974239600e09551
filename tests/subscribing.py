"""What all providers of C{subscribe} promise: one suite, run on each of them."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kato.commands import Command, Reply
from kato.dispatch import IProcessors
from kato.errors import ProcessorNotFound
from kato.events import (
    KEPT,
    LEARNING,
    MEMORY,
    OBSERVATIONS,
    PREDICTIONS,
    PROCESSORS,
    STATUS,
    TOPICS,
    TOPICS_OF_ALL,
    Event,
    Position,
    Subscribed,
    Wish,
)
from tests.listening import Ear


class SubscribeCase(SynchronousTestCase):
    """Listeners to a provider that is empty at first, and whose commits succeed by themselves."""

    provider: IProcessors

    def provide(self) -> IProcessors:
        """Make what is tested."""
        raise NotImplementedError

    def settle(self) -> None:
        """Let all that is on its way arrive."""
        raise NotImplementedError

    def lose_history(self, processor: str) -> None:
        """Make the provider forget what it told."""
        raise NotImplementedError

    def setUp(self) -> None:
        self.provider = self.provide()
        self.settle()
        verifyObject(IProcessors, self.provider)

    # Doing

    def ask(
        self, operation: str, params: dict[str, Any] | None = None, **rest: Any
    ) -> "Deferred[Reply]":
        command = Command.parse(operation, params or {}, rest.pop("processor", "p1"), **rest)
        return self.provider.ask(command)

    def do(self, operation: str, params: dict[str, Any] | None = None, **rest: Any) -> Reply:
        asked = self.ask(operation, params, **rest)
        self.settle()
        return self.successResultOf(asked)

    def observe(self, *words: str, **rest: Any) -> None:
        for word in words:
            self.do("observe", {"strings": [word]}, **rest)

    def subscribe(
        self, ear: Ear, *topics: str, processor: str | None = "p1", again: bool = False
    ) -> "Deferred[Subscribed]":
        known = TOPICS if processor else TOPICS_OF_ALL
        wish = Wish(processor, frozenset(topics) or known, ear.position if again else None)
        return ear.follow(self.provider.subscribe(wish, ear))

    def listen(self, *topics: str, processor: str | None = "p1") -> Ear:
        ear = Ear()
        subscribing = self.subscribe(ear, *topics, processor=processor)
        self.settle()
        self.successResultOf(subscribing)
        return ear

    def come_back(self, ear: Ear, *topics: str) -> Subscribed:
        subscribing = self.subscribe(ear, *topics, again=True)
        self.settle()
        return self.successResultOf(subscribing)

    def cut_off(self, ear: Ear) -> None:
        assert ear.answer is not None
        ear.answer.cancel()
        self.settle()


class SubscribeContract(SubscribeCase):
    """The contract of C{IProcessors.subscribe}."""

    # Listening

    def test_observe(self) -> None:
        """An observation is told with the memory after it, then what it lets expect."""
        self.observe("a", "b")
        self.do("learn")
        self.observe("a")
        ear = self.listen()
        assert ear.answer is not None
        self.assertEqual((ear.answer.offset, ear.answer.recovered), (4, False))
        self.do("observe", {"strings": ["b"], "unique_id": "mine", "emotives": {"joy": 0.5}})
        self.assertEqual(ear.topics, [OBSERVATIONS, PREDICTIONS])
        self.assertEqual(ear.offsets, [5, 5])
        observed, foreseen = ear.told
        self.assertEqual(observed.data["observation"]["unique_id"], "mine")
        self.assertEqual(observed.data["observation"]["emotives"], {"joy": 0.5})
        self.assertEqual(list(observed.data["short_term_memory"]), [["a"], ["b"]])
        predictions = self.do("get_predictions").fields["predictions"]
        self.assertEqual(list(foreseen.data["predictions"]), list(predictions))
        self.assertEqual(len(predictions), 1)
        self.assertEqual(foreseen.data["forecast"], self.do("get_forecast").fields["forecast"])

    def test_all_changes(self) -> None:
        """Whatever changes a processor is told, in the order in which it was done."""
        self.observe("a")
        ear = self.listen(OBSERVATIONS, LEARNING, MEMORY)
        self.observe("b")
        name = self.do("learn").fields["model_name"]
        self.do("update_model", {"model_name": name, "frequency": 5})
        self.do("change_gene", {"gene": "persistence", "value": 2})
        self.do("change_genes", {"genes": {"sort": False, "max_predictions": 7}})
        self.do("create_processor", {"genes": {"max_predictions": 8}})
        self.do("delete_model", {"model_name": name.removeprefix("MODEL|")})
        self.do("clear_short_term_memory")
        self.do("clear_all_memory")
        told = [(each.topic, each.data) for each in ear.told[1:]]
        self.assertEqual(ear.topics[0], OBSERVATIONS)
        self.assertEqual(
            told,
            [
                (
                    LEARNING,
                    {
                        "change": "learned",
                        "model_name": name,
                        "frequency": 1,
                        "length": 2,
                        "automatic": False,
                        "events": 0,
                    },
                ),
                (LEARNING, {"change": "updated", "model_name": name, "frequency": 5}),
                (MEMORY, {"change": "genes", "genes": {"persistence": 2}}),
                (MEMORY, {"change": "genes", "genes": {"sort": False, "max_predictions": 7}}),
                (MEMORY, {"change": "genes", "genes": {"max_predictions": 8}}),
                (LEARNING, {"change": "deleted", "model_name": name}),
                (MEMORY, {"change": "cleared", "memory": "short_term"}),
                (MEMORY, {"change": "cleared", "memory": "all"}),
            ],
        )
        self.assertEqual(ear.offsets, list(range(2, 11)))

    def test_nothing_changed(self) -> None:
        """What reads, what fails, what is sent again and what changes no gene is not told."""
        self.do("observe", {"strings": ["a"], "unique_id": "u"}, request_id="r")
        ear = self.listen()
        self.do("get_predictions")
        self.do("get_status")
        self.do("observe", {"strings": ["a"], "unique_id": "u"})
        self.do("observe", {"strings": ["a"], "unique_id": "u"}, request_id="r")
        self.do("change_genes", {"genes": {}})
        self.do("create_processor")
        failing = self.ask("delete_model", {"model_name": "none"})
        self.settle()
        self.failureResultOf(failing)
        self.assertEqual(ear.told, [])

    def test_sequence(self) -> None:
        """A sequence is told as its observations and learnings one by one, and foreseen once."""
        self.do("create_processor", {"genes": {"max_sequence_length": 3}})
        ear = self.listen()
        words = [{"strings": [word]} for word in "abcd"]
        self.do("observe_sequence", {"observations": words, "learn_at_end": True})
        self.assertEqual(
            ear.topics,
            [OBSERVATIONS] * 3 + [LEARNING, OBSERVATIONS, LEARNING, PREDICTIONS],
        )
        memories = [list(each.data["short_term_memory"]) for each in ear.of(OBSERVATIONS)]
        self.assertEqual(memories, [[["a"]], [["a"], ["b"]], [["c"]], [["c"], ["d"]]])
        learned = [(each.data["automatic"], each.data["events"]) for each in ear.of(LEARNING)]
        self.assertEqual(learned, [(True, 1), (False, 0)])
        self.assertEqual(ear.offsets, [1, 2, 3, 4, 5, 6, 6])

    def test_learned_nothing(self) -> None:
        """A learning that makes no model has emptied short-term memory all the same."""
        self.observe("a")
        ear = self.listen(LEARNING, MEMORY)
        self.do("learn")
        self.assertEqual(
            [(each.topic, each.data) for each in ear.told],
            [(MEMORY, {"change": "cleared", "memory": "short_term"})],
        )

    def test_no_predictions(self) -> None:
        """With gene C{process_predictions} off nothing is foreseen, and it is again when it is
        on."""
        self.observe("a")
        ear = self.listen(PREDICTIONS)
        self.do("change_gene", {"gene": "process_predictions", "value": False})
        self.observe("b")
        self.assertEqual(ear.told, [])
        self.do("change_gene", {"gene": "process_predictions", "value": True})
        self.assertEqual(ear.offsets, [4])

    def test_unknown(self) -> None:
        """Nobody listens to a processor that does not exist."""
        ear = Ear()
        subscribing = self.subscribe(ear, processor="nobody")
        self.settle()
        self.failureResultOf(subscribing, ProcessorNotFound)
        self.observe("a", processor="nobody")
        self.assertEqual(ear.told, [])

    def test_several(self) -> None:
        """Each listener is told its own topics; who cancels is told nothing more."""
        self.observe("a")
        first, second = self.listen(OBSERVATIONS), self.listen(LEARNING, OBSERVATIONS)
        self.observe("b")
        self.cut_off(first)
        self.observe("c")
        self.do("learn")
        self.assertEqual(first.offsets, [2])
        self.assertEqual(second.offsets, [2, 3, 4])
        self.cut_off(second)
        self.observe("d")
        self.assertEqual(second.offsets, [2, 3, 4])

    def test_failing(self) -> None:
        """A listener that fails is logged; the others are told, and it is told the next."""
        self.observe("a")
        failed: list[Event] = []

        def fails(event: Event) -> None:
            failed.append(event)
            raise RuntimeError("the test says so")

        self.provider.subscribe(Wish("p1", frozenset({OBSERVATIONS})), fails)
        ear = self.listen(OBSERVATIONS)
        self.observe("b", "c")
        self.assertEqual((ear.offsets, len(failed)), ([2, 3], 2))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 2)

    def test_while_it_goes_on(self) -> None:
        """Nothing is lost or told twice between the answer and the first event, however the
        processor goes on meanwhile."""
        self.observe("a")
        ears = []
        asked = []
        for _ in range(5):
            ear = Ear()
            ears.append((ear, self.subscribe(ear, OBSERVATIONS)))
            asked += [self.ask("observe", {"strings": ["b"]}) for _ in range(3)]
        self.settle()
        asked += [self.ask("observe", {"strings": ["c"]})]
        self.settle()
        for each in asked:
            self.successResultOf(each)
        for ear, subscribing in ears:
            answer = self.successResultOf(subscribing)
            self.assertEqual(ear.offsets, list(range(answer.offset + 1, 18)))

    # Coming back

    def test_recovered(self) -> None:
        """Who was cut off is told what it missed: all that was learned and done to memory, and of
        the rest the newest."""
        self.observe("a")
        ear = self.listen()
        whole = self.listen()
        self.observe("b")
        self.cut_off(ear)
        self.do("learn")
        self.observe("a", "b", "c")
        self.do("clear_short_term_memory")
        self.observe("a", "b")
        answer = self.come_back(ear)
        self.assertTrue(answer.recovered)
        missed = [(each.topic, each.offset, each.skipped) for each in answer.events]
        self.assertEqual(
            missed,
            [(LEARNING, 3, 0), (MEMORY, 7, 0), (OBSERVATIONS, 9, 4), (PREDICTIONS, 9, 6)],
        )
        self.observe("c")
        self.assertEqual(ear.kept, whole.kept)
        self.assertEqual(ear.counted(), whole.counted())
        self.assertEqual(ear.counted(PREDICTIONS), whole.counted(PREDICTIONS))
        self.assertEqual(ear.told[-1], whole.told[-1])

    def test_foreseen_again(self) -> None:
        """Who comes back when nobody listened meanwhile is told what is to be expected now."""
        self.observe("a")
        ear = self.listen(PREDICTIONS)
        self.observe("b")
        self.cut_off(ear)
        self.observe("c")
        self.assertTrue(self.come_back(ear, PREDICTIONS).recovered)
        self.assertEqual(ear.offsets, [2, 3])

    def test_nothing_missed(self) -> None:
        """Who comes back before anything happened is told nothing."""
        self.observe("a")
        ear = self.listen()
        self.cut_off(ear)
        answer = self.come_back(ear)
        self.assertEqual((answer.recovered, answer.events, ear.told), (True, (), []))

    def test_not_recovered(self) -> None:
        """Who names another epoch reads the state anew."""
        self.observe("a")
        ear = Ear()
        ear.position = Position("another", 1)
        answer = self.come_back(ear)
        self.assertEqual((answer.recovered, answer.events), (False, ()))

    def test_history_lost(self) -> None:
        """Where the history is lost, all who listen are told the new epoch, whatever their
        topics, and what comes then."""
        self.observe("a")
        ear = self.listen(LEARNING)
        self.lose_history("p1")
        self.settle()
        self.observe("b")
        self.do("learn")
        self.assertEqual(ear.topics, [STATUS, LEARNING])
        status = ear.told[0]
        self.assertEqual(status.data["recovered"], False)
        self.assertEqual(status.data["epoch"], ear.told[1].epoch)
        assert ear.answer is not None
        self.assertNotEqual(status.data["epoch"], ear.answer.epoch)
        self.cut_off(ear)
        self.do("clear_all_memory")
        answer = self.come_back(ear, MEMORY)
        self.assertEqual((answer.recovered, len(answer.events)), (True, 1))

    def test_deleted(self) -> None:
        """A processor that is deleted is told so in its epoch; one that takes its place has
        another."""
        self.observe("a")
        ear = self.listen()
        self.do("delete_processor")
        self.assertEqual(ear.topics, [MEMORY, STATUS])
        self.assertEqual(ear.told[0].data, {"change": "deleted"})
        self.assertEqual(ear.told[0].offset, 2)
        self.assertEqual(ear.told[1].data["recovered"], False)
        self.observe("a")
        self.assertEqual(ear.topics[2:4], [OBSERVATIONS, PREDICTIONS])
        self.assertEqual(ear.told[2].offset, 1)
        self.assertEqual(ear.told[2].epoch, ear.told[1].data["epoch"])

    # All processors

    def test_coming_and_going(self) -> None:
        """Who listens to all processors is told which come and go, once each."""
        self.observe("a", processor="p0")
        ear = self.listen(processor=None)
        self.observe("a", "b", processor="p1")
        self.do("create_processor", processor="p2")
        self.do("change_gene", {"gene": "sort", "value": False}, processor="p3")
        self.do("delete_processor", processor="p2")
        self.do("delete_processor", processor="p0")
        self.do("create_processor", processor="p2")
        self.assertEqual(
            [(each.topic, each.processor, each.data["change"]) for each in ear.told],
            [
                (PROCESSORS, "p1", "came"),
                (PROCESSORS, "p2", "came"),
                (PROCESSORS, "p3", "came"),
                (PROCESSORS, "p2", "went"),
                (PROCESSORS, "p0", "went"),
                (PROCESSORS, "p2", "came"),
            ],
        )
        assert ear.answer is not None
        first = ear.answer.offset + 1
        self.assertEqual(ear.offsets, list(range(first, first + 6)))
        self.assertLess({PROCESSORS}, KEPT)
