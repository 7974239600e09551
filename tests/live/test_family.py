"""A gateway with two services, one fault at a time: what exactly is answered (SPEC 8 and 10)."""

import json
import signal
from threading import Thread
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kato.codec import MAX_MESSAGE
from tests.live.family import Family
from tests.live.metronome import Metronome
from tests.live.server import PATIENCE, Connection, LiveServer
from tests.live.speaking import lasting

AT_ONCE = 1.0
"""Seconds within which is answered what nobody has to wait for; a request may take 30."""
GOODBYE = 10.0
"""Seconds that a gateway has to finish what is under way when it is asked to end."""


AMPLE = ("--max-string", str(MAX_MESSAGE), "--max-components", "2500000", "--max-values", "3000000")
"""Limits under which whatever fits into a message is taken."""


class FamilyTests(SynchronousTestCase):
    """Each service holds a processor; all of it has learned something."""

    def setUp(self) -> None:
        self.metronome = Metronome()
        self.addCleanup(self.metronome.stop)
        services = [["--storage", f"sqlite:{self.mktemp()}", *AMPLE] for _ in range(2)]
        self.family = Family(*services, held=[["p0", "large"], ["p1"]], gateway=AMPLE)
        self.addCleanup(self.family.stop)
        self.family.start()
        self.connection = self.connect()
        for processor in ("p0", "p1"):
            self.connection.post(f"/{processor}/observe", {"strings": ["a", "b"]})
            self.connection.post(f"/{processor}/learn")

    def connect(self) -> Connection:
        connection = self.family.gateway.connect()
        self.addCleanup(connection.close)
        return connection

    def told(self, number: int) -> dict[str, Any]:
        """What C{/stats} tells of a service."""
        services = self.connection.get("/stats")["services"]
        told: dict[str, Any] = services[self.family.members[number].address]
        return told

    def until_refused(self) -> None:
        """Wait until the gateway knows that the first service is gone."""
        until = self.metronome.seconds + PATIENCE
        while self.connection.send("GET", "/p0/status")[0] != 503:
            self.assertLess(self.metronome.seconds, until)

    def test_gone(self) -> None:
        """A service that is gone is told at once, and when to try again; the other one goes on.
        When it is back, it is asked again, and has all that it learned."""
        self.family.members[0].kill()
        self.until_refused()
        for method, path in (("GET", "/p0/predictions"), ("POST", "/p0/learn")):
            began = self.metronome.seconds
            status, headers, answer = self.connection.send_and_see(method, path)
            self.assertLess(self.metronome.seconds - began, AT_ONCE)
            self.assertEqual((status, answer["error_code"]), (503, "PROCESSOR_UNAVAILABLE"))
            self.assertEqual(headers["retry-after"], "1")
            self.assertNotIn("outcome", answer)
        self.assertEqual(self.connection.get("/p1/status")["models"], 1)
        told = self.told(0)
        self.assertEqual((told["connected"], told["healthy"]), (False, False))
        self.assertGreater(told["failures"], 0)
        self.family.members[0].start()
        began = self.metronome.seconds
        while self.connection.send("GET", "/p0/status")[0] != 200:
            self.assertLess(self.metronome.seconds - began, 2.0)
        self.assertEqual(self.connection.get("/p0/status")["models"], 1)
        self.assertGreater(self.told(0)["reconnections"], 0)

    def test_list(self) -> None:
        """While a service is gone, the list of processors tells which it is."""
        listed = self.connection.get("/processors")
        self.assertEqual([each["id"] for each in listed["processors"]], ["p0", "p1"])
        services = [each["service"] for each in listed["processors"]]
        self.assertEqual(services, [member.address for member in self.family.members])
        self.family.members[0].kill()
        self.until_refused()
        listed = self.connection.get("/processors")
        self.assertEqual([each["id"] for each in listed["processors"]], ["p1"])
        self.assertIn(self.family.members[0].address, str(listed["unavailable"]))

    def test_large(self) -> None:
        """Whatever a server takes in 16 MiB of JSON, and tells, a gateway takes and tells, however
        much more that is in MessagePack, and however much is told."""
        single = LiveServer("--storage", "memory:", *AMPLE).start()
        self.addCleanup(single.stop)
        alone = single.connect()
        self.addCleanup(alone.close)
        string = "x" * (MAX_MESSAGE - len(json.dumps({"strings": [""]})))
        for observation in [{"strings": [string]}] * 6 + [{"vectors": [[0] * 2_500_000]}]:
            for each in (alone, self.connection):
                each.post("/large/observe?brief=true", observation)
        for path in ("short-term-memory", "percept-data"):
            expected, told = (
                lasting(each.text("GET", f"/large/{path}")) for each in (alone, self.connection)
            )
            self.assertTrue(told == expected, (path, len(told), len(expected)))

    def test_end_of_a_gateway(self) -> None:
        """A gateway that is asked to end while a service does not answer ends in time, and who
        waited for the service is told."""
        self.family.members[0].stop_reading()
        answers: list[tuple[int, dict[str, Any]]] = []
        waiting = self.connect()
        thread = Thread(target=lambda: answers.append(waiting.send("POST", "/p0/learn")))
        thread.start()
        until = self.metronome.seconds + PATIENCE
        while self.told(0)["under_way"] == 0:
            self.assertLess(self.metronome.seconds, until)
        began = self.metronome.seconds
        self.assertEqual(self.family.gateway.terminate(), -signal.SIGTERM)
        self.assertLess(self.metronome.seconds - began, GOODBYE + AT_ONCE)
        thread.join(PATIENCE)
        [(status, answer)] = answers
        self.assertEqual((status, answer["outcome"]), (503, "unknown"))
        self.family.members[0].go_on()
