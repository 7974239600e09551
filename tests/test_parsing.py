"""What clients send, judged: every fault by the path of its field (SPEC 1, 6, 8)."""

import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.codec import decode_json, encode_json
from kato.commands import OPERATIONS, Command, Reply
from kato.errors import InvalidRequest, KatoError, UnknownGene, UnknownOperation
from kato.fields import MAX_DEPTH
from kato.genes import NAMES, Genes, parse_gene, parse_genes
from kato.observation import Observation
from tests.doubles import Written


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


class ObservationTests(SynchronousTestCase):
    """L{Observation.parse}."""

    def test_all(self) -> None:
        """Every key is optional; what is given is kept."""
        self.assertEqual(Observation.parse({}), Observation())
        raw = {
            "strings": ["b", "", "a", "a"],
            "vectors": [[1, -0.0, 2.5]],
            "emotives": {"joy": 1, "": -3.5},
            "unique_id": "",
            "metadata": {"a": [None, True, {"b": 1e300}], "n": 10**300},
        }
        observation = Observation.parse(raw)
        self.assertEqual(observation.as_dict(), raw)
        self.assertIsInstance(observation.emotives["joy"], float)
        self.assertIsInstance(observation.vectors[0][0], float)

    def test_faults(self) -> None:
        """A fault is told by its path."""
        for raw, words in (
            ([], "body: expected an object, got list"),
            (None, "body: expected an object, got null"),
            ({"string": []}, "string: unknown key"),
            ({"strings": "a"}, "strings: expected a list, got str 'a'"),
            ({"strings": None}, "strings: expected a list, got null"),
            ({"strings": ["a", 3]}, "strings[1]: expected a string, got int 3"),
            ({"strings": [True]}, "strings[0]: expected a string, got bool True"),
            ({"strings": ["\ud800"]}, "strings[0]: not valid Unicode"),
            ({"vectors": [1]}, "vectors[0]: expected a list, got int 1"),
            ({"vectors": [[]]}, "vectors[0]: a vector needs at least one component"),
            ({"vectors": [[1, "2"]]}, "vectors[0][1]: expected a number, got str '2'"),
            ({"vectors": [[True]]}, "vectors[0][0]: expected a number, got bool True"),
            ({"vectors": [[math.nan]]}, "vectors[0][0]: expected a finite number, got nan"),
            ({"vectors": [[1e999]]}, "vectors[0][0]: expected a finite number, got inf"),
            ({"vectors": [[10**400]]}, "vectors[0][0]: a number beyond float64"),
            ({"emotives": []}, "emotives: expected an object, got list"),
            ({"emotives": {"joy": None}}, "emotives.joy: expected a number, got null"),
            ({"emotives": {"\udfff": 1}}, "emotives: key '\\udfff': not valid Unicode"),
            ({"unique_id": None}, "unique_id: expected a string, got null"),
            ({"unique_id": 7}, "unique_id: expected a string, got int 7"),
            ({"metadata": "x"}, "metadata: expected an object, got str 'x'"),
            ({"metadata": {"a": [1, math.inf]}}, "metadata.a[1]: expected a finite number"),
            ({"metadata": {"a": {"\ud800": 1}}}, "metadata.a: key '\\ud800': not valid Unicode"),
            ({"metadata": {"a": nested(MAX_DEPTH)}}, "nested deeper than 64 levels"),
        ):
            with self.assertRaises(InvalidRequest) as caught:
                Observation.parse(raw)
            self.assertIn(words, caught.exception.message)
            caught.exception.message.encode()

    def test_path(self) -> None:
        """Within a sequence the path begins with the place."""
        with self.assertRaises(InvalidRequest) as caught:
            Command.parse("observe_sequence", {"observations": [{}, {"strings": [1]}]}, "p1")
        self.assertIn("observations[1].strings[0]: expected a string", caught.exception.message)

    def test_long_values(self) -> None:
        """A long value is cut short in the error, an integer of any length told by its size."""
        for value in ("x" * 10_000, 10**10_000, -(10**10_000)):
            for raw in ({"strings": value}, {"strings": [[value]]}, {"unique_id": {"a": value}}):
                with self.assertRaises(InvalidRequest) as caught:
                    Observation.parse(raw)
                self.assertLess(len(caught.exception.message), 200)

    def test_long_keys(self) -> None:
        """A long key is cut short in the error, too."""
        for raw in ({"x" * 10_000: 1}, {"emotives": {"x" * 10_000: "a"}}):
            with self.assertRaises(InvalidRequest) as caught:
                Observation.parse(raw)
            self.assertLess(len(caught.exception.message), 200)

    def test_digest(self) -> None:
        """Equal observations have equal fingerprints, others do not."""
        first = Observation.parse(
            {"strings": ["a"], "vectors": [[1]], "metadata": {"a": 1, "b": 2}}
        )
        same = Observation.parse(
            {"metadata": {"b": 2, "a": 1}, "vectors": [[1.0]], "strings": ["a"]}
        )
        self.assertEqual(first.digest(), same.digest())
        self.assertNotEqual(first.digest(), Observation.parse({"strings": ["a"]}).digest())


