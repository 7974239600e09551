"""The store in MongoDB."""

from kato.storage import interface, open_store
from kato.storage.interface import IStore
from tests.storage import contract
from tests.storage.mongod import new_database
from tests.storage.samples import changes, model


class MongoStoreTests(contract.StoreContract):
    """The contract, kept in MongoDB."""

    def make_store(self) -> IStore:
        self.patch(interface, "MAX_DELETIONS", self.kept_deletions)
        self.url = new_database()
        return open_store(self.url, reactor=self.reactor)

    async def test_no_index(self) -> None:
        """No index is kept, since somebody might change a model in mongosh unseen."""
        await self.store.commit([changes(models=(model("a"),))])
        self.assertFalse(await self.store.keep_index("p1", b"index"))
        self.assertIsNone((await self.load()).index)

    def test_kind(self) -> None:
        """It says what it is."""
        self.assertEqual(self.store.statistics()["kind"], "mongodb")
