"""The manager, on a machine that the test moves (SPEC 10)."""

import contextlib
import io
import json
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kato.manager import telling
from kato.manager.__main__ import Manager, main, parser
from kato.manager.command_line import answers_at, choose_port, launch, values, without_keys
from kato.manager.instances import Health, Instances
from kato.manager.registry import Instance, Registry
from kato.manager.trouble import Trouble
from tests.manager.doubles import FakeSystem


class CommandLineTests(SynchronousTestCase):
    """From what is typed to what is run."""

    def test_ports(self) -> None:
        """The port given, else the one before, else the next that nobody has."""
        self.assertEqual(choose_port(9000, 8001, [], lambda port: True), 9000)
        self.assertEqual(choose_port(None, 8001, [], lambda port: True), 8001)
        self.assertEqual(choose_port(None, None, [8000, 8002], lambda port: port != 8001), 8003)
        self.assertEqual(choose_port(None, 8001, [], lambda port: port != 8001), 8000)

    def test_wrong_ports(self) -> None:
        """A port that is in use, or none, is named."""
        for port, is_free in ((9000, False), (0, True), (65536, True)):
            with self.assertRaises(Trouble) as caught:
                choose_port(port, None, [], lambda _, free=is_free: free)
            self.assertIn(f"--port {port}", str(caught.exception))

    def test_launch(self) -> None:
        """The gateway listens on loopback and keeps its data in its folder, unless told else."""
        plan = launch(["--checkpoint", "1"], port=8001, folder=Path("/data/with space"))
        self.assertEqual(plan.url, "http://127.0.0.1:8001")
        self.assertEqual(
            plan.command[3:],
            (
                *("--nodaemon", "--pidfile=", "kato-gateway"),
                *("--listen", "tcp:8001:interface=127.0.0.1"),
                *("--storage", "sqlite:///data/with%20space/kato.db"),
                *("--checkpoint", "1"),
            ),
        )
        typed = ["--listen=ssl:8443:privateKey=k", "--storage", "memory:"]
        plan = launch(typed, port=None, folder=Path("/data"))
        self.assertEqual((plan.url, plan.port), ("https://127.0.0.1:8443", None))
        self.assertEqual(plan.command[6:], tuple(typed))

    def test_keys(self) -> None:
        """A key is handed over where nobody can read it."""
        for typed in (["--api-key", "secret", "--open"], ["--api-key=secret", "--open"]):
            self.assertEqual(without_keys(typed), (["--open"], {"KATO_API_KEY": "secret"}))
        plan = launch(["--api-key", "secret"], port=8000, folder=Path("/data"))
        self.assertNotIn("secret", " ".join(plan.command))
        self.assertEqual(plan.environment, {"KATO_API_KEY": "secret"})

    def test_values(self) -> None:
        """An option's values are found in both ways of writing."""
        self.assertEqual(values(["--a", "1", "--b=2", "--a=3"], "--a"), ["3", "1"])

    def test_addresses(self) -> None:
        """Where a server answers follows from where it listens."""
        for listen, url in (
            ("tcp:80", "http://127.0.0.1:80"),
            ("tcp:80:interface=0.0.0.0", "http://127.0.0.1:80"),
            ("tcp:80:interface=10.1.2.3", "http://10.1.2.3:80"),
        ):
            self.assertEqual(answers_at(listen), url)
        for listen in ("unix:/x", "tcp", "tcp:x"):
            with self.assertRaises(Trouble) as caught:
                answers_at(listen)
            self.assertIn(listen, str(caught.exception))


class RegistryTests(SynchronousTestCase):
    """The file in which instances stand."""

    def test_round_trip(self) -> None:
        """What is put is read again, by whoever reads the folder."""
        folder = Path(self.mktemp())
        instance = Instance(
            *(),
            id="a",
            name="Ä",
            pid=1,
            began=2.5,
            url="http://x",
            port=None,
            log="l",
            options=("--open",),
        )
        registry = Registry(folder)
        self.assertEqual(registry.read(), {})
        with registry.changing():
            registry.put(instance)
        self.assertEqual(Registry(folder).read(), {"a": instance})

    def test_crash(self) -> None:
        """A write that was cut off is not seen."""
        folder = Path(self.mktemp())
        registry = Registry(folder)
        (folder / "instances.new").write_text('[{"id": "ha', encoding="utf-8")
        self.assertEqual(registry.read(), {})


