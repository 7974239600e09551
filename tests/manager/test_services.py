"""A gateway with services beside it, as one server (SPEC 10)."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kato.manager.instances import Health, Instances, Report
from kato.manager.registry import Registry
from kato.manager.splitting import split_options
from kato.manager.telling import status
from kato.manager.trouble import Trouble
from kato.manager.wish import Wish
from tests.manager.doubles import FakeSystem


class SplittingTests(SynchronousTestCase):
    """Whose an option is."""

    def test_split(self) -> None:
        """Genes and limits go to the services, ports and placement to the gateway, the rest to
        both."""
        gateway, services = split_options(
            [
                *("--stm-mode", "CLEAR", "--placement=least-busy", "--no-sort", "--open"),
                *("--checkpoint=0", "--api-key-file", "k", "--allow-host", "a"),
            ]
        )
        both = ["--open", "--api-key-file", "k"]
        self.assertEqual(gateway, ["--placement=least-busy", *both, "--allow-host", "a"])
        self.assertEqual(
            services, ["--stm-mode", "CLEAR", "--no-sort", "--open", "--checkpoint=0", *both[1:]]
        )

    def test_refused(self) -> None:
        """What the manager chooses itself cannot be given."""
        for option in ("--storage", "--zmq=x", "--registry", "--processor-id"):
            error = self.assertRaises(Trouble, split_options, [option, "x"])
            self.assertIn(option.partition("=")[0], str(error))


class ServicesTests(SynchronousTestCase):
    """Starting, stopping and watching all of them."""

    def setUp(self) -> None:
        self.home = Path(self.mktemp())
        self.system = FakeSystem()
        self.here = Path(self.mktemp()).absolute()
        self.here.mkdir()
        self.environment: dict[str, str] = {}
        self.instances = Instances(
            self.home, system=self.system, environment=self.environment, folder=self.here
        )

    def start(self, *options: str, services: int | None = 2) -> Report:
        return self.instances.start("kato", Wish(services=services, options=options))[0]

    def commands(self) -> list[str]:
        """What was started since this was asked last, each without what all have."""
        said = [" ".join(each.command).partition("--pidfile= ")[2] for each in self.system.spawned]
        self.system.spawned.clear()
        return said

    def test_start(self) -> None:
        """A gateway with a registry is started, and services that announce themselves there, each
        with ports, data and a log of its own."""
        self.system.taken = {5550, 5561}
        report = self.start("--no-sort", "--placement", "least-busy")
        self.assertIs(report.health, Health.READY)
        self.assertEqual([each.health for each in report.services], [Health.READY] * 2)
        gateway, *services = self.commands()
        self.assertEqual(
            gateway,
            "kato-gateway --listen tcp:8000:interface=127.0.0.1 "
            "--registry tcp://127.0.0.1:5551 --placement least-busy",
        )
        folder = Path(report.instance.log).parent
        for number, command, ports in (
            (1, services[0], (5560, 5562)),
            (2, services[1], (5563, 5564)),
        ):
            self.assertEqual(
                command,
                f"kato-processor --zmq tcp://127.0.0.1:{ports[0]} "
                f"--events tcp://127.0.0.1:{ports[1]} --registry 127.0.0.1:5551 "
                f"--storage sqlite://{folder}/service-{number}.db --no-sort",
            )

    def test_reached(self) -> None:
        """A server is ready when its gateway says that all services answer it."""
        answers = [{"a": {"healthy": True}}, {"a": {"healthy": True}, "b": {"healthy": True}}]
        self.system.services = {"a": {"healthy": True}, "b": {"healthy": False}}

        def comes() -> None:
            self.assertIs(self.instances.report("kato").health, Health.STARTING)
            self.system.services = answers.pop(0)

        self.system.pauses = [comes, comes]
        self.assertIs(self.start().health, Health.READY)
        self.assertEqual(answers, [])

    def test_keys(self) -> None:
        """A key is handed over to all of them, and stands on no command line."""
        report = self.start("--api-key", "secret")
        for each in self.system.spawned:
            self.assertNotIn("secret", " ".join(each.command))
            self.assertEqual(each.environment, {"KATO_API_KEY": "secret"})
        self.assertEqual([each.instance.key for each in report.services], ["handed"] * 2)

    def test_stop(self) -> None:
        """The gateway is stopped first, then its services."""
        report = self.start()
        self.assertTrue(self.instances.stop("kato"))
        pids = [report.instance.pid, *(each.instance.pid for each in report.services)]
        self.assertEqual(self.system.signals, [(pid, False) for pid in pids])
        report = self.instances.report("kato")
        states = [report.health, *(each.health for each in report.services)]
        self.assertEqual(states, [Health.STOPPED] * 3)
        self.assertFalse(self.instances.stop("kato"))

    def test_again(self) -> None:
        """Started again, all are where they were, with the same data."""
        self.start()
        before = self.commands()
        self.instances.stop("kato")
        self.start(services=None)
        self.assertEqual(self.commands(), before)
        self.instances.restart("kato", Wish())
        self.assertEqual(self.commands(), before)

    def test_started_already(self) -> None:
        """One that runs as is wanted is left as it is; another number of services is said."""
        self.start()
        self.assertFalse(self.instances.start("kato", Wish(services=2))[1])
        error = self.assertRaises(Trouble, self.instances.start, "kato", Wish(services=3))
        self.assertIn("restart", str(error))

    def test_more(self) -> None:
        """A restart with more services keeps those that there were."""
        self.start()
        before = self.commands()
        self.instances.restart("kato", Wish(services=3))
        after = self.commands()
        self.assertEqual(after[:3], before)
        self.assertEqual(len(after), 4)

    def test_service_that_died(self) -> None:
        """A service that ended by itself is told by its name, and start brings it back where it
        was."""
        report = self.start()
        [*_, third] = self.commands()
        self.assertIn(".2", report.services[1].instance.id)
        del self.system.running[report.services[1].instance.pid]
        report = self.instances.report("kato")
        self.assertIs(report.health, Health.LACKING)
        told = status(report, {}, [])
        self.assertIn("kato (kato): lacks a service", told)
        self.assertIn("service  kato.1: ready", told)
        self.assertIn("service  kato.2: dead", told)
        report, anew = self.instances.start("kato", Wish())
        self.assertEqual((report.health, anew), (Health.READY, True))
        self.assertEqual(self.commands(), [third])

    def test_key_of_a_service_that_died(self) -> None:
        """What had a key gets one again before it is started, or is not."""
        report = self.start("--api-key", "secret")
        del self.system.running[report.services[0].instance.pid]
        error = self.assertRaises(Trouble, self.instances.start, "kato", Wish())
        self.assertIn("KATO_API_KEY", str(error))
        self.environment["KATO_API_KEY"] = "secret"
        self.assertIs(self.instances.start("kato", Wish())[0].health, Health.READY)

    def test_service_that_cannot_start(self) -> None:
        """What a service says when it cannot start is shown."""
        spawn = self.system.spawn

        def second_dies(*arguments: object, **named: object) -> object:
            self.system.dies = len(self.system.spawned) == 2
            self.system.says = "kato: no" if self.system.dies else ""
            return spawn(*arguments, **named)  # type: ignore[arg-type]

        self.patch(self.system, "spawn", second_dies)
        error = self.assertRaises(Trouble, self.start)
        self.assertIn("kato.2 did not start; it said:\n  kato: no", str(error))

    def test_logs(self) -> None:
        """Each service has a log of its own."""
        self.system.says = "hello\n"
        self.start()
        self.assertEqual(self.instances.tail("kato.2", 5), ["hello"])
        self.assertRaises(Trouble, self.instances.tail, "kato.3", 5)

    def test_others(self) -> None:
        """A server beside them has ports of its own, and none of their services."""
        self.start()
        report = self.instances.start("other", Wish(services=1))[0]
        known = Registry(self.home).read().values()
        ports = [port for each in known for port in (each.port, each.registry) if port is not None]
        self.assertEqual(len(set(ports)), len(ports))
        self.assertEqual([each.instance.of for each in report.services], ["other"])
        self.assertEqual(self.instances.start("plain", Wish())[0].services, ())
