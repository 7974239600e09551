"""Connections that are one too many: counted, and told of now and then."""

from twisted.logger import LogEvent
from twisted.trial.unittest import SynchronousTestCase

from kato.limits import Limits
from kato.protocols.rest.turned_away import PAUSE
from kato.settings import Settings
from tests.metrics.world import World, samples, summed
from tests.rest.talking import PEER, Answer, Wire, get, logged, read_answers


class TurnedAwayTests(SynchronousTestCase):
    """A gateway at which there may be two connections, one of which is there from the start."""

    def setUp(self) -> None:
        self.events = logged(self)
        self.world = World(self, Settings(limits=Limits(connections=2)))
        self.last = self.connect()

    def connect(self) -> Wire:
        wire = Wire()
        channel = self.world.parts.site.buildProtocol(PEER)
        assert channel is not None
        channel.makeConnection(wire)
        self.channel = channel
        return wire

    def turned_away(self) -> Answer:
        [answer] = read_answers(self.connect().value())
        return answer

    def lines(self) -> list[LogEvent]:
        return [each for each in self.events if "was turned away" in str(each.get("log_format"))]

    def test_told(self) -> None:
        """It is told the limit, and an id by which it is found in the log, with where it came
        from."""
        answer = self.turned_away()
        self.assertEqual(answer.json["message"], "connections: 2 are open, which is the limit")
        [line] = self.lines()
        self.assertEqual(line["request_id"], answer.headers["x-request-id"])
        self.assertEqual((line["client"], line["reason"]), (PEER.host, answer.json["message"]))

    def test_seldom(self) -> None:
        """Of a flood the log has one line a minute, which says how many there were."""
        for _ in range(5):
            self.turned_away()
        self.world.clock.advance(PAUSE)
        self.turned_away()
        self.turned_away()
        self.assertEqual([each["number"] for each in self.lines()], [1, 6])

    def test_counted(self) -> None:
        """Each is counted, from nought on."""
        channel = self.channel
        name = "kato_connections_turned_away_total"

        def counted() -> float:
            channel.dataReceived(get("/metrics"))
            answer = read_answers(self.last.value())[-1]
            return summed(samples(answer.body.decode()), name, transport="rest")

        self.assertEqual(counted(), 0)
        for _ in range(3):
            self.turned_away()
        self.assertEqual(counted(), 3)
