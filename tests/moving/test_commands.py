"""The commands, as a person types them."""

import contextlib
import io
import os
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from hashlib import sha256
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kato.moving.__main__ import main
from kato.moving.new_file import new_file
from kato.moving.trouble import Trouble
from kato.storage.sqlite.connection import prepare
from kato.storage.sqlite.database import Database
from tests.source import ROOT
from tests.storage.mongod import new_database
from tests.storage.process import PATIENCE, command
from tests.storage.samples import changes, everything, model, whole


class CommandCase(SynchronousTestCase):
    """Two places for stores, the first of which holds something."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.first, self.second = self.folder / "first.db", self.folder / "second.db"
        self.file = self.folder / "file"
        self.fill(everything()[0], changes("p2", models=tuple(map(model, "abc"))))

    def fill(self, *commit: object) -> None:
        prepare(self.first)
        with closing(Database(self.first)) as database:
            database.commit(commit)  # type: ignore[arg-type]

    def command(self, name: str, store: Path | str, *more: str) -> list[str]:
        url = f"sqlite:{store}" if isinstance(store, Path) else store
        return self.words(name, "--storage", url, *more)

    def words(self, name: str, *more: str) -> list[str]:
        return [sys.executable, "-P", "-m", "kato.moving", name, str(self.file), *more]

    def type(self, name: str, store: Path | str, *more: str, status: int = 0) -> tuple[str, str]:
        """Type a command for a store that is to end with this status; gives what is printed, and
        told."""
        return self.typed(self.command(name, store, *more), status)

    def typed(self, command: list[str], status: int) -> tuple[str, str]:
        """The same of any command."""
        ended = subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.assertEqual(ended.returncode, status, ended.stderr)
        if status:
            self.assertRegex(ended.stderr, r"\Akato: [^\n]+\n\Z")
        else:
            self.assertEqual(ended.stderr, "")
        return ended.stdout, ended.stderr

    def snapshots(self, path: Path) -> list[object]:
        with closing(Database(path)) as database:
            return [database.load(each, whole) for each in database.processors()]

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


class ProcessTests(CommandCase):
    """In processes of their own."""

    def test_export_and_import(self) -> None:
        """What one store holds is brought into another one, and everything is counted; nobody else
        may read the file."""
        said, _ = self.type("export", self.first)
        digest = sha256(self.file.read_bytes()).hexdigest()
        self.assertEqual(
            said,
            f"exported 2 processors, 5 models to {self.file} "
            f"({self.file.stat().st_size:,} bytes, sha256 {digest})\n",
        )
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o600)
        said, _ = self.type("import", self.second)
        self.assertEqual(
            said.splitlines(),
            [
                "p1: imported (2 models)",
                "p2: imported (3 models)",
                "processors: 2 imported, 0 replaced, 0 skipped",
            ],
        )
        self.assertEqual(self.snapshots(self.second), self.snapshots(self.first))

    def test_mongodb(self) -> None:
        """What goes into MongoDB and comes back is the same."""
        database = new_database()
        self.type("export", self.first)
        self.assertIn("2 imported", self.type("import", database)[0])
        self.file.unlink()
        self.type("export", database)
        self.assertIn("2 imported", self.type("import", self.second)[0])
        self.assertEqual(self.snapshots(self.second), self.snapshots(self.first))

    def test_killed(self) -> None:
        """An import that is killed in the midst of a processor leaves those before it, and nothing
        of that one; typed again, it goes on."""
        self.fill(changes("p3", models=tuple(model(str(number)) for number in range(5000))))
        self.type("export", self.first)
        with subprocess.Popen(
            self.command("import", self.second),
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            self.assertIn("p1: imported", process.stdout.readline())
            self.assertIn("p2: imported", process.stdout.readline())
            process.send_signal(signal.SIGKILL)
        expected = self.snapshots(self.first)
        self.assertIn(self.snapshots(self.second), (expected[:2], expected))
        said, _ = self.type("import", self.second)
        self.assertIn("p1: is there already, and equal", said)
        self.assertEqual(self.snapshots(self.second), expected)

    def test_interrupted(self) -> None:
        """An import that is broken off by Ctrl-C ends at once, and says what stays."""
        self.type("export", self.first)
        self.type("import", self.second, "--processor", "p1")
        with closing(sqlite3.connect(self.second, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")  # so that it has to wait
            with subprocess.Popen(
                self.command("import", self.second),
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ) as process:
                assert process.stdout is not None
                self.assertIn("p1: is there already", process.stdout.readline())
                process.send_signal(signal.SIGINT)
                _, told = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 130, told)
        self.assertEqual(
            told,
            "kato: import was broken off; what was imported stays, and is skipped the next time\n",
        )
        self.assertEqual(len(self.snapshots(self.second)), 1)

    def test_server_runs(self) -> None:
        """While a server uses the store, that is said, with what to do: a copy can be made, and
        exported."""
        with subprocess.Popen(
            command("hold", self.first),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as holder:
            assert holder.stdout is not None
            process = holder.stdout.readline().strip()
            _, told = self.type("export", self.first, status=1)
            self.assertIn(f"another server uses it (process {process}); stop that first", told)
            self.assertIn("kato-manager.sh backup COPY", told)
            said, _ = self.type("backup", self.first)
            self.assertRegex(said, r"^copied 2 processors, 5 models to .*/file \([0-9,]+ bytes")
            self.assertIn("stop that first\n", self.type("restore", self.first, status=1)[1])
            copy = self.file.rename(self.folder / "copy.db")
            self.type("export", copy)
            self.assertIn("stop that first\n", self.type("import", self.first, status=1)[1])
            holder.communicate()
        self.type("import", self.second)
        self.assertEqual(self.snapshots(self.second), self.snapshots(self.first))


class MainTests(CommandCase):
    """In this process, where nothing needs a reactor."""

    def type(self, name: str, store: Path | str, *more: str, status: int = 0) -> tuple[str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            ended = main([name, str(self.file), *more], {"KATO_STORAGE": f"sqlite:{store}"})
        self.assertEqual(ended, status, err.getvalue())
        if status:
            self.assertRegex(err.getvalue(), r"\Akato: [^\n]+\n\Z")
        return out.getvalue(), err.getvalue()

    def test_damaged(self) -> None:
        """Of a file that is damaged nothing is imported: no store is made, even."""
        self.file.write_text('{"kato":"export","version":1,"program":"1"}\n', encoding="utf-8")
        before = self.names()
        _, told = self.type("import", self.second, status=1)
        self.assertIn(f"{self.file}, line 1: its checksum is wrong", told)
        self.assertEqual(self.names(), before)
        self.file.unlink()
        said = f"kato: cannot read {self.file}: No such file or directory\n"
        self.assertEqual(self.type("import", self.second, status=1)[1], said)

    def test_not_written_over(self) -> None:
        """A file that is there is not written over, and where nothing comes of it, none is left."""
        before = self.names()
        for name in ("export", "backup"):
            self.assertIn("no such file", self.type(name, self.second, status=1)[1])
            self.assertEqual(self.names(), before)
        self.file.write_bytes(b"mine")
        for name in ("export", "backup"):
            self.assertIn("is there already", self.type(name, self.first, status=1)[1])
        self.assertEqual(self.file.read_bytes(), b"mine")
        self.assertEqual(self.names(), [*before[:0], "file", *before])

    def test_backup_and_restore(self) -> None:
        """A copy is put back, with its checksum checked; what was there before is told where it
        is."""
        said, _ = self.type("backup", self.first)
        checksum = (self.folder / "file.sha256").read_text(encoding="utf-8")
        digest = sha256(self.file.read_bytes()).hexdigest()
        self.assertEqual(checksum, f"{digest}  file\n")
        self.assertIn(f"sha256 {digest}", said)
        expected = self.snapshots(self.first)
        self.fill(changes("p3"))
        said, _ = self.type("restore", self.first)
        self.assertEqual(
            said.splitlines(),
            [
                f"{self.file} is now {self.first}",
                f"what was there before is now {self.first}.old-1",
            ],
        )
        self.assertEqual(self.snapshots(self.first), expected)
        (self.folder / "file.sha256").unlink()
        said, _ = self.type("restore", self.second)
        self.assertEqual(
            said,
            f"{self.file} is now {self.second}; "
            "no checksum lay beside it, so only its form was checked\n",
        )

    def test_altered_copy(self) -> None:
        """A copy that was altered is refused, and the store stays; so is one whose checksum is
        none."""
        self.type("backup", self.first)
        copy = bytearray(self.file.read_bytes())
        place = copy.index(b'["a","x"]')
        copy[place + 2] = ord("b")
        self.file.write_bytes(copy)
        before = self.snapshots(self.first)
        self.assertIn("it was altered", self.type("restore", self.first, status=1)[1])
        (self.folder / "file.sha256").write_text("none", encoding="utf-8")
        self.assertIn("line 1: this is no SHA-256", self.type("restore", self.first, status=1)[1])
        self.assertEqual(self.snapshots(self.first), before)

    def test_other_stores(self) -> None:
        """A store of another kind is not copied so, and none that keeps nothing is moved."""
        for name in ("backup", "restore"):
            _, told = self.type(name, self.first, "--storage", "memory:", status=1)
            self.assertIn("only a SQLite store", told)
        _, told = self.type("export", self.first, "--storage", "memory:", status=1)
        self.assertIn("holds nothing beyond the process", told)
        _, told = self.type("export", self.first, "--storage", "nothing", status=1)
        self.assertIn("--storage nothing: expected", told)

    def test_words(self) -> None:
        """What belongs to another command is refused."""
        with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()):
            main(["export", "f", "--replace"], {})


class NewFileTests(SynchronousTestCase):
    """A file that is there whole, or not at all."""

    def setUp(self) -> None:
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        self.path = folder / "file"

    def names(self) -> list[str]:
        return sorted(path.name for path in self.path.parent.iterdir())

    def test_whole(self) -> None:
        """It has its name once it is whole, whatever was left behind by a process that was
        killed."""
        self.path.with_name("file.partial").write_bytes(b"left behind by somebody")
        with new_file(self.path) as partial:
            partial.write_bytes(b"all")
            self.assertEqual(self.names(), ["file.partial"])
        self.assertEqual(self.names(), ["file"])
        self.assertEqual(self.path.read_bytes(), b"all")

    def test_broken_off(self) -> None:
        """Nothing is left of it where it is broken off."""
        with self.assertRaises(KeyboardInterrupt), new_file(self.path):
            raise KeyboardInterrupt
        self.assertEqual(self.names(), [])

    def test_two(self) -> None:
        """Two at once do not get into each other's way."""
        with new_file(self.path) as partial:
            busy = self.assertRaisesRegex(Trouble, "another process is writing")
            with busy, new_file(self.path):
                self.fail("it should not begin")
            partial.write_bytes(b"first")
        self.assertEqual(self.path.read_bytes(), b"first")

    def test_somebody_faster(self) -> None:
        """A file that came meanwhile stays."""
        late = self.assertRaisesRegex(Trouble, re.escape(f"{self.path} is there already"))
        with late, new_file(self.path):
            self.path.write_bytes(b"theirs")
        self.assertEqual(self.path.read_bytes(), b"theirs")
        self.assertEqual(self.names(), ["file"])
