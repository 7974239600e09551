"""What becomes of commits and loads when MongoDB, or the wire to it, fails."""

from typing import Any
from uuid import uuid4

from pymongo import MongoClient
from twisted.internet.defer import Deferred
from twisted.python.monkey import MonkeyPatcher
from twisted.trial.unittest import TestCase

from kato.changes import Changes, Deletion
from kato.errors import StorageUnavailable
from kato.storage import open_store
from kato.storage.mongodb import connection, lease, transaction
from tests.storage.mongod import shared_server
from tests.storage.samples import changes, everything, model, whole
from tests.storage.wire import Wire

OUT_OF_DISK_SPACE = 14031
NOT_PRIMARY = 10107
NO_SUCH_TRANSACTION = 251


class FailureCase(TestCase):
    """A store with processor C{p1}, which has a model C{kept}, at the end of a wire."""

    timeout = 120

    async def setUp(self) -> None:  # type: ignore[override]
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.name = f"kato_test_{uuid4().hex}"
        server = shared_server()
        self.client: MongoClient[dict[str, Any]] = MongoClient(server.url(""))
        self.addCleanup(self.client.close)
        self.database = self.client[self.name]
        self.wire = Wire(reactor, server.port)
        self.addCleanup(self.wire.close)
        self.store = self.opened()
        await self.store.commit([changes(models=(model("kept"),))])

    def opened(self) -> Any:
        store: Any = open_store(
            f"mongodb://127.0.0.1:{self.wire.port}/{self.name}?directConnection=true",
            reactor=self.reactor,
        )
        # The wire is of the reactor, which would have to run while a store opens through it.
        address = store.address
        store.address = type(address)(shared_server().url(self.name), self.name, address.shown)
        store.open()
        store.address = address
        self.addCleanup(store.close)
        return store

    def hasten(self, **seconds: float) -> None:
        """Let patience end sooner."""
        self.hastened = MonkeyPatcher()
        for name, value in seconds.items():
            module = transaction if hasattr(transaction, name) else connection
            self.hastened.addPatch(module, name, value)
        self.hastened.patch()
        self.addCleanup(self.hastened.restore)

    def fail_command(self, times: int, *commands: str, **how: Any) -> None:
        """Let the server fail commands of the store."""
        data = {"failCommands": list(commands), **how}
        self.client.admin.command(
            "configureFailPoint", "failCommand", mode={"times": times}, data=data
        )
        off = {"configureFailPoint": "failCommand", "mode": "off"}
        self.addCleanup(self.client.admin.command, off)

    async def names(self, processor: str = "p1") -> list[str]:
        found = await self.store.load(processor, whole)
        return [] if found is None else [each.name for each in found.models]

    def learn(self, name: str = "more") -> "Deferred[None]":
        done: Deferred[None] = self.store.commit([changes(models=(model(name),))])
        return done

    async def refused(self, commit: "Deferred[Any]") -> StorageUnavailable:
        with self.assertRaises(StorageUnavailable) as caught:
            await commit
        self.assertNotIn("\n", caught.exception.message)
        error: StorageUnavailable = caught.exception
        return error

    def commits(self) -> int:
        """How many transactions happened."""
        found = self.database.leases.find_one()
        assert found is not None
        return int(found["commit"])


