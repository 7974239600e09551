"""A processor: what SPEC 1 to 6 says and the worked cases do not show."""

import doctest
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

import kato.engine
import kato.engine.processor
from kato.changes import Percept, Snapshot, State, Window
from kato.engine import Observation, Processor, knowledge, recollection
from kato.engine.emotives import averages, gather
from kato.engine.recollection import CAPACITY
from kato.errors import Conflict, LimitReached, ModelNotFound
from kato.genes import Genes
from kato.model import Model, model_name
from tests.engine.worlds import Operation, carry_out


def observe(processor: Processor, *strings: str, **rest: Any) -> None:
    processor.observe(Observation(strings=strings, **rest))


def learn(processor: Processor, *events: str, emotives: dict[str, float] | None = None) -> str:
    for event in events:
        observe(processor, event)
    processor.observe(Observation(emotives=emotives or {}))
    return processor.learn()


class ProcessorTests(SynchronousTestCase):
    """One L{Processor}."""

    def setUp(self) -> None:
        self.processor = Processor("p")

    def test_examples(self) -> None:
        """The examples in the documentation of the engine are true."""
        for module in (kato.engine, kato.engine.processor):
            results = doctest.testmod(module)
            self.assertGreater(results.attempted, 0)
            self.assertEqual(results.failed, 0)

    def test_known_name(self) -> None:
        """A sequence that is known keeps its name, whatever this Python would call it."""
        name = learn(self.processor, "a", "b")
        self.patch(knowledge, "model_name", lambda sequence: "MODEL|another")
        self.assertEqual(learn(self.processor, "a", "b"), name)
        self.assertEqual(self.processor.model(name).frequency, 2)

    def test_stored_name(self) -> None:
        """So does one that was stored under a name which another Python made."""
        known = Model("MODEL|another", (("a",), ("b",)), 4)
        stored = Snapshot("p", State("p"), Percept(), (), (), (), (), iter([known]))
        processor = Processor.restore(stored)
        self.assertEqual(learn(processor, "a", "b"), "MODEL|another")
        self.assertEqual(processor.drain().models, (replace(known, frequency=5),))

    def test_name(self) -> None:
        """A name is made of what CPython prints."""
        self.assertEqual(
            model_name((("a", "b"), ("c",))), "MODEL|e9e43f2309079f2843665ab773996d99489306d6"
        )

    def test_emotives_of_any_size(self) -> None:
        """Averages are right where sums are beyond float64, and where terms cancel."""
        for values, average in (
            ([1e308, 1e308], 1e308),
            ([1e308, -1e308, 3.0], 1.0),
            ([5e-324, 5e-324], 5e-324),
            ([0.1] * 10, 0.1),
            ([-0.0], 0.0),
        ):
            gathered: dict[str, Any] = {}
            for value in values:
                gather(gathered, {"joy": value})
            self.assertEqual(averages(gathered), {"joy": average})

    @settings(deadline=None, max_examples=200)
    @given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=8))
    def test_averages(self, values: list[float]) -> None:
        """An average is C{math.fsum} divided by the count."""
        gathered: dict[str, Any] = {}
        for value in values:
            gather(gathered, {"joy": value})
        self.assertEqual(averages(gathered)["joy"], math.fsum(values) / len(values))

    def test_huge_emotives_are_predicted(self) -> None:
        """Emotives at the edge of float64 go through learning and predicting."""
        for _ in range(2):
            learn(self.processor, "a", "b", emotives={"joy": 1.7e308})
        observe(self.processor, "a", "b")
        self.assertEqual(self.processor.predictions()[0]["emotives"], {"joy": 1.7e308})

    def test_persistence(self) -> None:
        """A lowered persistence cuts a list at the model's next learning, with or without
        emotives."""
        self.processor.change_genes({"persistence": 3})
        for joy in (1.0, 2.0, 3.0):
            name = learn(self.processor, "a", "b", emotives={"joy": joy})
        self.processor.change_genes({"persistence": 2})
        self.assertEqual(len(self.processor.model(name).emotives), 3)
        learn(self.processor, "a", "b")
        self.assertEqual(self.processor.model(name).emotives, ({"joy": 2.0}, {"joy": 3.0}))

    def test_huge_frequencies(self) -> None:
        """Frequencies of any size leave every number finite."""
        names = [learn(self.processor, "a", "b"), learn(self.processor, "a", "c")]
        self.processor.update_model(names[0], 2**53 - 1)
        observe(self.processor, "a", "b")
        for each in self.processor.predictions():
            for value in each.values():
                if isinstance(value, float):
                    self.assertTrue(math.isfinite(value))
        [entry] = self.processor.forecast()
        self.assertEqual((entry["event"], entry["share"]), (["c"], 1.0))

    def test_ids_are_forgotten_in_order(self) -> None:
        """The last 10,000 ids are remembered, through every clearing; an older one is new."""
        self.assertEqual(CAPACITY, 10_000)
        for number in range(CAPACITY + 1):
            observe(self.processor, f"s{number % 3}", unique_id=str(number))
            if number % 100 == 0:
                self.processor.learn()
        self.processor.clear_all_memory()
        repeated = self.processor.observe(Observation(strings=("s1",), unique_id="1"))
        self.assertTrue(repeated.repeated)
        self.assertEqual(self.processor.short_term_memory(repeated.window), [["s1"]])
        again = self.processor.observe(Observation(strings=("other",), unique_id="0"))
        self.assertFalse(again.repeated)
        with self.assertRaises(Conflict):
            observe(self.processor, "other", unique_id="2")

    def test_empty_id(self) -> None:
        """An empty id is an id: it is answered, remembered, and known again."""
        first = self.processor.observe(Observation(strings=("a",), unique_id=""))
        again = self.processor.observe(Observation(strings=("a",), unique_id=""))
        self.assertEqual((first.unique_id, again), ("", replace(first, repeated=True)))
        with self.assertRaises(Conflict):
            observe(self.processor, "b", unique_id="")

    def test_memory_that_is_told_late(self) -> None:
        """A request that is answered with an older memory keeps it for as long as the request is
        remembered, though the observation that had it first is forgotten before."""
        self.patch(recollection, "CAPACITY", 2)
        processor = Processor("p")

        def answer(*strings: str, request_id: str | None = None, **rest: Any) -> dict[str, Any]:
            params = {"strings": list(strings), **rest}
            return carry_out(processor, ("observe", params, request_id))

        answer("a", unique_id="u1")
        processor.learn()
        answer("b", request_id="r1")
        first = answer("a", unique_id="u1", request_id="r2")
        answer("c", unique_id="u2")
        answer("d", unique_id="u3")
        self.assertEqual(first["short_term_memory"], [["a"]])
        self.assertEqual(answer("a", unique_id="u1", request_id="r2"), first)

    def test_memory_that_is_told_no_more(self) -> None:
        """The last answer that showed a memory is forgotten for one that shows none: then nothing
        of that memory is kept, whether it was learned before or is learned after."""
        self.patch(recollection, "CAPACITY", 1)
        requests: dict[str, Operation] = {
            "change_genes": ("change_genes", {"genes": {}}, "r2"),
            "learn": ("learn", {}, None),
        }
        for then in (("change_genes", "learn"), ("learn", "change_genes")):
            processor = Processor("p")
            carry_out(processor, ("observe", {"strings": ["a"]}, "r1"))
            self.assertEqual(len(processor.drain().events), 1)
            for operation in then:
                carry_out(processor, requests[operation])
            self.assertEqual(processor.drain().dropped_events, (Window(0, 1),))

    def test_interval_that_is_told_late(self) -> None:
        """A request that was answered with an older interval is answered so again."""
        self.processor.observe(Observation(unique_id="u1"), now=1.0)
        self.processor.observe(Observation(), now=2.0)
        operation = ("observe", {"unique_id": "u1"}, "r1")
        first = carry_out(self.processor, operation, 3.0)
        self.assertEqual((first["interval"], first["time_stamp"]), (1, 1.0))
        self.processor.clear_all_memory()
        self.assertEqual(carry_out(self.processor, operation, 4.0), first)

    def test_ids_within_a_sequence(self) -> None:
        """A sequence follows its own ids, also those that it makes the processor forget."""
        twice = [Observation(strings=("a",), unique_id="x")] * 2
        done = self.processor.observe_sequence(twice)
        self.assertEqual((done.observed, len(self.processor.short_term_memory())), (1, 1))
        many = [Observation(unique_id=str(number)) for number in range(CAPACITY)]
        other = Observation(strings=("b",), unique_id="x")
        done = self.processor.observe_sequence([*many, other])
        self.assertEqual(done.observed, CAPACITY + 1)
        with self.assertRaises(Conflict) as caught:
            self.processor.observe_sequence([Observation(), twice[0]])
        self.assertIn("observations[1].unique_id", caught.exception.message)

    def test_refused_sequence(self) -> None:
        """A sequence that becomes too long in the middle is refused as a whole; one that learns in
        time is not."""
        processor = Processor("p", max_events=3)
        observe(processor, "a")
        events = [Observation(strings=("b",))] * 3
        with self.assertRaises(LimitReached) as caught:
            processor.observe_sequence(events)
        self.assertIn("observations[2]", caught.exception.message)
        self.assertEqual((processor.interval, processor.short_term_memory()), (1, [["a"]]))
        processor.observe_sequence(events, learn_after_each=True)
        processor.change_genes({"max_sequence_length": 2, "stm_mode": "ROLLING"})
        processor.observe_sequence(events * 5)
        self.assertEqual(len(processor.short_term_memory()), 1)

    def test_no_more_models(self) -> None:
        """What would make one model more than allowed is refused, with nothing changed; a known
        sequence is learned again, and so few symbols that they make no model are cleared."""
        processor = Processor("p", max_models=1)
        known = learn(processor, "a", "b")
        with self.assertRaises(LimitReached) as caught:
            learn(processor, "c", "d")
        told = (
            "long-term memory holds 1 models and may not hold more, which is the limit max-models"
        )
        self.assertIn(told, caught.exception.message)
        self.assertEqual(processor.short_term_memory(), [["c"], ["d"]])
        processor.clear_short_term_memory()
        self.assertEqual(learn(processor, "a", "b"), known)
        self.assertEqual(processor.model(known).frequency, 2)
        self.assertEqual(learn(processor, "c"), "")

    def test_no_more_models_by_itself(self) -> None:
        """An observation that would learn a model too many is refused as a whole."""
        processor = Processor("p", max_models=1)
        processor.change_genes({"max_sequence_length": 2, "stm_mode": "CLEAR"})
        for string in "abc":
            observe(processor, string)
        with self.assertRaises(LimitReached):
            observe(processor, "d")
        self.assertEqual((processor.interval, processor.short_term_memory()), (3, [["c"]]))
        processor.clear_short_term_memory()
        for string in "ab":
            observe(processor, string)
        self.assertEqual(processor.models, 1)

    def test_sequence_of_too_many_models(self) -> None:
        """A sequence that would learn a model too many is refused as a whole, which says where; a
        vector that it learns gives a later one two symbols, which make a model."""
        pair = Observation(strings=("a", "b"))
        vectors = [Observation(vectors=((float(i),),)) for i in range(2)]
        processor = Processor("p", max_models=1)
        with self.assertRaises(LimitReached) as caught:
            processor.observe_sequence([pair, pair, *vectors], learn_after_each=True)
        self.assertIn("observations[3]: ", caught.exception.message)
        self.assertEqual((processor.interval, processor.models, processor.vectors), (0, 0, 0))
        processor.observe_sequence([pair, pair, vectors[0]], learn_after_each=True)
        with self.assertRaises(LimitReached) as caught:
            processor.observe_sequence([vectors[1]], learn_at_end=True)
        self.assertIn("learn_at_end: ", caught.exception.message)
        self.assertEqual((processor.models, processor.short_term_memory()), (1, []))

    def test_modes_when_the_limit_is_lowered(self) -> None:
        """An automatic learning takes all that is there, and leaves what its mode says."""
        for mode, left in (("TAIL", [["x"]]), ("CLEAR", []), ("ROLLING", [["b"], ["c"], ["x"]])):
            processor = Processor("p")
            for letter in "abc":
                observe(processor, letter)
            processor.change_genes({"max_sequence_length": 2, "stm_mode": mode})
            observed = processor.observe(Observation(strings=("x",)))
            assert observed.auto_learned_model is not None
            self.assertEqual(processor.model(observed.auto_learned_model).length, 4)
            self.assertEqual(processor.short_term_memory(), left)

    def test_auto_learning_nothing(self) -> None:
        """An automatic learning of a single symbol makes no model, and empties all the same."""
        self.processor.change_genes({"max_sequence_length": 1})
        observed = self.processor.observe(Observation(strings=("a",), emotives={"joy": 1.0}))
        self.assertIsNone(observed.auto_learned_model)
        self.assertEqual((self.processor.short_term_memory(), self.processor.emotives), ([], {}))

    def test_clearing(self) -> None:
        """Clearing all leaves the genes; clearing short-term memory leaves what was learned."""
        learn(self.processor, "a", "b")
        observe(self.processor, "c", vectors=((1.0,),))
        self.processor.change_genes({"sort": False})
        self.processor.clear_short_term_memory()
        self.assertEqual((self.processor.models, self.processor.percept.event), (1, ()))
        self.processor.learn()
        self.assertEqual(self.processor.vectors, 0)
        self.processor.clear_all_memory()
        self.assertEqual((self.processor.models, self.processor.interval), (0, 0))
        self.assertIsNone(self.processor.percept.observation)
        self.assertEqual(self.processor.genes, Genes(sort=False))

    def test_clearing_is_stored(self) -> None:
        """The store is told that there is no last event any more, and no model."""
        learn(self.processor, "a", "b")
        self.processor.drain()
        self.processor.clear_short_term_memory()
        changes = self.processor.drain()
        assert changes.percept is not None
        self.assertEqual((changes.percept.event, changes.forgets_memory), ((), False))
        self.assertIsNone(self.processor.drain().percept)
        self.processor.clear_all_memory()
        self.assertEqual(
            (self.processor.drain().forgets_memory, self.processor.drain().forgets_memory),
            (True, False),
        )

    def test_unknown_models(self) -> None:
        """A model that is not there can neither be shown, updated nor deleted."""
        for call in (
            lambda: self.processor.model("x"),
            lambda: self.processor.update_model("x", 2),
            lambda: self.processor.delete_model("x"),
        ):
            with self.assertRaises(ModelNotFound) as caught:
                call()
            self.assertIn("'x'", caught.exception.message)

    def test_asked_twice(self) -> None:
        """Predictions are computed once, until something changes."""
        name = learn(self.processor, "a", "b")
        observe(self.processor, "a", "b")
        changes: list[Callable[[], object]] = [
            lambda: self.processor.change_genes({"recall_threshold": 0.2}),
            lambda: self.processor.update_model(name, 7),
            lambda: observe(self.processor, "c"),
            lambda: self.processor.delete_model(name),
            self.processor.clear_all_memory,
        ]
        for change in changes:
            before = self.processor.predictions()
            self.assertIs(self.processor.predictions(), before)
            change()
            self.assertIsNot(self.processor.predictions(), before)

    def test_forecast_limit(self) -> None:
        """A forecast has ten entries at most, unless another limit is given."""
        for number in range(12):
            learn(self.processor, "a", f"s{number}")
        observe(self.processor, "a", "x")
        self.assertEqual(len(self.processor.forecast()), 10)
        self.assertEqual(len(self.processor.forecast(11)), 11)
        self.assertEqual(self.processor.forecast(100)[:10], self.processor.forecast())

    def test_forgotten_symbols(self) -> None:
        """Symbols go with the last model that has them, and their places are used again."""
        names = [learn(self.processor, "a", letter) for letter in "bcd"]
        self.assertEqual(self.processor.symbols, 4)
        for name in names:
            self.processor.delete_model(name)
        self.assertEqual(self.processor.symbols, 0)
        learn(self.processor, "x", "y")
        observe(self.processor, "x", "y")
        self.assertEqual(len(self.processor.predictions()), 1)
