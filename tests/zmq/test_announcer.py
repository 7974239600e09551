"""A service tells gateways of itself."""

from collections.abc import Sequence
from typing import Any

from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from kato.errors import Conflict
from kato.messagepack import pack, unpack
from kato.protocols.zmq.announcer import (
    FAREWELL,
    LONGEST_PAUSE,
    PATIENCE,
    PAUSE,
    Announcer,
    Identity,
)
from kato.protocols.zmq.link import HOPE
from kato.replies import error_map
from tests.zmq.memory import MemoryPort, MemorySockets

G0 = "tcp://g0:5550"
G1 = "tcp://g1:5550"
LEASE = 9.0
WHO = Identity(service="s", address="tcp://s:5555", boot="b", events=5556)


class FakeGateway:
    """A registry that the test plays: it keeps what it is told, and answers unless it is silent."""

    def __init__(self, network: MemorySockets, address: str) -> None:
        self.network = network
        self.address = address
        self.told: list[dict[str, Any]] = []
        self.silent = False
        self.refused: dict[str, str] = {}
        self.undecided: list[str] = []
        self.error: Conflict | None = None
        self.as_of = 0
        self.members: list[str] = []
        self.listen()

    def listen(self) -> None:
        self.router = self.network.router(MemoryPort(self.address), self.received)

    def received(self, frames: list[bytes]) -> None:
        told = unpack(frames[-1])
        assert isinstance(told, dict)
        self.told.append(told)
        if not self.silent:
            self.router.send([*frames[:-1], pack(self.answer())])

    def answer(self) -> dict[str, Any]:
        if self.error is not None:
            return error_map(self.error, time_stamp=1.0)
        self.as_of += 1
        return {
            "status": "okay",
            "lease": LEASE,
            "refused": self.refused,
            "undecided": self.undecided,
            "as_of": self.as_of,
            "members": self.members,
        }

    def take(self) -> list[tuple[list[str], list[str], int]]:
        """What it was told since the last time: ids, unconfirmed ones, and as of when."""
        told, self.told = self.told, []
        return [(each["processors"], each["unconfirmed"], each["as_of"]) for each in told]


class AnnouncerCase(SynchronousTestCase):
    """A service, and gateways in a network in memory."""

    gateways: tuple[str, ...] = (G0,)

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.network = MemorySockets(self.clock)
        self.held: frozenset[str] | None = frozenset({"p"})
        self.first = FakeGateway(self.network, G0)
        self.announcer = self.announce()

    def announce(self, **more: Any) -> Announcer:
        given: dict[str, Any] = {"api_key": None, **more}
        made = Announcer(
            WHO,
            self.gateways,
            held=lambda: self.held,
            under_way=lambda: 3,
            sockets=self.network,
            clock=self.clock,
            random=lambda: 1.0,
            lease=LEASE,
            **given,
        )
        self.addCleanup(made.stop)
        return made

    def start(self) -> None:
        self.announcer.start()
        self.network.pump()

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.network.pump()

    def hold(self, *processors: str) -> None:
        self.held = frozenset(processors)
        self.announcer.changed()
        self.network.pump()

    def errors(self, events: Sequence[dict[str, Any]]) -> list[str]:
        return [formatEvent(each) for each in events if each["log_level"] is LogLevel.error]


class SharingTests(AnnouncerCase):
    """L{Announcer} of a service whose store others use, too."""

    gateways = (G0, G1)

    def test_epochs(self) -> None:
        """Every gateway is told what is owned, under which epochs, and told again when that
        changes; nothing else is claimed."""
        epochs = {"p": 7}
        second = FakeGateway(self.network, G1)
        self.announcer = self.announce(epochs=lambda: epochs)
        self.start()
        for gateway in (self.first, second):
            [told] = gateway.told
            self.assertEqual((told["epochs"], told["processors"]), ({"p": 7}, []))
            gateway.told.clear()
        epochs["q"] = 8
        self.announcer.changed()
        self.advance(PAUSE)
        for gateway in (self.first, second):
            self.assertEqual([each["epochs"] for each in gateway.told], [{"p": 7, "q": 8}])