class CommitTests(FailureCase):
    """A commit happens once, or not at all."""

    async def test_lost_before(self) -> None:
        """A connection that is lost in the midst of a transaction is made anew, and so is the
        transaction."""
        for said in (b"\x02update\0\x07\0\0\0leases", b"\x02update\0\x07\0\0\0models"):
            self.wire.trap(said, "cut")
            await self.learn()
            self.wire.trap(said, "unanswered")
            await self.learn()
        self.assertEqual(await self.names(), ["MODEL|kept", "MODEL|more"])
        self.assertEqual(self.commits(), 5)

    async def test_lost_commit(self) -> None:
        """What is sent to be committed and does not arrive is committed after all."""
        self.wire.trap(b"commitTransaction", "cut")
        await self.learn()
        self.assertEqual(await self.names(), ["MODEL|kept", "MODEL|more"])
        self.assertEqual(self.commits(), 2)

    async def test_lost_answer(self) -> None:
        """A commit whose answer is lost is known for what it is, and not done twice."""
        self.wire.trap(b"commitTransaction", "unanswered")
        await self.learn()
        self.wire.trap(b"commitTransaction", "unanswered")
        self.wire.trap(b"commitTransaction", "unanswered")
        await self.learn("last")
        self.assertEqual(await self.names(), ["MODEL|kept", "MODEL|last", "MODEL|more"])
        self.assertEqual(self.commits(), 3)

    async def test_silence(self) -> None:
        """A server that does not answer is hung up on, and asked again."""
        self.hasten(_ANSWERING=1.0)
        for said in (b"\x02update\0\x07\0\0\0models", b"commitTransaction"):
            self.wire.trap(said, "swallowed")
            await self.learn()
        self.assertEqual(await self.names(), ["MODEL|kept", "MODEL|more"])
        self.assertEqual(self.commits(), 3)

    async def test_gone(self) -> None:
        """While no server can be reached nothing is stored, and everybody is told so; then all
        goes on."""
        self.hasten(_PATIENCE=1.0, _ANSWERING=1.0, ANSWERING_SOON=0.5)
        self.wire.die()
        error = await self.refused(self.learn())
        self.assertEqual((error.outcome_unknown, error.retry_after), (False, 1))
        error = await self.refused(self.store.load("p1", whole))
        self.assertIn("processor p1 cannot be read", error.message)
        self.hastened.restore()
        self.wire.revive()
        self.assertEqual(await self.names(), ["MODEL|kept"])
        await self.learn()
        self.assertEqual(await self.names(), ["MODEL|kept", "MODEL|more"])
        told = self.store.statistics()
        self.assertEqual((told["commits"], told["failures"]), (2, 1))

    async def unknown(self, what: str) -> None:
        """The wire dies when a commit is sent, which is in time on a machine that is busy."""
        self.hasten(_PATIENCE=5.0, _ANSWERING=5.0, ANSWERING_SOON=0.5)
        self.wire.trap(b"commitTransaction", what, self.wire.die)
        error = await self.refused(self.learn())
        self.assertTrue(error.outcome_unknown)
        await self.refused(self.store.load("p1", whole))
        self.hastened.restore()
        self.wire.revive()

    async def test_unknown_and_done(self) -> None:
        """Where the server is gone before it answers a commit, nobody can tell; once it is back, a
        load finds what was done, for good."""
        await self.unknown("unanswered")
        self.assertEqual(await self.names(), ["MODEL|kept", "MODEL|more"])
        await self.learn("last")
        self.assertEqual(await self.names(), ["MODEL|kept", "MODEL|last", "MODEL|more"])
        self.assertEqual(self.commits(), 3)

    async def test_unknown_and_open(self) -> None:
        """A transaction that the server still has open is ended before anything else is done: what
        a load finds cannot change later."""
        await self.unknown("cut")
        found = await self.names()
        await self.learn("last")
        self.assertEqual(await self.names(), sorted([*found, "MODEL|last"]))
        self.assertEqual(self.commits(), len(found) + 1)

    async def test_many_look_into_it(self) -> None:
        """Where many want to know what became of a commit, they find the same, and what one of
        them goes on with the others do not disturb."""
        await self.store.commit([changes(each) for each in ("p2", "p3")])
        await self.unknown("unanswered")
        asked = [self.store.load(each, whole) for each in ("p1", "p2", "p3")]
        asked.append(self.learn("last"))
        asked += [self.store.load(each, whole) for each in ("p2", "p3")]
        for each in asked:
            await each
        self.assertEqual(await self.names(), ["MODEL|kept", "MODEL|last", "MODEL|more"])
        self.assertEqual(self.commits(), 4)

    async def test_never_committed(self) -> None:
        """A server that neither commits a transaction nor gives it up is not asked for ever."""
        self.hasten(_PATIENCE=0.5)
        self.fail_command(10**6, "commitTransaction", errorCode=NO_SUCH_TRANSACTION)
        error = await self.refused(self.learn())
        self.assertTrue(error.outcome_unknown)

    async def test_refused(self) -> None:
        """What the database refuses is told at once, with its own words, and is not kept."""
        for command in ("update", "delete"):
            self.fail_command(1, command, errorCode=OUT_OF_DISK_SPACE)
            error = await self.refused(self.store.commit([everything()[0], Deletion("p2")]))
            self.assertFalse(error.outcome_unknown)
            self.assertIn("nothing was stored", error.message)
            self.assertEqual(await self.names(), ["MODEL|kept"])
        self.assertEqual(self.commits(), 1)

    async def test_asked_again(self) -> None:
        """A commit that is refused in its last step is asked for again."""
        self.fail_command(1, "commitTransaction", errorCode=OUT_OF_DISK_SPACE)
        await self.learn()
        self.assertEqual(await self.names(), ["MODEL|kept", "MODEL|more"])
        self.assertEqual(self.commits(), 2)

    async def test_not_safe(self) -> None:
        """A commit that is not on the disks of a majority is not answered as done until it is."""
        self.fail_command(1, "commitTransaction", writeConcernError={"code": 64, "errmsg": "slow"})
        await self.learn()
        self.assertEqual(await self.names(), ["MODEL|kept", "MODEL|more"])
        self.assertEqual(self.commits(), 2)

    async def test_never_safe(self) -> None:
        """Where it stays so, nobody can tell."""
        self.hasten(_PATIENCE=0.5)
        unsafe = {"code": 64, "errmsg": "slow"}
        self.fail_command(1000, "commitTransaction", "findAndModify", writeConcernError=unsafe)
        error = await self.refused(self.learn())
        self.assertTrue(error.outcome_unknown)

    async def test_step_down(self) -> None:
        """A server that steps down is waited for, or for the one that is in its place."""
        for command in ("update", "commitTransaction"):
            self.fail_command(3, command, errorCode=NOT_PRIMARY)
            await self.learn(command)
        self.client.admin.command("replSetStepDown", 2, force=True)
        await self.learn()
        expected = ["MODEL|commitTransaction", "MODEL|kept", "MODEL|more", "MODEL|update"]
        self.assertEqual(await self.names(), expected)
        self.assertEqual(self.commits(), 4)

    async def test_too_large(self) -> None:
        """What no database takes is refused whole."""
        broken = changes("p2", models=(model("\ud800"),))
        error = await self.refused(self.store.commit([changes(models=(model("a"),)), broken]))
        self.assertIn("cannot be stored", error.message)
        self.assertEqual(await self.names(), ["MODEL|kept"])


