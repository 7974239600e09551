"""Indexes beside a SQLite file: given back where they fit, and never else."""

import os
import shutil
import signal
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from kato.changes import Deletion
from kato.errors import StorageUnavailable
from kato.storage.sqlite import index_files
from kato.storage.sqlite.index_files import IndexFiles, Unfit
from tests.storage.process import run
from tests.storage.samples import changes, model, whole
from tests.storage.test_sqlite_file import FileCase, as_nobody

TOKEN = "0123456789abcdef" * 2
OTHER = "f" * 32


class FilesTests(SynchronousTestCase):
    """L{IndexFiles} by themselves."""

    INDEX = b"what was kept"

    def setUp(self) -> None:
        database = Path(self.mktemp())
        self.files = IndexFiles(database)
        self.folder = database.with_name(database.name + ".index")
        self.file = self.folder / "1"

    def write(self, index: bytes = INDEX, number: int = 1) -> bytes:
        self.files.write(number, TOKEN, index, lambda: False)
        self.files.settle(number, TOKEN, True)
        return (self.folder / str(number)).read_bytes()

    def refused(self, number: int = 1, token: str = TOKEN) -> str:
        """Read what is not used, which is one warning, and is taken away; gives why."""
        with capturedLogs() as events:
            self.assertIsNone(self.files.read(number, token))
        [event] = events
        self.assertEqual(event["log_level"], LogLevel.warn)
        self.assertFalse((self.folder / str(number)).exists())
        line = formatEvent(event)
        self.assertIn(str(self.folder / str(number)), line)
        return line.partition("not used: ")[2]

    def test_parts(self) -> None:
        """An index of any size is read as it was written."""
        self.patch(index_files, "_CHUNK", 4)
        for size in (0, 1, 3, 4, 5, 8, 1000):
            self.write(bytes(range(size % 256)) + bytes(size))
            found = self.files.read(1, TOKEN)
            self.assertEqual(found, bytes(range(size % 256)) + bytes(size))

    def test_damaged(self) -> None:
        """A file in which any bit is another one is not used."""
        content = self.write()

        @settings(deadline=None, max_examples=300)
        @given(st.integers(0, len(content) - 1), st.integers(0, 7))
        def law(place: int, bit: int) -> None:
            changed = bytearray(content)
            changed[place] ^= 1 << bit
            self.file.write_bytes(changed)
            self.refused()

        law()

    def test_cut(self) -> None:
        """Nor is one that is shorter, or longer, than it was."""
        content = self.write()

        @settings(deadline=None, max_examples=100)
        @given(st.integers(0, len(content)), st.binary(max_size=3))
        @example(0, b"")
        def law(length: int, more: bytes) -> None:
            changed = content[:length] + more
            if changed != content:
                self.file.write_bytes(changed)
                self.refused()

        law()

    def test_foreign(self) -> None:
        """Nor is any other file."""
        self.write()

        @settings(deadline=None, max_examples=100)
        @given(st.binary(max_size=200))
        def law(content: bytes) -> None:
            self.file.write_bytes(content)
            self.refused()

        law()

    def test_why(self) -> None:
        """Why a file is not used is told."""
        self.assertEqual(self.refused(), "No such file or directory")
        content = self.write()
        self.assertEqual(self.refused(token=OTHER), "it belongs to another state of the database")
        for changed, why in (
            (content[:-1], "it has not the length it should have"),
            (content[:-1] + bytes([content[-1] ^ 1]), "its checksum is wrong"),
            (content[:20], "it is cut off"),
            (content[:8] + b"\2" + content[9:], "it is no index of version 1"),
            (b"SQLite f" + content[8:], "it is no index of version 1"),
        ):
            self.file.write_bytes(changed)
            self.assertEqual(self.refused(), why)
        self.file.mkdir()
        with capturedLogs() as events:
            self.assertIsNone(self.files.read(1, TOKEN))
        self.assertIn("Is a directory", formatEvent(events[0]))

    def test_whole_or_not(self) -> None:
        """What is being written is not in the place of what was there; what fits no more is taken
        away."""
        before = self.write()
        self.files.write(1, OTHER, b"later", lambda: False)
        self.assertEqual(self.file.read_bytes(), before)
        self.files.settle(1, OTHER, False)
        self.assertEqual([each.name for each in self.folder.iterdir()], ["1"])
        self.assertEqual(self.files.read(1, TOKEN), self.INDEX)

    def test_ends(self) -> None:
        """Writing stops when it is told to, and leaves nothing behind."""
        self.patch(index_files, "_CHUNK", 4)
        answers = iter([False, False, True])
        self.assertRaises(Unfit, self.files.write, 1, TOKEN, self.INDEX, answers.__next__)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_tidy(self) -> None:
        """What is half written, and what belongs to nobody, is taken away, and nothing else."""
        self.files.tidy(())
        for number in (1, 2, 3):
            self.write(number=number)
        self.files.write(3, OTHER, b"", lambda: False)
        (self.folder / "notes.txt").touch()
        self.files.tidy({1, 3})
        self.assertEqual({each.name for each in self.folder.iterdir()}, {"1", "3", "notes.txt"})


