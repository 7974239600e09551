"""What docs/graphql.md says, sent to the system: every example gets the answer that stands
there."""

import json
import re

from kato.protocols.graphql import documents
from kato.protocols.graphql.operation import SIDE_BY_SIDE
from kato.protocols.graphql.resolving import ASKING_FIELDS
from kato.protocols.graphql.schema import make_schema
from kato.protocols.websocket import transport_ws
from kato.settings import GRAPHQL_COST, GRAPHQL_DEPTH
from tests.graphql.asking import Asking
from tests.graphql.documents import CHANGES, QUESTIONS
from tests.live.server import ROOT

PAGE = (ROOT / "docs" / "graphql.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"```graphql\n(.*?)```\n\n```json\n(.*?)```", re.DOTALL)
CURL = re.compile(r"^\$ curl .* -d '(.*)'\n(\{.*\})$", re.MULTILINE)


class ExampleTests(Asking):
    """The session that the page shows."""

    def test_answers(self) -> None:
        """Each document is answered as the page says, and none is passed over."""
        examples = EXAMPLE.findall(PAGE)
        self.assertEqual(len(examples), PAGE.count("```graphql"))
        for query, written in examples:
            self.assertEqual(self.result(query), json.loads(written), query)

    def test_curl(self) -> None:
        """So is the request that is made by hand."""
        for query, _ in EXAMPLE.findall(PAGE)[:2]:
            self.result(query)
        [(body, written)] = CURL.findall(PAGE)
        self.assertEqual(self.post(body.encode()).json, json.loads(written))

    def test_client(self) -> None:
        """The program that is shown is the example that is run."""
        program = (ROOT / "examples" / "graphql" / "client.mjs").read_text(encoding="utf-8")
        self.assertIn(program, PAGE)


class CompletenessTests(Asking):
    """What the page must speak of."""

    def test_fields(self) -> None:
        """Every field that asks, and every operation, stands in the table."""
        for each in ASKING_FIELDS:
            self.assertIn(f"`{each}`", PAGE)
        for each in (*QUESTIONS, *CHANGES, "list_processors"):
            self.assertIn(f"`{each}`", PAGE)
        scalars = {"Emotives", "JSON", "Long"}
        self.assertLessEqual(scalars, set(make_schema().type_map))
        for each in scalars:
            self.assertIn(f"| `{each}` |", PAGE)

    def test_numbers(self) -> None:
        """Codes and limits are those of the code."""
        codes = [getattr(transport_ws, each) for each in vars(transport_ws) if each.isupper()]
        for code in (each for each in codes if isinstance(each, int) and each > 4000):
            self.assertIn(f"| {code} |", PAGE)
        for number in (
            GRAPHQL_DEPTH,
            GRAPHQL_COST,
            documents.MAX_LENGTH,
            documents.MAX_TOKENS,
            documents.MAX_PAIRS,
            SIDE_BY_SIDE,
            documents.REMEMBERED,
        ):
            self.assertIn(f"{number:,}", PAGE)
