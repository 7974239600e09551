"""Who asked, for what and of whom: it stands in the log, whatever became of it."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kato.commands import Scope
from kato.ledger import Entry
from kato.policy import Key
from tests.access_world import World
from tests.rest.talking import PEER, Wire, logged
from tests.websocket.memory import CLIENT

KEYS = {"one": Key("one-s", frozenset(Scope), ("p1",)), "all": Key("all-s", frozenset(Scope))}


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
        """Of one who may not do something the log names the key, the operation and the processor,
        on every transport alike."""
        client = self.world.websocket("one")
        request = {"method": "learn", "processor": "p2"}
        self.lines()
        for ask in (
            lambda: self.world.rest("one", "learn", "p2", {}),
            lambda: client.ask(**request),
            lambda: self.world.zmq("one", request),
        ):
            ask()
            line = self.line()
            got = [line.get(each) for each in ("key", "operation", "processor", "outcome")]
            self.assertEqual(got, ["one-s", "learn", "p2", "FORBIDDEN"], line)

    def test_client(self) -> None:
        """The address of who asked stands in every line but those of ZeroMQ, which tells none."""
        client = self.world.websocket("one")
        client.ask(method="learn", processor="p1")
        self.world.graphql("one", "learn", "p1", {})
        self.world.rest("one", "learn", "p1", {})
        self.world.zmq("one", {"method": "learn", "processor": "p1"})
        told = {(each.transport, each.as_dict().get("client")) for each in self.lines()}
        stream = ("websocket", CLIENT.host)
        self.assertLessEqual({stream, ("graphql", PEER.host), ("rest", PEER.host)}, told)
        self.assertIn(("zmq", None), told)
        self.assertEqual({each for each in told if each[1] is None}, {("zmq", None)})

    def test_as_text(self) -> None:
        """For people a line ends with the address and the key, as far as there are such."""
        client = self.world.websocket("one")
        self.lines()
        client.ask(method="learn", processor="p1")
        self.world.zmq("one", {"method": "learn", "processor": "p1"})
        stream, plain = map(str, self.lines())
        self.assertTrue(stream.endswith(f" {CLIENT.host} one-s"), stream)
        self.assertTrue(plain.endswith(" - one-s"), plain)

    def test_refused_is_counted_as_such(self) -> None:
        """What was refused before anything was done for it is counted apart, by the code."""
        self.world.rest("one", "learn", "p2", {})
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
