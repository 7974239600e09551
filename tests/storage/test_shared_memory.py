"""The store in memory that tests share."""

from kato.storage.shared import IShared
from tests.shared_memory import SharedMemory
from tests.storage import sharing


class SharedMemoryTests(sharing.SharingContract):
    """The contract, kept in memory."""

    def make_store(self) -> IShared:
        store: IShared = SharedMemory()
        return store
