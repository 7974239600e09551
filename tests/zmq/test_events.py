"""The events of a service, followed from elsewhere, in a network in memory."""

from itertools import pairwise
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from kato.commands import Command
from kato.dispatch import Dispatch, IProcessors
from kato.errors import InvalidRequest, ProcessorUnavailable, Unauthorized
from kato.events import (
    LEARNING,
    MEMORY,
    OBSERVATIONS,
    PREDICTIONS,
    STATUS,
    Event,
    Subscribed,
    Wish,
)
from kato.protocols.zmq import event_line, events, publisher
from kato.protocols.zmq.addresses import Address
from kato.protocols.zmq.prefixes import Place, echo, is_echo
from kato.routed import Routed
from kato.settings import Settings
from tests import subscribing
from tests.doubles import at_once
from tests.gates import make_gate
from tests.listening import Ear
from tests.zmq.memory import Connecting
from tests.zmq.publishing import PublishingService, follow, network_in_memory


class RemoteContract(subscribing.SubscribeContract):
    """The contract, kept by L{RemoteProcessors}."""

    def provide(self) -> IProcessors:
        self.network, _ = network_in_memory()
        self.service = PublishingService(self.network)
        return follow(self.network, self.service)

    def settle(self) -> None:
        self.network.pump()

    def lose_history(self, processor: str) -> None:
        self.service.worker.hub.renew(processor, self.network.clock.seconds())


class RoutedContract(subscribing.SubscribeContract):
    """The contract, kept by L{Routing} to two services."""

    def provide(self) -> IProcessors:
        self.network, _ = network_in_memory()
        self.services = [PublishingService(self.network, port=port) for port in (5555, 5565)]
        first, second = (Address.parse(each.address) for each in self.services)
        owners = {"p0": first, "p1": second, "p2": first, "p3": second, "nobody": first}
        routed = Routed(
            Settings(services=owners),
            sockets=self.network,
            clock=self.network.clock,
            in_thread=at_once,
            keeper=make_gate(None).keeper,
        )
        dispatch = Dispatch(routed.processors, clock=self.network.clock, timeout=30)
        self.successResultOf(Deferred.fromCoroutine(routed.begin(dispatch, Logger())))
        self.addCleanup(lambda: [each.begin() for each in routed.endings()])
        self.network.pump()
        return routed.processors

    def settle(self) -> None:
        self.network.pump()

    def lose_history(self, processor: str) -> None:
        self.services[1].worker.hub.renew(processor, self.network.clock.seconds())


class FollowingCase(subscribing.SubscribeCase):
    """A service that is followed."""

    def provide(self) -> IProcessors:
        self.network, self.clock = network_in_memory()
        self.service = PublishingService(self.network)
        self.remote = follow(self.network, self.service)
        return self.remote

    def settle(self) -> None:
        self.network.pump()

    def subscribers(self) -> list[Connecting]:
        """The SUB sockets that are connected."""
        return self.network.connections(self.service.events_address)

    def prefixes(self) -> list[str]:
        """What is subscribed to, without the secret."""
        [connected] = self.subscribers()
        return sorted(each.partition(b"/")[2].decode() for each in connected.prefixes)

    def here(self, operation: str, params: dict[str, Any] | None = None) -> None:
        """Do something at the service itself, whatever the network does."""
        self.service.worker.ask(Command.parse(operation, params or {}, "p1"))

    def cut(self) -> None:
        """The connection for events is lost."""
        self.network.cut(self.service.events_address)
        self.settle()

    def wait(self, seconds: float = 2.0) -> None:
        """Time goes by, a little at a time."""
        for _ in range(round(seconds / 0.05)):
            self.clock.advance(0.05)
            self.settle()


