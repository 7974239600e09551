"""Keys that a person makes, lists and takes back (SPEC 10)."""

import contextlib
import io
import os
import time
from collections.abc import Mapping
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kato.commands import Scope
from kato.key_reading import read_key_file
from kato.keying import main
from kato.keys import digest
from kato.manager import keys
from tests.manager.doubles import Became, FakeSystem


class KeyingTests(SynchronousTestCase):
    """C{python -m kato.keying}, which C{kato-manager.sh key} becomes."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.path = self.folder / "keys.toml"

    def run_(
        self, *words: str, environment: Mapping[str, str] | None = None
    ) -> tuple[int, str, str]:
        """The exit status, and what was said on standard output and error."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                status = main(words, environment or {"KATO_API_KEYS": str(self.path)})
            except SystemExit as end:
                status = int(end.code or 0)
        return status, out.getvalue(), err.getvalue()

    def create(self, name: str, *more: str) -> str:
        """The key that was made."""
        words = ("--scopes", "read", "--processors", "p1")
        status, out, err = self.run_("create", name, *words, *more)
        self.assertEqual(status, 0, err)
        return out.strip()

    def test_create(self) -> None:
        """A key is printed once, alone; the file has its digest, and is for nobody else to read."""
        token = self.create("a", "--scopes", "write, read", "--processors", "p1,weather-*")
        self.assertRegex(token, r"^kato_[A-Za-z0-9_-]{43}$")
        [stored] = read_key_file(self.path)
        self.assertEqual(stored.digest, digest(token.encode()))
        self.assertEqual(stored.key.scopes, {Scope.READ, Scope.WRITE})
        self.assertEqual(stored.key.processors, ("p1", "weather-*"))
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        self.assertNotIn(token, self.path.read_text(encoding="utf-8"))
        self.assertNotEqual(self.create("b"), token)
        self.assertEqual(os.listdir(self.folder), ["keys.toml"])

    def test_limits(self) -> None:
        """A key may end, after a time or at a date, and have a rate."""
        before = time.time()
        for name, typed, seconds in (("a", "90d", 90 * 86400), ("b", "12h", 43200)):
            self.create(name, "--expires", typed, "--rate", "2.5")
            stored = read_key_file(self.path)[-1]
            assert stored.key.expires is not None
            self.assertTrue(before - 1 <= stored.key.expires - seconds <= time.time())
            self.assertEqual(stored.key.rate, 2.5)
        self.create("c", "--expires", "2999-01-31")
        self.create("d", "--expires", "2999-01-31T01:00:00+01:00")
        *_, day, moment = read_key_file(self.path)
        self.assertEqual(day.key.expires, moment.key.expires)

    def test_kept(self) -> None:
        """What a person wrote stays, and so do the mode and the link of the file; others may not
        write it any more."""
        real = self.folder / "real.toml"
        real.write_text("# mine\n", encoding="utf-8")
        real.chmod(0o666)
        self.path.symlink_to(real)
        self.create("a")
        self.assertTrue(self.path.is_symlink())
        self.assertTrue(real.read_text(encoding="utf-8").startswith("# mine\n\n[keys.a]\n"))
        self.assertEqual(real.stat().st_mode & 0o777, 0o644)

    def test_list(self) -> None:
        """All are told of, and nothing that opens anything."""
        token = self.create("a", "--expires", "2999-01-31", "--rate", "5")
        self.create("bb", "--scopes", "admin,write", "--processors", "*")
        with self.path.open("a", encoding="utf-8") as file:
            file.write(
                f'[keys.old]\nhash = "sha256:{"00" * 32}"\nscopes = ["read"]\n'
                'processors = ["p"]\nexpires = 2001-01-01T00:00:00Z\n'
            )
        status, out, _ = self.run_("list")
        self.assertEqual(
            (status, out),
            (
                0,
                "NAME  SCOPES       PROCESSORS  EXPIRES                      RATE\n"
                "a     read         p1          2999-01-31 00:00Z            5/s\n"
                "bb    write,admin  *           never                        any\n"
                "old   read         p           2001-01-01 00:00Z (expired)  any\n",
            ),
        )
        self.assertNotIn(token, out)

    def test_revoke(self) -> None:
        """A key is taken back, and the others stay."""
        self.create("a")
        self.create("b")
        self.assertEqual(self.run_("revoke", "a")[0], 0)
        self.assertEqual([each.key.name for each in read_key_file(self.path)], ["b"])

    def test_refused(self) -> None:
        """What cannot be is said in a line that names it, and changes nothing."""
        self.create("a")
        before = self.path.read_bytes()
        good = ("--scopes", "read", "--processors", "p1")
        for words, said in (
            (("create", "a", *good), f"kato: {self.path}: there is a key a already; revoke it"),
            (("create", "api-key", *good), "kato: keys.api-key: this is the name of the key of"),
            (("create", "a b", *good), "kato: keys: 'a b' is no name"),
            (("create", "c", *good, "--scopes", "all"), "kato: --scopes: 'all' is none, expected"),
            (("create", "c", *good, "--scopes", ","), "kato: --scopes: expected one at least"),
            (("create", "c", *good, "--processors", "p?"), "kato: --processors: 'p?' fits no"),
            (("create", "c", *good, "--rate", "0"), "kato: --rate: expected requests a second"),
            (("create", "c", *good, "--expires", "soon"), "kato: --expires: expected 90d, 12h, or"),
            (
                ("create", "c", *good, "--expires", "2001-01-01"),
                "kato: --expires: 2001-01-01 is",
            ),
            (("revoke", "c"), f"kato: {self.path}: there is no key c"),
        ):
            status, out, err = self.run_(*words)
            self.assertEqual((status, out), (1, ""), words)
            self.assertTrue(err.startswith(said), err)
            self.assertEqual(self.path.read_bytes(), before)

    def test_no_file(self) -> None:
        """Which file is meant must be said, and to be listed it must be there."""
        status, _, err = self.run_("list", environment={"HOME": "/"})
        self.assertEqual(status, 2)
        self.assertIn("--file: missing, and so is KATO_API_KEYS", err)
        status, _, err = self.run_("list")
        self.assertEqual(status, 1)
        self.assertEqual(err, f"kato: {self.path}: No such file or directory\n")
        self.path.write_bytes(b"\xff")
        self.assertEqual(self.run_("list")[0], 1)
        self.assertEqual(self.run_("create", "a", "--scopes", "read", "--processors", "p")[0], 1)

    def test_becomes(self) -> None:
        """The manager goes on as that program, with what was typed."""
        words = ["create", "a", "--scopes", "read"]
        with self.assertRaises(Became) as caught:
            keys.go_on(words, system=FakeSystem(), folder=self.folder)
        became = caught.exception
        self.assertEqual(became.command[1:], ["-P", "-m", "kato.keying", *words])
        self.assertEqual((became.environment, became.folder), ({}, self.folder))
