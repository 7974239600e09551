"""The commands, as a person types them."""

import os
import subprocess
import sys
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from unittest import mock

from kato.audit.reading import files_of
from kato.auditing.__main__ import main
from kato.auditing.comparing import compare
from kato.auditing.living import Engines
from kato.engine import Observation, Processor
from tests.audit.test_worker import AuditCase
from tests.source import ROOT
from tests.storage.process import PATIENCE
from tests.test_worker import observation


class CommandCase(AuditCase):
    """A log of some learnings, and stores beside it."""

    def setUp(self) -> None:
        super().setUp()
        self.first, self.second = (
            self.folder.absolute().parent / name for name in ("first.db", "second.db")
        )
        self.observe(["a"], ["b"])
        self.model = self.answer("learn")["model_name"]
        self.observe(["c"])
        self.answer("observe", observation("x"), processor="p2")

    def type(self, *words: str, status: int = 0, **environment: str) -> str:
        """Type a command that is to end with this status; gives what it says."""
        ended = subprocess.run(
            [sys.executable, "-P", "-m", "kato.auditing", *words],
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.assertEqual(ended.returncode, status, ended.stderr)
        self.assertNotIn("Traceback", ended.stderr)
        return ended.stdout + ended.stderr

    def refused(self, *words: str) -> str:
        """What is said of words that are refused before anything is done."""
        with redirect_stderr(StringIO()) as said:
            self.assertEqual(main(words, {}), 1)
        return said.getvalue()

    def verify(self, *more: str, status: int = 0) -> str:
        return self.type("verify", str(self.folder), *more, status=status)

    def replay(self, into: Path, *more: str, status: int = 0) -> str:
        words = ("replay", str(self.folder), "--into", f"sqlite:{into}", *more)
        return self.type(*words, status=status)


class VerifyTests(CommandCase):
    """C{verify}."""

    def test_whole(self) -> None:
        """A log that is whole is told with its head, which may be held against one that was
        noted."""
        head = self.files.head
        said = self.verify()
        self.assertEqual(
            said,
            f"{self.folder} is as it was written: {head.lines} lines in 1 file, a server writes it "
            f"now\nhead {head.digest}\n",
        )
        self.verify("--expect", head.digest)
        self.observe(["d"])
        self.verify("--expect", head.digest)
        self.let_go()
        self.assertNotIn("writes", self.verify())

    def test_tail(self) -> None:
        """A log that ends too early does not have the head that was noted."""
        head = self.files.head.digest
        self.let_go()
        path = files_of(self.folder)[-1][1]
        path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
        self.verify()
        said = self.verify("--expect", head, status=1)
        self.assertIn(f"no line has the hash {head}", said)

    def test_altered(self) -> None:
        """The first line that does not fit is named."""
        path = files_of(self.folder)[-1][1]
        path.write_bytes(path.read_bytes().replace(b'"strings":["b"]', b'"strings":["x"]'))
        self.assertEqual(
            self.verify(status=1),
            "kato: audit-000001.jsonl, line 5: the line before it is not as it was written, or "
            "this one is not\n",
        )

    def test_being_written(self) -> None:
        """A last line that is being written is no fault, as long as a server writes."""
        with files_of(self.folder)[-1][1].open("ab") as file:
            file.write(b'{"n":')
        self.verify()
        self.let_go()
        self.assertIn("it is the last line, and not whole", self.verify(status=1))

    def test_no_hash(self) -> None:
        """What can be no hash is refused as that."""
        for option in ("--expect", "--after"):
            for typed in ("zz", "A" * 64, "a" * 63, ""):
                said = self.refused("verify", str(self.folder), f"{option}={typed}")
                self.assertIn(f"kato: {option}: expected 64 digits of 0-9 and a-f, got '", said)

    def test_none(self) -> None:
        """Where there is no log, that is said."""
        said = self.type("verify", str(self.folder / "none"), status=1)
        self.assertIn("there is no audit log", said)


class ReplayTests(CommandCase):
    """C{replay}."""

    def test_equal(self) -> None:
        """Processors are built again, and are equal to those that were built before."""
        said = self.replay(self.first)
        self.assertEqual(said, "built 2 processors from 5 operations\n")
        said = self.replay(self.second, "--against", f"sqlite:{self.first}")
        self.assertIn("p1: equal (1 model)\np2: equal (0 models)\n", said)

    def test_differs(self) -> None:
        """What differs is told, model by model, and the exit status says it."""
        self.replay(self.first)
        self.answer("update_model", {"model_name": self.model, "frequency": 7})
        self.answer("delete_processor", processor="p2")
        said = self.replay(self.second, "--against", f"sqlite:{self.first}", status=1)
        self.assertIn("p1: differs\n  revision: 5 by the log, 4\n", said)
        self.assertIn(f"  {self.model}: frequency 7 by the log, 1\n", said)
        self.assertIn("p2: differs\n  it is there, and no log ends with it\n", said)

    def test_chosen(self) -> None:
        """One processor is built where one is asked for."""
        said = self.replay(self.first, "--processor", "p2")
        self.assertEqual(said, "built 1 processor from 1 operation\n")
        said = self.replay(self.second, "--processor", "p3", status=1)
        self.assertEqual(said, "kato: --processor p3: no log ends with it\n")

    def test_not_empty(self) -> None:
        """Nothing is built into a store that holds something."""
        self.replay(self.first)
        said = self.replay(self.first, status=1)
        self.assertEqual(said, "kato: --into: the store is not empty; name one that is\n")

    def test_gap(self) -> None:
        """What the log does not tell from its beginning cannot be built, and that is said."""
        self.let_go()
        for _, path in files_of(self.folder):
            path.unlink()
        self.clock.advance(5.0)
        self.store.release_all()
        self.restart()
        said = self.replay(self.first, status=1)
        self.assertRegex(
            said,
            r"\Akato: processor p\d cannot be traced: it was at revision \d already, by what no "
            r"line tells \(line \d of the log\); name those that can, by --processor\n\Z",
        )

    def test_not_deterministic(self) -> None:
        """An operation that comes to something else than it did is named."""
        self.let_go()
        files = files_of(self.folder)
        lines = files[-1][1].read_bytes().splitlines()
        files[-1][1].unlink()
        self.worker = self.start(audit=None)
        for line in lines[2:]:
            told = b"{" + line.split(b",", 2)[2].replace(self.model[-9:].encode(), b"other")
            self.files.append([mock.Mock(told=lambda told=told: told, processor=None)])
        said = self.replay(self.first, status=1)
        self.assertIn("carried out again, its result is {'model_name': 'MODEL|", said)

    def test_options(self) -> None:
        """What is wrong is told by the option that was typed, and without passwords."""
        into = ("--into", f"sqlite:{self.first}")
        for words, said in (
            (("--into", "memory:"), "--into memory:: it holds nothing"),
            (("--into", "ftp://u:secret@x"), "--into ftp://…@x: expected sqlite:"),
            (("--into", "mongodb://h"), "--into mongodb://h:27017/: it names no database"),
            ((*into, "--against", "ftp://u:secret@x"), "--against ftp://…@x: expected http://"),
            ((*into, "--against", "http://u:secret@x:y"), "--against http://…@x:y: expected http"),
            ((*into, "--against", "http://[::1"), "--against http://[::1: expected http"),
            ((*into, "--against", "http:"), "--against http:: expected http"),
            (
                (*into, "--against", "http://h:1", "--api-key-file", "/gone"),
                "--api-key-file /gone: No such file or directory",
            ),
        ):
            with self.subTest(words=words):
                told = self.refused("replay", str(self.folder), *words)
                self.assertTrue(told.startswith(f"kato: {said}"), told)
                self.assertNotIn("secret", told)
        told = self.replay(self.first, "--against", "memory:", status=1)
        self.assertIn("kato: --against memory:: it holds nothing", told)

    def test_secrets(self) -> None:
        """The stores may be told by the environment, since they may hold passwords."""
        self.replay(self.first)
        said = self.type(
            *("replay", str(self.folder)),
            KATO_INTO=f"sqlite:{self.second}",
            KATO_AGAINST=f"sqlite:{self.first}",
        )
        self.assertIn("p1: equal", said)


class ComparingTests(AuditCase):
    """What is compared."""

    def test_models(self) -> None:
        """Models that only one side has are told by their names, up to a number."""
        mine, theirs = Processor("p"), Processor("p")
        for processor, words in ((mine, "ab"), (theirs, "bc")):
            for word in words:
                for each in (word, "z"):
                    processor.observe(Observation(strings=(each,)))
                processor.learn()
        [found] = compare(Engines({"p": mine}), Engines({"p": theirs}), ["p"])
        told = [each.partition(": ")[2] for each in found.differences]
        self.assertEqual(
            sorted(told),
            ["by the log it is there, and it is not", "it is there, and by the log it is not"],
        )
        self.assertEqual(found.models, 1)