class SharingTests(FollowingCase):
    """What is subscribed to."""

    def test_nobody(self) -> None:
        """Nothing is connected, subscribed to or encoded for nobody."""
        self.observe("a", "b")
        self.assertEqual(self.subscribers(), [])
        self.assertEqual(self.service.publisher.statistics()["published"], 0)

    def test_topics(self) -> None:
        """What somebody listens to is subscribed to once, and no longer than that; what is learned
        and done to memory is always followed, so that nothing of it is missed unnoticed."""
        self.observe("a")
        first = self.listen(LEARNING)
        always = ["p1/beat", "p1/learning", "p1/memory"]
        self.assertEqual(self.prefixes(), always)
        second, third = self.listen(OBSERVATIONS, STATUS), self.listen(OBSERVATIONS)
        self.assertEqual(self.prefixes(), sorted([*always, "p1/observations"]))
        self.cut_off(second)
        self.assertEqual(self.prefixes(), sorted([*always, "p1/observations"]))
        self.cut_off(third)
        self.assertEqual(self.prefixes(), always)
        self.cut_off(first)
        self.assertEqual(self.subscribers(), [])
        self.observe("b")
        self.assertEqual(self.service.worker.hub.statistics()["listeners"], 0)

    def test_shared(self) -> None:
        """An event is published once, however many listen to it."""
        self.observe("a")
        ears = [self.listen(OBSERVATIONS) for _ in range(10)]
        self.observe("b")
        self.assertEqual([each.offsets for each in ears], [[2]] * 10)
        self.assertEqual(self.service.publisher.statistics()["published"], 1)
        self.assertEqual(self.remote.statistics()["events"]["listeners"], 10)

    def test_cancelled_early(self) -> None:
        """Who gives up before the answer is forgotten."""
        self.observe("a")
        subscribing = self.subscribe(Ear())
        subscribing.cancel()
        self.failureResultOf(subscribing, CancelledError)
        self.settle()
        self.assertEqual(self.subscribers(), [])
        ear = self.listen()
        self.observe("b")
        self.assertEqual(ear.offsets, [2, 2])

    def test_cancelled_at_once(self) -> None:
        """Who cancels as soon as it is answered is told nothing that came meanwhile."""
        self.observe("a")
        ear = Ear()
        self.subscribe(ear, OBSERVATIONS).addCallback(lambda answer: answer.cancel())
        self.ask("observe", {"strings": ["b"]})
        self.settle()
        self.assertEqual(ear.told, [])

    def test_slow_subscription(self) -> None:
        """The service is only asked where events stand when those that follow are sure to come,
        also where others listen already, or begin at the same time."""
        self.observe("a")
        self.network.hops = 20
        for others in range(3):
            if others:
                self.listen(MEMORY)
            ears = [Ear(), Ear()]
            asked = [self.subscribe(each, OBSERVATIONS) for each in ears]
            while not all(each.answer for each in ears):
                self.here("observe", {"strings": ["b"]})
                self.assertTrue(self.clock.step())
            self.settle()
            for ear, answered in zip(ears, asked, strict=True):
                self.follows(ear, self.successResultOf(answered))
                self.cut_off(ear)

    def follows(self, ear: Ear, answer: Subscribed) -> None:
        """Everything was told that was observed after the answer, and there was something."""
        standing = self.service.worker.hub.standing("p1")
        assert standing is not None
        last = standing.numbers.observations
        self.assertLess(answer.offset, last)
        self.assertEqual(ear.offsets, list(range(answer.offset + 1, last + 1)))

    def test_closed(self) -> None:
        """Once it is closed, nobody is told anything but that."""
        self.observe("a")
        ear = self.listen()
        waiting = self.subscribe(Ear(), processor="p1")
        self.successResultOf(self.remote.close())
        self.settle()
        self.failureResultOf(waiting, ProcessorUnavailable)
        self.here("observe", {"strings": ["b"]})
        self.wait()
        self.assertEqual([each.data for each in ear.told], [{"state": "away"}])
        self.assertEqual(self.subscribers(), [])


