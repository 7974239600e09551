"""A turn: what each operation answers (SPEC 8)."""

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kato import __version__
from kato.codec import encode_json
from kato.commands import OPERATIONS, Command
from kato.engine import Processor
from kato.engine.matchers import best_provider
from kato.engine.python_matcher import PythonMatcher
from kato.errors import LimitReached, ModelNotFound, ObservationNotFound
from kato.lengths import is_long
from kato.turn import take_turn
from tests.engine.providers import built
from tests.shapes import misshapen


class TurnCase(SynchronousTestCase):
    """Commands carried out on an engine."""

    def setUp(self) -> None:
        self.processor = Processor("p1")

    def command(self, operation: str, params: dict[str, Any] | None = None) -> Command:
        return Command.parse(operation, params or {}, "p1")

    def take(self, operation: str, **params: Any) -> dict[str, Any]:
        """Carry out an operation; gives its answer less the envelope."""
        outcome = take_turn(
            self.processor, self.command(operation, params), now=7.5, make_id=lambda: "made"
        )
        answer = outcome.reply.as_dict()
        self.assertEqual(misshapen(operation, json.loads(encode_json(answer))), [])
        self.assertEqual(answer.pop("status"), "okay")
        self.assertEqual(answer.pop("message"), OPERATIONS[operation].message)
        self.assertEqual(answer.pop("processor"), "p1")
        self.assertEqual(answer.pop("time_stamp"), 7.5)
        self.assertEqual(answer.pop("interval"), self.processor.interval)
        return answer

    def learn(self, *events: list[str]) -> str:
        for event in events:
            self.take("observe", strings=event)
        name: str = self.take("learn")["model_name"]
        return name


