"""The URL by which an operator chooses a store (SPEC 10)."""

import os
from pathlib import Path
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from kato.storage import CannotOpen, MemoryStore, SqliteStore, open_store


class OpenStoreTests(SynchronousTestCase):
    """What C{--storage} accepts."""

    def path(self, url: str) -> Path:
        store = open_store(url, reactor=None)
        assert isinstance(store, SqliteStore)
        return store.path

    def refused(self, url: str) -> str:
        with self.assertRaises(CannotOpen) as caught:
            open_store(url, reactor=None)
        line = str(caught.exception)
        self.assertTrue(line.startswith(f"--storage {url}: "), line)
        return line

    def test_memory(self) -> None:
        """C{memory:} keeps nothing."""
        self.assertIsInstance(open_store("memory:", reactor=None), MemoryStore)

    def test_default(self) -> None:
        """C{sqlite:} is a file in the user's data folder."""
        data = Path(self.mktemp()).absolute()
        with mock.patch.dict(os.environ, {"XDG_DATA_HOME": str(data)}):
            self.assertEqual(self.path("sqlite:"), data / "kato" / "kato.db")

    def test_absolute(self) -> None:
        """Three slashes begin an absolute path; what is percent-encoded is decoded."""
        for url in ("sqlite:///no/such/kato.db", "sqlite:/no/such/kato.db"):
            self.assertEqual(self.path(url), Path("/no/such/kato.db"))
        self.assertEqual(self.path("sqlite:////no/kato.db"), Path("//no/kato.db").resolve())
        self.assertEqual(self.path("sqlite:///no/a%20%25.db"), Path("/no/a %.db"))

    def test_relative(self) -> None:
        """Anything else is a path below the working directory, or the home of a user."""
        self.assertEqual(self.path("sqlite:a/kato.db"), Path.cwd() / "a" / "kato.db")
        self.assertEqual(self.path("sqlite:kato.db"), Path.cwd() / "kato.db")
        with mock.patch.dict(os.environ, {"HOME": "/no/home"}):
            self.assertEqual(self.path("sqlite:~/kato.db"), Path("/no/home/kato.db"))

    def test_nothing_is_opened(self) -> None:
        """Naming a store does not make it."""
        path = Path(self.mktemp()).absolute()
        self.path(f"sqlite:{path}/kato.db")
        self.assertFalse(path.exists())

    def test_refused(self) -> None:
        """What is no store is refused, and what is accepted is told."""
        for url in (
            "",
            "sqlite",
            "memory",
            "memory:x",
            "kato.db",
            "/a/kato.db",
            "mongodb://localhost/kato",
            "SQLITE:a.db",
            "postgres://x",
        ):
            line = self.refused(url)
            for accepted in ("sqlite:", "sqlite:///path/kato.db", "sqlite:path/kato.db", "memory:"):
                self.assertIn(accepted, line)

    def test_no_file(self) -> None:
        """A path that can be no file is refused."""
        self.assertIn("host", self.refused("sqlite://host/kato.db"))
        for url in ("sqlite:///", "sqlite:a%00b.db", "sqlite:~nobody-has-this-name/kato.db"):
            self.refused(url)