class OneGatewayTests(AnnouncerCase):
    """L{Announcer} and the only gateway."""

    def test_at_once(self) -> None:
        """All is told as soon as there is a connection."""
        self.start()
        self.assertEqual(
            self.first.told,
            [
                {
                    "type": "announce",
                    "service": "s",
                    "address": "tcp://s:5555",
                    "boot": "b",
                    "events": 5556,
                    "processors": ["p"],
                    "unconfirmed": [],
                    "as_of": 0,
                    "members": [],
                    "under_way": 3,
                    "rank": 0,
                    "gateways": [G0],
                    "lease": LEASE,
                }
            ],
        )

    def test_remembers(self) -> None:
        """It tells the gateway which services hold something, as the gateway told before: one that
        was started again learns of those that are missing."""
        self.first.members = ["tcp://other:5555"]
        self.start()
        self.first.router.close()
        self.first.listen()
        self.advance(LONGEST_PAUSE)
        self.assertEqual([each["members"] for each in self.first.told], [[], ["tcp://other:5555"]])

    def test_key(self) -> None:
        """The key is brought along."""
        self.announcer = self.announce(api_key=b"secret")
        self.start()
        self.assertEqual(self.first.told[0]["api_key"], "secret")

    def test_regularly(self) -> None:
        """It is told again in time, three times in a lease."""
        self.start()
        for _ in range(3):
            self.first.take()
            self.advance(LEASE / 3)
            self.assertEqual(len(self.first.told), 1)

    def test_changes(self) -> None:
        """A change is told at once; those that follow soon are told together."""
        self.start()
        self.first.take()
        self.hold("p", "q")
        self.assertEqual(self.first.take(), [(["p", "q"], [], 1)])
        self.hold("p", "q", "r")
        self.hold("q")
        self.assertEqual(self.first.take(), [])
        self.advance(PAUSE)
        self.assertEqual(self.first.take(), [(["q"], [], 2)])

    def test_no_change(self) -> None:
        """What is as it was told already is not told again before its time."""
        self.start()
        self.first.take()
        self.hold("p")
        self.advance(PAUSE)
        self.assertEqual(self.first.take(), [])

    def test_change_while_it_waits(self) -> None:
        """A change while an answer is awaited is told when it has come."""
        self.start()
        self.first.take()
        self.first.silent = True
        self.hold("q")
        self.hold("q", "r")
        self.advance(PAUSE)
        self.assertEqual(len(self.first.told), 1)
        self.first.silent = False
        self.first.router.send([*self._envelope(), pack(self.first.answer())])
        self.network.pump()
        self.assertEqual(self.first.take()[1:], [(["q", "r"], [], 2)])

    def _envelope(self) -> list[bytes]:
        """Where the answer to the second announcement goes."""
        [peer] = self.first.router.peers
        return [peer, (2).to_bytes(8)]

    def test_not_known(self) -> None:
        """Nothing is told before it is known what is held."""
        self.held = None
        self.start()
        self.announcer.changed()
        self.advance(LEASE)
        self.assertEqual(self.first.told, [])
        self.hold("p")
        self.assertEqual(self.first.take(), [(["p"], [], 0)])

    def test_gateway_comes_back(self) -> None:
        """A gateway that comes back is told within half a second, however long it was away."""
        self.start()
        for seconds in (0.0, 0.3, 5.0, 100.0):
            self.first.router.close()
            for _ in range(int(seconds * 10)):
                self.advance(0.1)
            self.first.take()
            self.first.listen()
            for _ in range(int(LONGEST_PAUSE * 10)):
                self.advance(0.1)
            self.assertEqual(len(self.first.take()), 1, seconds)

    def test_lost_while_it_waits(self) -> None:
        """What was told when the connection was lost is told anew, and not as it was."""
        self.start()
        self.first.take()
        self.first.silent = True
        self.hold("q")
        self.network.cut(G0)
        self.held = frozenset({"r"})
        self.first.silent = False
        self.network.pump()
        self.advance(LONGEST_PAUSE)
        self.assertEqual([each[0] for each in self.first.take()], [["q"], ["r"]])

    def test_silent_gateway(self) -> None:
        """A connection on which nothing is answered is replaced."""
        self.first.silent = True
        self.start()
        self.assertEqual(len(self.first.take()), 1)
        [peer] = self.first.router.peers
        self.first.silent = False
        self.advance(PATIENCE)
        self.assertEqual(len(self.first.take()), 1)
        self.assertNotIn(peer, self.first.router.peers)

    def test_refused(self) -> None:
        """A refused processor is an error in the log, once, and is not insisted on."""
        self.first.refused = {"p": "another one has it"}
        with capturedLogs() as events:
            self.start()
            self.advance(LEASE / 3)
            self.advance(LEASE / 3)
        self.assertEqual(
            self.errors(events),
            [f"the gateway at {G0} refuses processor p: another one has it"],
        )
        self.assertEqual(self.first.take()[1:], [([], ["p"], 1), ([], ["p"], 2)])

    def test_refused_as_a_whole(self) -> None:
        """So is a service that the gateway does not want to know; that ends when it does."""
        self.first.error = Conflict("address: another service")
        with capturedLogs() as events:
            self.start()
            self.advance(LEASE / 3)
        self.assertEqual(
            self.errors(events),
            [f"the gateway at {G0} refuses to know this service: address: another service"],
        )
        self.first.error = None
        self.advance(LEASE / 3)
        self.first.error = Conflict("address: another service")
        with capturedLogs() as events:
            self.advance(LEASE / 3)
        self.assertEqual(len(self.errors(events)), 1)

    def test_nonsense(self) -> None:
        """What is no answer is an error in the log."""
        self.patch(self.first, "answer", lambda: {"status": "okay"})
        with capturedLogs() as events:
            self.start()
        [error] = self.errors(events)
        self.assertIn("refused: expected an object, got null", error)

    def test_stop(self) -> None:
        """The gateway is told that the service leaves; then nothing is left running."""
        self.start()
        self.first.take()
        stopped = self.announcer.stop()
        self.assertNoResult(stopped)
        self.network.pump()
        self.successResultOf(stopped)
        self.assertEqual(
            self.first.told, [{"type": "leave", "address": "tcp://s:5555", "boot": "b"}]
        )
        self.announcer.changed()
        self.network.pump()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_lost_while_it_leaves(self) -> None:
        """A gateway that is lost before it hears that the service leaves is told once more, and
        nothing is left running."""
        self.start()
        stopped = self.announcer.stop()
        self.network.cut(G0)
        self.network.pump()
        self.successResultOf(stopped)
        self.assertEqual(self.first.told[-1]["type"], "leave")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stop_is_not_waited_for(self) -> None:
        """A gateway that does not hear is not waited for for long, one that is away not at all."""
        self.start()
        self.first.silent = True
        stopped = self.announcer.stop()
        self.advance(FAREWELL)
        self.successResultOf(stopped)
        self.first.router.close()
        self.announcer = self.announce()
        self.start()
        self.successResultOf(self.announcer.stop())
        self.successResultOf(self.announce().stop())