class AnswerTests(TurnCase):
    """The result of each operation, beside the envelope."""

    def test_status(self) -> None:
        """The status counts what is known, and tells the genes and the version."""
        self.learn(["a"], ["b"])
        self.take("observe", strings=["a"], vectors=[[1, 2]])
        status = self.take("get_status")
        self.assertEqual(status.pop("genes"), self.processor.genes.as_dict())
        memory = status.pop("memory")
        self.assertEqual(list(memory), ["models", "index", "symbols"])
        self.assertTrue(all(isinstance(each, int) and each > 0 for each in memory.values()))
        self.assertEqual(
            status,
            {
                "name": "p1",
                "models": 1,
                "symbols": 2,
                "vectors": 0,
                "events": 1,
                "revision": 4,
                "accuracy": None,
                "matcher": best_provider().kind,
                "version": __version__,
            },
        )

    def test_observe(self) -> None:
        """An observation without an id gets one, which the percept shows, too."""
        answer = self.take("observe", strings=["b", "a"], metadata={"x": [1, None]})
        self.assertEqual(
            answer,
            {"unique_id": "made", "auto_learned_model": None, "short_term_memory": [["a", "b"]]},
        )
        self.assertEqual(
            self.take("get_percept_data"),
            {
                "strings": ["b", "a"],
                "vectors": [],
                "emotives": {},
                "unique_id": "made",
                "metadata": {"x": [1, None]},
            },
        )

    def test_percept_of_nothing(self) -> None:
        """Before anything is observed the percept is empty."""
        self.assertEqual(
            self.take("get_percept_data"),
            {"strings": [], "vectors": [], "emotives": {}, "unique_id": None, "metadata": {}},
        )

    def test_observe_sequence(self) -> None:
        """A sequence tells how many were observed, and what was learned, in order."""
        answer = self.take(
            "observe_sequence",
            observations=[{"strings": ["a", "b"]}, {"strings": ["c"]}, {"strings": ["d", "e"]}],
            learn_after_each=True,
        )
        self.assertEqual((answer["observed"], answer["short_term_memory"]), (3, []))
        self.assertEqual(len(answer["learned_models"]), 2)
        brief = self.take("observe_sequence", observations=[{"strings": ["x"]}], brief=True)
        self.assertEqual(brief, {"observed": 1, "learned_models": [], "events": 1})

    def test_bounded(self) -> None:
        """An answer says so when the search for a vector's components gave up, and only then."""
        self.take("change_gene", gene="classifier", value="DVC")
        self.take("observe", vectors=[[1.0 + i / 64, 1.0] for i in range(64)])
        self.take("learn")
        self.assertNotIn("classifier_bounded", self.take("observe", vectors=[[1.0, 1.0]]))
        unreachable = [[32.0001, 32.0]]
        self.assertTrue(self.take("observe", vectors=unreachable)["classifier_bounded"])
        sequence = self.take("observe_sequence", observations=[{"vectors": unreachable}])
        self.assertTrue(sequence["classifier_bounded"])

    def test_models(self) -> None:
        """Models are shown, listed a page at a time, updated and deleted, by name with or without
        its prefix."""
        names = sorted(self.learn(["a"], [letter]) for letter in "bcd")
        model = self.take("get_model", model_name=names[0].removeprefix("MODEL|"))["model"]
        self.assertEqual((model["name"], model["frequency"], model["length"]), (names[0], 1, 2))
        page = self.take("list_models", limit=2)
        self.assertEqual(
            page["models"], [{"name": name, "frequency": 1, "length": 2} for name in names[:2]]
        )
        self.assertEqual((page["total"], page["next"]), (3, names[1]))
        rest = self.take("list_models", after=page["next"])
        self.assertEqual([each["name"] for each in rest["models"]], names[2:])
        self.assertIsNone(rest["next"])
        updated = self.take("update_model", model_name=names[0], emotives=[{"joy": 1}])["model"]
        self.assertEqual((updated["frequency"], updated["emotives"]), (1, [{"joy": 1.0}]))
        self.take("delete_model", model_name=names[0])
        for operation in ("get_model", "delete_model"):
            with self.assertRaises(ModelNotFound):
                self.take(operation, model_name=names[0])

    def test_genes(self) -> None:
        """A change of genes tells old and new values."""
        self.assertEqual(
            self.take("change_gene", gene="max_predictions", value=7.0),
            {"gene": "max_predictions", "old_value": 100, "new_value": 7},
        )
        self.assertEqual(
            self.take("change_genes", genes={"sort": False, "max_predictions": 8}),
            {
                "old_values": {"sort": True, "max_predictions": 7},
                "new_values": {"sort": False, "max_predictions": 8},
            },
        )
        self.assertEqual(self.take("get_gene", gene="sort"), {"gene": "sort", "value": False})
        self.assertEqual(self.take("get_genes")["genes"]["max_predictions"], 8)

    def test_cognition(self) -> None:
        """Cognition data tells predictions, emotives, the last event and short-term memory."""
        self.learn(["a"], ["b"])
        self.take("observe", strings=["a"], emotives={"joy": 1})
        self.take("observe", strings=["b"], emotives={"joy": 0})
        answer = self.take("get_cognition_data")
        self.assertEqual(answer["predictions"], self.take("get_predictions")["predictions"])
        self.assertEqual(len(answer["predictions"]), 1)
        self.assertEqual(answer["emotives"], {"joy": 0.5})
        self.assertEqual(answer["symbols"], ["b"])
        self.assertEqual(answer["short_term_memory"], [["a"], ["b"]])

    def test_predictions_of_then(self) -> None:
        """Predictions can be asked for as of an observation that is remembered."""
        self.learn(["a"], ["b"])
        self.take("observe", strings=["a"])
        self.take("observe", strings=["b"], unique_id="u1")
        now = self.take("get_predictions")
        self.take("clear_short_term_memory")
        self.assertEqual(self.take("get_predictions")["predictions"], [])
        self.assertEqual(self.take("get_predictions", unique_id="u1"), now)
        with self.assertRaises(ObservationNotFound):
            self.take("get_predictions", unique_id="u2")

    def test_cleared(self) -> None:
        """Clearing and learning tell the memory that is left: none."""
        for operation in ("clear_short_term_memory", "clear_all_memory", "get_short_term_memory"):
            self.assertEqual(self.take(operation)["short_term_memory"], [])
        self.assertEqual(self.take("learn"), {"model_name": "", "short_term_memory": []})

    def test_full(self) -> None:
        """A full short-term memory says what to do."""
        self.processor = Processor("p1", max_events=1)
        self.take("observe", strings=["a"])
        with self.assertRaises(LimitReached) as caught:
            self.take("observe", strings=["a"])
        self.assertIn("learn or clear first", caught.exception.message)
        self.take("observe", emotives={"joy": 1})