class LeaseTests(FailureCase):
    """A server whose lease was taken over."""

    def take_over(self) -> None:
        """Somebody else takes the lease, as if this server had been away."""
        self.database.leases.update_one({}, {"$inc": {"epoch": 1}, "$set": {"token": "other"}})

    async def test_lost(self) -> None:
        """It can store nothing any more, and says why."""
        self.take_over()
        error = await self.refused(self.learn())
        self.assertIn("another server has taken the database over", error.message)
        self.assertFalse(error.outcome_unknown)
        self.assertEqual(self.database.models.count_documents({}), 1)

    async def test_renewed(self) -> None:
        """It is renewed while nothing else is done, and by every commit."""
        await self.store._renew()
        first = self.database.leases.find_one()
        await self.store._renew()
        second = self.database.leases.find_one()
        await self.learn()
        third = self.database.leases.find_one()
        assert first and second and third
        self.assertLess(first["until"], second["until"])
        self.assertLess(second["until"], third["until"])
        self.assertEqual(first["holder"], lease.holder())

    async def test_given_back(self) -> None:
        """A store that is closed gives it back: another one may be opened at once."""
        await self.store.close()
        self.store = self.opened()
        self.assertEqual(await self.names(), ["MODEL|kept"])


class ReadingTests(FailureCase):
    """What is stored and cannot be read."""

    def damage(self, collection: str, **fields: Any) -> None:
        self.database[collection].update_many({"processor": "p1"}, {"$set": fields})

    async def test_damaged(self) -> None:
        """A document that is not as it was written is told by what it is of, and hurts no other
        processor."""
        written: Changes = everything()[0]
        await self.store.commit([changes("p2")])
        for collection, fields, what in (
            ("models", {"sequence": "a"}, "model p1/MODEL|"),
            ("models", {"sequence": [[1]]}, "model p1/MODEL|"),
            ("models", {"frequency": "often"}, "model p1/MODEL|"),
            ("processors", {"genes": {"courage": 1}}, "processor p1"),
            ("processors", {"emotives": []}, "processor p1"),
            ("processors", {"interval": 1.5}, "processor p1"),
            ("percepts", {"observation": {}}, "processor p1"),
            ("vectors", {"components": ["a"]}, "processor p1"),
            ("events", {"event": 1}, "processor p1"),
            ("answers", {"fields": {"pairs": 1}}, "processor p1"),
            ("models", {"pieces": 2}, "models/p1/MODEL|"),
        ):
            await self.store.commit([Deletion("p1"), written])
            self.assertEqual((await self.store.load("p1", whole)).processor, "p1")
            self.damage(collection, **fields)
            error = await self.refused(self.store.load("p1", whole))
            self.assertIn(what, error.message)
            self.assertIn("cannot be read: ", error.message)
        self.assertEqual((await self.store.load("p2", whole)).processor, "p2")

    async def test_interrupted(self) -> None:
        """Reading that fails while models stream in is told, and the store goes on."""
        many = tuple(model(str(number)) for number in range(2500))
        await self.store.commit([changes("p2", models=many)])
        self.wire.trap(b"\x12getMore", "cut")
        error = await self.refused(self.store.load("p2", whole))
        self.assertIn("processor p2 cannot be read", error.message)
        self.assertEqual(len(await self.names("p2")), 2500)
