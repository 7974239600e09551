"""A processor of the original KATO is brought along (docs/from-kato.md).

What stands in the database here is what the original's own code would have written: the page names
the sources.
"""

from collections.abc import Iterable
from hashlib import sha1
from typing import Any

from pymongo import MongoClient
from twisted.trial.unittest import SynchronousTestCase

from kato.changes import Snapshot
from kato.engine import Observation, Processor
from kato.model import Model
from kato.moving.original import SEQUENCES, Original, learned_in
from kato.moving.trouble import Trouble
from kato.observation import vector_symbol
from tests.moving.test_commands import CommandCase
from tests.storage.mongod import new_database

Document = dict[str, Any]
Events = list[list[str]]


def hashed(printed: str) -> str:
    """A name as the original makes it."""
    return sha1(printed.encode()).hexdigest()


def document(sequence: Events, frequency: int = 1, emotives: object = None) -> Document:
    """What the original stores of a model."""
    return {
        "name": hashed(str(sequence)),
        "sequence": sequence,
        "length": sum(map(len, sequence)),
        "frequency": frequency,
        "emotives": {} if emotives is None else emotives,
    }


def vector(printed: str, *components: float) -> Document:
    """What it stores of a vector, which it names by what NumPy prints of it."""
    return {"name": f"VECTOR|{hashed(printed)}", "vector": list(components)}


def read(models: Iterable[Document], *vectors: Document) -> list[Model]:
    """What becomes of models."""
    return list(Original("models_kb", vectors).snapshot("p", models).models)


ONE = vector("[1. 0.]", 1.0, 0.0)
TWO = vector("[0. 1.]", 0.0, 1.0)
OURS = [vector_symbol((1.0, 0.0)), vector_symbol((0.0, 1.0))]


class OriginalTests(SynchronousTestCase):
    """Documents of the original, and what becomes of them."""

    def test_name(self) -> None:
        """A model keeps its name, which is the one that we would give it, and all it has."""
        events = [["alpha", "beta"], ["ü"]]
        [model] = read([document(events, 3, [{"joy": 0.5}, {"joy": -1, "fear": 2}])])
        processor = Processor("p")
        for event in events:
            processor.observe(Observation(strings=tuple(event)))
        self.assertEqual(model.name, processor.learn())
        self.assertEqual(model.as_dict()["sequence"], events)
        self.assertEqual(
            (model.frequency, model.emotives), (3, ({"joy": 0.5}, {"joy": -1.0, "fear": 2.0}))
        )

    def test_emotives(self) -> None:
        """Emotives that were set by hand, a list for each name, are told apart by learning; where
        nothing was felt there are none."""
        felt, calm = read(
            [
                document([["a"], ["b"]], 1, {"joy": [1, 2], "fear": [0.5]}),
                document([["a"], ["c"]]),
            ]
        )
        self.assertEqual(felt.emotives, ({"joy": 1.0, "fear": 0.5}, {"joy": 2.0}))
        self.assertEqual(calm.emotives, ())

    def test_vectors(self) -> None:
        """Where a vector's components are known its symbol is ours, in the place where we would
        have put it, and the model has the name that goes with that."""
        event = [TWO["name"], ONE["name"], "a"]
        found = Original("models_kb", [ONE, TWO])
        snapshot = found.snapshot("p", [document([event, ["b"]])])
        [model] = snapshot.models
        processor = Processor("p")
        processor.observe(
            Observation(strings=("a",), vectors=((0.0, 1.0), (1.0, 0.0))),
        )
        processor.observe(Observation(strings=("b",)))
        self.assertEqual(model.name, processor.learn())
        self.assertEqual(model.sequence, ((*sorted(OURS), "a"), ("b",)))
        self.assertEqual(
            {each.symbol: each.vector for each in snapshot.vectors}[OURS[0]], (1.0, 0.0)
        )
        self.assertTrue(all(each.learned for each in snapshot.vectors))
        self.assertEqual((found.renamed, found.unknown), (1, set()))

    def test_one_vector(self) -> None:
        """Two names of one vector become one, and so do models that differ in nothing else: their
        frequencies add up."""
        again = vector("[1 0]", 1, 0)
        models = [
            document([[ONE["name"]], ["b"]], 2, [{"joy": 1}]),
            document([[again["name"]], ["b"]], 3, [{"joy": 2}]),
        ]
        [model] = read(models, ONE, again)
        self.assertEqual(model.sequence, ((OURS[0],), ("b",)))
        self.assertEqual((model.frequency, model.emotives), (5, ({"joy": 1.0}, {"joy": 2.0})))

    def test_pattern(self) -> None:
        """What later versions call a pattern is a model."""
        made = document([["a"], ["b"]])
        made["pattern_data"] = made.pop("sequence")
        [model] = Original("patterns_kb", []).snapshot("p", [made]).models
        self.assertEqual(model.name, f"MODEL|{made['name']}")

    def test_unknown_vector(self) -> None:
        """A symbol of a vector that is not there stays, and is told of."""
        found = Original("models_kb", [])
        [model] = found.snapshot("p", [document([[ONE["name"]], ["VCTR|a", "b"]])]).models
        self.assertEqual(model.sequence, ((ONE["name"],), ("VCTR|a", "b")))
        self.assertEqual(found.unknown, {ONE["name"], "VCTR|a"})

    def test_unfit(self) -> None:
        """What is no model, or no vector, is refused with its name and what is wrong with it."""
        fit = document([["a"], ["b"]])
        name = f"the document with the name '{fit['name']}'"
        for change, reason in (
            ({"sequence": [["a"], ["c"]]}, "name: it is not the SHA-1 of sequence"),
            ({"sequence": "ab"}, "sequence: expected a list, got str 'ab'"),
            ({"sequence": [["a"], [1]]}, "sequence[1][0]: expected a string, got int 1"),
            ({"frequency": 0}, "frequency: expected an integer from 1"),
            ({"emotives": [{"joy": "much"}]}, "emotives[0].joy: expected a number, got str 'much'"),
            ({"emotives": {"joy": 1}}, "emotives.joy: expected a list, got int 1"),
        ):
            error = self.assertRaises(Trouble, read, [{**fit, **change}])
            self.assertIn(f"models_kb, {name}: {reason}", str(error))
        error = self.assertRaises(Trouble, read, [], {"name": "VECTOR|a", "vector": ["x"]})
        self.assertIn("vectors_kb, the document with the name 'VECTOR|a': vector[0]", str(error))

    def test_collection(self) -> None:
        """What was learned is in the one collection or, by later versions, in the other."""
        for name in SEQUENCES:
            self.assertEqual(learned_in({name: 1, "symbols_kb": 2}, "db"), name)
        self.assertRaisesRegex(Trouble, "^db holds neither of", learned_in, {}, "db")
        both = dict.fromkeys(SEQUENCES, 1)
        self.assertRaisesRegex(Trouble, "^db holds both of", learned_in, both, "db")


