"""The store in a SQLite file."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from threading import get_ident
from typing import Any

from hypothesis import given, settings
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from kato.changes import Changes, Deletion, NumberedEvent, Percept, Snapshot, State, Window
from kato.engine import Processor
from kato.errors import StorageUnavailable
from kato.model import Model
from kato.observation import Observation
from kato.storage.interface import IStore
from kato.storage.memory import MemoryStore
from kato.storage.sqlite import SqliteStore, database, store
from kato.storage.sqlite.database import Database
from tests.storage import index_contract
from tests.storage.samples import COMMITS, answer, changes, everything, model, whole


class SqliteStoreTests(index_contract.IndexContract):
    """The contract, kept in a file."""

    store: SqliteStore

    def make_store(self) -> IStore:
        self.patch(database, "MAX_DELETIONS", self.kept_deletions)
        self.path = Path(self.mktemp()) / "kato.db"
        made: IStore = SqliteStore(self.path, reactor=self.reactor)
        return made

    async def reopen(self) -> None:
        """Close the store, and open another on the same file."""
        await self.store.close()
        self.store = SqliteStore(self.path, reactor=self.reactor)
        self.store.open()

    # Durability

    async def test_durable(self) -> None:
        """A commit is in the write-ahead log, and that on the disk, before it is answered."""
        self.assertEqual(await self.store.run(Database.pragma, "journal_mode"), "wal")
        self.assertEqual(await self.store.run(Database.pragma, "synchronous"), 2)
        self.assertEqual(await self.store.run(Database.pragma, "fullfsync"), 1)

    async def test_log_is_cut(self) -> None:
        """A log that one large commit has made large is cut back to 64 MiB."""
        limit = await self.store.run(Database.pragma, "journal_size_limit")
        self.assertEqual(limit, 64 * 2**20)

    async def test_reopened(self) -> None:
        """Another store on the same file holds the same to the last bit."""
        written, expected = everything()
        await self.store.commit([written, Deletion("p2", answer(3))])
        await self.reopen()
        self.assertExactly(await self.load(), expected)
        self.assertExactly(list(await self.store.deletions()), [Deletion("p2", answer(3))])

    async def test_closed(self) -> None:
        """The write-ahead log is folded into the file when it is closed."""
        await self.store.commit([changes(models=(model("a"),))])
        self.assertTrue(self.path.with_name("kato.db-wal").stat().st_size)
        await self.store.close()
        self.assertFalse(self.path.with_name("kato.db-wal").exists())
        with closing(sqlite3.connect(self.path)) as connection:
            self.assertEqual(connection.execute("PRAGMA integrity_check").fetchone(), ("ok",))
            self.assertEqual(
                connection.execute("SELECT name FROM models").fetchall(), [("MODEL|a",)]
            )

    async def test_finishes_when_closed(self) -> None:
        """What was asked before it is closed is done before it is."""
        commits = [self.store.commit([changes(f"p{i}")]) for i in range(20)]
        await self.store.close()
        for each in commits:
            self.assertIsNone(self.successResultOf(each))
        await self.reopen()
        self.assertEqual(len(await self.store.processors()), 20)

    async def test_unusable_when_closed(self) -> None:
        """A closed store refuses everything, and may be closed again."""
        await self.store.close()
        for refused in (
            self.store.processors(),
            self.store.deletions(),
            self.store.load("p1", whole),
            self.store.commit([changes()]),
        ):
            self.assertIn("closed", str(self.failureResultOf(refused, StorageUnavailable).value))
        self.successResultOf(self.store.close())

    # Threads

    async def test_threads(self) -> None:
        """One thread alone touches the database, and it is not the reactor's."""
        seen: list[int] = []

        class Watched(Database):
            def __init__(self, path: Path) -> None:
                seen.append(get_ident())
                super().__init__(path)

            def processors(self) -> list[str]:
                seen.append(get_ident())
                return super().processors()

            def deletions(self) -> list[Deletion]:
                seen.append(get_ident())
                return super().deletions()

            def load(self, processor: str, restore: Callable[[Snapshot], Any]) -> Any:
                seen.append(get_ident())
                return super().load(processor, restore)

            def commit(self, changes: Sequence[Changes | Deletion]) -> None:
                seen.append(get_ident())
                super().commit(changes)

            def close(self) -> None:
                seen.append(get_ident())
                super().close()

        self.patch(store, "Database", Watched)
        await self.store.commit([changes()])
        await self.store.load("p1", lambda snapshot: seen.append(get_ident()))
        await self.store.processors()
        await self.store.deletions()
        await self.store.close()
        self.assertEqual(len(seen), 7)
        self.assertEqual(len(set(seen)), 1)
        self.assertNotIn(get_ident(), seen)

    # What a person reads

    async def test_readable(self) -> None:
        """With a shell on the file, models, short-term memory and genes are read as JSON, while
        the server runs."""
        percept = Percept(Observation(strings=("b", "a")), ("a", "b"))
        await self.store.commit(
            [
                changes(
                    state=State("Weather", interval=3, window=Window(0, 1)),
                    percept=percept,
                    models=(Model("MODEL|1", (("é", "a"), ("b",)), 2, ({"joy": 0.5},)),),
                    events=(NumberedEvent(0, ("a", "b")),),
                    requests=(answer(0, "r"),),
                )
            ]
        )
        self.assertEqual(
            self.rows("SELECT sequence, frequency, emotives FROM models"),
            [('[["é","a"],["b"]]', 2, '[{"joy":0.5}]')],
        )
        self.assertEqual(self.rows("SELECT event FROM events"), [('["a","b"]',)])
        [(genes, observation)] = self.rows(
            "SELECT json_extract(genes, '$.stm_mode'), json_extract(observation, '$.strings')"
            " FROM processors JOIN percepts ON processor = number WHERE id = 'p1'"
        )
        self.assertEqual((genes, json.loads(observation)), ("TAIL", ["b", "a"]))
        self.assertEqual(self.rows("SELECT kind, key FROM answers"), [("request", "r")])
        self.assertEqual(
            self.rows("SELECT group_concat(stm_end - stm_start) FROM processors"), [("1",)]
        )

    async def test_backup(self) -> None:
        """C{VACUUM INTO} makes a copy while the server runs, which is a store like the first."""
        written, expected = everything()
        await self.store.commit([written])
        copy = self.path.with_name("copy.db")
        with closing(sqlite3.connect(self.path)) as connection:
            connection.execute("VACUUM INTO ?", (str(copy),))
        await self.store.commit([changes("later")])
        other = SqliteStore(copy, reactor=self.reactor)
        other.open()
        self.addCleanup(other.close)
        self.assertEqual(list(await other.processors()), ["p1"])
        self.assertExactly(await other.load("p1", whole), expected)

    def rows(self, select: str) -> list[Any]:
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(select).fetchall()

    # As memory has it

    def test_as_memory(self) -> "Deferred[None]":
        """Whatever is committed, it holds what a store in memory holds."""

        @settings(deadline=None, max_examples=150)
        @given(COMMITS)
        def law(commits: list[list[Changes | Deletion]]) -> None:
            oracle = MemoryStore()
            for processor in self.wait(self.store.processors):
                self.wait(self.store.commit, [Deletion(processor)])
            for commit in commits:
                self.successResultOf(oracle.commit(commit))
                self.wait(self.store.commit, commit)
            self.assert_holds_as(oracle)

        return deferToThread(law)

    def assert_holds_as(self, oracle: MemoryStore) -> None:
        processors = self.successResultOf(oracle.processors())
        self.assertEqual(self.wait(self.store.processors), processors)
        for processor in processors:
            found = self.wait(self.store.load, processor, whole)
            self.assertExactly(found, self.successResultOf(oracle.load(processor, whole)))

    async def test_many_models(self) -> None:
        """A processor with many models is as it was, name by name."""
        processor = Processor("p1")
        for number in range(3000):
            for symbol in (f"s{number % 7}", f"s{number}"):
                processor.observe(Observation(strings=(symbol,)))
            processor.learn()
        await self.store.commit([processor.drain()])
        restored = await self.store.load("p1", Processor.restore)
        self.assertEqual(restored.list_models(5000, None), processor.list_models(5000, None))
        self.assertEqual(restored.symbols, processor.symbols)
