"""What a SQLite store does when nothing can be stored, or what is stored cannot be read."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import TestCase

from kato.changes import Changes, Deletion, Snapshot
from kato.errors import StorageUnavailable
from kato.model import Model
from kato.storage.sqlite import SqliteStore
from kato.storage.sqlite.database import Database
from tests.storage.process import run
from tests.storage.samples import answer, changes, everything, model, whole


class FailureCase(TestCase):
    """A store that holds a processor."""

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.path = Path(self.mktemp()).absolute() / "kato.db"
        self.reactor: Any = reactor
        self.store = self.opened()
        written, self.held = everything()
        self.committed = self.store.commit([written])

    def opened(self) -> SqliteStore:
        """A store that is closed at the end of the test."""
        store = SqliteStore(self.path, reactor=self.reactor)
        store.open()
        self.addCleanup(store.close)
        return store

    async def elsewhere(self, statement: str) -> None:
        """Change the file behind the back of the store, once all is done that it was asked."""
        await self.store.run(lambda database: None)
        with closing(sqlite3.connect(self.path)) as connection:
            connection.execute(statement)
            connection.commit()

    async def refused(self, asked: "Deferred[Any]") -> StorageUnavailable:
        with self.assertRaises(StorageUnavailable) as caught:
            await asked
        error: StorageUnavailable = caught.exception
        return error

    async def assert_as_it_was(self) -> None:
        self.assertEqual(list(await self.store.processors()), ["p1"])
        self.assertEqual(repr(await self.store.load("p1", whole)), repr(self.held))


class CommitTests(FailureCase):
    """Commits that fail."""

    FULL = staticmethod(lambda database: _set(database, "max_page_count = 1"))
    ROOM = staticmethod(lambda database: _set(database, "max_page_count = 1000000"))

    async def test_disk_full(self) -> None:
        """When the disk is full, nothing of a commit is kept, and that is known; when there is
        room again, the store goes on."""
        await self.store.run(self.FULL)
        large = tuple(Model(f"MODEL|large{i}", (("x" * 5000,),), 1) for i in range(9))
        batch = [changes("p0"), changes(deleted_models=("MODEL|1",)), changes(models=large)]
        error = await self.refused(self.store.commit(batch))
        self.assertIn("full", error.message)
        self.assertEqual((error.retry_after, error.outcome_unknown), (1, False))
        await self.assert_as_it_was()
        await self.store.run(self.ROOM)
        await self.store.commit(batch)
        self.assertEqual(list(await self.store.processors()), ["p0", "p1"])
        names = [each.name for each in (await self.store.load("p1", whole)).models]
        self.assertEqual(names, ["MODEL|2", *(each.name for each in large)])

    async def test_half_a_batch(self) -> None:
        """A batch with something in it that cannot be stored is not stored at all."""
        too_large = changes(models=(model("b", 2**64),))
        batches: list[list[Changes | Deletion]] = [
            [changes("p2"), changes(models=(model("a"),)), too_large],
            [Deletion("p1", answer(1)), changes(), too_large],
        ]
        for batch in batches:
            with self.assertRaises(OverflowError):
                await self.store.commit(batch)
            await self.assert_as_it_was()
            self.assertEqual(list(await self.store.deletions()), [])

    async def test_numbers_after_failure(self) -> None:
        """A processor that a failed commit would have made is made by the next."""
        await self.store.run(self.FULL)
        await self.refused(
            self.store.commit([changes("p2"), changes("p2", models=(model("x" * 9000),))])
        )
        await self.store.run(self.ROOM)
        await self.store.commit([changes("p3"), changes("p2", models=(model("b"),))])
        self.assertEqual((await self.store.load("p2", whole)).models, (model("b"),))
        self.assertEqual((await self.store.load("p3", whole)).models, ())

    async def test_statistics(self) -> None:
        """Failures are counted apart."""
        await self.store.run(self.FULL)
        await self.refused(self.store.commit([changes("p2", models=(model("x" * 9000),))]))
        told = self.store.statistics()
        self.assertEqual((told["kind"], told["commits"], told["failures"]), ("sqlite", 1, 1))

    async def test_another_writer(self) -> None:
        """Somebody else who writes to the file makes a commit fail, and harms nothing."""
        await self.store.run(lambda database: _set(database, "busy_timeout = 0"))
        with closing(sqlite3.connect(self.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            error = await self.refused(self.store.commit([changes("p2")]))
        self.assertIn("locked", error.message)
        await self.assert_as_it_was()
        await self.store.commit([changes("p2")])
        self.assertEqual(list(await self.store.processors()), ["p1", "p2"])

    async def test_reconnects(self) -> None:
        """A connection that cannot even be rolled back is given up for another."""
        await self.store.run(lambda database: database._connection.close())
        await self.refused(self.store.commit([changes("p2")]))
        await self.assert_as_it_was()
        await self.store.commit([changes("p2")])
        self.assertEqual(list(await self.store.processors()), ["p1", "p2"])

    async def test_gone(self) -> None:
        """A file that is gone cannot be reached, and no empty one is made in its place."""
        await self.store.run(lambda database: database._connection.close())
        await self.refused(self.store.commit([changes("p2")]))
        moved = self.path.rename(self.path.with_name("moved.db"))
        error = await self.refused(self.store.commit([changes("p2")]))
        self.assertIn("cannot be reached", error.message)
        self.assertFalse(self.path.exists())
        moved.rename(self.path)
        await self.store.commit([changes("p2")])

    def fill(self, room: int) -> Any:
        """Let a file become too large in the last step of a commit."""
        done = run("fill", self.path.with_name("full.db"), room)
        self.assertEqual(done.returncode, 0, done.stderr)
        told, then, end = json.loads(done.stdout)
        self.assertEqual((then, end), (["MODEL|kept"], ["MODEL|kept", "MODEL|more"]))
        return told

    def test_outcome_known(self) -> None:
        """A commit that fails in its last step gives its place in the write-ahead log to another:
        it is certain that nothing of it is kept."""
        message, retry_after, outcome_unknown = self.fill(room=100_000)
        self.assertIn("nothing can be stored now", message)
        self.assertEqual((retry_after, outcome_unknown), (1, False))

    def test_outcome_unknown(self) -> None:
        """Where there is no room even for that, nobody can tell what a next start would find; as
        long as the store lives, the commit is undone."""
        self.assertEqual(self.fill(room=100)[1:], [1, True])


class ReadingTests(FailureCase):
    """What is stored and cannot be read."""

    async def unreadable(self, processor: str = "p1") -> str:
        return (await self.refused(self.store.load(processor, whole))).message

    async def test_damaged_rows(self) -> None:
        """A row that is not as it was written is told by what it is of, and hurts no other
        processor."""
        await self.store.commit([changes("p2")])
        for statement, what in (
            ("UPDATE models SET sequence = '[[' WHERE name = 'MODEL|2'", "model MODEL|2"),
            ("UPDATE models SET sequence = '[[\"a\"]]'", ""),
            ("UPDATE processors SET genes = '{\"courage\": 1}' WHERE id = 'p1'", "processor p1"),
            ("UPDATE processors SET genes = '{}' WHERE id = 'p1'", ""),
            ("UPDATE processors SET emotives = '[]' WHERE id = 'p1'", "processor p1"),
            ("UPDATE processors SET emotives = '{}' WHERE id = 'p1'", ""),
            ("UPDATE percepts SET observation = '{}'", "processor p1"),
            ("UPDATE percepts SET observation = NULL", ""),
            ("UPDATE vectors SET components = x'00'", "processor p1"),
            ("DELETE FROM vectors", ""),
            ("UPDATE events SET event = 'a'", "processor p1"),
            (f"UPDATE events SET event = '{'[' * 5000}'", "processor p1"),
            ("DELETE FROM events", ""),
            ("UPDATE answers SET fields = ''", "processor p1"),
        ):
            await self.elsewhere(statement)
            if what:
                self.assertIn(f"{what} cannot be read: ", await self.unreadable())
            else:
                self.assertEqual((await self.store.load("p1", whole)).processor, "p1")
        self.assertEqual((await self.store.load("p2", whole)).processor, "p2")

    async def test_damaged_tables(self) -> None:
        """A table that cannot be read is told by what it is of."""
        await self.elsewhere("ALTER TABLE deletions RENAME TO gone")
        error = await self.refused(self.store.deletions())
        self.assertIn("the list of deletions cannot be read", error.message)
        await self.elsewhere("ALTER TABLE processors RENAME TO lost")
        self.assertIn("processor p1 cannot be read", await self.unreadable())
        error = await self.refused(self.store.processors())
        self.assertIn("the list of processors cannot be read", error.message)

    async def test_interrupted(self) -> None:
        """Reading that fails while models stream in is told, and the store goes on."""
        many = tuple(model(str(number)) for number in range(2500))
        await self.store.commit([changes("p2", models=many)])
        connection = await self.store.run(lambda database: database._connection)

        def restore(snapshot: Snapshot) -> int:
            models = iter(snapshot.models)
            next(models)
            connection.interrupt()
            return len(list(models))

        error = await self.refused(self.store.load("p2", restore))
        self.assertIn("processor p2 cannot be read", error.message)
        self.assertEqual(len((await self.store.load("p2", whole)).models), 2500)

    async def test_sees_the_present(self) -> None:
        """Reading that failed does not hold the store at what it saw then."""
        await self.elsewhere("UPDATE events SET event = 'a'")
        kept = await self.refused(self.store.load("p1", whole))
        await self.elsewhere("UPDATE events SET event = '[]'")
        self.assertEqual((await self.store.load("p1", whole)).events[0].event, ())
        self.assertIn("processor p1", kept.message)


class CloseTests(FailureCase):
    """Closing that does not go well."""

    async def test_reader(self) -> None:
        """Somebody who reads the file keeps the log from being folded in; nothing is lost."""
        await self.store.run(lambda database: _set(database, "busy_timeout = 0"))
        with closing(sqlite3.connect(self.path, isolation_level=None)) as other:
            other.execute("BEGIN")
            other.execute("SELECT * FROM models").fetchall()
            await self.store.commit([changes("p2")])
            await self.store.close()
        self.assertEqual(list(await self.opened().processors()), ["p1", "p2"])

    async def test_broken(self) -> None:
        """A log that cannot be folded in is a warning, and the file is let go."""
        await self.store.run(lambda database: database._connection.close())
        with capturedLogs() as events:
            await self.store.close()
        [event] = [each for each in events if each["log_level"] is LogLevel.warn]
        self.assertIn(str(self.path.resolve()), formatEvent(event))
        self.assertEqual(list(await self.opened().processors()), ["p1"])


def _set(database: Database, pragma: str) -> None:
    database._connection.execute(f"PRAGMA {pragma}").fetchall()
