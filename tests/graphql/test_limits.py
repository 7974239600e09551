"""How deep documents may go, what they may cost, and how much of them is read."""

from typing import Any

from graphql import parse
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from hypothesis_graphql import queries
from twisted.trial.unittest import SynchronousTestCase

from kato.commands import OPERATIONS, Command, Reply
from kato.limits import Limits
from kato.protocols.graphql import documents
from kato.protocols.graphql.answers import Answers
from kato.protocols.graphql.documents import Documents, Malformed, read
from kato.protocols.graphql.executing import PlainExecutor, make_executor
from kato.protocols.graphql.room import Told
from kato.protocols.graphql.schema import read_sdl
from kato.protocols.graphql.weight import ASKING, Scales, Weight
from kato.settings import Settings
from tests.graphql.asking import Asking

PATIENT = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=60)


def executor(query: str, **variables: Any) -> PlainExecutor:
    made = make_executor(read(query), variables, None)
    assert isinstance(made, PlainExecutor), made
    return made


def weight(query: str, **variables: Any) -> Weight:
    return Scales(executor(query, **variables)).weigh()


class WeightTests(SynchronousTestCase):
    """What a document weighs."""

    def test_fields(self) -> None:
        """A field costs 1, one that asks more, and depth is how many lie in each other."""
        self.assertEqual(weight("{ ping { timeStamp } }"), Weight(2, ASKING + 1))
        self.assertEqual(weight('{ processor(id: "a") { id } }'), Weight(2, 2))
        self.assertEqual(
            weight('{ processor(id: "a") { status { genes { sort } } } }'),
            Weight(4, 1 + ASKING + 2),
        )

    def test_lists(self) -> None:
        """All below a limit counts so many times, be it written, a variable or left out."""
        query = '{ processor(id: "a") { predictions%s { name model { length } } } }'
        each = 1 + ASKING + 1
        for limit, times in (("(limit: 7)", 7), ("", 100), ("(limit: -1)", 0)):
            self.assertEqual(weight(query % limit).cost, 1 + ASKING + times * each)
        varying = "query ($n: Int! = 3)" + query % "(limit: $n)"
        self.assertEqual(weight(varying).cost, 1 + ASKING + 3 * each)
        self.assertEqual(weight(varying, n=5).cost, 1 + ASKING + 5 * each)
        self.assertEqual(weight(varying, n=10**9).cost, 1 + ASKING + 10_000 * each)

    def test_nested_lists(self) -> None:
        """A list in a list counts for each of its entries."""
        query = """{ processors(limit: 10) { nodes { processor { models(limit: 20) {
            nodes { sequence } } } } } }"""
        models = ASKING + 20 * (1 + ASKING)
        self.assertEqual(weight(query), Weight(6, ASKING + 10 * (2 + models)))

    def test_aliases(self) -> None:
        """Other names make nothing cheaper."""
        many = " ".join(f"a{each}: ping {{ timeStamp }}" for each in range(9))
        self.assertEqual(weight(f"{{ {many} }}").cost, 9 * (ASKING + 1))

    def test_fragments(self) -> None:
        """A fragment counts wherever it is spread, though it is looked at once: what would be
        billions of fields is weighed in a moment."""
        levels = 30
        fragments = "".join(
            f"fragment F{each} on Model {{ explanation {{ model {{ ...F{each + 1} }} "
            f"other: model {{ ...F{each + 1} }} }} }}"
            for each in range(levels)
        )
        query = (
            f'{{ processor(id: "a") {{ model(name: "b") {{ ...F0 }} }} }} {fragments}'
            f"fragment F{levels} on Model {{ length }}"
        )
        weighed = weight(query)
        self.assertEqual(weighed.depth, 2 + 2 * levels + 1)
        self.assertGreater(weighed.cost, 2**levels)

    def test_inline(self) -> None:
        """A fragment on the spot changes nothing."""
        plain = '{ processor(id: "a") { genes { sort } } }'
        spread = (
            '{ ... on Query { processor(id: "a") { ... { genes { ... on Genes { sort } } } } } }'
        )
        self.assertEqual(weight(plain), weight(spread))

    def test_introspection(self) -> None:
        """Introspection is deep, and that is none of ours to judge."""
        self.assertEqual(
            weight("{ __typename __schema { types { fields { type { name } } } } }"), Weight(1, 2)
        )

    @PATIENT
    @given(queries(read_sdl()))
    def test_law(self, query: str) -> None:
        """No document asks for more than it costs, and no answer has more fields."""
        try:
            made = executor(query)
        except (Malformed, AssertionError):
            reject()  # too many pairs, or a variable that is missing
        weighed = Scales(made).weigh()
        answers, asked = Answers(Limits()), 0
        while True:
            result = made.run(None, answers, Told(lambda size: None))
            missing = answers.take_missing()
            if not missing:
                break
            asked += len(missing)
            answers.learn({key: reply(each) for key, each in missing.items()})
        self.assertLessEqual(asked * ASKING, weighed.cost)
        self.assertLessEqual(counted(result.data), Weight(*weighed).cost)
        self.assertLessEqual(depth(result.data), weighed.depth)


ENTRY = {"name": "m", "id": "p1", "models": 1, "events": 1, "frequency": 1, "length": 2}


