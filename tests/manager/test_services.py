"""A gateway with services beside it, as one server (SPEC 10)."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kato import limit_options
from kato.gateway_options import GatewayOptions
from kato.manager import splitting
from kato.manager.health import Health, Report
from kato.manager.instances import Instances
from kato.manager.registry import Instance, Registry
from kato.manager.splitting import split_options
from kato.manager.telling import started, status
from kato.manager.trouble import Trouble
from kato.manager.wish import Wish
from kato.service_options import ServiceOptions
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

    def test_all(self) -> None:
        """Of every option there is it is known whose it is, and whether it has a value."""
        gateway, service = GatewayOptions({}), ServiceOptions({})
        known = {
            f"--{each.rstrip('=')}" for options in (gateway, service) for each in options.longOpt
        }
        flags = {f"--{each}" for each in gateway.longOpt if not each.endswith("=")}
        known -= {"--version", "--help"}
        self.assertEqual(splitting._FLAGS, flags - {"--version", "--help"})
        alone = {f"--{each.rstrip('=')}" for each in {*gateway.longOpt} - {*service.longOpt}}
        self.assertEqual(splitting._GATEWAY, alone - splitting._OURS)
        both = {
            *("--open", "--api-key", "--api-key-file", "--api-keys", "--timeout"),
            *("--log-level", "--log-format", "--curve", "--curve-clients"),
            "--metrics-processors",
            *(f"--{each}" for each in limit_options.ENVIRONMENT),
        }
        told = splitting._GATEWAY | splitting._SERVICES | splitting._OURS | both
        self.assertEqual(known, told)

    def test_audit(self) -> None:
        """Each service has an audit log of its own, the first one that of the server."""
        _, services = split_options(["--audit", "log", "--audit-reads", "--max-events=3"])
        rest = ["--audit-reads", "--max-events=3"]
        self.assertEqual(splitting.for_service(services, 1), ["--audit", "log", *rest])
        self.assertEqual(splitting.for_service(services, 2), ["--audit", "log/service-2", *rest])
        self.assertEqual(splitting.for_service(["--audit=log"], 3), ["--audit", "log/service-3"])

    def test_refused(self) -> None:
        """What the manager chooses itself cannot be given."""
        for option in ("--storage", "--zmq=x", "--registry", "--processor-id"):
            error = self.assertRaises(Trouble, split_options, [option, "x"])
            self.assertIn(option.partition("=")[0], str(error))

    def test_beginnings(self) -> None:
        """C{twistd} takes the beginning of an option's name for the name: that of one which the
        manager chooses is refused, too; what may be another one is for C{twistd} to judge."""
        for option in ("--zm", "--even=x", "--stor", "--processor", "--reg"):
            error = self.assertRaises(Trouble, split_options, [option, "x"])
            self.assertTrue(str(error).startswith(f"{option.partition('=')[0]}: "), str(error))
        for option in ("--place", "--check", "--st", "--re", "--frobnicate", "--"):
            self.assertEqual(split_options([option, "x"]), ([option, "x"], [option, "x"]))

    def test_memory(self) -> None:
        """Each service has a memory of its own, so that it keeps nothing can be said to all."""
        for options in (["--storage", "memory:"], ["--storage=memory:"]):
            self.assertEqual(split_options(options), ([], options))


class ServicesTests(SynchronousTestCase):
    """Starting, stopping and watching all of them."""

    def setUp(self) -> None:
        self.home = Path(self.mktemp())
        self.system = FakeSystem()
        self.here = Path(self.mktemp()).absolute()
        self.here.mkdir()
        self.seen = 0
        self.environment: dict[str, str] = {}
        self.instances = Instances(
            self.home, system=self.system, environment=self.environment, folder=self.here
        )

    def start(self, *options: str, services: int | None = 2) -> Report:
        return self.instances.start("kato", Wish(services=services, options=options))[0]

    def commands(self) -> list[str]:
        """What was started since this was asked last, each without what all have."""
        new, self.seen = self.system.spawned[self.seen :], len(self.system.spawned)
        return [" ".join(each.command).partition("--pidfile= ")[2] for each in new]

    def end(self, instance: Instance) -> None:
        """A process ends by itself."""
        del self.system.running[instance.pid]

    def family(self) -> list[Instance]:
        return [each.instance for each in self.instances.report("kato").family]

    def states(self) -> list[str]:
        return [each.health.value for each in self.instances.report("kato").family]

    # Starting

    def test_start(self) -> None:
        """A gateway with a registry is started, and services that announce themselves there, each
        with ports, data and a log of its own."""
        self.system.taken = {5550, 5561}
        report = self.start("--no-sort", "--placement", "least-busy")
        self.assertEqual(self.states(), ["ready"] * 3)
        gateway, *services = self.commands()
        self.assertEqual(
            gateway,
            "kato-gateway --listen tcp:8000:interface=127.0.0.1 "
            "--registry tcp://127.0.0.1:5551 --placement least-busy",
        )
        folder = Path(report.instance.log).parent
        for file, command, ports in (
            ("kato.db", services[0], (5560, 5562)),
            ("service-2.db", services[1], (5563, 5564)),
        ):
            self.assertEqual(
                command,
                f"kato-processor --zmq tcp://127.0.0.1:{ports[0]} "
                f"--events tcp://127.0.0.1:{ports[1]} --registry 127.0.0.1:5551 "
                f"--storage sqlite://{folder}/{file} --no-sort",
            )
        self.assertIn(
            "  kato.2  tcp://127.0.0.1:5563  (process 103)\n\nIts log", started(report, True)
        )

    def test_memory(self) -> None:
        """Services that keep nothing are told so instead of a file."""
        report = self.start("--storage", "memory:")
        self.assertEqual([each.instance.storage for each in report.services], ["memory:"] * 2)
        gateway, *services = self.commands()
        self.assertNotIn("memory:", gateway)
        for each in services:
            self.assertEqual(each.count("--storage"), 1)
            self.assertIn("--storage memory:", each)

    def test_ready(self) -> None:
        """A server is ready when its gateway has heard of all services since they were started,
        reaches them, and they have loaded what they hold."""
        self.system.unannounced, self.system.silent, self.system.unloaded = {102}, {103}, True
        seen: list[list[str]] = []

        def announces() -> None:
            self.system.unannounced.clear()
            seen.append(self.states())

        def answers() -> None:
            self.system.silent.clear()
            seen.append(self.states())

        def has_loaded() -> None:
            self.system.unloaded = False
            seen.append(self.states())

        self.system.pauses = [announces, answers, has_loaded]
        self.assertIs(self.start().health, Health.READY)
        self.assertEqual(
            seen,
            [
                ["starting", "ready", "does not answer"],
                ["starting", "ready", "ready"],
                ["ready", "ready", "ready"],
            ],
        )

    def test_heard_of_before(self) -> None:
        """What a gateway heard of a service before that was started again is not about it."""
        self.start()
        service = self.family()[1]
        self.end(service)
        self.system.time += 60
        self.system.late = {service.port or 0: self.system.spawned[1].at}

        def announces() -> None:
            self.assertEqual(self.states(), ["starting", "starting", "ready"])
            self.system.late.clear()

        self.system.pauses = [announces]
        self.assertIs(self.start().health, Health.READY)
        self.assertEqual(self.system.late, {})

    def test_cannot_be_asked(self) -> None:
        """A gateway that has a key which nobody tells us is believed when it says that it is
        ready."""
        self.start("--api-key", "secret")
        self.system.key = "secret"
        self.system.silent = {103}
        self.assertEqual(self.states(), ["ready"] * 3)
        self.environment["KATO_API_KEY"] = "secret"
        self.assertEqual(self.states(), ["lacks a service", "ready", "does not answer"])

    def test_asked_with_its_key(self) -> None:
        """While a server is started, it is asked with the key that it was given."""
        self.system.key = "secret"
        self.system.unannounced = {103}
        self.system.pauses = [self.system.unannounced.clear]
        self.start("--api-key", "secret")
        self.assertEqual(self.system.unannounced, set())
        (self.here / "key").write_text("secret\n", encoding="utf-8")
        self.system.unannounced = {106}
        self.system.pauses = [self.system.unannounced.clear]
        self.instances.restart("kato", Wish(options=("--api-key-file", "key")))
        self.assertEqual(self.system.unannounced, set())

    def test_keys(self) -> None:
        """A key is handed over to all of them, and stands on no command line."""
        report = self.start("--api-key", "secret")
        for each in self.system.spawned:
            self.assertNotIn("secret", " ".join(each.command))
            self.assertEqual(each.environment, {"KATO_API_KEY": "secret"})
        self.assertEqual([each.instance.key for each in report.services], ["handed"] * 2)
        written = (self.home / "instances.json").read_text(encoding="utf-8")
        self.assertNotIn("secret", written)

    def test_environment(self) -> None:
        """What the environment would say to all of them alike is refused, before anything starts
        or stops."""
        self.environment["PROCESSOR_ID"] = "p1"
        error = self.assertRaises(Trouble, self.start)
        self.assertIn("PROCESSOR_ID: with --services the manager chooses that", str(error))
        self.environment.clear()
        self.start()
        self.environment["KATO_ADVERTISE"] = "here:1"
        self.assertRaises(Trouble, self.instances.restart, "kato", Wish())
        self.assertEqual(self.system.signals, [])
        self.environment["KATO_STORAGE"] = "sqlite:x"
        self.assertRaises(Trouble, self.instances.start, "other", Wish(services=1))

    def test_cannot_start(self) -> None:
        """What a process says when it cannot start is shown, and the others are ended again."""
        for number, name in ((1, "kato"), (2, "kato.1"), (3, "kato.2")):
            self.system = FakeSystem()
            self.system.says, self.system.dying = "kato: no\n", {number}
            self.instances = Instances(
                Path(self.mktemp()), system=self.system, environment={}, folder=self.here
            )
            error = self.assertRaises(Trouble, self.start)
            self.assertEqual(str(error), f"{name} did not start; it said:\n  kato: no")
            self.assertEqual(self.system.running, {})
            self.assertEqual(len(self.system.signals), 2)

    def test_lost_ports(self) -> None:
        """Whoever finds a port taken at the last moment is started again with another one; services
        whose gateway moved are told."""
        self.system.robs = {1: 1}
        self.start()
        gateway, *services = self.family()
        self.assertEqual(gateway.registry, 5551)
        self.assertEqual([each.registry for each in services], [5551] * 2)
        self.instances.stop("kato")
        self.system.robs = {len(self.system.spawned) + 3: 1}
        before = [each.ports for each in self.family()]
        self.start(services=None)
        after = [each.ports for each in self.family()]
        self.assertEqual(after[:2], before[:2])
        self.assertEqual(len(after[2] - before[2]), 1)
        self.assertEqual(self.states(), ["ready"] * 3)

    def test_ends_while_another_moves(self) -> None:
        """Who ends while another process is started again elsewhere is told with what it said, and
        nobody is left."""
        self.system.says = "kato: no\n"
        self.system.robs, self.system.unannounced = {2: 0}, {104}
        self.system.pauses = [lambda: self.end(self.family()[2])]
        error = self.assertRaises(Trouble, self.start)
        self.assertEqual(str(error), "kato.2 did not start; it said:\n  kato: no")
        self.assertEqual(self.system.running, {})

    def test_reload(self) -> None:
        """The gateway and its services are all told to read their files again; a service alone
        cannot be."""
        report = self.start()
        self.assertEqual(self.instances.reload("kato"), [each.instance for each in report.family])
        pids = [each.instance.pid for each in report.family]
        self.assertEqual(self.system.hung_up, pids)
        self.assertRaises(Trouble, self.instances.reload, "kato.1")

    # Stopping, and starting again

    def test_stop(self) -> None:
        """The gateway is stopped first, then its services."""
        report = self.start()
        self.assertTrue(self.instances.stop("kato"))
        pids = [each.instance.pid for each in report.family]
        self.assertEqual(self.system.signals, [(pid, False) for pid in pids])
        self.assertEqual(self.states(), ["stopped"] * 3)
        self.assertFalse(self.instances.stop("kato"))

    def test_stubborn(self) -> None:
        """Services have their time to end together, and the first that does not end is named; those
        that did are told as stopped."""
        report = self.start()
        pids = [each.instance.pid for each in report.family]
        end = self.system.end

        def all_but_one(pid: int, *, at_once: bool = False) -> None:
            if pid != pids[1] or at_once:
                end(pid)

        self.patch(self.system, "end", all_but_one)
        began = self.system.time
        error = self.assertRaises(Trouble, self.instances.stop, "kato")
        self.assertIn(f"kato.1 (process {pids[1]}) does not stop", str(error))
        self.assertLess(self.system.time - began, 16)
        self.assertEqual(self.states(), ["stopped", "ready", "stopped"])
        self.assertTrue(self.instances.stop("kato", force=True))
        self.assertEqual(self.states(), ["stopped"] * 3)

    def test_ends_too_late(self) -> None:
        """Who was not seen to stop is told as dead when it has ended: what it saved nobody
        knows."""
        self.start()
        self.system.stubborn = True
        self.assertRaises(Trouble, self.instances.stop, "kato")
        self.end(self.family()[0])
        self.assertEqual(self.states(), ["dead", "ready", "ready"])

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
        """A restart with more services keeps those that there were; fewer are refused while all go
        on, since what they hold would be gone."""
        self.start()
        before = self.commands()
        self.instances.restart("kato", Wish(services=3))
        after = self.commands()
        self.assertEqual(after[:3], before)
        self.assertEqual(len(after), 4)
        signals = len(self.system.signals)
        error = self.assertRaises(Trouble, self.instances.restart, "kato", Wish(services=2))
        self.assertIn("--services 2: kato has 3", str(error))
        self.assertEqual(len(self.system.signals), signals)

    def test_from_one_process(self) -> None:
        """A server that gets services keeps its data: the first of them has its file."""
        single = self.instances.start("kato", Wish())[0].instance
        gateway, first, second = self.instances.restart("kato", Wish(services=2)).family
        self.assertEqual(gateway.instance.url, single.url)
        self.assertEqual(first.instance.storage, single.storage)
        self.assertNotEqual(second.instance.storage, single.storage)

    def test_other_storage(self) -> None:
        """A server that has its data elsewhere is not stopped to be started without it."""
        self.instances.start("kato", Wish(options=("--storage", "sqlite:x")))
        error = self.assertRaises(Trouble, self.instances.restart, "kato", Wish(services=2))
        self.assertIn("--storage sqlite:x", str(error))
        self.assertEqual(self.system.signals, [])

    def test_one_alone(self) -> None:
        """A service is started and stopped with its gateway."""
        self.start()
        for command in (
            self.instances.stop,
            lambda each: self.instances.start(each, Wish()),
            lambda each: self.instances.restart(each, Wish()),
        ):
            error = self.assertRaises(Trouble, command, "kato.1")
            self.assertIn("a service of kato", str(error))
        self.assertEqual(self.system.signals, [])

    # When one of them ends by itself

    def test_service_that_died(self) -> None:
        """A service that ended by itself is told by its name, with the last it said, and start
        brings it back where it was."""
        report = self.start()
        [*_, third] = self.commands()
        self.end(report.services[1].instance)
        report = self.instances.report("kato")
        self.assertIs(report.health, Health.LACKING)
        told = status(report, {}, {"kato.2": ["farewell"]})
        self.assertIn("kato (kato): lacks a service", told)
        self.assertIn("service  kato.1: ready", told)
        self.assertIn("service  kato.2: dead", told)
        self.assertIn("The last that kato.2 said:\n  farewell", told)
        report, anew = self.instances.start("kato", Wish())
        self.assertEqual((report.health, anew), (Health.READY, True))
        self.assertEqual(self.commands(), [third])

    def test_cannot_come_back(self) -> None:
        """A service that cannot be brought back is told with what it said; the others go on."""
        report = self.start()
        self.end(report.services[0].instance)
        self.system.says, self.system.dying = "kato: full\n", {4}
        error = self.assertRaises(Trouble, self.start)
        self.assertEqual(str(error), "kato.1 did not start; it said:\n  kato: full")
        self.assertEqual(self.states(), ["lacks a service", "dead", "ready"])

    def test_ends_meanwhile(self) -> None:
        """A service that ends while another one is brought back is named."""
        report = self.start()
        first, second = (each.instance for each in report.services)
        self.end(first)
        self.system.unannounced = {104}
        self.system.pauses = [lambda: self.end(second)]
        error = self.assertRaises(Trouble, self.start)
        self.assertIn("kato lacks kato.2", str(error))

    def test_key_of_a_service_that_died(self) -> None:
        """What had a key gets one again before it is started, or is not."""
        report = self.start("--api-key", "secret")
        self.end(report.services[0].instance)
        error = self.assertRaises(Trouble, self.instances.start, "kato", Wish())
        self.assertIn("KATO_API_KEY", str(error))
        self.environment["KATO_API_KEY"] = "secret"
        self.assertIs(self.instances.start("kato", Wish())[0].health, Health.READY)

    def test_gateway_that_died(self) -> None:
        """When a gateway is started again, services that outlived it go on where they would be
        started alike; else they are started again."""
        before = self.start("--no-sort").family
        self.end(before[0].instance)
        self.assertEqual(self.states(), ["dead", "ready", "ready"])
        after = self.start("--no-sort").family
        self.assertEqual(
            [each.instance for each in after[1:]], [each.instance for each in before[1:]]
        )
        self.end(after[0].instance)
        self.system.taken.add(after[0].instance.registry or 0)
        moved = self.start("--no-sort").family
        self.assertEqual([each.instance.registry for each in moved], [5551] * 3)
        self.end(moved[0].instance)
        self.start("--api-key", "secret")
        pids = {each.instance.pid for each in (*after, *moved)}
        self.assertEqual(pids & {each.pid for each in self.family()}, set())
        self.assertEqual(len(self.system.running), 3)

    # What is told

    def test_service_by_itself(self) -> None:
        """A service can be asked about by its id: its state, what its gateway tells of it, and its
        log."""
        self.system.says = "hello\n"
        report = self.start()
        self.assertEqual(self.instances.report("kato.2"), report.services[1])
        details = self.instances.details(report.services[1].instance)
        self.assertIn("5 processors, 6 requests", status(report.services[1], details, {}))
        self.assertEqual(self.instances.tail("kato.2", 5), ["hello"])
        self.assertRaises(Trouble, self.instances.tail, "kato.3", 5)

    def test_list(self) -> None:
        """Services stand behind their gateway in the list of all."""
        self.start()
        self.instances.start("a", Wish())
        listed = [each.instance.id for each in self.instances.reports()]
        self.assertEqual(listed, ["a", "kato", "kato.1", "kato.2"])

    def test_others(self) -> None:
        """A server beside them has ports of its own, and none of their services."""
        self.start()
        report = self.instances.start("other", Wish(services=1))[0]
        ports = [port for each in Registry(self.home).read().values() for port in each.ports]
        self.assertEqual(len(ports), 2 * 2 + 3 * 2)
        self.assertEqual(len(set(ports)), len(ports))
        self.assertEqual([each.instance.of for each in report.services], ["other"])
        self.assertEqual(self.instances.start("plain", Wish())[0].services, ())
