"""What a store must do that keeps indexes: its tests derive from this."""

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from kato.changes import Changes, Deletion, Window
from tests.storage.contract import StoreContract
from tests.storage.samples import COMMITS, changes, everything, model, whole


class IndexContract(StoreContract):
    """The contract of L{IStore}, where an index is kept."""

    async def index(self, processor: str = "p1") -> bytes | None:
        return (await self.load(processor)).index

    async def test_index(self) -> None:
        """An index is given back with all else, to the last bit; a later one takes its place."""
        written, expected = everything()
        await self.store.commit([written])
        self.assertIsNone(await self.index())
        for index in (b"", bytes(range(256)), b"\0" * 2**20, b"last"):
            await self.store.keep_index("p1", index)
            self.assertExactly(await self.load(), replace(expected, index=index))

    async def test_index_of_each(self) -> None:
        """Each processor has its own, and that of a processor that is not stored is not kept."""
        await self.store.commit([changes("p1"), changes("p2"), changes("p3")])
        for processor in ("p1", "p3", "p4"):
            await self.store.keep_index(processor, processor.encode())
        await self.store.commit([changes("p4"), changes("p3", models=(model("a"),))])
        found = [await self.index(f"p{number}") for number in range(1, 5)]
        self.assertEqual(found, [b"p1", None, None, None])

    async def test_index_and_models(self) -> None:
        """No index is given back once a model was written, deleted or forgotten."""
        learned_again = changes(models=(model("a", 2),))
        commits: list[list[Changes | Deletion]] = [
            [changes(models=(model("b"),))],
            [learned_again],
            [changes(deleted_models=("MODEL|a",))],
            [changes(forgets_memory=True)],
            [changes("p2"), learned_again, changes()],
            [Deletion("p1"), changes(models=(model("a"),))],
        ]
        for each in commits:
            await self.store.commit([changes(models=(model("a"),))])
            await self.store.keep_index("p1", b"index")
            self.assertEqual(await self.index(), b"index")
            await self.store.commit(each)
            self.assertIsNone(await self.index())

    async def test_index_and_all_else(self) -> None:
        """Whatever changes beside the models, the index is given back."""
        written, _ = everything()
        await self.store.commit([written])
        await self.store.keep_index("p1", b"index")
        await self.store.commit([replace(written, models=(), forgets_pending=True)])
        dropped = (Window(0, 5),)
        await self.store.commit([changes(dropped_events=dropped, oldest_request=2**60)])
        await self.store.commit([changes("p2", models=(model("a"),)), Deletion("p2")])
        self.assertEqual(await self.index(), b"index")

    async def test_order_of_indexes(self) -> None:
        """An index is of the models as what was asked before leaves them, and forgotten by what is
        asked after it, without waiting for any of it."""
        first = changes(models=(model("a"),))
        second = changes(models=(model("b"),))
        asked: list[Deferred[Any]] = [self.store.commit([first])]
        asked.append(self.store.keep_index("p1", b"of the first"))
        asked.append(self.store.commit([second]))
        for each in asked:
            await each
        self.assertIsNone(await self.index())
        asked = [self.store.keep_index("p1", b"old"), self.store.commit([first])]
        asked.append(self.store.keep_index("p1", b"new"))
        for each in asked:
            await each
        self.assertEqual(await self.index(), b"new")

    def test_index_law(self) -> "Deferred[None]":
        """Whatever is committed, the index that is given is the one that was kept last, and none
        if the models are no longer those of that time."""

        @settings(deadline=None, max_examples=60)
        @given(COMMITS, st.data())
        def law(commits: list[list[Any]], data: st.DataObject) -> None:
            for processor in self.wait(self.store.processors):
                self.wait(self.store.commit, [Deletion(processor)])
            kept: dict[str, tuple[bytes, object]] = {}
            for number, commit in enumerate(commits):
                self.wait(self.store.commit, commit)
                for processor in self.wait(self.store.processors):
                    snapshot = self.wait(self.store.load, processor, whole)
                    index, models = kept.get(processor, (None, None))
                    self.assertIn(snapshot.index, (None, index))
                    if snapshot.index is not None:
                        self.assertEqual(snapshot.models, models)
                    elif data.draw(st.booleans()):
                        kept[processor] = (b"%d" % number, snapshot.models)
                        self.wait(self.store.keep_index, processor, b"%d" % number)

        return deferToThread(law)
