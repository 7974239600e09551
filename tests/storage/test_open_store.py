"""The URL by which an operator chooses a store (SPEC 10)."""

import os
from pathlib import Path
from typing import Any
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
            "mongo://localhost/kato",
            "SQLITE:a.db",
            "postgres://x",
        ):
            line = self.refused(url)
            accepted = ("sqlite:", "sqlite:///path/kato.db", "sqlite:path/kato.db")
            for each in (*accepted, "mongodb://host/database", "memory:"):
                self.assertIn(each, line)

    def test_no_file(self) -> None:
        """A path that can be no file is refused."""
        self.assertIn("host", self.refused("sqlite://host/kato.db"))
        for url in ("sqlite:///", "sqlite:a%00b.db", "sqlite:~nobody-has-this-name/kato.db"):
            self.refused(url)

    def mongodb(self, url: str) -> Any:
        store: Any = open_store(url, reactor=None)
        return store.address

    def test_mongodb(self) -> None:
        """C{mongodb:} names servers and a database; what is shown of it has no user, no password
        and no options."""
        address = self.mongodb("mongodb://us%65r:p%40ss@a:1,b/kato?replicaSet=rs0&authSource=admin")
        self.assertEqual(address.shown, "mongodb://a:1,b:27017/kato")
        self.assertEqual(address.database, "kato")
        self.assertNotIn("p%40ss", repr(address))
        self.assertEqual(self.mongodb("mongodb://[::1]/x").shown, "mongodb://[::1]:27017/x")

    def test_mongodb_refused(self) -> None:
        """What names no database, or what cannot be used, is refused in a line without secrets."""
        for url, why in (
            ("mongodb://user:secret@host", "names no database"),
            ("mongodb://user:secret@host/", "names no database"),
            ("mongodb://user:secret@host/a.b", "name of no database"),
            ("mongodb://user:sec@ret@host/kato", "percent-encoded"),
            ("mongodb://user:secret/@host/kato", "percent-encoded"),
            ("mongodb://user:secret@host:port/kato", "percent-encoded"),
            ("mongodb:kato", "--storage mongodb:kato: expected mongodb://host/database"),
            ("mongodb:user:secret@host/kato", "--storage …@host/kato: expected mongodb://host/da"),
            ("mongodb://user:secret@host/kato?readPreference=secondary", "readPreference"),
            ("mongodb://user:secret@host/kato?tls=true", "TLS"),
        ):
            with self.assertRaises(CannotOpen) as caught:
                open_store(url, reactor=None)
            line = str(caught.exception)
            self.assertIn(why, line)
            self.assertNotIn("sec", line)
            self.assertNotIn("user:", line)
            self.assertNotIn("\n", line)

    def test_no_secrets(self) -> None:
        """A URL that names no store is repeated without user and password."""
        for url in ("mongo://user:secret@host/kato", "http://user:se/c@r@et@host/"):
            with self.assertRaises(CannotOpen) as caught:
                open_store(url, reactor=None)
            line = str(caught.exception)
            self.assertIn("…@host/", line)
            self.assertNotIn("se", line.partition("expected")[0].replace("--storage", ""))