class GeneTests(SynchronousTestCase):
    """The genes of SPEC 6."""

    def test_accepted(self) -> None:
        """Each gene takes its bounds; an integral float passes for an integer."""
        for name, values in (
            ("classifier", ["CVC", "DVC"]),
            ("max_predictions", [1, 10_000, 5.0]),
            ("recall_threshold", [0, 1, 0.5]),
            ("min_prediction_symbols", [1, 10**9]),
            ("max_sequence_length", [0, 10**9]),
            ("stm_mode", ["TAIL", "CLEAR", "ROLLING"]),
            ("persistence", [1, 10**9]),
            ("sort", [True, False]),
            ("process_predictions", [True, False]),
            ("vector_neighbors", [0, 7]),
            ("vector_max_distance", [None, 0, 1e308]),
            ("search_depth", [1, 100]),
            ("track_accuracy", [True, False]),
        ):
            for value in values:
                self.assertEqual(parse_gene(name, value), value)
        self.assertIsInstance(parse_gene("max_predictions", 5.0), int)

    def test_refused(self) -> None:
        """An unfit value is refused by the name of its gene."""
        for name, value in (
            ("classifier", "cvc"),
            ("classifier", None),
            ("max_predictions", 0),
            ("max_predictions", 10_001),
            ("max_predictions", True),
            ("max_predictions", 1.5),
            ("max_predictions", "7"),
            ("recall_threshold", -0.1),
            ("recall_threshold", 1.1),
            ("recall_threshold", math.nan),
            ("min_prediction_symbols", 0),
            ("rank_by", "name"),
            ("max_sequence_length", -1),
            ("max_sequence_length", 10**300),
            ("stm_mode", "tail"),
            ("persistence", 0),
            ("sort", 1),
            ("process_predictions", "true"),
            ("vector_neighbors", -1),
            ("vector_max_distance", -1),
            ("vector_max_distance", math.inf),
            ("search_depth", 0),
            ("search_depth", 101),
            ("track_accuracy", 1),
        ):
            with self.assertRaises(InvalidRequest) as caught:
                parse_gene(name, value)
            self.assertIn(name, caught.exception.message)
            with self.assertRaises(InvalidRequest) as caught:
                parse_genes({"persistence": 3, name: value})
            self.assertIn(f"genes.{name}: expected", caught.exception.message)

    def test_unknown(self) -> None:
        """An unknown gene is one thing alone, and another among several."""
        with self.assertRaises(UnknownGene):
            Command.parse("get_gene", {"gene": "x"}, "p1")
        with self.assertRaises(UnknownGene):
            Command.parse("change_gene", {"gene": "x", "value": 1}, "p1")
        with self.assertRaises(InvalidRequest) as caught:
            Command.parse("change_genes", {"genes": {"x": 1}}, "p1")
        self.assertIn("genes.x: unknown key", caught.exception.message)

    def test_names(self) -> None:
        """The genes tell all their names, in the order of SPEC 6."""
        self.assertEqual(tuple(Genes().as_dict()), NAMES)


