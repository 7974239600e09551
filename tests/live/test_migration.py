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

    def test_fixed(self) -> None:
        """One process; the same file in a service behind a gateway; a second service beside it."""
        single = self.gateway("--storage", self.file)
        before = self.fill(single)
        single.terminate()

        service = self.service(self.file)
        held = ",".join(f"{each}:127.0.0.1:{service.port}" for each in PROCESSORS)
        gateway = self.gateway("--processors", held)
        self.settled(gateway, 1)
        self.assertEqual(self.asked(gateway), before)
        gateway.terminate()

        second = self.service(self.other)
        gateway = self.gateway("--processors", f"{held},p3:127.0.0.1:{second.port}")
        self.settled(gateway, 2)
        self.assertEqual(self.asked(gateway), before)
        connection = self.connect(gateway)
        connection.post("/p3/observe", {"strings": ["new"]})
        listed = {
            each["id"]: each["service"] for each in connection.get("/processors")["processors"]
        }
        self.assertEqual(
            listed,
            {
                "p1": f"127.0.0.1:{service.port}",
                "p2": f"127.0.0.1:{service.port}",
                "p3": f"127.0.0.1:{second.port}",
            },
        )
        self.assertEqual(connection.send("GET", "/p4/status")[0], 404)

    def test_discovered(self) -> None:
        """From one process to services that announce themselves, and a second gateway; a new
        processor is placed, and every gateway says the same of who owns it."""
        single = self.gateway("--storage", self.file)
        before = self.fill(single)
        single.terminate()

        registries = [self.free_address(), self.free_address()]
        first = self.gateway("--registry", f"tcp://{registries[0]}")
        announced = ("--registry", ",".join(registries))
        service = self.service(self.file, *announced)
        self.settled(first, 1)
        self.assertEqual(self.asked(first), before)

        second = self.service(self.other, *announced)
        self.settled(first, 2)
        connection = self.connect(first)
        connection.post("/p3/observe", {"strings": ["new"]})

        other = self.gateway("--registry", f"tcp://{registries[1]}")
        self.settled(other, 2)
        self.assertEqual(self.asked(other), before)
        self.connect(other).post("/p3/observe", {"strings": ["again"]})
        for gateway in (first, other):
            self.assertEqual(
                self.owners(gateway),
                {
                    "p1": f"127.0.0.1:{service.port}",
                    "p2": f"127.0.0.1:{service.port}",
                    "p3": f"127.0.0.1:{second.port}",
                },
            )
        self.assertEqual(
            self.connect(first).get("/p3/short-term-memory")["short_term_memory"],
            [["new"], ["again"]],
        )


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
