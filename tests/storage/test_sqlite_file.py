"""The file of a SQLite store: who may use it, what it must be, and how it grows up."""

import fcntl
import os
import signal
import sqlite3
import stat
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase, TestCase

from kato.engine import Processor
from kato.storage.file_lock import FileLock
from kato.storage.interface import CannotOpen
from kato.storage.sqlite import SqliteStore, connection, schema
from tests.engine.worlds import Operation, carry_out
from tests.engine.worlds import everything as told
from tests.source import ROOT
from tests.storage.process import PATIENCE, command, run
from tests.storage.samples import changes, everything, model, whole

VERSION_1: Sequence[Operation] = (
    ("change_genes", {"genes": {"persistence": 3, "recall_threshold": 0.25}}, "r1"),
    ("observe", {"strings": ["é", "a"], "emotives": {"joy": 0.1}, "vectors": [[0.5, -0.0]]}, None),
    ("observe", {"strings": ["b"], "unique_id": "u1", "metadata": {"at": ["sea", 1]}}, None),
    ("learn", {}, "r2"),
    (
        "observe_sequence",
        {"observations": [{"strings": ["c"]}, {"strings": [""]}], "learn_at_end": True},
        None,
    ),
    ("update_model", {"model_name": 1, "frequency": 7}, None),
    (
        "observe",
        {"strings": ["a", "b"], "emotives": {"fear": 1e308}, "vectors": [[1.0, 2.0]]},
        "r3",
    ),
)
"""What the processor did that C{version1.sql} holds, which a server of version 1 has written."""


class FileCase(TestCase):
    """A folder in which there is no C{kato.db} yet."""

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.path = self.folder / "kato.db"

    def make(self, path: Path | None = None) -> SqliteStore:
        """A store that is closed at the end of the test, not open yet."""
        store = SqliteStore(path or self.path, reactor=self.reactor)
        self.addCleanup(store.close)
        return store

    def opened(self, path: Path | None = None) -> SqliteStore:
        store = self.make(path)
        store.open()
        return store

    def refused(self, path: Path | None = None) -> str:
        """Open what cannot be opened; gives what is told, which names the file in one line."""
        path = path or self.path
        with self.assertRaises(CannotOpen) as caught:
            self.make(path).open()
        line = str(caught.exception)
        self.assertIn(str(path.resolve()), line)
        self.assertNotIn("\n", line)
        return line.partition(": ")[2]


