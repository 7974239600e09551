"""What a schema tells is what its judge takes (SPEC 1, 6, 8)."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from twisted.trial.unittest import SynchronousTestCase

from kato.commands import PROCESSOR_ID, REQUEST_ID, parse_processor_id, parse_request_id
from kato.errors import InvalidRequest, KatoError
from kato.genes import A_CHANGE, A_GENE, GENES, NAMES, SOME, Genes, parse_genes
from kato.observation import OBSERVATION, Observation
from kato.operations import OPERATIONS
from kato.results import SHAPES
from kato.schemas import Schema, or_null

WORDS = ["", "CVC", "TAIL", "potential", "p1", "-p", "docs", "a b", *NAMES]
NUMBERS = [
    *range(-1, 4),
    99,
    100,
    101,
    9_999,
    10_000,
    10_001,
    2**53 - 1,
    2**53,
    0.0,
    0.5,
    1.5,
    -0.1,
]
SCALARS = st.one_of(
    st.none(), st.booleans(), st.sampled_from(WORDS), st.sampled_from(NUMBERS), st.floats(-2, 200)
)
VALUES = (
    SCALARS
    | st.lists(SCALARS, max_size=2)
    | st.dictionaries(st.sampled_from(WORDS), SCALARS, max_size=2)
)

LAW = settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])


def fits(schema: Schema, value: object) -> bool:
    """Whether a schema takes a value."""
    whole = {**schema, "components": {"schemas": SHAPES}}
    return bool(Draft202012Validator(whole).is_valid(value))


def takes(judge: Any, *given: object) -> bool:
    """Whether a judge takes a value."""
    try:
        judge(*given)
    except KatoError:
        return False
    return True


class LawTests(SynchronousTestCase):
    """Schema and judge are of one mind."""

    @LAW
    @given(st.sampled_from(sorted(GENES)), VALUES)
    def test_genes(self, name: str, value: object) -> None:
        """A gene accepts the values that its schema takes, and no others."""
        kind = GENES[name].kind
        self.assertEqual(fits(kind.schema, value), takes(kind.judge, value, name), (name, value))

    @LAW
    @given(st.dictionaries(st.sampled_from([*NAMES, "beauty"]), SCALARS, max_size=2))
    def test_several(self, genes: dict[str, object]) -> None:
        """So it is with several genes at a time."""
        self.assertEqual(fits(SOME, genes), takes(parse_genes, genes))
        self.assertEqual(fits(A_CHANGE.schema, genes), takes(A_CHANGE.judge, genes, "genes"))

    @LAW
    @given(
        st.dictionaries(
            st.sampled_from([*OBSERVATION["properties"], "string"]),
            VALUES
            | st.lists(st.sampled_from(WORDS), max_size=3)
            | st.lists(st.lists(st.floats(-9, 9), max_size=2), max_size=2)
            | st.dictionaries(st.sampled_from(WORDS), st.integers(), max_size=2),
            max_size=3,
        )
    )
    def test_observations(self, raw: dict[str, object]) -> None:
        """So it is with observations."""
        self.assertEqual(fits(OBSERVATION, raw), takes(Observation.parse, raw), raw)

    @LAW
    @given(st.sampled_from(sorted(OPERATIONS)), st.data())
    def test_parameters(self, operation: str, data: st.DataObject) -> None:
        """So it is with the parameters of every operation, but the value of C{change_gene}: what it
        may be depends on the gene, which a schema does not say."""
        row = OPERATIONS[operation]
        schema = row.params.schema()
        known = [*schema["properties"], "unknown"]
        fitting = {name: _fitting(each) for name, each in schema["properties"].items()}
        chosen = data.draw(st.lists(st.sampled_from(known), unique=True, max_size=5))
        raw = {
            name: data.draw(VALUES if name not in fitting else fitting[name] | VALUES)
            for name in chosen
        }
        taken = takes(row.params.parse, raw)
        if operation == "change_gene" and not taken:
            return
        self.assertEqual(fits(schema, raw), taken, (operation, raw))

    @LAW
    @given(VALUES | st.text("ab-_0Z.", max_size=70))
    def test_ids(self, value: object) -> None:
        """So it is with ids of processors, of requests, and names of genes."""
        self.assertEqual(fits(PROCESSOR_ID, value), takes(parse_processor_id, value))
        self.assertEqual(fits(REQUEST_ID, value), takes(parse_request_id, value))
        self.assertEqual(fits(A_GENE.schema, value), takes(A_GENE.judge, value, "gene"))


def _fitting(schema: Schema) -> st.SearchStrategy[Any]:
    """Values of which many fit."""
    if schema.get("type") == "integer":
        return st.integers(schema["minimum"] - 1, schema["minimum"] + 3)
    if schema.get("type") == "array":
        return st.lists(st.just({}) | st.just({"joy": 1}) | st.just({"strings": ["a"]}), max_size=2)
    if schema.get("type") == "boolean":
        return st.booleans()
    if schema.get("$ref", "").endswith("Genes"):
        return st.fixed_dictionaries({}, optional={"sort": st.booleans()})
    return st.sampled_from(WORDS)


class SchemaTests(SynchronousTestCase):
    """What the laws do not say."""

    def test_default(self) -> None:
        """A gene's default is told, and is one that it accepts."""
        for name, value in Genes().as_dict().items():
            shape = SOME["properties"][name]
            self.assertEqual(shape["default"], value)
            self.assertTrue(fits(shape, value))
            self.assertTrue(shape["description"].endswith("."))

    def test_null(self) -> None:
        """What may be null may be what it was, too."""
        for schema in ({"type": "string"}, {"type": "string", "enum": ["a"]}):
            self.assertTrue(fits(or_null(schema), None))
            self.assertTrue(fits(or_null(schema), "a"))
            self.assertFalse(fits(or_null(schema), 1))

    def test_says(self) -> None:
        """Every operation, and every parameter, says what it is in a sentence."""
        for name, row in OPERATIONS.items():
            self.assertRegex(row.says, r"^[A-Z].*\.$")
            for parameter, shape in row.params.schema()["properties"].items():
                self.assertTrue(shape.get("description") or "$ref" in shape, (name, parameter))

    def test_fails(self) -> None:
        """An operation's own errors are not those that any request may meet."""
        for row in OPERATIONS.values():
            self.assertNotIn(InvalidRequest, row.fails)
