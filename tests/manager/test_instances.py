"""Starting, stopping and watching servers, on a machine that the test moves (SPEC 10)."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kato.manager.health import Health
from kato.manager.instances import Instances
from kato.manager.registry import Instance
from kato.manager.trouble import Trouble
from kato.manager.wish import Wish
from tests.manager.doubles import FakeSystem


class InstancesTests(SynchronousTestCase):
    """Starting, stopping and watching."""

    def setUp(self) -> None:
        self.home = Path(self.mktemp())
        self.system = FakeSystem()
        self.here = Path(self.mktemp()).absolute()
        self.here.mkdir()
        self.environment: dict[str, str] = {}
        self.instances = Instances(
            self.home, system=self.system, environment=self.environment, folder=self.here
        )

    def start(self, instance_id: str = "kato", *options: str, port: int | None = None) -> Instance:
        report, anew = self.instances.start(instance_id, Wish(port=port, options=options))
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
        report, anew = self.instances.start("kato", Wish())
        self.assertEqual((report.instance, anew), (first, False))
        report, anew = self.instances.start("kato", Wish(name="kato", port=8000))
        self.assertEqual((report.instance, anew), (first, False))
        self.assertEqual(len(self.system.spawned), 1)

    def test_start_otherwise(self) -> None:
        """A server that runs, but not as it is wanted, is left as it is, and that is said."""
        self.start("kato", "--open")
        for wish in (Wish(name="Other"), Wish(port=9000), Wish(options=("--no-sort",))):
            with self.assertRaises(Trouble) as caught:
                self.instances.start("kato", wish)
            self.assertIn("restart", str(caught.exception))
        self.assertFalse(self.instances.start("kato", Wish(options=("--open",)))[1])
        self.assertEqual(len(self.system.spawned), 1)

    def test_start_while_it_starts(self) -> None:
        """Who starts another server need not wait until the first is ready, and who starts the same
        is told how it is."""
        self.system.ready_at = self.system.time + 1
        others = []

        def meanwhile() -> None:
            others.append(self.instances.start("kato", Wish()))
            with self.assertRaises(Trouble):
                self.instances.start("other", Wish(port=70000))

        self.system.pauses = [meanwhile]
        self.start()
        [(report, anew)] = others
        self.assertEqual((report.health, anew), (Health.STARTING, False))

    def test_name(self) -> None:
        """A server without a name is called by its id, and keeps a name that it was given once."""
        self.assertEqual(self.start().name, "kato")
        self.instances.stop("kato")
        self.assertEqual(self.instances.start("kato", Wish(name="W"))[0].instance.name, "W")
        self.instances.stop("kato")
        self.assertEqual(self.start().name, "W")

    def test_environment(self) -> None:
        """What the environment says of storage and port counts, and is repeated by a restart from
        another one."""
        self.environment.update(KATO_LISTEN="tcp:9000", KATO_STORAGE="memory:")
        instance = self.start("kato", "--open")
        self.assertEqual((instance.url, instance.storage), ("http://127.0.0.1:9000", "memory:"))
        self.environment.clear()
        again = self.instances.restart("kato", Wish()).instance
        self.assertEqual((again.url, again.storage), (instance.url, instance.storage))

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
        self.assertEqual(self.system.spawned, [])

    def test_unknown(self) -> None:
        """An id that is not known is named, with those that are."""
        self.start("a")
        for operation in (self.instances.report, self.instances.stop):
            with self.assertRaises(Trouble) as caught:
                operation("nobody")
            self.assertIn("nobody", str(caught.exception))
            self.assertIn("there are a", str(caught.exception))

    def test_dead(self) -> None:
        """A process that is gone is told as dead, also when another has its number now."""
        instance = self.start()
        self.system.running[instance.pid] = "another birth"
        self.assertIs(self.instances.report("kato").health, Health.DEAD)

    def test_impostor(self) -> None:
        """What answers at a server's port is not that server unless its process has the port."""
        self.start()
        self.system.deaf = True
        self.assertIs(self.instances.report("kato").health, Health.SILENT)

    def test_lost_port(self) -> None:
        """A server whose port is taken by another at the last moment gets the next one; not so
        where the port was told."""
        self.system.robs = {1: 0, 3: 0}
        self.assertEqual(self.start().port, 8001)
        with self.assertRaises(Trouble):
            self.start("other", port=9000)

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

    def test_reload(self) -> None:
        """A server that listens is told to read its files again, and goes on; one that does not
        listen yet would be ended by that, and is left alone."""
        instance = self.start()
        self.assertEqual(self.instances.reload("kato"), [instance])
        self.assertEqual(self.system.hung_up, [instance.pid])
        self.system.deaf = True
        with self.assertRaises(Trouble):
            self.instances.reload("kato")
        self.instances.stop("kato")
        self.system.deaf = False
        with self.assertRaises(Trouble):
            self.instances.reload("kato")
        self.assertEqual(self.system.hung_up, [instance.pid])

    def test_stubborn(self) -> None:
        """A server that does not stop is ended at once only if that is asked for."""
        instance = self.start()
        self.system.stubborn = True
        with self.assertRaises(Trouble) as caught:
            self.instances.stop("kato")
        self.assertIn("--force", str(caught.exception))
        self.assertTrue(self.instances.stop("kato", force=True))
        self.assertEqual(self.system.signals[-1], (instance.pid, True))

    def test_started_while_it_stops(self) -> None:
        """A server that somebody starts again as soon as it has stopped is not told as stopped."""
        self.start()
        end = self.system.end

        def end_and_start(pid: int, *, at_once: bool = False) -> None:
            end(pid, at_once=at_once)
            self.start()

        self.patch(self.system, "end", end_and_start)
        self.instances.stop("kato")
        self.assertIs(self.instances.report("kato").health, Health.READY)

    def test_restart(self) -> None:
        """A restart repeats name, port, options and folder, unless others are given."""
        self.instances.start("kato", Wish(name="Name", port=9000, options=("--open",)))
        elsewhere = Path(self.mktemp()).absolute()
        elsewhere.mkdir()
        instances = Instances(self.home, system=self.system, environment={}, folder=elsewhere)
        again = instances.restart("kato", Wish()).instance
        self.assertEqual((again.name, again.port, again.options), ("Name", 9000, ("--open",)))
        other = instances.restart("kato", Wish(name="Other", options=("--no-sort",))).instance
        self.assertEqual((other.name, other.options), ("Other", ("--no-sort",)))
        folders = [each.folder for each in self.system.spawned]
        self.assertEqual(folders, [self.here, self.here, elsewhere])
        self.assertEqual(len({each.pid for each in (again, other)}), 2)

    def test_restart_with_a_wrong_wish(self) -> None:
        """A server is not stopped for a start that cannot be."""
        self.start("kato", "--listen", "tcp:9000")
        with self.assertRaises(Trouble):
            self.instances.restart("kato", Wish(port=9001))
        self.assertEqual(self.system.signals, [])

    def test_restart_with_a_key(self) -> None:
        """A server that had a key is not started again without one; the key is never written
        down."""
        self.start("kato", "--api-key", "secret")
        written = (self.home / "instances.json").read_text(encoding="utf-8")
        self.assertNotIn("secret", written)
        with self.assertRaises(Trouble) as caught:
            self.instances.restart("kato", Wish())
        self.assertIn("--api-key", str(caught.exception))
        self.assertEqual(self.system.signals, [])
        self.environment["KATO_API_KEY"] = "secret"
        self.assertEqual(self.instances.restart("kato", Wish()).instance.key, "handed")
        self.environment.clear()
        wish = Wish(options=("--api-key-file", "key"))
        self.assertEqual(self.instances.restart("kato", wish).instance.key, "file")
        self.assertEqual(self.instances.restart("kato", Wish()).instance.key, "file")

    def test_folder_is_gone(self) -> None:
        """A server cannot be started from a folder that is gone, and that is said."""
        self.start()
        self.here.rmdir()
        with self.assertRaises(Trouble) as caught:
            self.instances.restart("kato", Wish())
        self.assertIn(str(self.here), str(caught.exception))

    def test_logs(self) -> None:
        """The log's last lines are shown, and then what comes, until the server ends."""
        self.system.says = "one\ntwo\nthree\n"
        instance = self.start()
        self.assertEqual(self.instances.tail("kato", 2), ["two", "three"])

        def say() -> None:
            with open(instance.log, "a", encoding="utf-8") as file:
                file.write("four\n")

        self.system.pauses = [say, self.system.running.clear]
        self.assertEqual("".join(self.instances.follow("kato", 1)), "three\nfour\n")
