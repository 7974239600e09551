"""Who asked, for what and of whom: it stands in the log, whatever became of it."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kato.commands import Scope
from kato.ledger import Entry
from kato.policy import Key
from tests.access_world import USUAL, WAYS, World
from tests.rest.talking import PEER, Wire, logged
from tests.websocket.memory import CLIENT

KEYS = {
    "one": Key("one-s", frozenset(Scope), ("p1",)),
    "all": Key("all-s", frozenset(Scope)),
    "slow": Key("slow-s", frozenset(Scope), rate=1.0),
}
CLIENTS = {"rest": PEER.host, "graphql": PEER.host, "zmq": "-"}
"""Where clients are; those on WebSockets are elsewhere."""


class WhoAskedTests(SynchronousTestCase):
    """The lines of requests over every transport, where there are keys."""

    def setUp(self) -> None:
        self.world = World(self, KEYS)
        self.events = logged(self)

    def lines(self) -> list[Entry]:
        """What was written since it was last asked."""
        self.world.system.parts.monitoring.ledger.write()
        told = [line for event in self.events if "lines" in event for line in event["lines"]]
        self.events.clear()
        return told

    def line(self) -> dict[str, Any]:
        """The only line that was written since then."""
        [line] = self.lines()
        return line.as_dict()

    def test_refused(self) -> None:
        """Of one who may not do something the log names the key, the operation, the processor and
        where he is, on every transport and sub-protocol alike; of ZeroMQ, which tells no addresses,
        all but that."""
        for way in WAYS:
            self.world.ask(way, "one", "learn", "p2", {})
            [line] = [each.as_dict() for each in self.lines() if each.operation == "learn"]
            got = [line.get(each) for each in ("key", "processor", "outcome")]
            self.assertEqual(got, ["one-s", "p2", "FORBIDDEN"], way)
            self.assertEqual("client" in line, way.transport != "zmq", way)

    def test_too_often(self) -> None:
        """So is the key named of one who asks more often than he may."""
        for way in USUAL:
            self.world.system.clock.advance(10.0)
            for _ in range(5):
                self.world.ask(way, "slow", "learn", "p1", {})
            refused = [each for each in self.lines() if each.outcome == "TOO_MANY_REQUESTS"]
            self.assertEqual({each.as_dict()["key"] for each in refused}, {"slow-s"}, way)

    def test_as_text(self) -> None:
        """For people a line ends with the address and the key, as far as there are such."""
        for way in USUAL:
            self.world.ask(way, "one", "learn", "p1", {})
            [line] = [str(each) for each in self.lines() if each.operation == "learn"]
            self.assertRegex(line, rf" {CLIENTS.get(way.transport, CLIENT.host)} one-s$", way)

    def test_refused_is_counted_as_such(self) -> None:
        """What was refused before anything was done for it is counted apart, by the code."""
        self.world.get("one", "POST", "/p2/learn")
        self.world.zmq("one", {"method": "learn", "processor": "p2"})
        counts = self.world.system.parts.monitoring.ledger.counts
        self.assertEqual(counts.refused, {("rest", "FORBIDDEN"): 1, ("zmq", "FORBIDDEN"): 1})
        self.assertEqual(counts.answered, {})

    def test_unknown_operation(self) -> None:
        """What is no operation is not named as one: anybody could write anything there."""
        self.world.zmq("one", {"method": "x\n" * 1000, "processor": "p1"})
        self.assertNotIn("operation", self.line())

    def test_pages(self) -> None:
        """So is the key named of who asks for a page, be there one or not."""
        for key, method, path, operation in (
            ("one", "GET", "/stats", "statistics"),
            ("all", "GET", "/stats", "statistics"),
            ("one", "GET", "/metrics", "metrics"),
            ("all", "GET", "/ws", "stream"),
            ("all", "GET", "/graphql?query=%7Bprocessors%7Bid%7D%7D", "graphql"),
            ("all", "GET", "/nowhere/at/all", None),
            ("all", "DELETE", "/stats", None),
            ("all", "POST", "/p1/observe?x=1", "observe"),
        ):
            self.world.get(key, method, path)
            for line in self.lines():
                self.assertEqual(line.as_dict().get("key"), f"{key}-s", path)
                if line.transport == "rest":
                    self.assertEqual(line.operation, operation, path)
                    self.assertTrue(str(line).endswith(f" {key}-s"), str(line))

    def test_in_the_middle(self) -> None:
        """So is that of who is refused while the request still comes."""
        head = "POST /p1/observe HTTP/1.1\r\nHost: localhost\r\nX-API-Key: one\r\n"
        channel = self.world.system.parts.site.buildProtocol(PEER)
        assert channel is not None
        channel.makeConnection(Wire())
        channel.dataReceived(f"{head}Transfer-Encoding: chunked\r\n\r\nno length\r\n".encode())
        line = self.line()
        got = [line.get(each) for each in ("key", "operation", "processor", "status")]
        self.assertEqual(got, ["one-s", "observe", "p1", 400], line)
