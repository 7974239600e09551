"""Predictions and the forecast, against a plain reading of SPEC 3 and its laws."""

from collections.abc import Callable
from difflib import SequenceMatcher
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.engine import Observation, Processor
from kato.engine.blocks import matching_blocks, positions
from kato.engine.matchers import best_matcher
from kato.engine.matching import Matcher
from kato.genes import RANKINGS
from tests.conformance import same
from tests.engine.oracle import Known, Oracle, blocks, flattened
from tests.engine.providers import OnNative, OnPython, Provided, law
from tests.engine.worlds import EMOTIVES, SEQUENCES, SYMBOLS

MODELS = st.lists(
    st.tuples(SEQUENCES, st.integers(1, 3), st.lists(EMOTIVES, max_size=2)), max_size=12
)
STATES = st.lists(st.lists(SYMBOLS, min_size=1, max_size=3), max_size=5)
THRESHOLDS = st.sampled_from([0.0, 0.1, 0.25, 0.4, 0.5, 2 / 3, 0.8, 1.0])


def taught(
    models: list[Any],
    state: list[list[str]],
    *,
    matcher: Callable[[], Matcher] = best_matcher,
    **genes: Any,
) -> Processor:
    """A processor that learned these sequences so often, and observes this."""
    processor = Processor("p", matcher=matcher)
    processor.change_genes({"sort": False, "persistence": 4, **genes})
    for sequence, frequency, emotives in models:
        for number in range(frequency):
            for event in sequence:
                processor.observe(Observation(strings=tuple(event)))
            if number < len(emotives):
                processor.observe(Observation(emotives=emotives[number]))
            processor.learn()
    for event in state:
        processor.observe(Observation(strings=tuple(event)))
    return processor


def oracle_of(processor: Processor) -> Oracle:
    """An oracle that is told what the processor knows and observes."""
    models, _ = processor.list_models(10_000, None)
    known = [Known(m.name, m.sequence, m.frequency, m.emotives) for m in models]
    state = flattened(processor.short_term_memory())
    return Oracle(known, state, processor.genes.recall_threshold)


class OracleCase(Provided):
    """The engine says what the oracle says."""

    @law(200)
    @given(MODELS, STATES, THRESHOLDS, st.sampled_from(RANKINGS), st.integers(1, 6))
    def test_predictions(
        self, models: list[Any], state: list[list[str]], threshold: float, rank_by: str, most: int
    ) -> None:
        """Predictions have the fields, the numbers and the order of SPEC 3."""
        processor = taught(
            models,
            state,
            matcher=self.make,
            recall_threshold=threshold,
            rank_by=rank_by,
            max_predictions=most,
        )
        self.compare(processor)

    def compare(self, processor: Processor) -> None:
        oracle = oracle_of(processor)
        genes = processor.genes
        enough = len(oracle.state) >= genes.min_prediction_symbols
        expected = oracle.predictions(genes.rank_by, genes.max_predictions) if enough else []
        predictions = list(processor.predictions())
        self.assertTrue(same(predictions, expected), (predictions, expected))
        forecast = oracle.forecast() if enough else []
        self.assertTrue(same(processor.forecast(100), forecast), (processor.forecast(), forecast))

    @law(80)
    @given(MODELS, STATES, st.data())
    def test_after_changes(
        self, models: list[Any], state: list[list[str]], data: st.DataObject
    ) -> None:
        """Predictions are never stale: they follow deleted and updated models and other genes."""
        processor = taught(models, state, matcher=self.make, recall_threshold=0.0)
        processor.predictions()
        names = [model.name for model in processor.list_models(100, None)[0]]
        for name in names:
            match data.draw(st.sampled_from(["keep", "delete", "update"])):
                case "delete":
                    processor.delete_model(name)
                case "update":
                    processor.update_model(name, data.draw(st.integers(1, 9)), ({"joy": 0.3},))
            self.compare(processor)
        processor.change_genes({"recall_threshold": 0.5, "min_prediction_symbols": 3})
        self.compare(processor)

    @law(80)
    @given(MODELS, SEQUENCES, STATES)
    def test_deletion(
        self, models: list[Any], sequence: list[list[str]], state: list[list[str]]
    ) -> None:
        """Deleting a model leaves everything as if it had never been learned."""
        others = [each for each in models if each[0] != sequence]
        every = [*others[:3], (sequence, 2, []), *others[3:]]
        with_it = taught(every, [], matcher=self.make, recall_threshold=0.0)
        without = taught(others, [], matcher=self.make, recall_threshold=0.0)
        names = {model.name for model in without.list_models(100, None)[0]}
        for model in with_it.list_models(100, None)[0]:
            if model.name not in names:
                with_it.delete_model(model.name)
        for processor in (with_it, without):
            for event in state:
                processor.observe(Observation(strings=tuple(event)))
        self.assertEqual(with_it.predictions(), without.predictions())
        self.assertEqual(with_it.forecast(), without.forecast())
        self.assertEqual(with_it.symbols, without.symbols)

    def test_large(self) -> None:
        """The oracle and the engine agree where the engine ranks most models out unseen."""
        models: list[Any] = [
            ([[f"s{i % 7}"], [f"t{i % 11}", f"s{i % 5}"], [f"u{i}"]], 1 + i % 3, [])
            for i in range(300)
        ]
        for most in (1, 5, 100):
            state = [["s1"], ["t1", "s1"]]
            self.compare(taught(models, state, matcher=self.make, max_predictions=most))