class InstancesTests(SynchronousTestCase):
    """Starting, stopping and watching."""

    def setUp(self) -> None:
        self.home = Path(self.mktemp())
        self.system = FakeSystem()
        self.instances = Instances(self.home, system=self.system)

    def start(self, instance_id: str = "kato", *options: str, port: int | None = None) -> Instance:
        report, anew = self.instances.start(instance_id, "Name", port, options)
        self.assertTrue(anew)
        return report.instance

    def test_start(self) -> None:
        """A server is started on the first port that is free, and waited for."""
        self.system.taken = {8000}
        self.system.ready_at = self.system.time + 3
        instance = self.start("kato", "--open")
        self.assertEqual((instance.port, instance.options), (8001, ("--open",)))
        self.assertGreaterEqual(self.system.time, self.system.ready_at)
        self.assertIs(self.instances.report("kato").health, Health.READY)

    def test_start_twice(self) -> None:
        """A server that runs is left as it is."""
        first = self.start()
        report, anew = self.instances.start("kato", "Name", None, ())
        self.assertEqual((report.instance, anew), (first, False))
        self.assertEqual(len(self.system.spawned), 1)

    def test_several(self) -> None:
        """Each has its own port, also one that another had before it died; each keeps its own."""
        first, second = self.start("a"), self.start("b")
        self.assertEqual((first.port, second.port), (8000, 8001))
        self.system.running.clear()
        self.assertEqual(self.start("c").port, 8002)
        self.assertEqual(self.start("b").port, 8001)

    def test_dies_at_the_start(self) -> None:
        """A server that does not come up is told with what it said, and not with what its
        predecessor said."""
        folder = self.home / "instances" / "kato"
        folder.mkdir(parents=True)
        (folder / "kato.log").write_text("of old\n", encoding="utf-8")
        self.system.dies, self.system.says = True, "kato: --max-events: no\n"
        with self.assertRaises(Trouble) as caught:
            self.start()
        self.assertIn("kato: --max-events: no", str(caught.exception))
        self.assertNotIn("of old", str(caught.exception))
        self.assertIs(self.instances.report("kato").health, Health.DEAD)

    def test_never_ready(self) -> None:
        """A server that lives but never gets ready is not waited for without end."""
        self.system.ready_at = 1e9
        with self.assertRaises(Trouble) as caught:
            self.start()
        self.assertIn("not ready after 300 seconds", str(caught.exception))
        self.assertIs(self.instances.report("kato").health, Health.STARTING)

    def test_wrong(self) -> None:
        """Ids that are no names of folders, and two ways to tell a port, are refused."""
        for instance_id in ("../x", "", "a b", "x" * 65):
            with self.assertRaises(Trouble):
                self.start(instance_id)
        with self.assertRaises(Trouble):
            self.start("kato", "--listen", "tcp:9000", port=9000)
        for operation in (self.instances.report, self.instances.stop):
            with self.assertRaises(Trouble) as caught:
                operation("nobody")
            self.assertIn("nobody", str(caught.exception))
        self.assertEqual(self.system.spawned, [])

    def test_dead(self) -> None:
        """A process that is gone is told as dead, also when another has its number now."""
        instance = self.start()
        self.system.running[instance.pid] = instance.began + 100
        self.assertIs(self.instances.report("kato").health, Health.DEAD)

    def test_silent(self) -> None:
        """A process that lives but does not answer is told as that."""
        self.start()
        self.patch(self.system, "ask", lambda url, key=None: None)
        self.assertIs(self.instances.report("kato").health, Health.SILENT)

    def test_stop(self) -> None:
        """A server is asked to end, and told as stopped; a second time there is nothing to do."""
        instance = self.start()
        self.assertTrue(self.instances.stop("kato"))
        self.assertEqual(self.system.signals, [(instance.pid, False)])
        self.assertIs(self.instances.report("kato").health, Health.STOPPED)
        self.assertFalse(self.instances.stop("kato"))

    def test_stubborn(self) -> None:
        """A server that does not stop is ended at once only if that is asked for."""
        instance = self.start()
        self.system.stubborn = True
        with self.assertRaises(Trouble) as caught:
            self.instances.stop("kato")
        self.assertIn("--force", str(caught.exception))
        self.assertTrue(self.instances.stop("kato", force=True))
        self.assertEqual(self.system.signals[-1], (instance.pid, True))

    def test_restart(self) -> None:
        """A restart repeats name, port and options, unless others are given."""
        first = self.start("kato", "--open", port=9000)
        again = self.instances.restart("kato", None, None, ()).instance
        self.assertEqual((again.name, again.port, again.options), (first.name, 9000, ("--open",)))
        self.assertNotEqual(again.pid, first.pid)
        other = self.instances.restart("kato", "Other", None, ("--no-sort",)).instance
        self.assertEqual((other.name, other.options), ("Other", ("--no-sort",)))

    def test_logs(self) -> None:
        """The log's last lines are shown, and then what comes, until the server ends."""
        self.system.says = "one\ntwo\nthree\n"
        instance = self.start()
        self.assertEqual(self.instances.tail("kato", 2), ["two", "three"])
        self.assertEqual(self.instances.tail("kato", 0), [])

        def say() -> None:
            with open(instance.log, "a", encoding="utf-8") as file:
                file.write("four\n")

        self.system.pauses = [say, self.system.running.clear]
        self.assertEqual("".join(self.instances.follow("kato")), "four\n")


class ManagerTests(SynchronousTestCase):
    """What a person sees."""

    def setUp(self) -> None:
        self.system = FakeSystem()
        self.manager = Manager(Instances(Path(self.mktemp()), system=self.system), key=None)

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
        self.assertIn("--no-sort", self.system.spawned[0][0])
        self.assertIn("runs already", self.type("start")[1])
        status, said = self.type("status")
        self.assertEqual(status, 0)
        for words in ("kato (Weather): ready", "2 processors, 7 requests", "sqlite, 3 commits"):
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
        for command in ("start", "stop", "restart", "status", "list", "logs", "test"):
            self.assertIn(command, out)

    def test_trouble(self) -> None:
        """What cannot be done is one line on standard error, and status 1."""
        status, out, err = self.type("stop", "--id", "nobody")
        self.assertEqual((status, out), (1, ""))
        self.assertEqual(err.count("\n"), 1)
        self.assertIn("nobody", err)

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
