"""From one process to many, phase by phase: C{docs/deployment.md} (SPEC 10)."""

import re
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kato.gateway_options import GatewayOptions
from kato.service_options import ServiceOptions
from tests.live.phases import PAGE, Phase, Ports, commands, section
from tests.live.server import PATIENCE, ROOT
from tests.live.speaking import Speaker

ONE = "1. One process"
SERVICE = "2. A service, and a gateway before it"
SERVICES = "3. Several services"
DISCOVERY = "4. Discovery"
GATEWAYS = "5. Several gateways"
PORT = "6. Several gateways on one port"

PROCESSORS = ("p1", "p2")
READ = ("get_predictions", "get_forecast", "list_models", "get_short_term_memory", "get_genes")


class MigrationCase(SynchronousTestCase):
    """The data that one process has left, and what is asked of whoever serves it."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.ports = Ports()
        self.addCleanup(self.ports.close)
        [single] = self.start(ONE)
        speaker = self.speaker(single)
        for processor in PROCESSORS:
            for word in ("get", "set", "go"):
                self.okay(speaker, "observe", {"strings": [word, processor]}, processor)
            self.okay(speaker, "learn", {}, processor)
            self.observe(speaker, processor)
        self.before = self.asked(speaker)
        self.single = single

    def start(self, heading: str) -> list[Phase]:
        """Run all that a phase shows, and wait until each is ready."""
        return self.run_all(commands(heading))

    def run_all(self, lines: Sequence[list[str]]) -> list[Phase]:
        processes = [Phase(each, self.ports, self.folder) for each in lines]
        for process in processes:
            self.addCleanup(process.stop)
            process.launch()
        for process in processes:
            process.wait_for(": ready$")
        return processes

    def run_one(self, command: list[str]) -> Phase:
        [process] = self.run_all([command])
        return process

    def migrate(self, heading: str) -> list[Phase]:
        """End the single process, and start all of a phase; gives the processes as they stand
        there."""
        self.single.terminate()
        return self.start(heading)

    def speaker(self, gateway: Phase) -> Speaker:
        speaker = gateway.rest()
        self.addCleanup(speaker.close)
        return speaker

    def okay(
        self, speaker: Speaker, operation: str, params: Any = None, processor: str | None = None
    ) -> dict[str, Any]:
        answer = speaker.ask(operation, params or {}, processor)
        self.assertEqual(answer["status"], "okay", answer)
        return answer

    def observe(self, speaker: Speaker, processor: str) -> dict[str, Any]:
        """Observe under an id by which that is known in all phases."""
        params = {"strings": ["get", processor]}
        answer = speaker.ask("observe", params, processor, request_id="same")
        self.assertEqual(answer["status"], "okay", answer)
        return answer

    def asked(self, speaker: Speaker) -> list[Any]:
        """What every phase must answer as the first did."""
        answers: list[Any] = []
        for processor in PROCESSORS:
            for operation in READ:
                answer = self.okay(speaker, operation, {}, processor)
                del answer["time_stamp"]
                answers.append(answer)
            answers.append(self.observe(speaker, processor))
        return answers

    def settled(self, gateway: Phase, services: int) -> Speaker:
        """Wait until a gateway reaches so many services, and all that they hold; gives a client of
        it, which asks and is answered as it was in the first phase."""
        connection = gateway.connect()
        self.addCleanup(connection.close)
        until = monotonic() + PATIENCE
        while True:
            told = connection.get("/stats")["services"]
            listed = connection.get("/processors")
            if (
                sum(each["healthy"] and each["there"] for each in told.values()) == services
                and "unavailable" not in listed
                and connection.send("GET", "/ready")[0] == 200
            ):
                break
            self.assertLess(monotonic(), until, told)
        speaker = self.speaker(gateway)
        self.assertEqual(self.asked(speaker), self.before)
        return speaker

    def owners(self, speaker: Speaker) -> dict[str, str]:
        """Which service holds which processor, as a gateway says."""
        listed = self.okay(speaker, "list_processors")["processors"]
        return {each["id"]: each["service"] for each in listed}

    def service(self, port: str) -> str:
        """How a gateway names the service at a port of the page."""
        return f"127.0.0.1:{self.ports[port]}"

    def refused(self, speaker: Speaker, error_code: str, processor: str) -> None:
        """A new observation of a processor gets this error."""
        answer = speaker.ask("observe", {"strings": ["new"]}, processor)
        self.assertEqual(answer.get("error_code"), error_code, answer)


class PhaseTests(MigrationCase):
    """Each phase, on the data of the first."""

    def test_1_one_process(self) -> None:
        """What one process has saved it answers for when it is started again."""
        [single] = self.migrate(ONE)
        self.assertEqual(self.asked(self.speaker(single)), self.before)

    def test_2_service(self) -> None:
        """A service answers for the file over ZeroMQ, and through a gateway that is told which
        processors it has; no other processor is known."""
        service, gateway = self.migrate(SERVICE)
        direct = service.req()
        self.addCleanup(direct.close)
        self.assertEqual(self.asked(direct), self.before)
        speaker = self.settled(gateway, 1)
        self.assertEqual(self.owners(speaker), dict.fromkeys(PROCESSORS, self.service("5555")))
        self.refused(speaker, "PROCESSOR_NOT_FOUND", "p3")

    def test_2_too_soon(self) -> None:
        """A service that is started while the single process has the file says so, and ends."""
        service = Phase(commands(SERVICE)[0], self.ports, self.folder)
        service.launch()
        self.assertEqual(service.wait(), 1)
        self.assertRegex("\n".join(service.log), r"kato: storage .*another server uses it")
        self.assertEqual(self.asked(self.speaker(self.single)), self.before)

    def test_2_gateway_with_zmq(self) -> None:
        """A gateway before services answers clients of ZeroMQ, too."""
        self.single.terminate()
        service, gateway = commands(SERVICE)
        self.run_one(service)
        front = self.run_one([*gateway, "--zmq", "tcp://127.0.0.1:0"])
        self.settled(front, 1)
        client = front.req()
        self.addCleanup(client.close)
        self.assertEqual(self.asked(client), self.before)

    def test_3_services(self) -> None:
        """A second service has the processors that the list gives it."""
        *_, gateway = self.migrate(SERVICES)
        speaker = self.settled(gateway, 2)
        self.okay(speaker, "observe", {"strings": ["new"]}, "p3")
        first, second = self.service("5555"), self.service("5557")
        self.assertEqual(self.owners(speaker), {"p1": first, "p2": first, "p3": second})

    def test_4_discovery(self) -> None:
        """Services announce themselves, one after the other, and a new processor is placed on the
        one that has fewer."""
        gateway, *_ = self.migrate(DISCOVERY)
        speaker = self.settled(gateway, 2)
        self.okay(speaker, "observe", {"strings": ["new"]}, "p3")
        first, second = self.service("5555"), self.service("5557")
        self.assertEqual(self.owners(speaker), {"p1": first, "p2": first, "p3": second})

    def test_4_statistics(self) -> None:
        """Whatever a gateway tells of a service, and of new processors, is explained."""
        gateway, *_ = self.migrate(DISCOVERY)
        self.settled(gateway, 2)
        connection = gateway.connect()
        self.addCleanup(connection.close)
        told = connection.get("/stats")
        page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
        for key in (*told["services"][self.service("5555")], "first", "is_first", "trouble"):
            self.assertIn(f"`{key}`", page)

    def test_4_claimed_twice(self) -> None:
        """A service with a copy of the file is refused what the first one holds, loudly."""
        shutil.copy(self.file(self.ended()), self.folder / "kato-2.db")
        gateway, first, second = commands(DISCOVERY)
        front = self.run_one(gateway)
        self.run_one(first)
        self.settled(front, 1)
        copy = self.run_one(second)
        for processor in PROCESSORS:
            copy.wait_for(f"refuses processor {processor}")
            front.wait_for(f"claims processor {processor}, but .*: refused")
        speaker = self.settled(front, 2)
        self.assertEqual(self.owners(speaker), dict.fromkeys(PROCESSORS, self.service("5555")))

    def ended(self) -> Phase:
        self.single.terminate()
        return self.single

    def file(self, single: Phase) -> Path:
        return self.folder / single.options[single.options.index("--storage") + 1][7:]

    def test_5_gateways(self) -> None:
        """Every gateway gives the same answers, also to who made a processor at another one a
        moment ago."""
        first, second, *_ = self.migrate(GATEWAYS)
        speakers = [self.settled(each, 2) for each in (first, second)]
        for processor, made, asked in (("p3", 0, 1), ("p4", 1, 0)):
            self.okay(speakers[made], "observe", {"strings": ["new"]}, processor)
            told = self.okay(speakers[asked], "get_short_term_memory", {}, processor)
            self.assertEqual(told["short_term_memory"], [["new"]])
        owners = self.owners(speakers[0])
        self.assertEqual(len(owners), 4)
        self.assertEqual(self.owners(speakers[1]), owners)

    def test_6_one_port(self) -> None:
        """Gateways share a port: each has its part of the connections, and when one is gone the
        others have them all."""
        first, second, *_ = self.migrate(PORT)
        for gateway in (first, second):
            for port in ("5555", "5557"):
                gateway.wait_for(f"the service at tcp://{self.service(port)} is there")
        self.assertEqual(self.who_answers(first), {True, False})
        for _ in range(10):
            self.assertEqual(self.asked(self.speaker(first)), self.before)
        first.kill()
        self.assertEqual(self.who_answers(second), {False})

    def who_answers(self, gateway: Phase) -> set[bool]:
        """Whether those that answer at a port are the first gateway, over many connections."""
        seen: set[bool] = set()
        for _ in range(50):
            connection = gateway.connect()
            seen.add(connection.get("/stats")["placement"]["is_first"])
            connection.close()
        return seen

    def test_back(self) -> None:
        """What was done behind gateways and services a single process has when it is started
        again."""
        gateway, service, *_ = self.migrate(DISCOVERY)
        speaker = self.settled(gateway, 2)
        self.okay(speaker, "learn", {}, "p1")
        told = self.okay(speaker, "list_models", {}, "p1")["models"]
        self.assertEqual(len(told), 1 + len(self.before[2]["models"]))
        for each in (gateway, service):
            each.terminate()
        [single] = self.start(ONE)
        self.assertEqual(self.okay(self.speaker(single), "list_models", {}, "p1")["models"], told)


class GoneTests(MigrationCase):
    """What the page says of processes that are gone."""

    def test_service(self) -> None:
        """The processors of a service that is gone get 503 and the time to wait, those of others go
        on; started again, it is back by itself."""
        gateway, first, _ = self.migrate(DISCOVERY)
        speaker = self.settled(gateway, 2)
        self.okay(speaker, "observe", {"strings": ["new"]}, "p3")
        for end in (signal.SIGKILL, signal.SIGTERM):
            first.send_signal(end)
            first.wait()
            self.refused(speaker, "PROCESSOR_UNAVAILABLE", "p1")
            status, headers = self.head(gateway, "/p1/ping")
            self.assertEqual((status, headers["Retry-After"]), (503, "1"))
            self.okay(speaker, "get_status", {}, "p3")
            first = self.run_one(commands(DISCOVERY)[1])
            self.settled(gateway, 2)

    def head(self, gateway: Phase, path: str) -> tuple[int, Any]:
        connection = gateway.connect()
        self.addCleanup(connection.close)
        return connection.head(path)

    def test_gateways(self) -> None:
        """While the first gateway is away, the other one goes on with all processors there are, but
        makes no new ones; without the other one the first misses nothing."""
        first, second, *_ = self.migrate(GATEWAYS)
        speaker = self.settled(first, 2)
        other = self.settled(second, 2)
        first.kill()
        self.assertEqual(self.asked(other), self.before)
        self.refused(other, "PROCESSOR_UNAVAILABLE", "p3")
        first = self.run_one(commands(GATEWAYS)[0])
        speaker = self.settled(first, 2)
        self.until_okay(other, "p3")
        second.kill()
        told = self.okay(speaker, "get_short_term_memory", {}, "p3")
        self.assertEqual(told["short_term_memory"], [["new"]])
        self.okay(speaker, "observe", {"strings": ["new"]}, "p4")

    def until_okay(self, speaker: Speaker, processor: str) -> None:
        """Ask until a processor can be made."""
        until = monotonic() + PATIENCE
        params = {"strings": ["new"]}
        while (answer := speaker.ask("observe", params, processor))["status"] != "okay":
            self.assertEqual(answer["error_code"], "PROCESSOR_UNAVAILABLE")
            self.assertLess(monotonic(), until)


class PageTests(SynchronousTestCase):
    """C{docs/deployment.md} itself."""

    def test_options(self) -> None:
        """Every option that the page names is one of ours, or of the manager or twistd, if it is
        not said to an engine of containers."""
        known = {
            each.rstrip("=")
            for options in (GatewayOptions({}), ServiceOptions({}))
            for each in options.longOpt
        }
        others = {"pidfile", "services", "now"}
        ours = re.sub(r"\b(docker|kubectl) [^`\n]*", "", PAGE)
        named = set(re.findall(r"--([a-z][a-z-]+)", ours))
        self.assertEqual(named - known - others, set())

    def test_phases(self) -> None:
        """Every phase that is listed is a section with commands, and there is a test of it."""
        listed = re.findall(r"^\| \[(\d)\]\(#", PAGE, re.MULTILINE)
        headings = (ONE, SERVICE, SERVICES, DISCOVERY, GATEWAYS, PORT)
        self.assertEqual(listed, [each[0] for each in headings])
        for each in headings:
            self.assertIn("twistd", section(each))
            self.assertTrue(
                [name for name in dir(PhaseTests) if name.startswith(f"test_{each[0]}_")]
            )