class LockTests(FileCase):
    """One server to a file."""

    def holding(self, what: str = "hold") -> "subprocess.Popen[str]":
        """A process that holds the store when this returns; its first line is its id."""
        held = subprocess.Popen(
            command(what, self.path),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(held.communicate, timeout=PATIENCE)
        assert held.stdout is not None
        self.holder = int(held.stdout.readline())
        return held

    def test_same_process(self) -> None:
        """A second store on the same file is refused, and the first one goes on to hold it."""
        self.opened()
        for _ in range(2):
            self.assertEqual(self.refused(), f"another server uses it (process {os.getpid()})")

    def test_opened_twice(self) -> None:
        """A store that is opened twice is refused the second time, and still holds its file."""
        store = self.opened()
        with self.assertRaises(CannotOpen):
            store.open()
        self.assertIn("another server", self.refused())

    def test_other_process(self) -> None:
        """A store that another process holds is refused, and which process that is, is told."""
        held = self.holding()
        self.assertEqual(self.refused(), f"another server uses it (process {held.pid})")
        held.communicate(timeout=PATIENCE)
        self.opened()

    def test_link(self) -> None:
        """A link to the file leads to the same lock."""
        other = self.folder / "link.db"
        self.path.touch()
        other.symlink_to(self.path)
        self.opened()
        self.assertIn("another server", self.refused(other))

    def test_killed(self) -> None:
        """The lock of a process that was killed is free at once."""
        held = self.holding()
        held.send_signal(signal.SIGKILL)
        held.wait(PATIENCE)
        self.opened()

    async def test_closed(self) -> None:
        """The lock of a store that was closed is free."""
        store = self.opened()
        await store.close()
        await self.opened().commit([changes()])

    async def test_forked(self) -> None:
        """A store that was opened before its process forked is used by the child alone: it is what
        the lock names, and what it commits is there when it has ended."""
        held = self.holding("fork")
        self.assertNotEqual(self.holder, held.pid)
        self.assertEqual(self.refused(), f"another server uses it (process {self.holder})")
        held.communicate(timeout=PATIENCE)
        found = await self.opened().load("p1", whole)
        self.assertEqual(found.models, (model("a"),))

    def test_unsigned(self) -> None:
        """A lock whose holder left no signature is held all the same."""
        self.opened()
        self.path.with_name("kato.db.lock").write_text("")
        self.assertEqual(self.refused(), "another server uses it (process unknown)")


class EndTests(FileCase):
    """Processes that end without closing the store."""

    async def models(self) -> list[str]:
        store = self.opened()
        self.assertEqual(list(await store.processors()), ["p1"])
        return [each.name for each in (await store.load("p1", whole)).models]

    async def test_after_commit(self) -> None:
        """What a commit was answered for is there after a kill."""
        self.assertEqual(run("die_after_commit", self.path).returncode, -signal.SIGKILL)
        self.assertEqual(await self.models(), ["MODEL|kept"])

    async def test_not_closed(self) -> None:
        """A process whose reactor ends does not wait for a store that nobody closed."""
        done = run("leave", self.path)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(await self.models(), ["MODEL|kept"])

    async def test_within_commit(self) -> None:
        """Nothing is there of a commit in the midst of which the process was killed."""
        self.assertEqual(run("die_in_commit", self.path).returncode, -signal.SIGKILL)
        self.assertEqual(await self.models(), ["MODEL|kept"])


class PlaceTests(FileCase):
    """Where the file lies."""

    def mode(self, path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    async def test_private(self) -> None:
        """Folders are made where they are missing; nobody else may look into them, or into the
        files."""
        path = self.folder / "a" / "b" / "kato.db"
        before = self.mode(self.folder)
        store = self.opened(path)
        await store.commit([changes()])
        for folder in (path.parent, path.parent.parent):
            self.assertEqual(self.mode(folder), 0o700)
        files = list(path.parent.iterdir())
        self.assertEqual(len(files), 4)
        self.assertEqual({self.mode(file) for file in files}, {0o600})
        self.assertEqual(self.mode(self.folder), before)

    async def test_names(self) -> None:
        """Any name of a file will do."""
        for name in ("a?mode=memory#x%41.db", "ä €.db", ".db", "-wal"):
            store = self.opened(self.folder / name)
            await store.commit([changes()])
            await store.close()
            self.assertTrue((self.folder / name).stat().st_size, name)

    def test_folder(self) -> None:
        """A folder in place of the file is refused."""
        self.path.mkdir()
        self.assertEqual(self.refused(), "Is a directory")

    def test_below_a_file(self) -> None:
        """A file in place of a folder is refused."""
        self.path.touch()
        for below in (self.path / "kato.db", self.path / "a" / "kato.db"):
            self.assertEqual(self.refused(below), "Not a directory")

    def test_forbidden(self) -> None:
        """A folder in which nothing may be made is refused."""
        closed = self.folder / "closed"
        closed.mkdir(mode=0o500)
        with as_nobody():
            self.assertEqual(self.refused(closed / "kato.db"), "Permission denied")

    def test_no_log(self) -> None:
        """Where a database cannot have a write-ahead log, it is not used."""
        with closing(sqlite3.connect(":memory:")) as memory:
            error = self.assertRaises(CannotOpen, connection.configure, memory)
        self.assertEqual(str(error), "a write-ahead log is not possible there")

    def test_frees(self) -> None:
        """What is refused is not held: when it is put right, it is opened."""
        self.path.write_bytes(b"nonsense" * 1000)
        store = self.make()
        self.assertRaises(CannotOpen, store.open)
        self.path.unlink()
        store.open()


@contextmanager
def as_nobody() -> Iterator[None]:
    """Do without the rights of root, who may do anything."""
    user = os.geteuid()
    os.seteuid(user or 65534)
    try:
        yield
    finally:
        os.seteuid(user)


class ContentTests(FileCase):
    """What the file is."""

    def untouched(self) -> str:
        """Open what cannot be opened; it stays as it was to the last byte."""
        before = self.path.read_bytes()
        line = self.refused()
        self.assertEqual(self.path.read_bytes(), before)
        self.assertFalse(self.path.with_name("kato.db-wal").exists())
        return line

    def database(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.path)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    async def ours(self) -> bytes:
        """A database of ours with something in it, closed."""
        store = self.opened()
        await store.commit([everything()[0]])
        await store.close()
        return self.path.read_bytes()

    def test_no_database(self) -> None:
        """A file that is no database is refused."""
        self.path.write_bytes(b"nonsense" * 1000)
        self.assertEqual(self.untouched(), "file is not a database")

    def test_other_program(self) -> None:
        """A database of another program is refused, whatever it says of itself."""
        self.database("CREATE TABLE theirs (a)")
        self.assertEqual(self.untouched(), "it is a database of another program")
        for pragma in ("application_id = 7", "user_version = 1"):
            self.path.unlink()
            self.database(f"PRAGMA {pragma}")
            self.assertEqual(self.untouched(), "it is a database of another program")

    def test_empty(self) -> None:
        """An empty file becomes a database."""
        self.path.touch()
        self.opened()

    def test_newer(self) -> None:
        """A database that a newer program made is refused."""
        newer = len(schema.MIGRATIONS) + 1
        self.database(
            f"PRAGMA application_id = {schema.APPLICATION_ID}", f"PRAGMA user_version = {newer}"
        )
        self.assertEqual(
            self.untouched(),
            f"it has version {newer} and this program knows {newer - 1}: a newer program made it",
        )

    async def test_cut_off(self) -> None:
        """A database whose end is missing is refused."""
        content = await self.ours()
        self.path.write_bytes(content[: len(content) // 2])
        self.assertEqual(self.refused(), "database disk image is malformed")

    async def test_without_a_table(self) -> None:
        """A database from which a table is gone is refused, and which table that is, is told."""
        await self.ours()
        self.database("DROP TABLE answers")
        self.assertEqual(self.refused(), "no such table: answers")

    async def test_ours(self) -> None:
        """A database of ours says that it is, and of which version."""
        await self.ours()
        with closing(sqlite3.connect(self.path)) as file:
            [(application,)] = file.execute("PRAGMA application_id")
            [(version,)] = file.execute("PRAGMA user_version")
        self.assertEqual(application.to_bytes(4, "big"), b"KATO")
        self.assertEqual(version, len(schema.MIGRATIONS))


class MigrationTests(FileCase):
    """Databases of older versions."""

    MOVED: Sequence[Sequence[str]] = (
        ("CREATE TABLE renamed AS SELECT * FROM deletions", "DROP TABLE deletions"),
        ("ALTER TABLE renamed RENAME TO deletions", "ALTER TABLE models ADD COLUMN note"),
        ("ALTER TABLE models DROP COLUMN note",),
    )
    """Steps to later versions that this program does not know."""

    def version(self) -> int:
        with closing(sqlite3.connect(self.path)) as connection:
            [(version,)] = connection.execute("PRAGMA user_version")
        return int(version)

    def later(self, steps: Sequence[Sequence[str]]) -> None:
        """This program knows these steps beyond the present version."""
        self.patch(schema, "MIGRATIONS", (*self.present, *steps))

    def setUp(self) -> None:
        super().setUp()
        self.present = schema.MIGRATIONS

    async def fill(self) -> Any:
        """Make a database of the version that is known now; gives what it holds."""
        written, expected = everything()
        store = self.opened()
        await store.commit([written])
        await store.close()
        return expected

    async def held(self) -> Any:
        store = self.opened()
        found = await store.load("p1", whole)
        await store.close()
        return found

    async def test_version_1(self) -> None:
        """A database that version 1 made holds what it held, and goes on as one of today: an index
        of it is kept, and forgotten when a model changes."""
        script = (ROOT / "tests" / "storage" / "version1.sql").read_text(encoding="utf-8")
        with closing(sqlite3.connect(self.path)) as connection:
            connection.executescript(script)
        self.assertEqual(self.version(), 1)
        processor = Processor("p1")
        for number, operation in enumerate(VERSION_1):
            carry_out(processor, operation, float(number))
        processor.revision = 0  # version 1 did not count
        store = self.opened()
        self.assertEqual(told(await store.load("p1", Processor.restore)), told(processor))
        self.assertEqual(self.version(), len(self.present))
        await store.keep_index("p1", b"index")
        self.assertEqual((await store.load("p1", whole)).index, b"index")
        await store.commit([changes(models=(model("a"),))])
        self.assertIsNone((await store.load("p1", whole)).index)

    async def test_older(self) -> None:
        """A database of an older version becomes one of the present version, and holds the same;
        the step in which it began does not matter."""
        expected = await self.fill()
        present = self.version()
        for more in (2, 3):
            self.later(self.MOVED[:more])
            self.assertEqual(repr(await self.held()), repr(expected))
            self.assertEqual(self.version(), present + more)

    async def test_from_nothing(self) -> None:
        """A new file goes through all versions."""
        self.later(self.MOVED)
        expected = await self.fill()
        self.assertEqual(self.version(), len(self.present) + len(self.MOVED))
        self.assertEqual(repr(await self.held()), repr(expected))

    async def test_step_fails(self) -> None:
        """A step that fails leaves nothing behind; the steps before it hold."""
        expected = await self.fill()
        wrong = ("ALTER TABLE models ADD COLUMN half", "CREATE TABLE models (again)")
        self.later((("ALTER TABLE models ADD COLUMN note",), wrong))
        self.assertIn("models already exists", self.refused())
        self.assertEqual(self.version(), len(self.present) + 1)
        with closing(sqlite3.connect(self.path)) as connection:
            columns = [row[1] for row in connection.execute("PRAGMA table_info(models)")]
        self.assertIn("note", columns)
        self.assertNotIn("half", columns)
        self.later((("ALTER TABLE models ADD COLUMN note",), ("ALTER TABLE models DROP note",)))
        self.assertEqual(repr(await self.held()), repr(expected))


class FileLockTests(SynchronousTestCase):
    """A lock by itself."""

    def setUp(self) -> None:
        self.path = Path(self.mktemp())

    def test_free(self) -> None:
        """What was let go is taken by the next, and letting go of nothing is no harm."""
        first, second = FileLock(self.path), FileLock(self.path)
        second.release()
        second.sign()
        first.take()
        self.assertRaises(CannotOpen, second.take)
        first.release()
        second.take()
        self.assertEqual(self.path.read_text(), f"{os.getpid()}\n")
        second.release()

    def test_no_room(self) -> None:
        """Where there can be no such file, the operating system says why."""
        self.assertRaises(FileNotFoundError, FileLock(self.path / "x").take)

    def test_no_locks(self) -> None:
        """Where there are no locks, that is not taken for another server."""

        def no_locks(descriptor: int, how: int) -> None:
            raise OSError(37, "No locks available")

        self.patch(fcntl, "flock", no_locks)
        with self.assertRaises(OSError) as caught:
            FileLock(self.path).take()
        self.assertEqual(caught.exception.errno, 37)