class LossTests(FollowingCase):
    """What is lost on the way, and found again."""

    def setUp(self) -> None:
        super().setUp()
        self.observe("a")

    def stall(self) -> Connecting:
        """Let what is published be lost, as it is where a peer reads too slowly."""
        [connected] = self.subscribers()
        connected.stalled = True
        return connected

    def test_gap(self) -> None:
        """An event that never came is asked for when the next one comes."""
        ear = self.listen(LEARNING, MEMORY)
        connected = self.stall()
        self.here("clear_all_memory")
        self.here("clear_all_memory")
        self.settle()
        connected.go_on()
        self.assertEqual(ear.told, [])
        self.here("clear_all_memory")
        self.settle()
        self.assertEqual(ear.offsets, [2, 3, 4])

    def test_skipped(self) -> None:
        """Observations that never came are counted by the next one."""
        ear = self.listen(OBSERVATIONS)
        connected = self.stall()
        for _ in range(3):
            self.here("observe", {"strings": ["b"]})
        self.settle()
        connected.go_on()
        self.here("observe", {"strings": ["c"]})
        self.settle()
        self.assertEqual([(each.offset, each.skipped) for each in ear.told], [(5, 3)])

    def test_end(self) -> None:
        """What was lost at the end is missed at the next beat."""
        ear = self.listen()
        connected = self.stall()
        for _ in range(3):
            self.here("observe", {"strings": ["b"]})
        self.here("learn")
        self.settle()
        connected.go_on()
        self.wait(publisher.BEATS)
        told = [(each.topic, each.offset, each.skipped) for each in ear.told]
        self.assertEqual(told, [(OBSERVATIONS, 4, 2), (LEARNING, 5, 0), (PREDICTIONS, 5, 0)])

    def test_lost_beat(self) -> None:
        """A beat may be lost as well: it is told more than once."""
        ear = self.listen(MEMORY)
        connected = self.stall()
        self.here("clear_all_memory")
        self.wait(publisher.BEATS)
        connected.go_on()
        self.wait(publisher.BEATS)
        self.assertEqual(ear.offsets, [2])

    def test_slow_reader(self) -> None:
        """Who reads so slowly that all beats of a while are lost learns of the last events all the
        same, though nothing happens any more."""
        ear = self.listen(MEMORY)
        connected = self.stall()
        self.here("clear_all_memory")
        self.wait(20 * publisher.BEATS)
        connected.go_on()
        self.wait(20 * publisher.BEATS)
        self.assertEqual(ear.offsets, [2])

    def test_quiet(self) -> None:
        """Of a processor of which nothing new is to be told beats come ever more seldom."""
        self.listen(MEMORY)
        self.wait(20 * publisher.BEATS)
        [connected] = self.subscribers()
        came: list[list[bytes]] = []
        connected.received = came.append
        self.wait(10 * publisher.BEATS)
        self.assertEqual(came, [])
        self.here("clear_all_memory")
        self.wait(10 * publisher.BEATS)
        self.assertEqual(len(came), 1 + len([1, 2, 4, 8]))

    def test_many_lost(self) -> None:
        """One question serves all who miss the same."""
        ears = [self.listen(MEMORY) for _ in range(20)]
        connected = self.stall()
        self.here("clear_all_memory")
        self.settle()
        connected.go_on()
        before = self.service.server.statistics()["requests"]
        self.here("clear_all_memory")
        self.settle()
        self.assertEqual([each.offsets for each in ears], [[2, 3]] * 20)
        self.assertEqual(self.service.server.statistics()["requests"], before + 1)

    def test_no_event(self) -> None:
        """What is no event is logged, and the next one is told."""
        ear = self.listen(MEMORY)
        secret = self.service.publisher.secret.encode()
        for body in (b"\xc1", b"\x80", b"\x01"):
            self.service.publisher._send(Place("p1", MEMORY).prefix(secret), body)
        self.service.publisher._send(Place("p1", "beat").prefix(secret), b"\x80")
        self.here("clear_all_memory")
        self.settle()
        self.assertEqual(ear.offsets, [2])

    def test_unanswered(self) -> None:
        """Where a question is not answered, everything begins anew, and nothing is missed."""
        ear = self.listen(MEMORY)
        connected = self.stall()
        self.here("clear_all_memory")
        self.settle()
        connected.go_on()
        for dealer in self.network.connections(self.service.address):
            dealer.stalled = True
        self.here("clear_all_memory")
        self.wait(events.PATIENCE + 1)
        self.assertEqual(ear.offsets, [])
        for dealer in self.network.connections(self.service.address):
            dealer.go_on()
        self.wait()
        self.assertEqual(ear.of(MEMORY), ear.told)
        self.assertEqual(ear.offsets, [2, 3])


