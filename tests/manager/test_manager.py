"""What a person types and sees, on a machine that the test moves (SPEC 10)."""

import contextlib
import io
import json
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kato.manager import telling
from kato.manager.__main__ import Manager, main, parser
from kato.manager.instances import Instances
from tests.manager.doubles import FakeSystem


class ManagerTests(SynchronousTestCase):
    """What a person sees."""

    def setUp(self) -> None:
        self.system = FakeSystem()
        home = Path(self.mktemp())
        home.mkdir()
        self.environment: dict[str, str] = {}
        instances = Instances(home, system=self.system, environment=self.environment, folder=home)
        self.manager = Manager(instances)

    def type(self, line: str) -> tuple[int, str]:
        """Type a command; gives its exit status and what is printed."""
        typed, options = parser().parse_known_args(line.split())
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            status: int = getattr(self.manager, typed.command)(typed, options)
        return status, printed.getvalue()

    def test_life(self) -> None:
        """A server is started, watched and stopped, and each step says what to know next."""
        self.assertEqual(self.type("list"), (0, "no server was started here yet\n"))
        status, said = self.type("start --name Weather --no-sort")
        self.assertEqual(status, 0)
        self.assertIn("curl http://127.0.0.1:8000/p1/observe", said)
        self.assertIn("--no-sort", self.system.spawned[0].command)
        self.assertIn("runs already", self.type("start")[1])
        status, said = self.type("status")
        self.assertEqual(status, 0)
        for words in (
            "kato (Weather): ready",
            "2 processors, 7 requests",
            "3, 1 failed",
            "kato.db",
        ):
            self.assertIn(words, said)
        self.assertIn("has stopped", self.type("stop")[1])
        self.assertIn("does not run", self.type("stop")[1])
        status, said = self.type("status")
        self.assertEqual(status, 3)
        self.assertIn("stopped", said)
        self.assertEqual(self.type("restart")[0], 0)

    def test_dead(self) -> None:
        """A dead server is shown with the last it said."""
        self.system.says = "famous last words\n"
        self.type("start")
        self.system.running.clear()
        status, said = self.type("status")
        self.assertEqual(status, 3)
        self.assertIn("kato (kato): dead", said)
        self.assertIn("famous last words", said)
        self.assertIn("dead", self.type("list")[1])
        self.assertIn("famous last words", self.type("logs -n 1 -f")[1])

    def test_keyed(self) -> None:
        """What to try next names the key where one is needed, and so does the status."""
        self.system.key = "secret"
        said = self.type("start --api-key secret --listen ssl:8443")[1]
        self.assertIn('curl --insecure -H "X-API-Key: $KATO_API_KEY" https://127.0.0.1:8443', said)
        self.assertNotIn("secret", said)
        self.assertIn("needs a key", self.type("status")[1])
        self.environment["KATO_API_KEY"] = "secret"
        self.assertIn("2 processors", self.type("status")[1])

    def test_restart(self) -> None:
        """A restart says what it does, and what to try next."""
        self.type("start")
        status, said = self.type("restart --no-sort")
        self.assertEqual(status, 0)
        self.assertIn("Restarting kato", said)
        self.assertIn("kato is ready at http://127.0.0.1:8000", said)

    def test_reload(self) -> None:
        """A server is told to read its files again, and where to see what came of it."""
        self.type("start")
        status, said = self.type("reload")
        self.assertEqual(status, 0)
        self.assertIn("kato reads again", said)
        self.assertIn("kato.log", said)

    def test_durations(self) -> None:
        """Spans of time are told as a person would."""
        for seconds, words in (
            (None, "-"),
            (59.9, "59s"),
            (61, "1m 1s"),
            (7261, "2h 1m"),
            (90000, "1d 1h"),
        ):
            self.assertEqual(telling.duration(seconds), words)


class MainTests(SynchronousTestCase):
    """The command as a whole."""

    def setUp(self) -> None:
        self.home = self.mktemp()
        self.patch(__import__("os"), "environ", {"KATO_HOME": self.home})

    def type(self, *words: str) -> tuple[int | str | None, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                status: int | str | None = main(words)
            except SystemExit as ended:
                status = ended.code
        return status, out.getvalue(), err.getvalue()

    def test_help(self) -> None:
        """Help names every command."""
        status, out, _ = self.type("help")
        self.assertEqual(status, 0)
        commands = "start stop restart reload status list logs export import backup restore test"
        for command in [*commands.split(), "audit"]:
            self.assertIn(command, out)

    def test_trouble(self) -> None:
        """What cannot be done is one line on standard error, and status 1."""
        status, out, err = self.type("stop", "--id", "nobody")
        self.assertEqual((status, out), (1, ""))
        self.assertEqual(err.count("\n"), 1)
        self.assertIn("nobody", err)

    def test_damaged(self) -> None:
        """A registry that is damaged is one line, too."""
        Path(self.home).mkdir()
        (Path(self.home) / "instances.json").write_text("{", encoding="utf-8")
        status, out, err = self.type("list")
        self.assertEqual((status, out, err.count("\n")), (1, "", 1))
        self.assertIn("instances.json", err)

    def test_wrong_number(self) -> None:
        """A number of lines that is none is refused."""
        status, _, err = self.type("logs", "-n", "-1")
        self.assertEqual(status, 2)
        self.assertIn("-1", err)

    def test_unknown(self) -> None:
        """Options that only a server takes are refused elsewhere."""
        status, _, err = self.type("stop", "--open")
        self.assertEqual(status, 2)
        self.assertIn("--open", err)

    def test_home(self) -> None:
        """The environment tells where all is kept."""
        self.type("list")
        self.assertTrue(Path(self.home).is_dir())
        listed = Path(self.home) / "instances.json"
        listed.write_text(json.dumps([]), encoding="utf-8")
        self.assertEqual(self.type("list")[0], 0)