def reply(command: Command) -> Reply:
    """An answer with a few entries in every list."""
    limit = getattr(command.params, "limit", 3)
    fields: dict[str, dict[str, Any]] = {
        "list_processors": {"processors": [ENTRY] * limit, "total": 9, "next": None},
        "list_models": {"models": [ENTRY] * limit, "total": 9, "next": None},
        "get_predictions": {"predictions": [ENTRY] * 3},
        "get_model": {"model": {**ENTRY, "sequence": [["a"]], "emotives": []}},
        "get_forecast": {"forecast": []},
        "get_genes": {"genes": {}},
        "get_gene": {"value": 1},
        "get_short_term_memory": {"short_term_memory": []},
        "get_cognition_data": {"predictions": [ENTRY] * 3},
        "explain": {"model": ENTRY, "prediction": None},
    }
    told = fields.get(command.operation, {})
    return Reply(OPERATIONS[command.operation].message, 1.0, told, command.processor, 1)


def counted(data: Any) -> int:
    """How many fields an answer has."""
    if isinstance(data, dict):
        return sum(1 + counted(each) for each in data.values())
    return sum(map(counted, data)) if isinstance(data, list) else 0


def depth(data: Any) -> int:
    """How many fields of an answer lie in each other."""
    if isinstance(data, dict):
        return max((1 + depth(each) for each in data.values()), default=0)
    return max(map(depth, data), default=0) if isinstance(data, list) else 0


class RefusalTests(Asking):
    """What is too much."""

    settings = Settings(graphql_depth=4, graphql_cost=60)

    def test_depth(self) -> None:
        """A document that is too deep is refused before anything is asked."""
        self.data('{ processor(id: "a") { id } }')
        message = self.refusal(
            '{ processor(id: "a") { model(name: "b") { explanation { model { name } } } } }'
        )
        self.assertEqual(message, "query: 5 fields lie in each other, over the limit of 4")

    def test_cost(self) -> None:
        """So is one that costs too much; nothing of it is done."""
        change = 'a{0}: observe(processor: "p1", observation: {{strings: ["a"]}}) {{ events }}'
        query = "mutation { " + " ".join(map(change.format, range(6))) + " }"
        self.assertIn("query: it costs 66, over the limit of 60", self.refusal(query))
        self.assertEqual(
            self.data("{ processors(limit: 5) { total } }"), {"processors": {"total": 0}}
        )

    def test_pages(self) -> None:
        """A page may be as long as what is asked of each entry allows."""
        query = "query ($n: Int!) { processors(limit: $n) { nodes { id } } }"
        self.assertEqual(self.data(query, n=25), {"processors": {"nodes": []}})
        self.assertIn("costs 62", self.refusal(query, n=26))


class ReadingTests(Asking):
    """How much of a document is read."""

    def test_long(self) -> None:
        """A document of too many characters, words, remarks or equal names is refused unread."""
        for query, message in (
            (" " * 65_537, "65536 code points"),
            ("{" + " ping" * 2_000 + "}", "2000"),
            ("{ ping { timeStamp } }" + "#\n" * 2_001, "comments"),
            ("{" + " ping { timeStamp }" * 120 + "}", "pairs of fields have the same name"),
        ):
            answer = self.post({"query": query})
            self.assertEqual(answer.status, 400)
            self.assertIn(message, answer.json["errors"][0]["message"])

    def test_deep(self) -> None:
        """A document that is nested without end is refused."""
        for query in ("{ a" * 900, "{ a(b: " + "[" * 900):
            self.assertEqual(self.post({"query": query}).status, 400)

    def test_many_faults(self) -> None:
        """After a few faults no more are looked for."""
        answer = self.post({"query": "{" + " ".join(f"a{each}" for each in range(500)) + "}"})
        self.assertEqual(len(answer.json["errors"]), documents.MAX_ERRORS + 1)

    def test_lists(self) -> None:
        """How many entries are wanted is judged alike for every list, also for those that are cut
        here and not by an operation."""
        self.ask("observe", strings=["a"])
        lists = ("predictions", "cognition { predictions", "forecast", "models")
        below = {"forecast": "{ share }", "models": "{ total }"}
        for limit in (0, -1):
            pages = f"{{ processors(limit: {limit}) {{ total }} }}"
            said = {self.refusal(pages)}
            for name in lists:
                rest = below.get(name, "{ name }") + " }" * name.count("{")
                said.add(
                    self.refusal(f'{{ processor(id: "p1") {{ {name}(limit: {limit}) {rest} }} }}')
                )
            self.assertEqual(said, {f"limit: expected an integer from 1 to 10000, got {limit}"})

    def test_limits(self) -> None:
        """Limits of operations hold, and are told as everywhere."""
        self.system.parts.site.rest.intake.limits = Limits(symbols=2)
        observation = {"strings": ["a", "b", "c"]}
        result = self.result(
            """mutation ($o: ObservationInput!) {
                observe(processor: "p1", observation: $o) { events } }""",
            o=observation,
        )
        self.assertIn("over the limit of 2 symbols", result["errors"][0]["message"])
        self.assertEqual(result["errors"][0]["path"], ["observe"])
        self.assertEqual(result["data"], {"observe": None})


class MemoryTests(SynchronousTestCase):
    """Documents that are known."""

    def test_bounded(self) -> None:
        """The documents that were used last are known, and no more than a bound."""
        known = Documents()
        document = parse("{ ping { timeStamp } }")
        for each in range(documents.REMEMBERED):
            known.keep(str(each), document)
        self.assertIs(known.find("0"), document)
        known.keep("new", document)
        self.assertIsNone(known.find("1"))
        self.assertIs(known.find("0"), document)

    @PATIENT
    @given(st.text(alphabet='{}()[]:$!.@"#\\n ab1', max_size=60))
    def test_anything(self, text: str) -> None:
        """Whatever text comes, it is a document or it is refused with a reason."""
        try:
            read(text)
        except Malformed as malformed:
            self.assertTrue(malformed.errors[0].message)
