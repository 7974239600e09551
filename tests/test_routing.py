"""Commands to the service that owns their processor, and new processors to a service."""

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kato.commands import Command, Reply
from kato.dispatch import AlreadyBegun, IProcessors
from kato.errors import (
    InternalError,
    InvalidRequest,
    KatoError,
    LimitReached,
    ProcessorNotFound,
    ProcessorUnavailable,
)
from kato.events import Wish
from kato.finding import REMEMBERED, Finder
from kato.members import SWEEP, Members
from kato.ownership import Announcement, Verdict
from kato.roster import SETTLING, Roster
from kato.routing import PATIENCE, Routing
from tests.services import FakeService

A = "tcp://a:5555"
B = "tcp://b:5555"
GATEWAYS = ("tcp://g0:5550", "tcp://g1:5550")
LEASE = 10.0


class FakeFirst:
    """The first gateway, as the test plays it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.asked: list[tuple[str, bool, Deferred[str]]] = []
        self.closed = False

    def place(self, processor: str, *, creates: bool) -> "Deferred[str]":
        answer: Deferred[str] = Deferred()
        self.asked.append((processor, creates, answer))
        return answer

    def close(self) -> None:
        self.closed = True


class World(SynchronousTestCase):
    """A gateway, with services and a first gateway that the test plays."""

    registry = True
    fixed: dict[str, str] = {}

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.services: dict[str, FakeService] = {}
        self.firsts: dict[str, FakeFirst] = {}
        self.roster = Roster(fixed=self.fixed, now=self.clock.seconds())
        self.members = Members(self.roster, connect=self.connect, clock=self.clock)
        self.finder = Finder(
            self.roster,
            self.members,
            clock=self.clock,
            registry=self.registry,
            colleague=self.colleague,
        )
        self.routing = Routing(self.roster, self.members, self.finder, clock=self.clock)
        self.members.start()
        self.addCleanup(self.members.stop)
        self.addCleanup(self.finder.stop)

    def connect(self, address: str) -> FakeService:
        self.services[address] = FakeService(address)
        return self.services[address]

    def colleague(self, address: str) -> FakeFirst:
        self.firsts[address] = FakeFirst(address)
        return self.firsts[address]

    def tell(self, address: str, *processors: str, **more: Any) -> Verdict:
        """A service tells of itself."""
        told: dict[str, Any] = {"boot": "1", "gateways": GATEWAYS, "lease": LEASE, **more}
        announcement = Announcement(
            service="s", address=address, processors=frozenset(processors), **told
        )
        return self.members.announce(announcement)

    def settle(self) -> None:
        self.clock.advance(SETTLING)

    def ask(self, operation: str, processor: str | None = "p", **params: Any) -> "Deferred[Reply]":
        return self.routing.ask(Command.parse(operation, params, processor))

    def refused(self, asked: "Deferred[Reply]", kind: type[KatoError]) -> KatoError:
        error = self.failureResultOf(asked, kind).value
        assert isinstance(error, KatoError)
        return error

    def listed(self, **params: Any) -> dict[str, Any]:
        return dict(self.successResultOf(self.ask("list_processors", None, **params)).fields)


class FixedTests(World):
    """C{--processors} alone."""

    registry = False
    fixed = {"p": A, "q": A, "r": B}

    def test_interface(self) -> None:
        """It provides L{IProcessors}."""
        self.assertTrue(verifyObject(IProcessors, self.routing))

    def test_owner_is_asked(self) -> None:
        """A command goes to the service that has its processor, and the answer comes back."""
        asked = self.ask("learn", "r")
        self.assertEqual(self.services[A].asked, [])
        command = self.services[B].answer(model_name="m")
        self.assertEqual((command.operation, command.processor), ("learn", "r"))
        self.assertEqual(self.successResultOf(asked).fields, {"model_name": "m"})

    def test_unknown(self) -> None:
        """A processor that is none of them is not found, whatever is to be done with it."""
        for operation in ("create_processor", "get_status"):
            error = self.refused(self.ask(operation, "new"), ProcessorNotFound)
            self.assertEqual(error.message, "processor: there is no 'new'")

    def test_deleted(self) -> None:
        """A fixed processor that was deleted has the same place when it is made again."""
        asked = self.ask("delete_processor")
        self.services[A].answer()
        self.successResultOf(asked)
        self.assertNoResult(self.ask("create_processor"))
        self.assertEqual(len(self.services[A].asked), 1)

    def test_ping(self) -> None:
        """A ping without a processor is answered here."""
        reply = self.successResultOf(self.ask("ping", None))
        self.assertEqual((reply.message, reply.time_stamp), ("pong", 1000.0))

    def test_list(self) -> None:
        """The list is that of all services, each entry with the host and port of its service."""
        self.services[A].held = {"p": 1, "q": 2}
        self.services[B].held = {"r": 3}
        entry = {"models": 1, "events": 0, "service": "a:5555"}
        self.assertEqual(
            self.listed(),
            {
                "processors": [
                    {**entry, "id": "p"},
                    {**entry, "id": "q", "models": 2},
                    {**entry, "id": "r", "models": 3, "service": "b:5555"},
                ],
                "total": 3,
                "next": None,
            },
        )
        told = self.listed(limit=1, after="p")
        self.assertEqual([each["id"] for each in told["processors"]], ["q"])
        self.assertEqual((told["total"], told["next"]), (3, "q"))

    def test_list_without_a_service(self) -> None:
        """The processors of a service that is away are named, page by page."""
        self.services[A].away = True
        self.services[B].held = {"r": 3}
        away = [{"id": "p", "service": "a:5555"}, {"id": "q", "service": "a:5555"}]
        told = self.listed()
        self.assertEqual([each["id"] for each in told["processors"]], ["r"])
        self.assertEqual((told["total"], told["unavailable"]), (1, away))
        self.assertEqual(self.listed(limit=1)["unavailable"], away[:1])
        self.assertEqual(self.listed(after="p")["unavailable"], away[1:])
        self.assertNotIn("unavailable", self.listed(after="q"))

    def test_list_without_an_answer(self) -> None:
        """A service that does not answer in time is away."""
        self.services[A].silent = True
        asked = self.ask("list_processors", None)
        self.clock.advance(PATIENCE - 0.1)
        self.assertNoResult(asked)
        self.clock.advance(0.1)
        told = self.successResultOf(asked).fields
        self.assertEqual([each["id"] for each in told["unavailable"]], ["p", "q"])

    def test_list_is_given_up(self) -> None:
        """Who gives up waiting for a list leaves nothing behind."""
        self.services[A].silent = True
        asked = self.ask("list_processors", None)
        asked.cancel()
        asked.addErrback(lambda _: None)
        self.clock.advance(PATIENCE)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_list_with_a_defect(self) -> None:
        """What is not an error of ours is told as what it is."""
        self.services[A].silent = True
        asked = self.ask("list_processors", None)
        self.services[A].refuse(ZeroDivisionError())
        self.failureResultOf(asked, ZeroDivisionError)

    def test_cancelled(self) -> None:
        """Who gives up is told by the service whether the command had begun."""
        asked = self.ask("learn")
        asked.cancel()
        self.failureResultOf(asked, AlreadyBegun)

    def test_events(self) -> None:
        """The service that has a processor tells its events; of one that nobody has there are
        none."""
        wish = Wish("r")
        told = self.successResultOf(self.routing.subscribe(wish, self.fail))
        self.assertEqual((told.epoch, self.services[B].wishes), (B, [wish]))
        self.failureResultOf(self.routing.subscribe(Wish("new"), self.fail), ProcessorNotFound)

    def test_sole(self) -> None:
        """The only processor is meant where none is named, of those that are seen; of several none
        is."""
        self.assertIsNone(self.routing.sole())
        self.assertEqual(self.routing.sole(lambda each: each == "r"), "r")
        self.assertIsNone(self.routing.sole(lambda each: False))
        self.assertEqual(
            Routing(
                Roster(fixed={"p": A}, now=0.0), self.members, self.finder, clock=self.clock
            ).sole(),
            "p",
        )

    def test_ready(self) -> None:
        """It is ready when a service answers."""
        self.assertTrue(self.routing.ready)
        self.services[A].away = self.services[B].away = True
        self.assertFalse(self.routing.ready)

    def test_statistics(self) -> None:
        """Each service is told with what asks it."""
        told = self.routing.statistics()
        self.assertEqual(told["processors"], 3)
        self.assertEqual(
            told["services"]["a:5555"],
            {
                "connected": True,
                "healthy": True,
                "under_way": 0,
                "processors": 2,
                "there": True,
                "announced": None,
                "lease": None,
                "refused": {},
            },
        )

    def test_stop(self) -> None:
        """All services are let go of."""
        self.successResultOf(self.members.stop())
        self.assertTrue(self.services[A].closed and self.services[B].closed)


class FirstGatewayTests(World):
    """The gateway that places new processors."""

    def test_new(self) -> None:
        """A new processor is placed where it may be created, and stays before it is announced."""
        self.tell(A, "x")
        self.tell(B)
        self.settle()
        self.ask("observe")
        self.assertEqual(self.services[B].answer().operation, "observe")
        self.tell(A)
        self.ask("get_status")
        self.assertEqual(self.services[B].answer().operation, "get_status")
        self.tell(B, "p")
        self.ask("learn")
        self.assertEqual(self.services[B].answer().operation, "learn")

    def test_not_created(self) -> None:
        """A processor that nobody holds is not found by what may not create it."""
        self.tell(A)
        self.settle()
        error = self.refused(self.ask("learn"), ProcessorNotFound)
        self.assertEqual(error.message, "processor: there is no 'p'")

    def test_settling(self) -> None:
        """A gateway that has just started says neither that there is no such processor nor where
        it goes."""
        self.tell(A, "q")
        for operation in ("observe", "get_status"):
            error = self.refused(self.ask(operation), ProcessorUnavailable)
            self.assertEqual(error.retry_after, 1)
        self.assertNoResult(self.ask("get_status", "q"))
        self.assertFalse(self.routing.ready)
        self.settle()
        self.assertNoResult(self.ask("observe"))
        self.assertTrue(self.routing.ready)

    def test_awaited(self) -> None:
        """As long as a service is missing that held something before this gateway was started, a
        processor that nobody holds may be there."""
        self.tell(A, "q", members=frozenset({A, B}))
        self.settle()
        for operation in ("observe", "get_status"):
            error = self.refused(self.ask(operation), ProcessorUnavailable)
            self.assertEqual(error.retry_after, 1)
            self.assertIn(B, error.message)
        self.assertTrue(self.routing.ready)
        self.tell(B, "p")
        self.ask("observe")
        self.assertEqual(len(self.services[B].asked), 1)
        self.assertNoResult(self.ask("observe", "new"))

    def test_nobody(self) -> None:
        """As long as no service has announced itself, nothing is known of any processor."""
        self.settle()
        for operation in ("observe", "get_status"):
            error = self.refused(self.ask(operation), ProcessorUnavailable)
            self.assertEqual(error.retry_after, 1)

    def test_away(self) -> None:
        """A processor whose service is forgotten is unavailable, and not placed again; what asks
        the service is let go of when nothing is under way."""
        self.tell(A, "p")
        self.settle()
        service = self.services[A]
        service.under_way = 1
        self.clock.advance(LEASE)
        error = self.refused(self.ask("observe"), ProcessorUnavailable)
        self.assertEqual(
            error.message, f"processor: the service at {A}, which has 'p', is not there"
        )
        self.assertEqual(error.retry_after, 1)
        self.assertFalse(service.closed)
        service.under_way = 0
        self.clock.advance(SWEEP)
        self.assertTrue(service.closed)
        self.tell(A, "p")
        self.assertNoResult(self.ask("observe"))
        self.assertEqual(len(self.services[A].asked), 1)

    def test_leaves(self) -> None:
        """A service that leaves is asked for nothing more, at once."""
        self.tell(A, "p")
        self.members.leave(A, "1")
        self.refused(self.ask("observe"), ProcessorUnavailable)
        asked = self.routing.subscribe(Wish("p"), self.fail)
        self.failureResultOf(asked, ProcessorUnavailable)
        self.members.leave(A, "1")
        self.assertEqual(self.listed()["unavailable"], [{"id": "p", "service": "a:5555"}])

    def test_refused(self) -> None:
        """A second claim is refused in the log, in the answer and in what is told; requests go to
        the first service, which alone tells of the processor."""
        self.tell(A, "p")
        with capturedLogs() as events:
            self.tell(B, "p")
            verdict = self.tell(B, "p")
        self.assertEqual(list(verdict.refused), ["p"])
        [event] = [each for each in events if each["log_level"] is LogLevel.error]
        self.assertEqual(
            formatEvent(event),
            f"the service at {B} claims processor p, but the service at {A} has it: refused",
        )
        told = self.routing.statistics()["services"]["b:5555"]
        self.assertEqual((told["processors"], told["refused"]), (0, verdict.refused))
        self.ask("learn")
        self.assertEqual(len(self.services[A].asked), 1)
        self.services[A].held = self.services[B].held = {"p": 1}
        listed = self.listed()
        self.assertEqual([each["service"] for each in listed["processors"]], ["a:5555"])
        self.assertEqual(listed["total"], 1)

    def test_failed(self) -> None:
        """A placement of which nothing came is undone: the next service may get it."""
        self.tell(A)
        self.tell(B)
        self.settle()
        first, second = self.ask("observe"), self.ask("observe")
        self.services[A].refuse(LimitReached("no more"))
        self.failureResultOf(first, LimitReached)
        self.assertEqual(self.roster.counts["placed"], 1)
        self.services[A].refuse(InvalidRequest("no"))
        self.failureResultOf(second, InvalidRequest)
        self.assertEqual(self.roster.counts["placed"], 0)
        self.tell(A, "x")
        self.ask("observe")
        self.assertEqual(len(self.services[B].asked), 1)

    def test_taken_back(self) -> None:
        """So it is where a command was taken back before it was sent."""
        self.tell(A)
        self.settle()
        asked = self.ask("observe")
        self.services[A].refuse(CancelledError())
        self.failureResultOf(asked, CancelledError)
        self.assertEqual(self.roster.counts["placed"], 0)

    def test_unknown_outcome(self) -> None:
        """A placement of which something may have come is kept."""
        self.tell(A)
        self.settle()
        for error in (ProcessorUnavailable("?", outcome_unknown=True), AlreadyBegun()):
            asked = self.ask("observe")
            self.services[A].refuse(error)
            self.failureResultOf(asked, type(error))
            self.tell(A)
            self.assertEqual(self.roster.counts["placed"], 1)

    def test_made_by_another(self) -> None:
        """A placement is kept where one of several commands has made it."""
        self.tell(A)
        self.settle()
        asked = self.ask("observe"), self.ask("observe")
        self.services[A].answer()
        self.services[A].refuse(InvalidRequest("no"))
        self.successResultOf(asked[0])
        self.failureResultOf(asked[1], InvalidRequest)
        self.assertEqual(self.roster.counts["placed"], 1)

    def test_deleted(self) -> None:
        """A deleted processor is free when its service has said so for long enough."""
        self.tell(A, "p")
        self.tell(B, "x")
        self.settle()
        asked = self.ask("delete_processor")
        self.services[A].answer()
        self.successResultOf(asked)
        self.assertEqual(self.routing.statistics()["placement"]["freed"], 1)
        self.ask("create_processor")
        self.assertEqual(self.services[A].answer().operation, "create_processor")

    def test_not_deleted(self) -> None:
        """A processor that could not be deleted stays."""
        self.tell(A, "p")
        asked = self.ask("delete_processor")
        self.services[A].refuse(InternalError("no"))
        self.failureResultOf(asked, InternalError)
        self.assertEqual(self.roster.counts["freed"], 0)

    def test_asked_by_others(self) -> None:
        """Another gateway is told where a processor is, or shall be; that place is kept."""
        self.tell(A, "p")
        self.settle()
        self.assertEqual(self.finder.answer("p", creates=False).address, A)
        self.assertRaises(ProcessorNotFound, self.finder.answer, "q", creates=False)
        self.assertEqual(self.finder.answer("q", creates=True).address, A)
        asked = self.ask("observe", "q")
        self.services[A].refuse(InvalidRequest("no"))
        self.failureResultOf(asked, InvalidRequest)
        self.assertEqual(self.finder.answer("q", creates=False).address, A)

    def test_contradiction(self) -> None:
        """As long as services name different first gateways, nobody places anything."""
        self.tell(A)
        self.tell(B, gateways=GATEWAYS[::-1], rank=1)
        self.settle()
        self.refused(self.ask("observe"), ProcessorUnavailable)
        self.assertIn("different first gateways", self.finder.statistics()["trouble"])

    def test_statistics(self) -> None:
        """What is told of an announced service, and of placing."""
        self.tell(A, "p", under_way=3)
        self.settle()
        self.ask("observe", "q")
        told = self.routing.statistics()
        self.assertEqual(told["processors"], 1)
        self.assertEqual(
            told["placement"],
            {"first": GATEWAYS[0], "is_first": True, "waiting": 0, "placed": 1, "freed": 0},
        )
        service = told["services"]["a:5555"]
        self.assertEqual((service["announced"], service["lease"]), (1000.0, LEASE - SETTLING))
        self.clock.advance(LEASE)
        service = self.routing.statistics()["services"]["a:5555"]
        self.assertEqual(
            (service["connected"], service["there"], service["lease"]), (False, False, None)
        )


class OtherGatewayTests(World):
    """A gateway that asks the first one."""

    def setUp(self) -> None:
        super().setUp()
        self.settle()
        self.tell(A, "known", rank=1, as_of=1)
        self.tell(B, rank=1, as_of=1)

    @property
    def first(self) -> FakeFirst:
        return self.firsts[GATEWAYS[0]]

    def test_known(self) -> None:
        """Nobody is asked for what a service has announced."""
        self.ask("learn", "known")
        self.assertEqual(len(self.services[A].asked), 1)
        self.assertEqual(self.firsts, {})

    def test_placed(self) -> None:
        """The first gateway says where a new processor goes; for a moment that is remembered."""
        asked = self.ask("observe")
        [(processor, creates, answer)] = self.first.asked
        self.assertEqual((processor, creates), ("p", True))
        answer.callback(B)
        self.services[B].answer()
        self.successResultOf(asked)
        self.ask("learn")
        self.assertEqual(self.services[B].answer().operation, "learn")
        self.clock.advance(REMEMBERED)
        self.ask("learn")
        self.assertEqual([each[:2] for each in self.first.asked[1:]], [("p", False)])

    def test_events(self) -> None:
        """The first gateway is asked whose events to follow where that is not known here."""
        asked = self.routing.subscribe(Wish("p"), self.fail)
        self.assertEqual([each[:2] for each in self.first.asked], [("p", False)])
        self.first.asked[0][2].callback(B)
        self.assertEqual(self.successResultOf(asked).epoch, B)

    def test_not_found(self) -> None:
        """What the first gateway does not know is not found; it may have been made through another
        gateway a moment ago, so it is asked."""
        asked = self.ask("get_status")
        self.first.asked[0][2].errback(ProcessorNotFound("processor: there is no 'p'"))
        self.refused(asked, ProcessorNotFound)

    def test_first_is_away(self) -> None:
        """Without the first gateway nobody knows of a new processor."""
        asked = [self.ask("observe"), self.ask("get_status")]
        self.first.asked[0][2].errback(ProcessorUnavailable("away", retry_after=1))
        for each in asked:
            self.assertEqual(self.refused(each, ProcessorUnavailable).retry_after, 1)

    def test_order(self) -> None:
        """Commands that wait are asked for once, and go on in their order; those that come later
        do not overtake them, even where a service announces the processor meanwhile."""
        for operation in ("observe", "learn"):
            self.ask(operation)
        self.tell(B, "p", rank=1, as_of=2)
        self.ask("get_status")
        self.assertEqual(self.services[B].asked, [])
        [(_, _, answer)] = self.first.asked
        answer.callback(B)
        operations = [command.operation for command, _ in self.services[B].asked]
        self.assertEqual(operations, ["observe", "learn", "get_status"])

    def test_read_before_a_change(self) -> None:
        """A read does not find what only a later command may create."""
        read, change, later = self.ask("get_status"), self.ask("observe"), self.ask("get_status")
        self.assertFalse(self.first.asked[0][1])
        self.first.asked[0][2].errback(ProcessorNotFound("no"))
        self.refused(read, ProcessorNotFound)
        self.assertNoResult(change)
        self.assertEqual([each[:2] for each in self.first.asked[1:]], [("p", True)])
        self.first.asked[1][2].callback(A)
        self.assertEqual(len(self.services[A].asked), 2)
        self.assertNoResult(later)

    def test_given_up(self) -> None:
        """A command that is given up while it waits is not done."""
        asked, other = self.ask("observe"), self.ask("observe")
        asked.cancel()
        self.failureResultOf(asked, CancelledError)
        self.first.asked[0][2].callback(A)
        self.assertEqual(len(self.services[A].asked), 1)
        self.assertNoResult(other)

    def test_all_given_up(self) -> None:
        """So it is where nobody is left who waits; who comes then is asked for anew."""
        asked = self.ask("observe")
        asked.cancel()
        self.failureResultOf(asked, CancelledError)
        self.first.asked[0][2].errback(ProcessorUnavailable("away"))
        self.ask("observe")
        self.assertEqual(len(self.first.asked), 2)

    def test_not_here(self) -> None:
        """A service that the first gateway knows and this one does not is awaited."""
        asked = self.ask("observe")
        self.first.asked[0][2].callback("tcp://c:5555")
        self.assertEqual(self.refused(asked, ProcessorUnavailable).retry_after, 1)

    def test_decides_nothing(self) -> None:
        """Asked by another gateway, it says who the first one is."""
        error = self.assertRaises(ProcessorUnavailable, self.finder.answer, "p", creates=True)
        self.assertIn(GATEWAYS[0], error.message)

    def test_becomes_first(self) -> None:
        """A gateway that is first from now on decides what it would have asked."""
        asked = self.ask("get_status"), self.ask("observe")
        for address in (A, B):
            self.tell(address, rank=0, gateways=GATEWAYS[1:], boot="2")
        self.first.asked[0][2].errback(ProcessorNotFound("no"))
        self.refused(asked[0], ProcessorNotFound)
        self.assertEqual(self.roster.counts["placed"], 1)

    def test_many_words(self) -> None:
        """What was remembered for long enough is forgotten."""
        for number in range(1002):
            self.ask("observe", f"p{number}")
            self.first.asked[-1][2].callback(A)
        self.clock.advance(REMEMBERED)
        self.ask("observe", "last")
        self.first.asked[-1][2].callback(A)
        self.assertEqual(len(self.finder._remembered), 1)

    def test_stop(self) -> None:
        """The first gateway is asked no more."""
        asked = self.ask("observe")
        self.finder.stop()
        self.assertTrue(self.first.closed)
        self.first.asked[0][2].errback(ProcessorUnavailable("closed"))
        self.refused(asked, ProcessorUnavailable)