class IndexCase(FileCase):
    """A store with a processor and its index."""

    async def setUp(self) -> None:  # type: ignore[override]
        super().setUp()
        self.store = self.opened()
        self.file = self.folder / "kato.db.index" / "1"
        await self.store.commit([changes(models=(model("a"), model("b")))])
        await self.store.keep_index("p1", b"index")

    async def restart(self) -> None:
        await self.store.close()
        self.store = self.opened()

    async def index(self, processor: str = "p1") -> bytes | None:
        index: bytes | None = (await self.store.load(processor, whole)).index
        return index

    async def names(self, processor: str = "p1") -> list[str]:
        snapshot = await self.store.load(processor, whole)
        return [each.name for each in snapshot.models]

    def by_hand(self, *statements: str) -> None:
        """Change the file as a person would."""
        with closing(sqlite3.connect(self.path)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    async def not_kept(self, processor: str = "p1", index: bytes = b"new") -> str:
        with self.assertRaises(StorageUnavailable) as caught:
            await self.store.keep_index(processor, index)
        message: str = caught.exception.message
        return message


class PlaceTests(IndexCase):
    """Where an index lies, and how long."""

    async def test_private(self) -> None:
        """It lies in a folder beside the database, where nobody else may look."""
        self.assertEqual(await self.index(), b"index")
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(self.file.parent.stat().st_mode), 0o700)
        self.assertEqual(list(self.file.parent.iterdir()), [self.file])

    async def test_restart(self) -> None:
        """The next start finds it, also with all else that changed since."""
        await self.store.commit([changes(percept=None, oldest_request=3)])
        await self.restart()
        self.assertEqual(await self.index(), b"index")
        self.assertEqual(await self.names(), ["MODEL|a", "MODEL|b"])

    async def test_file_goes(self) -> None:
        """When a model changes the file goes with it, and so it does with its processor."""
        for commit in (
            [changes(deleted_models=("MODEL|a",))],
            [changes(forgets_memory=True)],
            [Deletion("p1"), changes()],
        ):
            await self.store.load("p1", whole)
            await self.store.keep_index("p1", b"index")
            self.assertTrue(self.file.exists())
            await self.store.commit(commit)  # type: ignore[arg-type]
            await self.store.close()
            self.assertFalse(self.file.exists())
            self.store = self.opened()

    async def test_failed_commit(self) -> None:
        """It stays when a commit that would have changed a model fails."""
        with self.assertRaises(OverflowError):
            await self.store.commit([changes(models=(model("a", 2**64),))])
        self.assertEqual(await self.index(), b"index")

    async def test_twice(self) -> None:
        """Of several that are asked for at a time the last is kept."""
        asked = [self.store.keep_index("p1", b"%d" % number) for number in range(5)]
        await DeferredList(asked)
        self.assertEqual(await self.index(), b"4")
        self.assertEqual(list(self.file.parent.iterdir()), [self.file])

    async def test_changed_meanwhile(self) -> None:
        """One whose models change while it is written is not kept, and its file not left."""
        asked = self.store.keep_index("p1", b"new")
        await self.store.commit([changes(models=(model("a", 7),))])
        await asked
        self.assertIsNone(await self.index())
        self.assertEqual(list(self.file.parent.iterdir()), [])

    async def test_closed_meanwhile(self) -> None:
        """One that is being written when the store is closed is given up, and closing is not held
        up by it; what was kept before is no longer found, for the database had the new one."""
        self.patch(index_files, "_CHUNK", 1)
        asked = self.store.keep_index("p1", b"new" * 10**6)
        closed = self.store.close()
        with self.assertRaises(StorageUnavailable):
            await asked
        await closed
        self.store = self.opened()
        self.assertEqual([each.name for each in self.file.parent.iterdir()], ["1"])
        self.assertIsNone(await self.index())

    async def test_closed_when_written(self) -> None:
        """One that was written when the store is closed is found at the next start."""
        with_files = self.store._with_files
        closing: list[Deferred[None]] = []

        def then_closed(*args: Any) -> "Deferred[None]":
            return with_files(*args).addCallback(lambda _: closing.append(self.store.close()))

        self.patch(self.store, "_with_files", then_closed)
        await self.store.keep_index("p1", b"new")
        await closing[0]
        self.store = self.opened()
        self.assertEqual(await self.index(), b"new")

    async def test_closed(self) -> None:
        """A closed store keeps none."""
        await self.store.close()
        self.assertIn("closed", await self.not_kept())


