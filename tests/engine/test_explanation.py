"""Why a model is predicted or not: against difflib, the predictions, and its own formulas."""

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.codec import decode_json, encode_json
from kato.engine import Processor
from kato.errors import ModelNotFound
from kato.genes import RANKINGS
from tests.engine.oracle import Known, Oracle, blocks, flattened
from tests.engine.providers import OnNative, OnPython, Provided, law
from tests.engine.test_predictions import MODELS, STATES, THRESHOLDS, taught
from tests.source import ROOT

_FUNCTIONS = {name: getattr(math, name) for name in ("fsum", "log", "log2", "prod", "sqrt")}


def worth(reckoned: dict[str, Any]) -> Any:
    """What a formula comes to with its numbers, as anybody may compute it who has read them."""
    return eval(reckoned["formula"], {**_FUNCTIONS, **reckoned["numbers"]})


def read(answer: dict[str, Any]) -> dict[str, Any]:
    """An explanation as it comes out of JSON."""
    decoded: Any = decode_json(encode_json(answer))
    return dict(decoded)


class ExplanationCase(Provided):
    """All that an explanation says is what predictions are made of."""

    @law(150)
    @given(
        MODELS,
        STATES,
        THRESHOLDS,
        st.sampled_from(RANKINGS),
        st.integers(1, 4),
        st.integers(1, 3),
    )
    def test_explanations(
        self,
        models: list[Any],
        state: list[list[str]],
        threshold: float,
        rank_by: str,
        most: int,
        least: int,
    ) -> None:
        """Blocks are difflib's, kept is who is kept, ranks are those of the list, and each formula
        comes to the number in the prediction, to the last digit."""
        processor = taught(
            models,
            state,
            matcher=self.make,
            recall_threshold=threshold,
            rank_by=rank_by,
            max_predictions=most,
            min_prediction_symbols=least,
        )
        predictions = list(processor.predictions())
        everyone = self.all_predictions(processor)
        for model in processor.list_models(100, None)[0]:
            explained = read(processor.explain(model.name))
            self.assertEqual(explained["model"], read(model.as_dict()))
            self.check_blocks(explained)
            self.check_rank(explained, predictions, everyone)
            self.check_numbers(explained)
            told = [each for each in everyone if each["name"] == model.name]
            if told:
                self.assertEqual([explained["prediction"]], told)

    def all_predictions(self, processor: Processor) -> list[dict[str, Any]]:
        """The predictions of all kept models."""
        most = processor.genes.max_predictions
        processor.change_genes({"max_predictions": 10_000})
        told = list(processor.predictions())
        processor.change_genes({"max_predictions": most})
        return told

    def check_blocks(self, explained: dict[str, Any]) -> None:
        flat, state = flattened(explained["model"]["sequence"]), explained["state"]
        given = [
            (each["model_start"], each["state_start"], each["length"])
            for each in explained["blocks"]
        ]
        self.assertEqual(given, blocks(flat, state))
        for each in explained["blocks"]:
            start = each["model_start"]
            self.assertEqual(each["symbols"], flat[start : start + each["length"]])

    def check_rank(
        self,
        explained: dict[str, Any],
        predictions: list[dict[str, Any]],
        everyone: list[dict[str, Any]],
    ) -> None:
        name = explained["model"]["name"]
        ranks = [rank for rank, each in enumerate(everyone, 1) if each["name"] == name]
        self.assertEqual(explained["kept"], bool(ranks))
        self.assertEqual(explained["rank"], ranks[0] if ranks else None)
        self.assertEqual(explained["kept_models"], len(everyone))
        predicted = name in [each["name"] for each in predictions]
        self.assertEqual(explained["predicted"], predicted)
        self.assertEqual(explained["reason"] == "predicted", predicted)
        beyond = bool(ranks) and not predicted
        self.assertEqual(explained["reason"] == "beyond_max_predictions", beyond)

    def check_numbers(self, explained: dict[str, Any]) -> None:
        for each in explained["terms"]:
            self.assertEqual(each["value"], worth(each), each)
        for each in explained["metrics"]:
            self.assertEqual(each["value"], round(worth(each), 12) + 0.0, each)
            self.assertEqual(each["value"], explained["prediction"][each["name"]])
        self.assertEqual(bool(explained["blocks"]), explained["prediction"] is not None)
        if explained["prediction"] is not None:
            fields = list(explained["prediction"])
            names = [each["name"] for each in explained["metrics"]]
            self.assertEqual(names, fields[fields.index("similarity") : -1])

    @law(80)
    @given(MODELS, STATES)
    def test_numbers_of_who_is_not_kept(self, models: list[Any], state: list[list[str]]) -> None:
        """A model that is not kept is told with the numbers that it had if it were kept beside
        those that are."""
        processor = taught(models, state, matcher=self.make, recall_threshold=0.6)
        known, _ = processor.list_models(100, None)
        all_known = [Known(m.name, m.sequence, m.frequency, m.emotives) for m in known]
        symbols = flattened(processor.short_term_memory())
        kept = Oracle(all_known, symbols, 0.6).kept if len(symbols) > 1 else []
        for model in known:
            prediction = read(processor.explain(model.name))["prediction"]
            if prediction is None or model.name in [each.name for each, _ in kept]:
                continue
            oracle = Oracle(all_known, symbols, 0.0)
            oracle.kept_frequency = model.frequency + sum(each.frequency for each, _ in kept)
            [expected] = [each for each in oracle.every if each["name"] == model.name]
            self.assertEqual(prediction, read(expected))

    def test_reasons(self) -> None:
        """Each reason says its numbers."""
        models: list[Any]
        models = [([["a"], ["b"], ["c"]], 1, []), ([["a"], ["x"]], 2, []), ([["q"], ["r"]], 1, [])]
        processor = taught(models, [["a"], ["b"]], matcher=self.make, recall_threshold=0.5)
        processor.change_genes({"max_predictions": 1})
        names = {m.sequence[-1][0]: m.name for m in processor.list_models(9, None)[0]}

        def because(last: str) -> tuple[str, str]:
            explained = processor.explain(names[last])
            return explained["reason"], explained["because"]

        self.assertEqual(because("c"), ("predicted", "rank 1 of 2 by potential"))
        self.assertEqual(
            because("x"),
            ("beyond_max_predictions", "rank 2 of 2 by potential and max_predictions is 1"),
        )
        self.assertEqual(because("r"), ("no_block", "no symbol of the model stands in the state"))
        processor.change_genes({"recall_threshold": 0.75})
        self.assertEqual(
            because("x"), ("below_threshold", "similarity 0.5 is below recall_threshold 0.75")
        )
        processor.change_genes({"min_prediction_symbols": 3})
        for last in names:
            self.assertEqual(
                because(last),
                ("too_few_symbols", "the state has 2 symbols and min_prediction_symbols is 3"),
            )
        processor.clear_short_term_memory()
        self.assertEqual(processor.explain(names["c"])["prediction"], None)

    def test_unknown(self) -> None:
        """A model that nobody has learned is not found; a name needs no prefix."""
        processor = taught([([["a"], ["b"]], 1, [])], [["a"]], matcher=self.make)
        with self.assertRaises(ModelNotFound):
            processor.explain("MODEL|nobody")
        [model] = processor.list_models(1, None)[0]
        short = processor.explain(model.name.removeprefix("MODEL|"))
        self.assertEqual(short, processor.explain(model.name))


class PythonExplanationTests(OnPython, ExplanationCase):
    """With models matched in Python."""


class NativeExplanationTests(OnNative, ExplanationCase):
    """With models matched by the kernel."""


del ExplanationCase  # it is no test by itself


class PageTests(SynchronousTestCase):
    """C{docs/explain.md}."""

    def setUp(self) -> None:
        self.page = (ROOT / "docs" / "explain.md").read_text(encoding="utf-8")
        processor = taught([([["a"], ["b"], ["c"]], 1, [])], [["a"], ["b"]])
        [model] = processor.list_models(1, None)[0]
        self.explained = processor.explain(model.name)

    def test_formulas(self) -> None:
        """Every formula stands there as it is answered."""
        for each in (*self.explained["terms"], *self.explained["metrics"]):
            self.assertIn(f"| `{each['name']}` | `{each['formula']}` |", self.page)

    def test_fields(self) -> None:
        """Every field is there, and every reason."""
        for field in (*self.explained, "learned"):
            self.assertIn(f"| `{field}` |", self.page)
        for reason in (
            "predicted",
            "beyond_max_predictions",
            "below_threshold",
            "no_block",
            "too_few_symbols",
        ):
            self.assertIn(f"| `{reason}` |", self.page)
