"""The store in MongoDB, as several services use it."""

from typing import Any

from kato.storage import open_shared
from kato.storage.shared import IShared
from tests.storage import sharing
from tests.storage.mongod import new_database


class SharedMongoTests(sharing.SharingContract):
    """The contract, kept in MongoDB."""

    def make_store(self) -> IShared:
        from twisted.internet import reactor

        shared: Any = open_shared(new_database(), reactor=reactor)
        shared.open()
        self.addCleanup(shared.close)
        store: IShared = shared
        return store
