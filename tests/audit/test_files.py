"""The files of a log: who writes them, where they end, and what is left by a crash."""

import os
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kato.audit.files import LogFiles
from kato.audit.lines import Event
from kato.audit.reading import Fault, Torn, files_of, read_log
from kato.storage.interface import CannotOpen, InUse
from tests.audit.logs import files_in, noted, told
from tests.source import ROOT


class FilesCase(SynchronousTestCase):
    """A folder for a log."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()

    def write(self, *words: str, most: int = 2**20) -> LogFiles:
        """Write lines that say these words, and let go."""
        files = files_in(self.folder, most=most)
        for each in noted(*words):
            files.append([each])
        files.close()
        return files

    def words(self) -> list[str]:
        return [each["event"] for each in told(self.folder)]

    @property
    def last(self) -> Path:
        return files_of(self.folder)[-1][1]


class WritingTests(FilesCase):
    """What is written."""

    def test_goes_on(self) -> None:
        """A log goes on where it ended, and knows its head."""
        first = self.write("a", "b")
        second = self.write("c")
        self.assertEqual(self.words(), ["file", "a", "b", "c"])
        self.assertEqual((first.head.lines, second.head.lines), (3, 4))
        self.assertEqual([*read_log(self.folder)][-1].head, second.head)

    def test_private(self) -> None:
        """Nobody else reads a log."""
        self.write("a")
        for path in (self.folder, self.last):
            self.assertEqual(path.stat().st_mode & 0o077, 0)

    def test_next_file(self) -> None:
        """A file that is full is followed by the next, which begins with its digest."""
        self.write(*"abcdef", most=300)
        self.assertGreater(len(files_of(self.folder)), 2)
        self.assertEqual([each for each in self.words() if each != "file"], [*"abcdef"])

    def test_revisions(self) -> None:
        """A file begins with what is known of processors, so that the last one tells all."""
        files = files_in(self.folder, most=200)
        files.append([Event("restored", 1.0, "p1", 7, 5)])
        files.append([Event("restored", 1.0, "p2", 3, 1)])
        files.append([Event("restored", 1.0, "p2", None)])
        files.append(noted("a"))
        files.close()
        again = files_in(self.folder)
        self.assertEqual(again.revisions, {"p1": 7})
        again.close()

    def test_in_use(self) -> None:
        """One process writes a log; another is told which that is."""
        files = files_in(self.folder)
        with self.assertRaises(InUse) as caught:
            files_in(self.folder)
        self.assertEqual(
            str(caught.exception),
            f"audit log {self.folder} cannot be written: another server uses it "
            f"(process {os.getpid()})",
        )
        files.close()
        files_in(self.folder).close()

    def test_no_folder(self) -> None:
        """Where no folder can be, that is said in one line."""
        self.folder.write_text("in the way")
        with self.assertRaises(CannotOpen) as caught:
            files_in(self.folder)
        self.assertIn(f"audit log {self.folder} cannot be written: ", str(caught.exception))


class CrashTests(FilesCase):
    """What a crash leaves."""

    def test_torn(self) -> None:
        """A last line that is not whole was never answered: it is cut off."""
        for torn in (b'{"n":3,"pr', b"\0" * 100, b'{"n":3\0\0\n'[:-1]):
            self.write("a")
            with self.last.open("ab") as file:
                file.write(torn)
            with self.assertRaises(Torn):
                told(self.folder)
            files = LogFiles(self.folder, most=2**20, now=lambda: 0.0)
            self.assertEqual(files.open(), len(torn))
            files.close()
        self.assertEqual(self.words(), ["file", "a", "a", "a"])

    def test_torn_first_line(self) -> None:
        """A file of which not even the first line is whole is as if it had not been begun."""
        self.write("a")
        (self.folder / "audit-000002.jsonl").write_bytes(b'{"n":')
        self.write("b")
        self.assertEqual(self.words(), ["file", "a", "b"])

    def test_only_file(self) -> None:
        """So is the only one."""
        self.folder.mkdir()
        (self.folder / "audit-000001.jsonl").write_bytes(b"")
        self.write("a")
        self.assertEqual(self.words(), ["file", "a"])

    def test_altered(self) -> None:
        """A log whose last file was altered is not gone on with."""
        self.write("a", "b")
        self.last.write_bytes(self.last.read_bytes().replace(b'"a"', b'"x"'))
        with self.assertRaises(CannotOpen) as caught:
            files_in(self.folder)
        self.assertIn("audit-000001.jsonl, line 3: the line before it", str(caught.exception))


class FaultTests(FilesCase):
    """A disk that fails."""

    def test_full(self) -> None:
        """What cannot be written whole is not there at all, and the log goes on after it; on a disk
        that is really full, as far as a process can have one."""
        program = (
            "import resource, signal, sys\n"
            "from pathlib import Path\n"
            "from kato.audit.lines import Event\n"
            "from tests.audit.logs import files_in\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "files = files_in(Path(sys.argv[1]))\n"
            "limit = resource.RLIMIT_FSIZE\n"
            "resource.setrlimit(limit, (1000, resource.RLIM_INFINITY))\n"
            "files.append([Event('a', 1.0)])\n"
            "try:\n"
            "    files.append([Event('b', 1.0, more={'c': 'c' * 2000})])\n"
            "except OSError as error:\n"
            "    print(error.strerror)\n"
            "resource.setrlimit(limit, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
            "files.append([Event('d', 1.0)])\n"
        )
        ended = subprocess.run(
            [sys.executable, "-c", program, str(self.folder)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        self.assertEqual(ended.stdout, "File too large\n")
        self.assertEqual(self.words(), ["file", "a", "d"])

    def test_next_file_fails(self) -> None:
        """Where the next file cannot be begun, nothing is written, and it is tried again."""
        files = files_in(self.folder, most=200)
        files.append(noted("a"))
        in_the_way = self.folder / "audit-000002.jsonl"
        in_the_way.write_bytes(b"")
        for _ in range(2):
            with self.assertRaises(OSError):
                files.append(noted("b"))
        in_the_way.unlink()
        files.append(noted("c"))
        files.close()
        self.assertEqual(self.words(), ["file", "a", "file", "c"])

    def test_sync_fails(self) -> None:
        """After a sync that failed nobody knows what is kept, and nothing is written any more."""
        files = files_in(self.folder)

        def fails(descriptor: int) -> None:
            raise OSError(5, "Input/output error")

        self.patch(os, "fdatasync", fails)
        with self.assertRaises(OSError):
            files.sync()
        with self.assertRaises(OSError):
            files.append(noted("a"))
        files.close()


class ReadingTests(FilesCase):
    """Faults, each named by its place."""

    def setUp(self) -> None:
        super().setUp()
        self.write(*"abcdefgh", most=400)
        self.paths = [path for _, path in files_of(self.folder)]
        self.assertGreater(len(self.paths), 2)

    def assertFault(self, place: str, why: str) -> None:
        with self.assertRaises(Fault) as caught:
            told(self.folder)
        self.assertEqual(str(caught.exception), f"{place}: {why}")

    def test_missing_file(self) -> None:
        """A file that is gone is named."""
        self.paths[1].unlink()
        self.assertFault(
            "audit-000003.jsonl, line 1", "the file before it is missing, audit-000002.jsonl"
        )

    def test_missing_first(self) -> None:
        """Files that were put away are gone on after where their head is told, and only there."""
        head = [each for each in read_log(self.folder) if each.place.path == self.paths[0]][-1].head
        self.paths[0].unlink()
        self.assertFault(
            "audit-000002.jsonl, line 1", "the file before it is missing, audit-000001.jsonl"
        )
        after = [*read_log(self.folder, after=head.digest)]
        self.assertEqual(after[0].head.lines, head.lines + 1)
        with self.assertRaises(Fault):
            [*read_log(self.folder, after="f" * 64)]

    def test_swapped_files(self) -> None:
        """Files in each other's place are found."""
        first, second = (path.read_bytes() for path in self.paths[:2])
        self.paths[0].write_bytes(second)
        self.paths[1].write_bytes(first)
        self.assertFault(
            "audit-000001.jsonl, line 1", "lines 1 to 4 of the log are missing before it"
        )

    def test_no_json(self) -> None:
        """A line that tells nothing is found, whatever its digest."""
        files = files_in(self.folder)
        for wrong, why in (
            (b'{"time":1,"event":', "it is not JSON"),
            (b'{"time":1}', "it tells neither an operation nor an event"),
            (b'{"event":"a"}', "it tells no time"),
            (b'{"time":1,"operation":"learn"}', "it tells no params"),
            (b'{"time":1,"event":"a","revision":"1"}', "its revision is no whole number"),
        ):
            kept = self.last.read_bytes()
            line, _ = files.head.link(wrong)
            self.last.write_bytes(kept + line + b"\n")
            with self.assertRaises(Fault) as caught:
                told(self.folder)
            self.assertTrue(caught.exception.why.startswith(why), caught.exception.why)
            self.last.write_bytes(kept)
        files.close()
