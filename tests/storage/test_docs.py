"""What C{docs/storage.md} shows is what there is."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import bson
from twisted.trial.unittest import SynchronousTestCase

from kato.engine import Observation, Processor
from kato.storage.mongodb import opening
from kato.storage.mongodb.documents import DELETIONS, OF_A_PROCESSOR, PIECES
from kato.storage.mongodb.lease import LEASES
from kato.storage.mongodb.plan import make_plan
from kato.storage.sqlite.connection import prepare
from kato.storage.sqlite.database import Database
from kato.storage.sqlite.schema import TABLES
from tests.source import ROOT


def weather() -> Processor:
    """The processor of the page."""
    processor = Processor("weather")
    for _ in range(2):
        for strings in (("rain", "cold"), ("sun",)):
            processor.observe(Observation(strings=strings, emotives={"joy": 0.5}))
        processor.learn()
    processor.observe(
        Observation(strings=("wind", "rain"), emotives={"joy": 0.25}, unique_id="monday")
    )
    return processor


class StoragePageTests(SynchronousTestCase):
    """The page, and a file as it tells of it."""

    def setUp(self) -> None:
        self.page = (ROOT / "docs" / "storage.md").read_text(encoding="utf-8")
        self.path = Path(self.mktemp()).absolute()
        prepare(self.path)
        with closing(Database(self.path)) as database:
            database.commit([weather().drain()])

    def shell(self, statement: str) -> list[str]:
        """What the shell prints."""
        with closing(sqlite3.connect(self.path)) as connection:
            return ["|".join(map(str, row)) for row in connection.execute(statement)]

    def test_session(self) -> None:
        """Every statement prints what the page says."""
        blocks = re.findall(r"^```\n(.*?)^```$", self.page, re.MULTILINE | re.DOTALL)
        session = "".join(blocks).replace("\n   ...>", "")
        shown = re.findall(r"^sqlite> (.*)\n((?:(?!sqlite>).*\n)*)", session, re.MULTILINE)
        self.assertEqual(len(shown), 5)
        for statement, output in shown:
            self.assertEqual(self.shell(statement), output.splitlines())

    def test_tables(self) -> None:
        """Every table is told of, and no other."""
        told = re.findall(r"^\| `(\w+)` \| a ", self.page.replace("| an ", "| a "), re.MULTILINE)
        self.assertEqual(sorted(told), sorted(TABLES))

    def test_schema(self) -> None:
        """The shell's C{.schema} tells what a column holds."""
        [schema] = self.shell("SELECT sql FROM sqlite_schema WHERE name = 'models'")
        self.assertIn("-- its events, [[", schema)


class MongoPageTests(SynchronousTestCase):
    """The page, and documents as it tells of them."""

    def setUp(self) -> None:
        self.page = (ROOT / "docs" / "storage.md").read_text(encoding="utf-8")

    def test_session(self) -> None:
        """Every document is what the page says."""
        written = make_plan([weather().drain()]).writes
        shown = re.findall(r"^> db\.(\w+)\.findOne\((.*)\)\n(.*)$", self.page, re.MULTILINE)
        self.assertEqual(len(shown), 3)
        for collection, condition, document in shown:
            fits = json.loads(condition).items()
            found = [
                each
                for each in (bson.decode(each.document.raw) for each in written[collection])
                if fits <= each.items()
            ]
            self.assertEqual(found, [json.loads(document)])

    def test_collections(self) -> None:
        """Every collection is told of, and no other."""
        told = re.findall(r"^\| `(\w+)` \| (?:each|the) ", self.page, re.MULTILINE)
        known = [*OF_A_PROCESSOR, DELETIONS, PIECES, LEASES, opening.FORMATS]
        self.assertEqual(sorted(told), sorted(known))
