"""Predictions that are built when somebody looks at them, and answers that are given again."""

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.codec import PART, encode_json
from kato.engine import Observation, Processor
from kato.engine.blocks import Block
from kato.engine.matching import Kept
from kato.engine.predictions import Predictions
from kato.engine.python_kept import KeptModels, PythonRanking
from kato.engine.python_matcher import PythonMatcher
from kato.model import Felt
from tests.engine.providers import OnNative, OnPython, Provided, law
from tests.engine.worlds import EMOTIVES

FELT = st.dictionaries(
    st.integers(0, 40), st.lists(EMOTIVES, min_size=1, max_size=3).map(tuple), max_size=6
)


class Counted:
    """A ranking of so many predictions that counts how often it is asked."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.told_of: list[int] = []
        self.written: list[int] = []

    @property
    def names(self) -> list[str]:
        return [f"MODEL|{place}" for place in range(self._size)]

    def __len__(self) -> int:
        return self._size

    def blocks(self, place: int) -> tuple[Block, ...]:
        return ()

    def told(self, place: int) -> dict[str, Any]:
        self.told_of.append(place)
        return {"name": f"MODEL|{place}", "frequency": place}

    def json(self, place: int) -> bytes:
        self.written.append(place)
        return b'{"name":"MODEL|%d","frequency":%d' % (place, place)


class PredictionsTests(SynchronousTestCase):
    """L{Predictions} as a list, and as JSON."""

    def test_list(self) -> None:
        """They are a sequence of dicts, each built when it is looked at, and only then."""
        ranking = Counted(5)
        predictions = Predictions(ranking, {3: ({"joy": 0.25}, {"joy": 0.5})})
        self.assertEqual((len(predictions), ranking.told_of), (5, []))
        self.assertEqual(
            predictions[3], {"name": "MODEL|3", "frequency": 3, "emotives": {"joy": 0.375}}
        )
        self.assertEqual(predictions[-1]["emotives"], {})
        self.assertEqual(ranking.told_of, [3, 4])
        self.assertEqual(predictions[1:3], [predictions[1], predictions[2]])
        self.assertEqual([each["frequency"] for each in predictions], [0, 1, 2, 3, 4])
        self.assertRaises(IndexError, lambda: predictions[5])
        self.assertEqual(repr(predictions[:0]), "[]")
        self.assertEqual(repr(predictions), repr(list(predictions)))

    def test_equality(self) -> None:
        """They equal what has equal dicts in the same order, and are as little a key as a list."""
        predictions = Predictions(Counted(3), {})
        self.assertEqual(predictions, list(predictions))
        self.assertEqual(list(predictions), predictions)
        self.assertEqual(predictions, Predictions(Counted(3), {}))
        for other in ([], list(predictions)[::-1], Predictions(Counted(4), {}), None, "abc"):
            self.assertNotEqual(predictions, other)
        self.assertNotEqual(predictions, Predictions(Counted(3), {1: ({"joy": 1.0},)}))
        self.assertRaises(TypeError, hash, predictions)

    @law(60)
    @given(st.integers(0, 50), FELT)
    def test_json(self, size: int, emotives: dict[int, Felt]) -> None:
        """Their JSON is that of the list of dicts, also in parts, and where it lies in something
        else; no dict is built for it."""
        expected = encode_json(list(Predictions(Counted(size), emotives)))
        ranking = Counted(size)
        predictions = Predictions(ranking, emotives)
        for _ in range(2):
            self.assertEqual(b"".join(predictions.parts()), expected)
        self.assertEqual(predictions.json(), expected)
        self.assertEqual(encode_json(predictions), expected)
        self.assertEqual(
            encode_json({"a": 1, "b": predictions, "ü": "x"}),
            b'{"a":1,"b":' + expected + ',"ü":"x"}'.encode(),
        )
        self.assertEqual(ranking.told_of, [])
        self.assertEqual(encode_json([[predictions]]), b"[[" + expected + b"]]")

    def test_written_once(self) -> None:
        """What was written is not written again, and comes in parts of the same size."""
        ranking = Counted(10_000)
        predictions = Predictions(ranking, {})
        whole = b"".join(predictions.parts())
        parts = list(predictions.parts())
        self.assertEqual(b"".join(parts), whole)
        self.assertEqual({len(part) for part in parts[:-1]}, {PART})
        self.assertEqual(ranking.written, list(range(10_000)))

    def test_given_up(self) -> None:
        """Parts that nobody took to the end are written again for the next one."""
        predictions = Predictions(Counted(100), {})
        first = next(iter(predictions.parts()))
        self.assertTrue(predictions.json().startswith(first))
        self.assertEqual(predictions.json(), encode_json(list(predictions)))

    def test_few_at_a_time(self) -> None:
        """A part that is not yet written takes a few predictions only."""
        ranking = Counted(100)
        parts = Predictions(ranking, {}).parts()
        next(parts)
        self.assertLessEqual(len(ranking.written), 16)


class ValueContract(Provided):
    """What a processor has predicted, on each provider."""

    def taught(self) -> Processor:
        processor = Processor("p", matcher=self.make)
        for number in range(30):
            for word in ("a", f"s{number}", "b"):
                processor.observe(Observation(strings=(word,), emotives={"joy": number / 7}))
            processor.learn()
        processor.observe(Observation(strings=("a", "b")))
        return processor

    def test_value(self) -> None:
        """Predictions stay as they were made, read before or not, whatever is done after: the
        models and their emotives are those of the time at which they were asked for."""
        processor, twin = self.taught(), self.taught()
        expected = list(twin.predictions())
        self.assertGreater(len({str(each["emotives"]) for each in expected}), 10)
        read, unread = processor.predictions(), self.taught().predictions()
        self.assertEqual(list(read), expected)
        names = [model.name for model in processor.list_models(100, None)[0]]
        for name in names[::2]:
            processor.update_model(name, 9, ({"joy": -1.0},))
        for name in names[::3]:
            processor.delete_model(name)
        processor.clear_all_memory()
        for each in (read, unread):
            self.assertEqual(list(each), expected)
            self.assertEqual(each.json(), encode_json(expected))

    def test_without_emotives(self) -> None:
        """Where no model has emotives, those of all predictions are empty."""
        processor = self.taught()
        for model in processor.list_models(100, None)[0]:
            processor.update_model(model.name, None, ())
        self.assertEqual({str(each["emotives"]) for each in processor.predictions()}, {"{}"})
        self.assertEqual(processor.predictions().json(), encode_json(list(processor.predictions())))

    def test_none(self) -> None:
        """There are none for too short a memory, and their JSON is that of an empty list."""
        processor = Processor("p", matcher=self.make)
        self.assertEqual((len(processor.predictions()), processor.predictions()), (0, []))
        self.assertEqual(processor.predictions().json(), b"[]")


class PythonValueTests(OnPython, ValueContract):
    """With models matched in Python."""


class NativeValueTests(OnNative, ValueContract):
    """With models matched by the kernel."""


del ValueContract  # it is no test by itself


class OnceTests(SynchronousTestCase):
    """What is computed when, and how often."""

    def setUp(self) -> None:
        self.asked: list[str] = []
        self.processor = Processor("p", matcher=PythonMatcher)
        self.count(PythonMatcher, "kept")
        self.count(KeptModels, "best")
        self.count(KeptModels, "forecast")
        self.count(PythonRanking, "told")
        for number in range(15):
            for word in ("a", f"s{number}"):
                self.processor.observe(Observation(strings=(word,)))
            self.processor.learn()

    def count(self, provider: type, name: str) -> None:
        method: Callable[..., Any] = getattr(provider, name)

        def counted(*arguments: Any) -> Kept:
            self.asked.append(name)
            result: Kept = method(*arguments)
            return result

        self.patch(provider, name, counted)

    def test_observing(self) -> None:
        """Observing, learning and changing compute no predictions, and nothing is told that
        nobody looks at."""
        self.processor.change_genes({"max_sequence_length": 2})
        self.processor.observe(Observation(strings=("a", "x")))
        self.assertEqual(self.asked, [])
        self.processor.predictions()
        self.assertEqual(self.asked, ["kept", "best"])

    def test_asked_again(self) -> None:
        """What was computed is given again, each of predictions and forecast for itself."""
        self.processor.observe(Observation(strings=("a", "x"), unique_id="u1"))
        self.assertFalse(self.processor.has_predictions())
        first = self.processor.predictions()
        self.assertIs(self.processor.predictions(), first)
        self.assertIs(self.processor.predictions("u1"), first)
        self.assertTrue(self.processor.has_predictions() and self.processor.has_predictions("u1"))
        self.assertFalse(self.processor.has_forecast())
        self.processor.forecast()
        self.assertTrue(self.processor.has_forecast())
        self.assertEqual(self.asked, ["kept", "best", "forecast"])

    def test_forecast_limits(self) -> None:
        """A forecast is computed for the limit it is asked with, and again only for a higher one,
        unless all entries are known."""
        self.processor.observe(Observation(strings=("a", "x")))
        for limit, times in ((3, 1), (2, 1), (3, 1), (4, 2), (1, 2), (100, 3), (50, 3), (1000, 3)):
            self.assertEqual(len(self.processor.forecast(limit)), min(limit, 15))
            self.assertEqual((limit, self.asked.count("forecast")), (limit, times))
        self.assertEqual(self.processor.forecast(4), self.processor.forecast(100)[:4])

    def test_empty_forecast(self) -> None:
        """An empty forecast is known to be all there is."""
        self.processor.observe(Observation(strings=("x", "y")))
        self.assertEqual(self.processor.forecast(1), [])
        self.assertEqual(self.processor.forecast(10), [])
        self.assertEqual(self.asked.count("forecast"), 1)
