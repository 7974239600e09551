"""Where services announce themselves, and other gateways ask for a place."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kato.errors import ProcessorNotFound, ProcessorUnavailable
from kato.finding import Finder
from kato.members import Members
from kato.messagepack import pack, unpack
from kato.protocols.zmq.first_gateway import PATIENCE, FirstGateway
from kato.protocols.zmq.registry import Registry
from kato.roster import SETTLING, Roster
from tests.doubles import at_once
from tests.gates import make_gate
from tests.services import FakeService
from tests.zmq.memory import MemoryPort, MemorySockets

ADDRESS = "tcp://g0:5550"
A = "tcp://a:5555"


def announcement(*processors: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "announce",
        "service": "a:5555",
        "address": A,
        "events": 5556,
        "boot": "1",
        "processors": list(processors),
        "under_way": 0,
        "rank": 0,
        "gateways": [ADDRESS],
        "lease": 10,
        **more,
    }


class RegistryCase(SynchronousTestCase):
    """A registry in a network in memory."""

    api_key: bytes | None = None

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.network = MemorySockets(self.clock)
        self.roster = Roster(now=self.clock.seconds())
        self.members = Members(self.roster, connect=FakeService, clock=self.clock)
        self.finder = Finder(
            self.roster,
            self.members,
            clock=self.clock,
            registry=True,
            colleague=self.no_colleague,
        )
        self.members.start()
        self.addCleanup(self.members.stop)
        self.clock.advance(SETTLING)
        self.registry = Registry(
            self.members,
            self.finder,
            clock=self.clock,
            in_thread=at_once,
            keeper=make_gate(None, self.api_key, clock=self.clock).keeper,
        )
        self.registry.open(self.network, MemoryPort(ADDRESS))
        self.addCleanup(self.registry.close)
        self.came: list[list[bytes]] = []
        self.service = self.network.dealer(
            ADDRESS, received=self.came.append, up=lambda: None, down=lambda why: None
        )
        self.network.pump()

    def no_colleague(self, address: str) -> FirstGateway:
        raise AssertionError("this is the first gateway")

    def ask(self, request: object) -> dict[str, Any]:
        self.service.send([b"n", pack(request)])
        self.network.pump()
        [number, body] = self.came.pop()
        self.assertEqual(number, b"n")
        told = unpack(body)
        assert isinstance(told, dict)
        return told


class RegistryTests(RegistryCase):
    """L{Registry}."""

    def test_announce(self) -> None:
        """An announcement is taken in and answered with its lease and what was decided when."""
        told = self.ask(announcement("p", unconfirmed=["q"], under_way=2, lease=2.5))
        self.assertEqual(
            told,
            {
                "status": "okay",
                "lease": 2.5,
                "refused": {},
                "undecided": [],
                "as_of": 1002000000,
                "members": [A],
            },
        )
        service = self.roster.services[A]
        self.assertEqual((service.held, service.unconfirmed), ({"p", "q"}, {"q"}))
        self.assertEqual((service.name, service.events, service.under_way), ("a:5555", 5556, 2))
        self.assertEqual((service.boot, service.gateways), ("1", (ADDRESS,)))

    def test_refused(self) -> None:
        """What is refused is named with the reason."""
        self.ask(announcement("p"))
        told = self.ask(announcement("p", address="b:5555"))
        self.assertEqual(told["refused"], {"p": f"the service at {A} has it"})

    def test_conflict(self) -> None:
        """Who announces itself under the address of another is refused as a whole."""
        self.ask(announcement())
        self.ask(announcement(boot="2"))
        self.assertEqual(self.ask(announcement(boot="1"))["error_code"], "CONFLICT")

    def test_wrong(self) -> None:
        """A malformed announcement is refused by the name of its field, and changes nothing."""
        for field, value, why in (
            ("service", "", "service: expected 1 to 255 characters, got 0"),
            ("service", 5, "service: expected a string, got int 5"),
            ("address", "nowhere", "address: expected tcp://host:port, got 'nowhere'"),
            ("address", "tcp://*:5555", "address: nobody can connect to 'tcp://*:5555'"),
            ("address", "tcp://a:0", "address: nobody can connect to 'tcp://a:0'"),
            ("boot", None, "boot: expected a string, got null"),
            ("processors", "p", "processors: expected a list, got str 'p'"),
            ("processors", ["p", 1], "processors[1]: processor: expected an id, got int"),
            ("unconfirmed", ["connect"], "unconfirmed[0]: processor: 'connect' is a word that"),
            ("as_of", -1, "as_of: expected an integer from 0"),
            ("under_way", True, "under_way: expected an integer, got bool True"),
            ("events", 0, "events: expected an integer from 1 to 65535, got 0"),
            ("members", ["x"], "members[0]: expected tcp://host:port, got 'x'"),
            ("rank", 1, "rank: expected an integer from 0 to 0, got 1"),
            ("gateways", [], "gateways: expected at least one address"),
            ("gateways", ["x"], "gateways[0]: expected tcp://host:port, got 'x'"),
            ("lease", 0, "lease: expected seconds up to 3600, got 0"),
            ("lease", float("nan"), "lease: expected a finite number, got nan"),
            ("load", 1, "load: unknown key, known are "),
        ):
            told = self.ask(announcement("p", **{field: value}))
            self.assertEqual(told["error_code"], "INVALID_REQUEST", field)
            self.assertIn(why, told["message"])
        self.assertEqual(self.roster.services, {})

    def test_missing(self) -> None:
        """Every field but those that have a meaning when they are left out must be there."""
        for field in announcement():
            if field == "type":
                continue
            given = announcement()
            del given[field]
            told = self.ask(given)
            if field == "events":
                self.assertEqual(told["status"], "okay")
                self.ask({"type": "leave", "address": A, "boot": "1"})
            else:
                self.assertEqual(told["message"], f"{field}: missing")

    def test_leave(self) -> None:
        """A service that leaves is not there any more."""
        self.ask(announcement("p"))
        self.assertEqual(self.ask({"type": "leave", "address": A, "boot": "1"})["status"], "okay")
        self.assertFalse(self.roster.services[A].there)
        told = self.ask({"type": "leave", "address": A})
        self.assertEqual(told["message"], "boot: missing")

    def test_place(self) -> None:
        """Another gateway is told where a processor is, or where it shall be."""
        self.ask(announcement("p"))
        for processor, create in (("p", False), ("new", True), ("new", False)):
            told = self.ask({"type": "place", "processor": processor, "create": create})
            self.assertEqual(told, {"status": "okay", "processor": processor, "service": A})
        told = self.ask({"type": "place", "processor": "other", "create": False})
        self.assertEqual(told["error_code"], "PROCESSOR_NOT_FOUND")
        self.assertEqual(self.ask({"type": "place", "processor": "third"})["status"], "okay")

    def test_wrong_place(self) -> None:
        """A malformed question is refused by the name of its field."""
        for request, why in (
            ({"processor": "a b"}, "processor: 'a b' is no id"),
            ({}, "processor: expected an id, got null"),
            ({"processor": "p", "create": 1}, "create: expected a boolean"),
            ({"processor": "p", "wait": 1}, "wait: unknown key"),
        ):
            self.assertIn(why, self.ask({"type": "place", **request})["message"])

    def test_operations(self) -> None:
        """A registry carries out no operations."""
        told = self.ask({"method": "observe", "processor": "p", "params": {"strings": ["a"]}})
        self.assertEqual(told["error_code"], "UNKNOWN_OPERATION")
        self.assertIn("announce, leave and place", told["message"])

    def test_heartbeat(self) -> None:
        """A heartbeat is answered, and counted."""
        self.assertEqual(self.ask({"type": "heartbeat"}), {"status": "okay", "timestamp": 1002.0})
        self.assertEqual(self.registry.statistics()["requests"], 1)


class KeyTests(RegistryCase):
    """A registry that wants to see a key."""

    api_key = b"secret"

    def test_key(self) -> None:
        """Nothing is taken in without the key."""
        for request in (announcement("p"), {"type": "place", "processor": "p"}):
            self.assertEqual(self.ask(request)["error_code"], "UNAUTHORIZED")
            self.assertEqual(self.ask({**request, "api_key": "x"})["error_code"], "UNAUTHORIZED")
        self.assertEqual(self.roster.services, {})
        self.assertEqual(self.ask(announcement("p", api_key="secret"))["status"], "okay")

    def test_first_gateway(self) -> None:
        """Who asks the first gateway brings the key; without, nothing is placed."""
        self.ask(announcement(api_key="secret"))
        for key, service in ((b"secret", A), (b"wrong", None)):
            asked = self.first(key).place("p", creates=True)
            self.network.pump()
            if service is not None:
                self.assertEqual(self.successResultOf(asked), service)
            else:
                error = self.failureResultOf(asked, ProcessorUnavailable).value
                self.assertEqual(error.message, f"the first gateway, {ADDRESS}, places nothing")

    def first(self, key: bytes) -> FirstGateway:
        made = FirstGateway(
            ADDRESS, sockets=self.network, clock=self.clock, random=lambda: 1.0, api_key=key
        )
        self.addCleanup(made.close)
        return made


class FirstGatewayTests(RegistryCase):
    """L{FirstGateway}, which asks a registry."""

    def setUp(self) -> None:
        super().setUp()
        self.first = FirstGateway(
            ADDRESS, sockets=self.network, clock=self.clock, random=lambda: 1.0, api_key=None
        )
        self.addCleanup(self.first.close)
        self.network.pump()

    def place(self, processor: str = "p", *, creates: bool = True) -> "Deferred[str]":
        asked = self.first.place(processor, creates=creates)
        self.network.pump()
        return asked

    def unavailable(self, asked: "Deferred[str]") -> str:
        error = self.failureResultOf(asked, ProcessorUnavailable).value
        assert isinstance(error, ProcessorUnavailable)
        self.assertEqual(error.retry_after, 1)
        return error.message

    def test_placed(self) -> None:
        """The address of the service is told."""
        self.ask(announcement())
        self.assertEqual(self.successResultOf(self.place()), A)

    def test_told(self) -> None:
        """What the first gateway says of a processor is said on."""
        self.assertIn("no service has announced itself", self.unavailable(self.place()))
        self.ask(announcement())
        error = self.failureResultOf(self.place(creates=False), ProcessorNotFound).value
        self.assertEqual(error.message, "processor: there is no 'p'")

    def test_away(self) -> None:
        """Where it is not there, that is told at once."""
        self.registry.close()
        self.network.pump()
        self.assertIn(f"the first gateway, {ADDRESS}, is not there", self.unavailable(self.place()))

    def test_silent(self) -> None:
        """Where it does not answer, that is told soon."""
        self.network.connections(ADDRESS)[1].stalled = True
        asked = self.place()
        self.clock.advance(PATIENCE - 0.1)
        self.assertNoResult(asked)
        self.clock.advance(0.1)
        self.assertIn("is not there", self.unavailable(asked))

    def test_nonsense(self) -> None:
        """What is no answer is taken for none, and stands in the log."""
        self.registry.close()
        self.network.pump()
        answers = [pack({"status": "fine"}), b"\xc1", pack({"status": "okay", "service": 5})]

        def received(frames: list[bytes]) -> None:
            router.send([*frames[:-1], answers.pop()])

        router = self.network.router(MemoryPort(ADDRESS), received)
        self.clock.advance(1)
        self.network.pump()
        for _ in range(len(answers)):
            self.assertIn("places nothing", self.unavailable(self.place()))
