"""What stands in MongoDB: documents that a person can read, however long, with whatever names."""

from typing import Any

import bson
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from twisted.trial.unittest import SynchronousTestCase, TestCase

from kato.accuracy import Accuracy, Counts
from kato.changes import Deletion, Percept, StoredVector
from kato.errors import StorageUnavailable
from kato.model import Model
from kato.observation import Observation
from kato.storage import open_store
from kato.storage.mongodb import pieces
from kato.storage.mongodb.values import read, write
from tests.storage.mongod import new_database
from tests.storage.samples import AWKWARD, FLOATS, changes, model, whole

_NAMES = st.sampled_from([*AWKWARD, "a.b", "$a", "pairs", "integer", "json", "_id"])
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.sampled_from([*FLOATS, 2**63, -(2**63), 10**300, 10**4100, -(10**4100)])
    | _NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=20,
)


class ValuesTests(SynchronousTestCase):
    """Any JSON value, as BSON."""

    def through(self, value: object) -> object:
        return read(bson.decode(bson.encode({"value": write(value)}))["value"])

    def test_law(self) -> None:
        """Whatever it is, it is read as it was, to the last bit and in the same order."""

        @settings(deadline=None, max_examples=300)
        @given(_VALUES)
        def law(value: object) -> None:
            found = self.through(value)
            self.assertEqual(found, value)
            self.assertEqual(repr(found), repr(value))

        law()

    def test_depth(self) -> None:
        """It may be nested as deeply as the protocols allow, and deeper."""
        for name in ("a", "a.b"):
            value: Any = 1
            for _ in range(200):
                value = [{name: value}]
            self.assertEqual(self.through(value), value)

    def test_plain(self) -> None:
        """What a person may name is written as it is; a dot, a dollar or a NUL makes pairs."""
        plain = {"joy": 0.5, "a b": [1, {"pairs": 1, "x": 2}]}
        self.assertEqual(write(plain), plain)
        self.assertEqual(write({"a.b": 1, "c": 2}), {"pairs": [["a.b", 1], ["c", 2]]})
        self.assertEqual(write({"pairs": []}), {"pairs": [["pairs", []]]})
        self.assertEqual(write(2**64), {"integer": str(2**64)})


class DocumentCase(TestCase):
    """A store, and another client of its database."""

    timeout = 120

    def setUp(self) -> None:
        from twisted.internet import reactor

        url = new_database()
        self.store: Any = open_store(url, reactor=reactor)
        self.store.open()
        self.addCleanup(self.store.close)
        client: MongoClient[dict[str, Any]] = MongoClient(url)
        self.addCleanup(client.close)
        self.database = client.get_default_database()
        self.addCleanup(lambda: client.drop_database(self.database.name))

    def pieces(self) -> int:
        return self.database.pieces.count_documents({})


class LongTests(DocumentCase):
    """Documents that are longer than MongoDB allows."""

    async def test_model(self) -> None:
        """A long model comes back as it was; a short one in its place leaves nothing of it."""
        long = Model(
            "MODEL|long", (("x" * pieces.WHOLE,), *((f"{i:x>100}",) for i in range(300_000))), 7
        )
        await self.store.commit([changes(models=(long, model("short")))])
        self.assertGreater(self.pieces(), 8)
        found = await self.store.load("p1", whole)
        self.assertEqual(found.models, (long, model("short")))
        await self.store.commit([changes(models=(model("long"),))])
        self.assertEqual(self.pieces(), 0)
        found = await self.store.load("p1", whole)
        self.assertEqual(found.models, (model("long"), model("short")))

    async def test_all_kinds(self) -> None:
        """Whatever is long comes back, and goes with all of its pieces where it is deleted."""
        self.patch(pieces, "WHOLE", 2**16)
        text = "x" * (2**16 + 1)
        observation = Observation(strings=(text,), vectors=((0.5,) * 10**4,), metadata={text: text})
        written = changes(
            percept=Percept(observation, (text,)),
            models=(Model("MODEL|a", ((text,),), 1), Model("MODEL|b", ((text,),), 1)),
            vectors=(StoredVector("VECTOR|a", (0.5,) * 10**4, False),),
        )
        await self.store.commit([written])
        found = await self.store.load("p1", whole)
        self.assertEqual(
            (found.percept, found.models, found.vectors),
            (written.percept, written.models, written.vectors),
        )
        before = self.pieces()
        await self.store.commit([changes(deleted_models=("MODEL|a",))])
        self.assertEqual(self.pieces(), before - 2)
        await self.store.commit([changes(forgets_pending=True, percept=Percept())])
        self.assertEqual(self.pieces(), 2)
        await self.store.commit([changes(forgets_memory=True)])
        self.assertEqual(self.pieces(), 0)
        await self.store.commit([written, changes("p2", percept=written.percept)])
        of_other = before - self.pieces()
        await self.store.commit([Deletion("p1")])
        self.assertLess(self.pieces(), before)
        self.assertEqual((await self.store.load("p2", whole)).percept, written.percept)
        self.assertLess(of_other, 0)


class ByHandTests(DocumentCase):
    """What a person changes in mongosh, with no server running."""

    async def test_edited(self) -> None:
        """Numbers may be typed as they come; what is typed is what is loaded."""
        felt = Model("MODEL|a", (("a", "b"), ("c",)), 1, ({"joy": 0.5},))
        await self.store.commit(
            [changes(models=(felt,), vectors=(StoredVector("v", (0.5,), True),))]
        )
        self.database.models.update_one(
            {"_id": "p1/MODEL|a"},
            {"$set": {"frequency": 7.0, "sequence.1": ["d"], "emotives.0.joy": 1}},
        )
        self.database.vectors.update_one({"_id": "p1/v"}, {"$set": {"components": [2]}})
        found = await self.store.load("p1", whole)
        self.assertEqual(
            found.models, (Model("MODEL|a", (("a", "b"), ("d",)), 7, ({"joy": 1.0},)),)
        )
        self.assertEqual(repr(found.models[0].frequency), "7")
        self.assertEqual(repr(found.models[0].emotives[0]["joy"]), "1.0")
        self.assertEqual(repr(found.vectors[0].vector), "(2.0,)")

    async def test_accuracy(self) -> None:
        """What is counted of forecasts may be typed, too, and be left out, as older programs did;
        counts that no events make are damage."""
        await self.store.commit([changes()])
        of_one = {"events": 1.0, "forecast": 1, "top_1": 0, "top_5": 1, "marks": "5"}
        found = self.database.processors
        found.update_one({"_id": "p1"}, {"$set": {"accuracy": of_one}})
        accuracy = (await self.store.load("p1", whole)).state.accuracy
        self.assertEqual(accuracy, Accuracy(Counts(1, 1, 0, 1), "5"))
        found.update_one({"_id": "p1"}, {"$unset": {"accuracy": ""}})
        self.assertIsNone((await self.store.load("p1", whole)).state.accuracy)
        found.update_one({"_id": "p1"}, {"$set": {"accuracy": {**of_one, "marks": "1"}}})
        await self.assertFailure(self.store.load("p1", whole), StorageUnavailable)
