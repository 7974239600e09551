"""From one process to many, phase by phase: C{docs/deployment.md} (SPEC 10)."""

import re
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.live.family import LiveService, zmq_port
from tests.live.server import ROOT, Connection, LiveProcess, LiveServer

PROCESSORS = ("p1", "p2")


class MigrationTests(SynchronousTestCase):
    """The same data and the same requests, whatever answers them."""

    def setUp(self) -> None:
        self.file = f"sqlite:{self.mktemp()}"
        self.other = f"sqlite:{self.mktemp()}"
        self.connections: list[Connection] = []

    def started(self, process: LiveProcess) -> Any:
        self.addCleanup(process.stop)
        return process.start()

    def service(self, storage: str, *options: str) -> LiveService:
        service: LiveService = self.started(LiveService("--storage", storage, *options))
        return service

    def gateway(self, *options: str) -> LiveServer:
        server: LiveServer = self.started(LiveServer(*options))
        return server

    def connect(self, server: LiveServer) -> Connection:
        connection = server.connect()
        self.addCleanup(connection.close)
        return connection

    def fill(self, server: LiveServer) -> list[Any]:
        """Have two processors learn, and observe on; gives what is asked of all phases."""
        connection = self.connect(server)
        for processor in PROCESSORS:
            for word in ("get", "set", "go"):
                connection.post(f"/{processor}/observe", {"strings": [word, processor]})
            connection.post(f"/{processor}/learn")
            connection.post(f"/{processor}/observe", {"strings": ["get", processor]}, "same")
        return self.asked(server)

    def asked(self, server: LiveServer) -> list[Any]:
        """What is asked in every phase, and must be answered as in the first."""
        connection = self.connect(server)
        answers: list[Any] = []
        for processor in PROCESSORS:
            told = [
                connection.get(f"/{processor}/{what}")
                for what in ("predictions", "forecast", "models", "short-term-memory", "genes")
            ]
            observation = {"strings": ["get", processor]}
            told.append(connection.post(f"/{processor}/observe", observation, "same"))
            for each in told[:-1]:
                del each["time_stamp"]
            answers.append(told)
        return answers

    def owners(self, server: LiveServer) -> dict[str, str]:
        """Which service holds which processor, as a gateway says."""
        listed = self.connect(server).get("/processors")["processors"]
        return {each["id"]: each["service"] for each in listed}

    def free_address(self) -> str:
        """Where a registry may listen."""
        holder = self.gateway("--storage", "memory:", "--zmq", "tcp://127.0.0.1:0")
        port = zmq_port(holder)
        holder.terminate()
        return f"127.0.0.1:{port}"

    def settled(self, server: LiveServer, services: int) -> None:
        """Wait until a gateway knows its services, and answers for them."""
        server.wait_for("ready$")
        connection = self.connect(server)
        for _ in range(5000):
            told = connection.get("/stats")["services"]
            listed = connection.get("/processors")
            if (
                len(told) == services
                and all(each["healthy"] for each in told.values())
                and "unavailable" not in listed
                and connection.send("GET", "/ready")[0] == 200
            ):
                return
        raise AssertionError(f"not settled: {told}")

    def alone(self) -> list[Any]:
        """Phase 1, gone through: one process, which has ended; gives what it answered."""
        single = self.gateway("--storage", self.file)
        before = self.fill(single)
        single.terminate()
        return before

    def test_one_process(self) -> None:
        """Phase 1: one process, which is started again."""
        before = self.alone()
        self.assertEqual(self.asked(self.gateway("--storage", self.file)), before)

    def test_a_service(self) -> None:
        """Phase 2: the same file in a service, behind a gateway that is told of it."""
        before = self.alone()
        service = self.service(self.file)
        gateway = self.gateway("--processors", self.held(service))
        self.settled(gateway, 1)
        self.assertEqual(self.asked(gateway), before)
        self.assertEqual(self.connect(gateway).send("GET", "/p4/status")[0], 404)

    def test_several_services(self) -> None:
        """Phase 3: a second service beside it, with a processor of its own."""
        before = self.alone()
        service, second = self.service(self.file), self.service(self.other)
        held = f"{self.held(service)},p3:127.0.0.1:{second.port}"
        gateway = self.gateway("--processors", held)
        self.settled(gateway, 2)
        self.assertEqual(self.asked(gateway), before)
        self.connect(gateway).post("/p3/observe", {"strings": ["new"]})
        self.assertEqual(self.owners(gateway), self.divided(service, second))

    def test_discovery(self) -> None:
        """Phase 4: services announce themselves; a new processor is placed on the emptier one."""
        before = self.alone()
        registry = self.free_address()
        gateway = self.gateway("--registry", f"tcp://{registry}")
        service = self.service(self.file, "--registry", registry)
        second = self.service(self.other, "--registry", registry)
        self.settled(gateway, 2)
        self.assertEqual(self.asked(gateway), before)
        self.connect(gateway).post("/p3/observe", {"strings": ["new"]})
        self.assertEqual(self.owners(gateway), self.divided(service, second))

    def test_several_gateways(self) -> None:
        """Phase 5: a second gateway, which says the same of who owns what, and serves it."""
        before = self.alone()
        registries = [self.free_address(), self.free_address()]
        gateways = [self.gateway("--registry", f"tcp://{each}") for each in registries]
        announced = ("--registry", ",".join(registries))
        service, second = self.service(self.file, *announced), self.service(self.other, *announced)
        for gateway in gateways:
            self.settled(gateway, 2)
            self.assertEqual(self.asked(gateway), before)
        for gateway, word in zip(reversed(gateways), ("new", "again"), strict=True):
            self.connect(gateway).post("/p3/observe", {"strings": [word]})
        for gateway in gateways:
            self.assertEqual(self.owners(gateway), self.divided(service, second))
            told = self.connect(gateway).get("/p3/short-term-memory")
            self.assertEqual(told["short_term_memory"], [["new"], ["again"]])

    def held(self, service: LiveService) -> str:
        """What a gateway is told of a service that holds both processors."""
        return ",".join(f"{each}:127.0.0.1:{service.port}" for each in PROCESSORS)

    def divided(self, service: LiveService, second: LiveService) -> dict[str, str]:
        """Who owns what, when the third processor is with the second service."""
        first = dict.fromkeys(PROCESSORS, f"127.0.0.1:{service.port}")
        return {**first, "p3": f"127.0.0.1:{second.port}"}


class PageTests(SynchronousTestCase):
    """C{docs/deployment.md} itself."""

    def test_options(self) -> None:
        """Every option that the page names is one of ours."""
        page = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
        sources = [
            (ROOT / "kato" / name).read_text(encoding="utf-8")
            for name in ("options.py", "gateway_options.py", "service_options.py")
        ]
        known = set(re.findall(r'\["([a-z-]+)", None', "".join(sources))) | {"listen", "allow-host"}
        twistd = {"pidfile", "services"}
        self.assertEqual(set(re.findall(r"--([a-z][a-z-]+)", page)) - known - twistd, set())
