"""Copies of a SQLite store: made while it is in use, and put in its place while it is not."""

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

from kato.storage.interface import CannotOpen, InUse
from kato.storage.sqlite import Copied, copies, copy_database, put_in_place, schema
from kato.storage.sqlite.connection import prepare
from kato.storage.sqlite.database import Database
from tests.storage.process import run
from tests.storage.samples import changes, everything, model, whole
from tests.storage.test_sqlite_file import FileCase


def untold(done: int, total: int) -> None:
    """Nobody watches."""


class CopyCase(FileCase):
    """A store with two processors, and a place for copies."""

    def setUp(self) -> None:
        super().setUp()
        self.copy = self.folder / "copy.db"
        self.copy.touch()
        prepare(self.path)
        with closing(Database(self.path)) as database:
            database.commit([everything()[0], changes("p2", models=(model("a"),))])

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    def snapshots(self, path: Path) -> list[Any]:
        """All that a store holds."""
        with closing(Database(path)) as database:
            return [database.load(each, whole) for each in database.processors()]


class CopyTests(CopyCase):
    """Making a copy."""

    def test_at_rest(self) -> None:
        """A copy is one file that holds all, and a store as good as the first."""
        expected = self.snapshots(self.path)
        self.assertEqual(copy_database(self.path, self.copy, told=untold), Copied(2, 3))
        self.assertEqual(self.names(), ["copy.db", "kato.db"])
        self.assertEqual(self.snapshots(self.copy), expected)

    async def test_opened(self) -> None:
        """A copy that is read as a store stays as it is, to the last bit."""
        copy_database(self.path, self.copy, told=untold)
        before = self.copy.read_bytes()
        store = self.opened(self.copy)
        self.assertEqual((await store.load("p2", whole)).models, (model("a"),))
        await store.close()
        self.assertEqual(self.copy.read_bytes(), before)

    def test_while_written(self) -> None:
        """While others commit, the copy is the state after one of their commits, and comes to its
        end however many there are."""
        self.patch(copies, "_PAGES", 1)
        with closing(Database(self.path)) as database:
            many = tuple(map(model, map(str, range(2000))))
            database.commit([changes("p3", models=many)])
            steps: list[tuple[int, int]] = []

            def commit(done: int, total: int) -> None:
                steps.append((done, total))
                both = (changes("p3", models=(model(f"new {done}"),)), changes(f"new{done}"))
                database.commit(both)

            copied = copy_database(self.path, self.copy, told=commit)
            self.assertEqual(len(database.processors()), 3 + len(steps))
        self.assertEqual(copied, Copied(3, 2003))
        self.assertEqual(steps, [(number, len(steps)) for number in range(1, len(steps) + 1)])
        self.assertGreater(len(steps), 40)

    def test_before_its_log(self) -> None:
        """What still lies in the write-ahead log of a server that was killed is copied, too."""
        ended = run("die_in_commit", self.path)
        self.assertTrue(self.path.with_name("kato.db-wal").stat().st_size, ended.stderr)
        copy_database(self.path, self.copy, told=untold)
        expected = self.snapshots(self.path)
        self.assertEqual(self.snapshots(self.copy), expected)
        self.assertGreater(len(expected), 0)

    def assertNoCopy(self, why: str) -> None:
        with self.assertRaises(CannotOpen) as caught:
            copy_database(self.path, self.copy, told=untold)
        self.assertIn(f"{self.path} cannot be copied: {why}", str(caught.exception))

    def test_refused(self) -> None:
        """What is missing, no database, another program's, empty, or newer, is not copied."""
        self.path.unlink()
        self.assertNoCopy("there is no such file")
        self.path.write_bytes(b"no database" * 100)
        self.assertNoCopy("file is not a database")
        self.path.write_bytes(b"")
        self.assertNoCopy("it holds nothing of KATO's")
        with closing(sqlite3.connect(self.path)) as other:
            other.execute("CREATE TABLE theirs (a)")
        self.assertNoCopy("it is a database of another program")
        self.path.unlink()
        prepare(self.path)
        with closing(sqlite3.connect(self.path)) as newer:
            newer.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS) + 1}")
        self.assertNoCopy("it has version")

    def test_damaged(self) -> None:
        """A database with a damaged page is found out."""
        with self.path.open("r+b") as file:
            file.seek(-4096, os.SEEK_END)
            file.write(b"\xff" * 4096)
        self.assertNoCopy("")