class CommandTests(CommandCase):
    """With a database, filled as the original does, on a server that speaks MongoDB's protocol."""

    def setUp(self) -> None:
        super().setUp()
        self.url = new_database()
        client: MongoClient[Document] = MongoClient(self.url)
        self.addCleanup(client.close)
        self.database = client.get_default_database()

    def learn(self, sequence: Events, emotives: dict[str, float] | None = None) -> None:
        """Store a model by the same update as the original's, of a sequence new or known."""
        made = document(sequence)
        created = {each: made[each] for each in ("sequence", "length")}
        update: Document = {"$inc": {"frequency": 1}, "$setOnInsert": created}
        if emotives is None:
            created["emotives"] = {}
        else:
            update["$push"] = {"emotives": {"$each": [emotives], "$slice": -5}}
        self.database.models_kb.update_one({"name": made["name"]}, update, upsert=True)

    def bring(self, *more: str, status: int = 0) -> tuple[str, str]:
        """Type the command."""
        command = self.words("export-original", "--from", self.url, *more)
        return self.typed(command, status)

    def test_brought(self) -> None:
        """What the original learned predicts here what it predicted there."""
        for _ in range(2):
            self.learn([["alarm"], ["coffee", "toast"], ["bus"]], {"mood": 0.25})
        self.learn([["alarm"], [ONE["name"], "coffee"], ["walk"]])
        self.database.vectors_kb.insert_one({**ONE})
        self.database.symbols_kb.insert_one({"name": "alarm", "frequency": 3})
        said, _ = self.bring("--processor", "mornings")
        self.assertEqual(
            said.splitlines(),
            [
                f"mornings: 2 models, 1 vector to {self.file}",
                "1 model got another name, since vectors stand in them",
                "left behind: short-term memory and genes; symbols_kb (1)",
            ],
        )
        self.assertIn("1 imported", self.type("import", self.second)[0])
        [snapshot] = self.snapshots(self.second)
        assert isinstance(snapshot, Snapshot)
        processor = Processor.restore(snapshot)
        processor.observe(Observation(strings=("alarm",)))
        processor.observe(Observation(strings=("coffee",), vectors=((1.0, 0.0),)))
        walk, bus = processor.predictions()
        self.assertEqual((walk["future"], bus["future"]), ([["walk"]], [["bus"]]))
        self.assertEqual((bus["frequency"], bus["emotives"]), (2, {"mood": 0.25}))

    def test_whole_or_not(self) -> None:
        """Where one of its models is none there is no file, and the database is as it was."""
        self.learn([["a"], ["b"]])
        self.database.models_kb.insert_one({"name": "odd", "sequence": [["a"], ["c"]]})
        before = list(self.database.models_kb.find())
        _, told = self.bring("--processor", "p", status=1)
        self.assertIn("models_kb, the document with the name 'odd': name: it is not", told)
        self.assertFalse(self.file.exists())
        self.assertEqual(list(self.database.models_kb.find()), before)
        self.assertEqual(self.database.list_collection_names(), ["models_kb"])

    def test_refused(self) -> None:
        """A database that has nothing of the original, a name that no processor can have, and a
        server that is not there are told in one line, without a password."""
        self.assertIn("holds neither of", self.bring(status=1)[1])
        self.learn([["a"], ["b"]])
        self.assertIn("processor: ", self.bring("--processor", "a/b", status=1)[1])
        self.url = "mongodb://me:secret@127.0.0.1:1/p?serverSelectionTimeoutMS=50"
        _, told = self.bring(status=1)
        self.assertIn("mongodb://127.0.0.1:1/p cannot be read: it cannot be reached", told)
        self.assertNotIn("secret", told)
        self.url = "foo"
        self.assertEqual(
            self.bring(status=1)[1], "kato: --from foo: expected mongodb://host/database\n"
        )