class ServiceTests(FollowingCase):
    """A service that goes away, and comes back."""

    def setUp(self) -> None:
        super().setUp()
        self.observe("a")

    def states(self, ear: Ear) -> list[tuple[str, bool | None]]:
        return [(each.data["state"], each.data.get("recovered")) for each in ear.of(STATUS)]

    def test_cut(self) -> None:
        """Where the connection is lost and made again, nothing is missed or told twice, and who
        wants to know is told that."""
        ear, other = self.listen(), self.listen(MEMORY)
        self.cut()
        self.assertEqual(self.states(ear), [("away", None)])
        self.here("observe", {"strings": ["b"]})
        self.here("clear_all_memory")
        self.wait()
        self.assertEqual(ear.topics, [STATUS, STATUS, OBSERVATIONS, MEMORY, PREDICTIONS])
        self.assertEqual(self.states(ear), [("away", None), ("back", True)])
        self.assertEqual(ear.offsets[2:], [2, 3, 3])
        self.assertEqual(other.offsets, [3])
        self.observe("c")
        self.assertEqual(ear.offsets[5:], [4, 4])

    def test_restarted(self) -> None:
        """A service that was started again has lost its history: everybody is told the new
        epoch."""
        ear, other = self.listen(), self.listen(MEMORY)
        self.service = self.service.restart()
        self.wait()
        self.assertEqual(self.states(ear), [("away", None), ("back", False)])
        self.assertEqual(self.states(other), [("back", False)])
        self.do("clear_all_memory")
        self.assertEqual(other.offsets, [0, 1])
        self.assertEqual(other.told[1].epoch, other.told[0].data["epoch"])

    def test_gone(self) -> None:
        """Who begins to listen while the service is known to be away is refused at once."""
        ear = self.listen()
        self.service.kill()
        self.wait()
        self.failureResultOf(self.subscribe(Ear()), ProcessorUnavailable)
        self.assertEqual(self.states(ear), [("away", None)])
        self.service = self.service.restart()
        self.wait()
        self.listen()

    def test_not_there(self) -> None:
        """Where there is no service, nobody listens, and nothing is left of that."""
        self.service.kill()
        self.wait()
        self.failureResultOf(self.subscribe(Ear()), ProcessorUnavailable)
        calls = len(self.clock.getDelayedCalls())
        self.wait()
        self.assertEqual(len(self.clock.getDelayedCalls()), calls)

    def test_lost_while_asking(self) -> None:
        """Who waits for an answer when the connection is lost is refused."""
        waiting = self.subscribe(Ear())
        while not self.subscribers():
            self.assertTrue(self.clock.step())
        self.cut()
        self.failureResultOf(waiting, ProcessorUnavailable)

    def test_silent(self) -> None:
        """Where no connection comes about, who waits is refused in time."""
        self.network.silent.add(self.service.events_address)
        waiting = self.subscribe(Ear())
        self.wait(event_line.PATIENCE)
        self.failureResultOf(waiting, ProcessorUnavailable)

    def test_pauses(self) -> None:
        """It is tried again after pauses that grow."""
        self.listen()
        asked: list[float] = []
        control = self.remote._events._line._control

        def counted(request: dict[str, Any]) -> "Deferred[dict[str, Any]]":
            if request["type"] == "hello":
                asked.append(self.clock.seconds())
            return control(request)

        self.remote._events._line._control = counted
        self.service.kill()
        self.wait(5)
        pauses = [after - before for before, after in pairwise(asked)]
        self.assertEqual(pauses, sorted(pauses))
        self.assertLess(pauses[0], 0.2)
        self.assertLess(pauses[-1], event_line.LONGEST_PAUSE + 0.1)

    def test_deleted_meanwhile(self) -> None:
        """A processor that was deleted while the connection was lost is told to be another one."""
        ear = self.listen(MEMORY)
        self.cut()
        self.here("delete_processor")
        self.wait()
        self.assertEqual(self.states(ear), [("back", False)])
        self.do("create_processor")
        self.do("clear_all_memory")
        self.assertEqual(ear.topics, [STATUS, MEMORY])

    def test_no_events(self) -> None:
        """Of a service that publishes nothing nobody hears anything."""
        self.service.server._controls = {
            "hello": lambda _: {
                "status": "okay",
                "service": "service:5555",
                "version": "1",
                "boot": "b",
                "events": None,
                "time_stamp": 1.0,
            }
        }
        waiting = self.subscribe(Ear())
        self.settle()
        self.failureResultOf(waiting, ProcessorUnavailable)