class PythonOracleTests(OnPython, OracleCase):
    """With models matched in Python."""


class NativeOracleTests(OnNative, OracleCase):
    """With models matched by the kernel."""


del OracleCase  # it is no test by itself


class LawTests(SynchronousTestCase):
    """What holds of every prediction."""

    @settings(deadline=None, max_examples=150)
    @given(MODELS, STATES)
    def test_partitions(self, models: list[Any], state: list[list[str]]) -> None:
        """Past, present and future are the model; matches and missing are the present; matches and
        extras are the state."""
        processor = taught(models, state, recall_threshold=0.0, min_prediction_symbols=1)
        now = flattened(processor.short_term_memory())
        for each in processor.predictions():
            model = processor.model(each["name"])
            whole = each["past"] + each["present"] + each["future"]
            self.assertEqual(whole, [list(event) for event in model.sequence])
            present = flattened(each["present"])
            self.assertEqual(sorted(each["matches"] + each["missing"]), sorted(present))
            self.assertEqual(sorted(each["matches"] + each["extras"]), sorted(now))
            self.assertTrue(self.is_part(each["matches"], present))
            self.assertTrue(self.is_part(each["extras"], now))
            for edge in (each["present"][0], each["present"][-1]):
                self.assertTrue(set(edge) & set(each["matches"]))

    def is_part(self, part: list[str], whole: list[str]) -> bool:
        """Whether C{part} stands in C{whole}, in order, perhaps with others between."""
        rest = iter(whole)
        return all(symbol in rest for symbol in part)


class BlockTests(SynchronousTestCase):
    """Matching blocks are difflib's."""

    CODES = st.one_of(
        st.lists(st.integers(0, 1), max_size=40),
        st.lists(st.integers(0, 3), max_size=30),
        st.lists(st.integers(0, 30), max_size=40),
        st.lists(st.tuples(st.integers(0, 2), st.integers(1, 9)), max_size=6).map(
            lambda runs: [code for code, length in runs for _ in range(length)]
        ),
    )

    @settings(deadline=None, max_examples=1500)
    @given(CODES, CODES)
    @example([0, 1, 0, 1], [1, 0, 1, 0])
    @example([0] * 12, [0] * 7)
    def test_blocks(self, model: list[int], state: list[int]) -> None:
        """On whatever two sequences."""
        matcher = SequenceMatcher(None, model, state, autojunk=False)
        expected = [tuple(block) for block in matcher.get_matching_blocks() if block.size]
        found = matching_blocks(model, positions(state), len(state))
        self.assertEqual([tuple(block) for block in found], expected)

    @settings(deadline=None, max_examples=200)
    @given(st.lists(st.integers(0, 50), min_size=20, max_size=200), st.data())
    def test_nearly_the_same(self, model: list[int], data: st.DataObject) -> None:
        """On a long sequence and what a few changes make of it."""
        state = list(model)
        for _ in range(data.draw(st.integers(0, 6))):
            place = data.draw(st.integers(0, max(len(state) - 1, 0)))
            state[place : place + 1] = data.draw(st.lists(st.integers(0, 50), max_size=2))
        found = matching_blocks(model, positions(state), len(state))
        expected = blocks([str(code) for code in model], [str(code) for code in state])
        self.assertEqual([tuple(block) for block in found], expected)
