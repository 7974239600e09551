"""The store in memory."""

from kato.storage import memory
from kato.storage.interface import IStore
from tests.storage import index_contract


class MemoryStoreTests(index_contract.IndexContract):
    """The contract, kept in memory."""

    def make_store(self) -> IStore:
        self.patch(memory, "MAX_DELETIONS", self.kept_deletions)
        store: IStore = memory.MemoryStore()
        return store

    def test_kind(self) -> None:
        """It says what it is."""
        self.assertEqual(self.store.statistics()["kind"], "memory")