class StateTests(IndexCase):
    """Which state of the database an index belongs to."""

    EDITS = (
        "UPDATE models SET frequency = 5 WHERE name = 'MODEL|a'",
        "UPDATE models SET emotives = '[{\"joy\":1.0}]' WHERE name = 'MODEL|a'",
        "DELETE FROM models WHERE name = 'MODEL|b'",
        "DELETE FROM models",
        "INSERT INTO models VALUES (1, 'MODEL|c', '[[\"c\",\"d\"]]', 1, '[]')",
        "REPLACE INTO models VALUES (1, 'MODEL|a', '[[\"c\",\"d\"]]', 1, '[]')",
        "UPDATE models SET processor = 2 WHERE name = 'MODEL|a'",
        "UPDATE models SET processor = 1",
    )

    async def test_edited(self) -> None:
        """Whatever a person does to a model while no server runs, it is seen at the next start."""
        await self.store.commit([changes("p2", models=(model("z"),))])
        for edit in self.EDITS:
            await self.store.load("p1", whole)
            await self.store.keep_index("p1", b"index")
            self.assertEqual(await self.index(), b"index")
            await self.store.close()
            self.by_hand(edit)
            self.store = self.opened()
            self.assertIsNone(await self.index(), edit)
            self.assertFalse(self.file.exists())

    async def test_edited_elsewhere(self) -> None:
        """What is done to another processor, or to what is no model, does not matter."""
        await self.store.commit([changes("p2", models=(model("z"),))])
        await self.store.close()
        self.by_hand("UPDATE models SET frequency = 5 WHERE processor = 2", "DELETE FROM vectors")
        self.by_hand("UPDATE processors SET name = 'Weather'")
        self.store = self.opened()
        self.assertEqual(await self.index(), b"index")

    async def test_edited_meanwhile(self) -> None:
        """What a person does while a server runs is seen at the next start: the server, which does
        not know it, can keep no index over it until it has loaded it."""
        self.by_hand(self.EDITS[0])
        self.assertIn("another program has written", await self.not_kept())
        await self.store.commit([changes(models=(model("c"),))])
        self.assertIn("another program has written", await self.not_kept())
        await self.restart()
        found = await self.store.load("p1", whole)
        self.assertEqual((found.index, found.models[0].frequency), (None, 5))
        await self.store.keep_index("p1", b"new")
        self.assertEqual(await self.index(), b"new")

    async def test_edited_while_loaded(self) -> None:
        """What a person does in the midst of a load is seen at the next start at the latest."""
        read = IndexFiles.read

        def edited(files: IndexFiles, number: int, token: str) -> bytes | None:
            self.by_hand(self.EDITS[0])
            return read(files, number, token)

        with patch.object(IndexFiles, "read", edited):
            await self.index()
        self.assertIn("another program has written", await self.not_kept())
        await self.restart()
        found = await self.store.load("p1", whole)
        self.assertEqual((found.index, found.models[0].frequency), (None, 5))

    async def test_table_made_anew(self) -> None:
        """Triggers that are gone with their table are made again, and nothing is believed that
        they did not see."""
        anew = ("CREATE TABLE copy AS SELECT * FROM models", "DROP TABLE models")
        await self.store.close()
        with closing(sqlite3.connect(self.path)) as connection:
            [(table,)] = connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'models'")
        for edit in (
            (*anew, table, "INSERT INTO models SELECT * FROM copy", "DROP TABLE copy"),
            ("ALTER TABLE models RENAME TO old", table, "INSERT INTO models SELECT * FROM old"),
            ("DROP TRIGGER models_update", "UPDATE models SET frequency = 3"),
        ):
            self.by_hand(*edit)
            self.store = self.opened()
            self.assertIsNone(await self.index())
            await self.store.keep_index("p1", b"index")
            self.assertEqual(await self.index(), b"index")
            await self.store.commit([changes(models=(model("a", 9),))])
            self.assertIsNone(await self.index())
            await self.store.keep_index("p1", b"index")
            await self.store.close()

    async def test_backup(self) -> None:
        """A copy that is put in the place of the database is believed, not the index that was made
        later; an index that was made before the copy, and after which nothing changed, fits it."""
        copy = self.folder / "copy.db"
        self.by_hand(f"VACUUM INTO '{copy}'")
        await self.store.commit([changes(models=(model("a", 7),))])
        await self.store.keep_index("p1", b"later")
        await self.store.close()
        copy.replace(self.path)
        self.store = self.opened()
        found = await self.store.load("p1", whole)
        self.assertEqual((found.index, found.models), (None, (model("a"), model("b"))))

    async def test_backup_that_fits(self) -> None:
        """A copy has the index of the state that it is a copy of."""
        copy = self.folder / "copy.db"
        self.by_hand(f"VACUUM INTO '{copy}'")
        await self.store.close()
        copy.replace(self.path)
        self.store = self.opened()
        self.assertEqual(await self.index(), b"index")

    async def test_swapped(self) -> None:
        """The index of one processor is never that of another, though its file be put there."""
        await self.store.commit([changes("p2", models=(model("z"),))])
        await self.store.keep_index("p2", b"other")
        await self.store.close()
        shutil.copy(self.file.with_name("2"), self.file)
        self.store = self.opened()
        self.assertEqual((await self.index("p1"), await self.index("p2")), (None, b"other"))

    async def test_mangled_token(self) -> None:
        """A token that is none costs no more than time."""
        await self.store.close()
        for token in ("'x'", "7", "x'00'", "''"):
            self.by_hand(f"UPDATE processors SET index_token = {token}")
            self.store = self.opened()
            self.assertIsNone(await self.index())
            self.assertEqual(await self.names(), ["MODEL|a", "MODEL|b"])
            await self.store.close()

    async def test_reconnected(self) -> None:
        """On a new connection nobody knows what others wrote before it: what was loaded earlier
        can keep no index."""
        await self.store.run(lambda database: database._connection.close())
        with self.assertRaises(StorageUnavailable):
            await self.store.commit([changes()])
        self.assertIn("another program", await self.not_kept())
        await self.store.commit([changes(models=(model("c"),))])
        self.assertIn("another program", await self.not_kept())
        self.assertIsNone(await self.index())
        await self.store.keep_index("p1", b"new")
        self.assertEqual(await self.index(), b"new")