class TwoGatewaysTests(AnnouncerCase):
    """L{Announcer}, and a gateway that goes by the word of the first one."""

    gateways = (G0, G1)

    def setUp(self) -> None:
        super().setUp()
        self.other = FakeGateway(self.network, G1)

    def test_confirmed(self) -> None:
        """The other gateway is told what the first one has confirmed, and since when."""
        self.start()
        self.assertEqual(self.first.take(), [(["p"], [], 0)])
        self.assertEqual(self.other.told[0]["rank"], 1)
        self.assertEqual(self.other.take(), [(["p"], [], 1)])
        self.hold("p", "q")
        self.assertEqual(self.first.take(), [(["p", "q"], [], 1)])
        self.assertEqual(self.other.take(), [(["p", "q"], [], 2)])

    def test_waits(self) -> None:
        """It is told nothing before the first one has spoken."""
        self.first.silent = True
        self.start()
        self.assertEqual(self.other.take(), [])

    def test_refused(self) -> None:
        """It is not told what the first one refused, or has not decided yet."""
        self.held = frozenset({"p", "q", "r"})
        self.first.refused, self.first.undecided = {"q": "no"}, ["r"]
        self.start()
        self.assertEqual(self.other.take(), [(["p"], [], 1)])

    def test_stop(self) -> None:
        """The last that a gateway hears is that the service leaves, also where the first one has
        just confirmed something."""
        self.start()
        self.held = frozenset({"p", "q"})
        self.announcer.changed()
        self.clock.advance(0)
        stopped = self.announcer.stop()
        self.network.pump()
        self.successResultOf(stopped)
        for gateway in (self.first, self.other):
            self.assertEqual(gateway.told[-1]["type"], "leave")

    def test_first_is_away(self) -> None:
        """While the first gateway is away, the other one is told what waits for its word."""
        self.first.router.close()
        self.start()
        self.assertEqual(self.other.take(), [])
        self.advance(2 * HOPE)
        self.assertEqual(self.other.take(), [([], ["p"], 0)])
        self.first.listen()
        self.advance(LONGEST_PAUSE)
        self.assertEqual(self.first.take(), [(["p"], [], 0)])
        self.assertEqual(self.other.take(), [(["p"], [], 1)])

    def test_first_is_lost(self) -> None:
        """So it is when the first gateway is lost: soon for what is new, and in time for the
        rest."""
        self.start()
        self.first.router.close()
        self.other.take()
        self.hold("p", "q")
        self.assertEqual(self.other.take(), [])
        self.advance(2 * HOPE)
        self.assertEqual(self.other.take(), [(["p"], ["q"], 1)])
        self.hold("q")
        self.assertEqual(self.other.take(), [([], ["q"], 1)])

    def test_first_does_not_answer(self) -> None:
        """A first gateway that hangs is away, too."""
        self.first.silent = True
        self.start()
        self.network.silent.add(G0)
        self.advance(PATIENCE)
        self.advance(HOPE)
        self.advance(HOPE)
        self.assertEqual(self.other.take(), [([], ["p"], 0)])