class CodecTests(SynchronousTestCase):
    """JSON bytes."""

    JSON = st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=10,
    )

    @settings(deadline=None)
    @given(JSON)
    def test_round_trip(self, value: Any) -> None:
        """What is written is read as it was."""
        self.assertEqual(decode_json(encode_json(value)), value)

    def test_faults(self) -> None:
        """What is no JSON is told by where it is not."""
        for body, words in (
            (b"", "not JSON, Expecting value at line 1 column 1"),
            (b'{"a":\n}', "line 2 column 1"),
            (b"{} {}", "Extra data"),
            (b"\xff", "not UTF-8 at byte 0"),
            (b'{"a": "\xc3"}', "not UTF-8 at byte 7"),
            (b"[" * 100_000, "nested too deeply"),
            (b"\xef\xbb\xbf{}", "not JSON"),
        ):
            with self.assertRaises(InvalidRequest) as caught:
                decode_json(body)
            self.assertIn(words, caught.exception.message)

    def test_twice(self) -> None:
        """A key that is given twice is refused by its path, at whatever depth."""
        for body, path in (
            (b'{"strings": [], "strings": []}', "strings"),
            (b'{"emotives": {"joy": 1, "joy": 1}}', "emotives.joy"),
            (b'{"metadata": {"a": [{"b": 1, "c": 2, "b": 3}]}}', "metadata.a[0].b"),
        ):
            with self.assertRaises(InvalidRequest) as caught:
                Observation.parse(decode_json(body))
            self.assertEqual(caught.exception.message, f"{path}: given twice")

    def test_huge_numbers(self) -> None:
        """A number with thousands of digits is refused by its path, and quickly."""
        for number in (b"1" * 5000, b"-" + b"9" * 500, b"1e400", b"NaN", b"-Infinity"):
            with self.assertRaises(InvalidRequest) as caught:
                Observation.parse(decode_json(b'{"emotives": {"joy": ' + number + b"}}"))
            self.assertIn("emotives.joy: ", caught.exception.message)


class SelfWritingTests(SynchronousTestCase):
    """JSON of what writes itself."""

    def test_member(self) -> None:
        """It is asked for its own JSON where it is the value or a member of it, and not built."""
        for entries in ([], [1, "ä"], [{"a": [None]}] * 3):
            value = Written(entries)
            self.assertEqual(encode_json(value), encode_json(entries))
            told = {"ü": 1, "list": value, "": Written([])}
            self.assertEqual(encode_json(told), encode_json({"ü": 1, "list": entries, "": []}))
            self.assertEqual(value.built, 0)

    def test_deeper(self) -> None:
        """Wherever else it lies it is written as the list that it is."""
        self.assertEqual(encode_json([{"a": {"b": Written([1, 2])}}]), b'[{"a":{"b":[1,2]}}]')

    def test_no_json(self) -> None:
        """What JSON has no word for is refused by its type."""
        with self.assertRaises(TypeError) as caught:
            encode_json({"a": {1, 2}})
        self.assertIn("set", str(caught.exception))