class TroubleTests(IndexCase):
    """Indexes that cannot be kept; nothing else suffers."""

    async def assert_goes_on(self) -> None:
        await self.store.commit([changes(models=(model("c"),))])
        self.assertEqual(await self.names(), ["MODEL|a", "MODEL|b", "MODEL|c"])
        self.assertIsNone(await self.index())

    async def test_no_room(self) -> None:
        """Where the disk has little room left, it is left to the database."""
        usage = shutil.disk_usage(self.folder)._replace(free=2**26 + 100)
        self.patch(shutil, "disk_usage", lambda path: usage)
        self.assertIn("bytes are free", await self.not_kept(index=b"x" * 51))
        await self.assert_goes_on()
        await self.store.keep_index("p1", b"x" * 50)
        self.assertEqual(await self.index(), b"x" * 50)

    async def test_no_folder(self) -> None:
        """A file in the place of the folder is left there."""
        shutil.rmtree(self.file.parent)
        self.file.parent.touch()
        self.assertIn("File exists", await self.not_kept())
        await self.assert_goes_on()
        self.assertTrue(self.file.parent.is_file())

    async def test_forbidden(self) -> None:
        """A folder in which nothing may be made is no harm."""
        self.file.parent.chmod(0o500)
        self.addCleanup(self.file.parent.chmod, 0o700)
        self.folder.chmod(0o711)
        with as_nobody():
            self.assertIn("Permission denied", await self.not_kept())
            await self.assert_goes_on()

    async def test_database_refuses(self) -> None:
        """Somebody else who writes to the database makes it fail."""
        await self.store.run(lambda database: database._connection.execute(_NO_PATIENCE))
        with closing(sqlite3.connect(self.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            self.assertIn("locked", await self.not_kept())
        await self.assert_goes_on()

    def left(self, what: str, *more: object) -> Any:
        """What a process leaves that uses its own store."""
        path = self.folder / "theirs.db"
        done = run(what, path, *more)
        return done, path, path.with_name("theirs.db.index")

    async def test_too_large(self) -> None:
        """A file that the system cuts off in the midst of writing is taken away."""
        done, path, folder = self.left("index_too_large")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, "File too large\n")
        self.assertEqual(list(folder.iterdir()), [])
        self.store = self.opened(path)
        self.assertEqual(await self.names(), ["MODEL|kept"])

    async def test_killed(self) -> None:
        """A server that is killed in the midst of writing leaves a file that is not believed, and
        is taken away when the store is opened."""
        for step in ("write", "settle"):
            done, path, folder = self.left("die_in_index", step)
            self.assertEqual(done.returncode, -signal.SIGKILL, done.stderr)
            left = {each.name.partition(".")[0] for each in folder.iterdir()}
            self.assertEqual(left, {"1"})
            self.store = self.opened(path)
            self.assertEqual([each.name for each in folder.iterdir()], ["1"])
            self.assertEqual(await self.names(), ["MODEL|kept"])
            self.assertIsNone(await self.index())
            self.assertEqual(os.listdir(folder), [])
            await self.store.close()


_NO_PATIENCE = "PRAGMA busy_timeout = 0"