class QuestionTests(FollowingCase):
    """Requests of type C{events}."""

    def question(self, **asked: Any) -> "Deferred[dict[str, Any]]":
        answered = self.remote.control({"type": "events", **asked})
        self.settle()
        return answered

    def test_answer(self) -> None:
        """It tells where events stand, and what was missed."""
        self.observe("a", "b")
        told = self.successResultOf(self.question(processor="p1"))
        epoch = told["epoch"]
        self.assertEqual(
            told,
            {
                "status": "okay",
                "epoch": epoch,
                "offset": 2,
                "recovered": False,
                "events": [],
                "numbers": [0, 2, 0],
            },
        )
        told = self.successResultOf(self.question(processor="p1", since=1, epoch=epoch))
        self.assertTrue(told["recovered"])
        [event] = map(Event.parse, told["events"])
        self.assertEqual((event.topic, event.offset, event.number), (OBSERVATIONS, 2, 2))
        self.assertEqual(event.data["short_term_memory"], [["a"], ["b"]])

    def test_refused(self) -> None:
        """What is unfit is refused by the name of the field."""
        failed = self.failureResultOf(self.question(processor="p1", since="x"), InvalidRequest)
        self.assertIn("since", failed.value.message)
        failed = self.failureResultOf(self.question(other=1), InvalidRequest)
        self.assertIn("other", failed.value.message)


class KeyTests(FollowingCase):
    """Who has the key of a service, and who does not."""

    def provide(self) -> IProcessors:
        self.network, self.clock = network_in_memory()
        self.service = PublishingService(self.network, api_key=b"key")
        self.remote = follow(self.network, self.service, api_key=b"key")
        return self.remote

    def test_key(self) -> None:
        """Who has the key is told events."""
        self.observe("a")
        ear = self.listen(OBSERVATIONS)
        self.observe("b")
        self.assertEqual(ear.offsets, [2])

    def test_no_key(self) -> None:
        """Who has none is told neither the secret nor any event."""
        stranger = follow(self.network, self.service)
        self.settle()
        for request in ({"type": "hello"}, {"type": "events", "processor": "p1"}):
            asked = stranger.control(request)
            self.settle()
            self.failureResultOf(asked, Unauthorized)
        self.observe("a")
        refused = stranger.subscribe(Wish("p1"), Ear())
        self.settle()
        self.failureResultOf(refused, ProcessorUnavailable)

    def test_no_secret(self) -> None:
        """Who does not know the secret gets nothing, whatever it subscribes to."""
        came: list[list[bytes]] = []
        spy = self.network.subscriber(
            self.service.events_address,
            received=came.append,
            up=lambda: None,
            down=lambda why: None,
        )
        secret = self.service.publisher.secret.encode()
        for prefix in (b"", b"/", b"p1/", secret[:8], secret, secret + b"/", secret + b"/p1"):
            spy.subscribe(prefix)
        self.observe("a")
        self.listen()
        self.observe("b")
        self.wait()
        self.assertEqual(came, [])


class PrefixTests(FollowingCase):
    """First frames."""

    def test_places(self) -> None:
        """A place is read from its prefix, and from nothing else."""
        for place in (Place("p1", LEARNING), Place("p-_9", "beat"), Place("", "processors")):
            self.assertEqual(Place.parse(place.prefix(b"s"), b"s"), place)
        for prefix in (
            b"",
            b"s",
            b"s/",
            b"s/p1",
            b"s/p1/",
            b"s/p1/status",
            b"s/p1/learning/x",
            b"s/p1/processors",
            b"s//learning",
            b"t/p1/learning",
            b"s/\xff/learning",
            b"s/p1/\xff",
            b"s/~12",
        ):
            self.assertIsNone(Place.parse(prefix, b"s"), prefix)

    def test_no_other(self) -> None:
        """No prefix of a processor begins another's."""
        prefixes = [Place(key, LEARNING).prefix(b"s") for key in ("p", "p1", "p11", "P1", "p-1")]
        for one in prefixes:
            self.assertEqual([each for each in prefixes if each.startswith(one)], [one])

    def test_echo(self) -> None:
        """An echo is known by its secret."""
        self.assertTrue(is_echo(echo(b"s", "1f"), b"s"))
        for prefix in (b"s/~", b"s/~x", b"t/~1", b"~1", b"s/p1"):
            self.assertFalse(is_echo(prefix, b"s"))