class CommandTests(SynchronousTestCase):
    """L{Command.parse}."""

    def test_defaults(self) -> None:
        """Every operation is taken with what it needs and nothing else."""
        needs: dict[str, dict[str, Any]] = {
            "observe_sequence": {"observations": []},
            "get_gene": {"gene": "sort"},
            "change_gene": {"gene": "sort", "value": True},
            "change_genes": {"genes": {}},
            "get_model": {"model_name": "m"},
            "explain": {"model_name": "m"},
            "delete_model": {"model_name": "m"},
            "update_model": {"model_name": "m", "frequency": 1},
        }
        for operation in OPERATIONS:
            processor = None if operation == "list_processors" else "p1"
            command = Command.parse(operation, needs.get(operation, {}), processor)
            self.assertEqual(command.operation, operation)
            for name in needs.get(operation, {}):
                rest = {key: value for key, value in needs[operation].items() if key != name}
                with self.assertRaises(InvalidRequest) as caught:
                    Command.parse(operation, rest, processor)
                self.assertIn(": missing", caught.exception.message)

    def test_faults(self) -> None:
        """A fault is told by its field."""
        for arguments, words in (
            (("observe", {}, None), "processor: expected an id, got null"),
            (("observe", {}, 7), "processor: expected an id, got int"),
            (("observe", {}, ""), "processor: '' is no id"),
            (("observe", {}, "-a"), "processor: '-a' is no id"),
            (("observe", {}, "a" * 65), "is no id"),
            (("observe", {}, "ä"), "is no id"),
            (("observe", {}, "stats"), "a word that the server uses itself"),
            (("list_processors", {}, "p1"), "speaks to the server"),
            (("observe", [], "p1"), "params: expected an object, got list"),
            (("observe", {"brief": 1}, "p1"), "brief: expected a boolean, got int 1"),
            (("learn", {"x": 1}, "p1"), "x: unknown key"),
            (("learn", {}, "p1", ""), "request_id: expected 1 to 255 characters, got 0"),
            (("learn", {}, "p1", "x" * 256), "request_id: expected 1 to 255 characters"),
            (("learn", {}, "p1", 7), "request_id: expected a string, got int 7"),
            (("get_forecast", {"limit": 0}, "p1"), "limit: expected an integer from 1 to 10000"),
            (("list_models", {"limit": 10**30}, "p1"), "limit: expected an integer"),
            (("list_models", {"after": 1}, "p1"), "after: expected a string"),
            (("update_model", {"model_name": "m", "frequency": 0}, "p1"), "frequency: expected"),
            (("update_model", {"model_name": "m"}, "p1"), "frequency: missing, and so is emotives"),
            (
                ("update_model", {"model_name": "m", "emotives": [{"joy": "x"}]}, "p1"),
                "emotives[0].joy: expected a number",
            ),
            (("observe_sequence", {"observations": {}}, "p1"), "observations: expected a list"),
        ):
            with self.assertRaises(InvalidRequest) as caught:
                Command.parse(*arguments)
            self.assertIn(words, caught.exception.message)

    def test_unknown_operation(self) -> None:
        """What the table does not have is named."""
        with self.assertRaises(UnknownOperation) as caught:
            Command.parse("dance", {}, "p1")
        self.assertIn("'dance'", caught.exception.message)

    def test_digest(self) -> None:
        """The same request has the same fingerprint, however brief; another has another."""
        full = Command.parse("observe", {"strings": ["a"]}, "p1")
        brief = Command.parse("observe", {"strings": ["a"], "brief": True}, "p1")
        other = Command.parse("observe", {"strings": ["b"]}, "p1")
        self.assertEqual(full.digest(), brief.digest())
        self.assertNotEqual(full.digest(), other.digest())
        learn, clear = (Command.parse(each, {}, "p1") for each in ("learn", "clear_all_memory"))
        self.assertNotEqual(learn.digest(), clear.digest())

    @settings(deadline=None, max_examples=300)
    @given(
        st.sampled_from(sorted(OPERATIONS)),
        st.dictionaries(
            st.sampled_from(
                [
                    "strings",
                    "vectors",
                    "emotives",
                    "brief",
                    "limit",
                    "genes",
                    "gene",
                    "value",
                    "model_name",
                    "observations",
                    "frequency",
                    "unique_id",
                    "metadata",
                    "x",
                ]
            ),
            CodecTests.JSON,
            max_size=3,
        ),
    )
    def test_anything(self, operation: str, params: dict[str, Any]) -> None:
        """Whatever is sent makes a command or an error of ours, which can be written as JSON."""
        processor = None if operation == "list_processors" else "p1"
        try:
            Command.parse(operation, params, processor)
        except KatoError as error:
            self.assertLess(error.http_status, 500)
            encode_json({"message": error.message})


class ReplyTests(SynchronousTestCase):
    """L{Reply}."""

    def test_envelope(self) -> None:
        """A processor and its interval stand only where there is one."""
        self.assertEqual(
            Reply("pong", 1.5).as_dict(), {"status": "okay", "message": "pong", "time_stamp": 1.5}
        )
        reply = Reply("learned", 1.5, {"model_name": ""}, "p1", 3)
        self.assertEqual(
            list(reply.as_dict().items()),
            [
                ("status", "okay"),
                ("message", "learned"),
                ("processor", "p1"),
                ("interval", 3),
                ("time_stamp", 1.5),
                ("model_name", ""),
            ],
        )

    def test_write(self) -> None:
        """It can be written before it is sent, as far as it writes itself."""
        value = Written([1, 2, 3])
        Reply("predictions", 1.0, {"predictions": value, "emotives": {}}).write()
        self.assertEqual(value.wrote, 3)
