"""Which store is meant when data is moved, and what is then carried out (SPEC 10)."""

import sys
from dataclasses import replace
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kato.manager.__main__ import parser
from kato.manager.instances import Instances
from kato.manager.moving import MOVES, Moving
from kato.manager.registry import Registry
from kato.manager.trouble import Trouble
from kato.manager.wish import Wish
from tests.manager.doubles import Became, FakeSystem


class MovingTests(SynchronousTestCase):
    """The manager goes on as the program that does the work."""

    def setUp(self) -> None:
        self.home = Path(self.mktemp()).absolute()
        self.home.mkdir()
        self.here = Path("/where/the/person/is")
        self.environment: dict[str, str] = {}
        self.system = FakeSystem()

    def start(self, instance_id: str, wish: Wish) -> None:
        Instances(
            self.home, system=self.system, environment=self.environment, folder=self.home
        ).start(instance_id, wish)

    def moving(self) -> Moving:
        return Moving(self.home, system=self.system, environment=self.environment, folder=self.here)

    def type(self, *words: str) -> Became:
        typed = parser().parse_args(words)
        with self.assertRaises(Became) as caught:
            self.moving().carry_out(typed)
        became: Became = caught.exception
        return became

    def storage(self, *words: str) -> str:
        return self.type(*words).environment["KATO_STORAGE"]

    def test_words(self) -> None:
        """What was typed is handed on, and files are where the person is."""
        runs = [sys.executable, "-P", "-m", "kato.moving"]
        for name in MOVES:
            became = self.type(name, "a/file")
            self.assertEqual(became.command, [*runs, name, "--", f"{self.here}/a/file"])
        became = self.type(
            *["import", "--replace", "--processor", "p1", "/file", "--processor=-p2"]
        )
        words = ["--processor=p1", "--processor=-p2", "--replace", "--", "/file"]
        self.assertEqual(became.command, [*runs, "import", *words])

    def test_server(self) -> None:
        """The store is that of the server, and a path in it is meant as the server means it."""
        self.start("kato", Wish())
        self.start("other", Wish(options=("--storage", "sqlite:data/kato.db")))
        self.assertEqual(
            self.storage("export", "f"), f"sqlite://{self.home}/instances/kato/kato.db"
        )
        became = self.type("backup", "f", "--id", "other")
        self.assertEqual(became.environment["KATO_STORAGE"], "sqlite:data/kato.db")
        self.assertEqual(became.folder, self.home)
        self.assertEqual(became.command[-1], f"{self.here}/f")

    def test_no_server_yet(self) -> None:
        """Where there is no server of this id, it is the store that one would be started with."""
        own = f"sqlite://{self.home}/instances/new-one/kato.db"
        self.assertEqual(self.storage("import", "f", "--id", "new-one"), own)
        self.environment["KATO_STORAGE"] = "sqlite:elsewhere.db"
        self.assertEqual(self.storage("import", "f"), "sqlite:elsewhere.db")

    def test_told(self) -> None:
        """A store that is told goes before all, and stands on no command line that all may read."""
        self.start("kato", Wish())
        became = self.type("import", "f", "--storage", "mongodb://me:secret@host/kato")
        self.assertEqual(became.environment, {"KATO_STORAGE": "mongodb://me:secret@host/kato"})
        self.assertEqual(became.folder, self.here)
        self.assertNotIn("secret", " ".join(became.command))

    def test_original(self) -> None:
        """An address of the original's database stands on no command line that all may read."""
        typed = parser().parse_args(
            ["export-original", "f", "--from", "mongodb://me:secret@host/p7", "--processor", "p1"]
        )
        with self.assertRaises(Became) as caught:
            self.moving().export_original(typed)
        became: Became = caught.exception
        runs = [sys.executable, "-P", "-m", "kato.moving", "export-original"]
        self.assertEqual(became.command, [*runs, "--processor=p1", "--", f"{self.here}/f"])
        self.assertEqual(became.environment, {"KATO_ORIGINAL": "mongodb://me:secret@host/p7"})
        self.assertEqual(became.folder, self.here)

    def test_services(self) -> None:
        """Services have a store each, and one of them is to be named."""
        self.start("kato", Wish())
        registry = Registry(self.home)
        gateway = registry.read()["kato"]
        with registry.changing():
            registry.put(replace(gateway, services=2, storage="each service has its own"))
            registry.put(replace(gateway, id="kato.2", of="kato", storage="sqlite:/second.db"))
        with self.assertRaisesRegex(Trouble, r"--id kato\.1 to --id kato\.2$"):
            self.moving().carry_out(parser().parse_args(["export", "f"]))
        self.assertEqual(self.storage("export", "f", "--id", "kato.2"), "sqlite:/second.db")
