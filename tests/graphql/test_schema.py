"""The schema against the table of operations (SPEC 8)."""

from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    get_named_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    validate_schema,
)
from twisted.trial.unittest import SynchronousTestCase

from kato import genes
from kato.commands import OPERATIONS
from kato.events import TOPICS, TOPICS_OF_ALL
from kato.observation import KEYS
from kato.protocols.graphql.naming import ours
from kato.protocols.graphql.resolving import ASKING_FIELDS, RESOLVERS
from kato.protocols.graphql.schema import make_schema
from tests.graphql.documents import CHANGES, QUESTIONS, camel, snake
from tests.rest.system import System
from tests.rest.talking import get, post

SCHEMA = make_schema()


def fields(name: str) -> dict[str, Any]:
    """The fields of a type."""
    found: dict[str, Any] = SCHEMA.type_map[name].fields  # type: ignore[attr-defined]
    return found


class CompleteTests(SynchronousTestCase):
    """Nothing of KATO is left out."""

    def test_valid(self) -> None:
        """The schema is one."""
        self.assertEqual(validate_schema(SCHEMA), [])

    def test_operations(self) -> None:
        """Every operation of the table can be asked, and no field asks anything else."""
        self.assertEqual({*QUESTIONS, *CHANGES, "list_processors"}, set(OPERATIONS))
        self.assertEqual(len(RESOLVERS["Processor"]) - 1, len(QUESTIONS))
        self.assertEqual(len(RESOLVERS["Mutation"]), len(CHANGES))
        changing = {name for name, row in OPERATIONS.items() if row.changes}
        self.assertEqual(changing, set(CHANGES))

    def test_retrying(self) -> None:
        """Every change takes a request id."""
        for name, field in fields("Mutation").items():
            self.assertIn("requestId", field.args, name)

    def test_genes(self) -> None:
        """Every gene can be asked for and changed, by itself and with others."""
        names = {camel(each) for each in genes.NAMES}
        self.assertEqual(set(fields("Genes")), names)
        self.assertEqual(set(fields("GenesInput")), names)
        enum = SCHEMA.type_map["Gene"]
        assert isinstance(enum, GraphQLEnumType)
        self.assertEqual({each.value for each in enum.values.values()}, set(genes.NAMES))
        rankings = SCHEMA.type_map["Ranking"]
        assert isinstance(rankings, GraphQLEnumType)
        self.assertEqual([each.value for each in rankings.values.values()], list(genes.RANKINGS))

    def test_observation(self) -> None:
        """All of an observation can be given, and is told."""
        names = {camel(each) for each in KEYS}
        self.assertEqual(set(fields("ObservationInput")), names)
        self.assertEqual(set(fields("Percept")), names)

    def test_topics(self) -> None:
        """Every topic of a processor can be listened to, and every event has a type."""
        topics = SCHEMA.type_map["Topic"]
        assert isinstance(topics, GraphQLEnumType)
        self.assertEqual({each.value for each in topics.values.values()}, set(TOPICS))
        event = SCHEMA.type_map["Event"]
        assert isinstance(event, GraphQLInterfaceType)
        kinds = SCHEMA.get_implementations(event).objects
        self.assertEqual(len(kinds), len(TOPICS | TOPICS_OF_ALL) + 1)

    def test_predictions(self) -> None:
        """A prediction, and what events tell of one, has every field that REST has."""
        system = System()
        self.successResultOf(system.start)
        body = {"observations": [{"strings": ["a"]}, {"strings": ["b"]}], "learn_at_end": True}
        system.ask(post("/p1/observe-sequence", body))
        system.ask(post("/p1/observe", {"strings": ["a", "b"]}))
        [answer] = system.ask(get("/p1/predictions"))
        told = {camel(each) for each in answer.json["predictions"][0]}
        self.assertEqual(set(fields("PredictionTold")), told)
        self.assertEqual(set(fields("Prediction")) - {"model", "explanation"}, told)
        system.ask(post("/p1/clear-short-term-memory"))
        system.ask(post("/p1/genes/change", {"genes": {"min_prediction_symbols": 1}}))
        system.ask(post("/p1/observe", {"strings": ["a"]}))
        [answer] = system.ask(get("/p1/forecast"))
        told = {camel(each) for each in answer.json["forecast"][0]}
        self.assertEqual(set(fields("ForecastEntry")), told)

    def test_answers(self) -> None:
        """What REST answers to a question stands in the type of its field."""
        system = System()
        self.successResultOf(system.start)
        system.ask(post("/p1/observe", {"strings": ["a", "b"], "emotives": {"joy": 1}}))
        learned = system.ask(post("/p1/learn"))[0].json["model_name"]
        system.ask(post("/p1/observe", {"strings": ["a", "b"]}))
        for path, kind in (
            ("/p1/status", "Status"),
            ("/p1/percept-data", "Percept"),
            ("/p1/cognition-data", "Cognition"),
            (f"/p1/explain/{learned}", "Explanation"),
        ):
            told = system.ask(get(path))[0].json
            envelope = {"status", "message", "processor", "interval", "time_stamp"}
            self.assertLessEqual(set(told) - envelope, {snake(each) for each in fields(kind)})


class ShapeTests(SynchronousTestCase):
    """What execution and limits rely on."""

    def test_asking(self) -> None:
        """A field that asks is nullable: it is null until it was answered, and fails alone."""
        for each in ASKING_FIELDS:
            kind, _, name = each.partition(".")
            self.assertFalse(is_non_null_type(fields(kind)[name].type), each)

    def test_lists(self) -> None:
        """A list of objects that may ask has a limit, or stands below one, or is an answer."""
        asking = {each.partition(".")[0] for each in ASKING_FIELDS} | {"ProcessorEntry"}
        for kind in SCHEMA.type_map.values():
            if not is_object_type(kind) or kind.name.startswith("__"):
                continue
            for name, field in kind.fields.items():
                of = get_named_type(field.type).name
                inner = field.type.of_type if is_non_null_type(field.type) else field.type
                if is_list_type(inner) and of in asking and name != "nodes":
                    self.assertIn("limit", field.args, f"{kind.name}.{name}")

    def test_pages(self) -> None:
        """What has nodes is asked for with a limit."""
        for kind in SCHEMA.type_map.values():
            for name, field in getattr(kind, "fields", {}).items():
                below = get_named_type(field.type)
                if isinstance(below, GraphQLObjectType) and "nodes" in below.fields:
                    self.assertIn("limit", field.args, f"{kind}.{name}")

    def test_described(self) -> None:
        """Every type says what it is, and so does every field of the roots."""
        for kind in SCHEMA.type_map.values():
            own = not kind.name.startswith("__") and kind.ast_node is not None
            if own:
                self.assertTrue(kind.description, kind.name)
        for root in ("Query", "Mutation", "Subscription"):
            for name, field in fields(root).items():
                self.assertTrue(field.description, f"{root}.{name}")

    def test_names(self) -> None:
        """Every name is written as GraphQL's world does, and ours is found back."""
        for kind in SCHEMA.type_map.values():
            if kind.name.startswith("__"):
                continue
            if isinstance(kind, GraphQLObjectType | GraphQLInputObjectType):
                for name in kind.fields:
                    self.assertNotIn("_", name)
                    self.assertEqual(camel(ours(name)), name)