class LengthTests(TurnCase):
    """Which turns are too long for the reactor."""

    def long(self, operation: str, **params: Any) -> bool:
        return is_long(self.processor, self.command(operation, params))

    def test_matching(self) -> None:
        """Matching many models is long, matching a few is not."""
        self.processor = Processor("p1", matcher=PythonMatcher)
        self.assertFalse(self.long("get_predictions"))
        for number in range(101):
            self.assertFalse(self.long_matching())
            self.learn(["a"], [str(number)])
        self.assertTrue(self.long_matching())
        self.assertFalse(self.long("observe", strings=["a"]))

    def long_matching(self) -> bool:
        """Whether matching is long, which must hold of all operations that do it, or of none."""
        operations = ("get_predictions", "get_forecast", "get_cognition_data")
        [same] = {self.long(operation) for operation in operations}
        return same

    def test_native_matching(self) -> None:
        """The kernel does many more in the same time."""
        self.processor = Processor("p1", matcher=built("native").make)
        for number in range(3000):
            self.learn(["a"], [str(number)])
        self.assertFalse(self.long_matching())
        self.learn(["a"], ["one more"])
        self.assertTrue(self.long_matching())

    def test_long_models(self) -> None:
        """Matching a few long models is long, too, where short-term memory is."""
        for number in range(20):
            self.learn([f"s{number} {i % 10}" for i in range(1000)], ["x"])
        for _ in range(2):
            self.take("observe", strings=["x"])
        self.assertFalse(self.long_matching())
        for _ in range(200):
            self.take("observe", strings=["x"])
        self.assertTrue(self.long_matching())

    def test_known(self) -> None:
        """What was computed is at hand until something changes, also for an earlier observation,
        and a forecast for as many entries as were asked for."""
        self.processor = Processor("p1", matcher=PythonMatcher)
        for number in range(120):
            self.learn(["a"], [str(number)])
        self.take("observe", strings=["a", "b"], unique_id="u1")
        self.take("get_predictions")
        for operation, params, long in (
            ("get_predictions", {}, False),
            ("get_cognition_data", {}, False),
            ("get_predictions", {"unique_id": "u1"}, False),
            ("get_forecast", {}, True),
        ):
            self.assertEqual(self.long(operation, **params), long)
        self.take("get_forecast", limit=10)
        self.assertEqual([self.long("get_forecast", limit=n) for n in (9, 10, 11)], [0, 0, 1])
        self.take("get_forecast", limit=500)
        self.assertFalse(self.long("get_forecast", limit=10_000))
        self.take("observe", strings=["b"])
        self.assertTrue(self.long_matching())
        self.assertTrue(self.long("get_predictions", unique_id="u1"))
        self.assertTrue(self.long("get_predictions", unique_id="nobody's"))

    def test_known_with_a_large_memory(self) -> None:
        """To tell a large memory is long, whatever is known."""
        self.take("observe_sequence", observations=[{"strings": ["a"]}] * 1001, brief=True)
        self.take("get_predictions")
        self.assertFalse(self.long("get_predictions"))
        self.assertTrue(self.long("get_cognition_data"))

    def test_memory(self) -> None:
        """To tell or learn a large memory is long; to add to it is not."""
        self.take("observe_sequence", observations=[{"strings": ["a"]}] * 1001, brief=True)
        for operation in ("observe", "get_short_term_memory", "learn"):
            self.assertTrue(self.long(operation))
        self.assertFalse(self.long("observe", strings=["a"], brief=True))

    def test_sequence(self) -> None:
        """A sequence of many observations is long."""
        self.assertFalse(self.long("observe_sequence", observations=[{}] * 10))
        self.assertTrue(self.long("observe_sequence", observations=[{}] * 101))

    def test_tracking(self) -> None:
        """To hold an event against a forecast is as long as to forecast; and a sequence forecasts
        once for each of its observations."""
        self.processor = Processor("p1", matcher=PythonMatcher)
        for number in range(60):
            self.learn(["a"], [str(number)])
        two = {"observations": [{"strings": ["a"]}] * 2}
        self.assertFalse(self.long("observe_sequence", **two))
        self.take("change_gene", gene="track_accuracy", value=True)
        self.assertFalse(self.long("observe", strings=["a"]))
        self.assertTrue(self.long("observe_sequence", **two))
        for number in range(60, 101):
            self.learn(["a"], [str(number)])
        self.assertTrue(self.long("observe", strings=["a"]))
        self.take("get_forecast")
        self.assertFalse(self.long("observe", strings=["a"]))

    def test_vectors(self) -> None:
        """To compare with many vectors, or to search for components, is long."""
        self.take("observe", vectors=[[i, 0] for i in range(300)])
        self.assertFalse(self.long("observe", vectors=[[1, 2]]))
        self.take("learn")
        self.assertFalse(self.long("observe", vectors=[[1, 2]]))
        self.assertTrue(self.long("observe", vectors=[[1, 2]] * 200))
        self.take("change_gene", gene="classifier", value="DVC")
        self.assertTrue(self.long("observe", vectors=[[1, 2]]))
        self.assertTrue(self.long("observe_sequence", observations=[{"vectors": [[1, 2]]}]))
        self.assertFalse(self.long("observe", strings=["a"]))

    def test_models(self) -> None:
        """To list or forget many models is long."""
        self.assertFalse(self.long("list_models"))
        self.patch(Processor, "models", property(lambda _: 1001))
        self.assertTrue(self.long("list_models"))
        self.assertTrue(self.long("clear_all_memory"))

    def test_deleting(self) -> None:
        """To delete one of very many models is long, since the others may be moved together."""
        self.patch(Processor, "models", 10_000)
        self.assertFalse(self.long("delete_model", model_name="x"))
        self.patch(Processor, "models", 10_001)
        self.assertTrue(self.long("delete_model", model_name="x"))
        self.assertFalse(self.long("get_model", model_name="x"))

    def test_explaining(self) -> None:
        """To explain always is: it goes over one model in Python, however few there are."""
        self.assertTrue(self.long("explain", model_name="x"))