class PutInPlaceTests(CopyCase):
    """Putting a copy in the place of a store."""

    def setUp(self) -> None:
        super().setUp()
        self.kept = self.snapshots(self.path)
        copy_database(self.path, self.copy, told=untold)
        with closing(Database(self.path)) as database:
            database.commit([changes("later")])
        self.later = self.snapshots(self.path)

    def put(self) -> Path | None:
        return put_in_place(self.copy, self.path, told=untold)

    def test_aside(self) -> None:
        """The old store is kept under another name, each time a new one."""
        old = self.put()
        assert old is not None
        self.assertEqual(self.names(), ["copy.db", "kato.db", "kato.db.lock", "kato.db.old-1"])
        self.assertEqual(self.snapshots(self.path), self.kept)
        self.assertEqual(self.snapshots(old), self.later)
        self.assertEqual(self.put(), self.folder / "kato.db.old-2")
        for path in (self.path, old):
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)

    def test_nothing_there(self) -> None:
        """Where there was no store, one is made, with the folders above it."""
        self.path = self.folder / "a" / "b" / "kato.db"
        self.assertIsNone(self.put())
        self.assertEqual(self.snapshots(self.path), self.kept)

    def test_log_of_the_old(self) -> None:
        """What lies in the write-ahead log of the old store stays with that."""
        run("die_in_commit", self.path)
        old = self.put()
        assert old is not None
        self.assertEqual(self.snapshots(self.path), self.kept)
        self.assertLess(len(self.later) - 1, len(self.snapshots(old)))
        self.assertNotIn("kato.db-wal", self.names())

    def test_damaged_old(self) -> None:
        """A store that is damaged is kept as it is, and a log is in nobody's way."""
        self.path.write_bytes(b"no database")
        log = self.path.with_name("kato.db-wal")
        log.write_bytes(b"no log")
        self.assertEqual(self.put(), self.folder / "kato.db.old-1")
        self.assertEqual(self.snapshots(self.path), self.kept)
        self.assertEqual((self.folder / "kato.db.old-1").read_bytes(), b"no database")
        self.assertNotIn("kato.db-wal", self.names())

    def assertAsBefore(self, before: list[str]) -> None:
        self.assertEqual(self.names(), before)
        self.assertEqual(self.snapshots(self.path), self.later)

    async def test_server_runs(self) -> None:
        """While a server uses it, nothing is done."""
        store = self.opened()
        before = self.names()
        with self.assertRaisesRegex(InUse, f"another server uses it .process {os.getpid()}"):
            self.put()
        self.assertEqual(self.names(), before)
        await store.close()

    def test_program_has_it_open(self) -> None:
        """While another program has it open, nothing is done, since that would go on with the old
        one."""
        with closing(Database(self.path)) as database:
            database.processors()
            with self.assertRaisesRegex(CannotOpen, "another program has it open"):
                self.put()
        self.assertAsBefore(["copy.db", "kato.db", "kato.db.lock"])

    def test_program_reads_it(self) -> None:
        """Nor while another program is in the midst of reading, or keeps it for itself alone."""
        self.patch(copies, "_PATIENCE", 0.0)
        for statements in (
            ["BEGIN", "SELECT * FROM models"],
            ["PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE"],
        ):
            with closing(sqlite3.connect(self.path, isolation_level=None)) as other:
                for each in statements:
                    other.execute(each).fetchone()
                with self.assertRaisesRegex(CannotOpen, "kato.db cannot be replaced: "):
                    self.put()
            self.assertAsBefore(["copy.db", "kato.db", "kato.db.lock"])

    def test_unfit_copy(self) -> None:
        """What is no copy of a store is refused, and the store stays."""
        self.copy.write_bytes(b"no database" * 100)
        with self.assertRaisesRegex(CannotOpen, "copy.db cannot be copied: file is not a database"):
            self.put()
        self.assertAsBefore(["copy.db", "kato.db", "kato.db.lock"])

    def test_broken_off(self) -> None:
        """Broken off at the last moment, the old store is in its place, and what was left behind
        is in nobody's way."""

        def breaks(path: Path) -> Path:
            raise KeyboardInterrupt

        self.patch(copies, "_kept_aside", breaks)
        with self.assertRaises(KeyboardInterrupt):
            self.put()
        self.assertAsBefore(["copy.db", "kato.db", "kato.db.lock"])
        (self.folder / "kato.db.restoring").write_bytes(b"left behind")
        self.patch(copies, "_kept_aside", lambda path: None)
        self.put()
        self.assertEqual(self.snapshots(self.path), self.kept)
