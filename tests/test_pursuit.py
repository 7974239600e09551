"""Commands that follow their processor from service to service."""

from collections import deque
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kato import pursuit
from kato.commands import Command, Reply
from kato.counting import Histogram
from kato.dispatch import AlreadyBegun
from kato.errors import (
    InvalidRequest,
    KatoError,
    Moved,
    ProcessorNotFound,
    ProcessorUnavailable,
    TooManyRequests,
)
from kato.events import Listener, Subscribed, Wish
from kato.members import Members
from kato.ownership import Announcement
from kato.pursuit import PATIENCE, PAUSE, Pursuit
from kato.roster import Roster

A, B = "tcp://a:5555", "tcp://b:5555"


class Asked:
    """A service that keeps what it is asked until the test answers."""

    under_way = 0

    def __init__(self) -> None:
        self.healthy = True
        self.seconds = Histogram()
        self.asked: deque[tuple[Command, Deferred[Reply]]] = deque()

    def counts(self) -> dict[str, int]:
        return {}

    def ask(self, command: Command) -> "Deferred[Reply]":
        answer: Deferred[Reply] = Deferred(lambda one: one.errback(AlreadyBegun()))
        self.asked.append((command, answer))
        return answer

    def say(self, result: KatoError | int) -> Command:
        """Answer the oldest that is waited for: with an error, or under an epoch."""
        command, answer = self.asked.popleft()
        while answer.called:
            command, answer = self.asked.popleft()
        if isinstance(result, KatoError):
            answer.errback(result)
        else:
            answer.callback(Reply("done", 0.0, processor=command.processor, epoch=result))
        return command

    def subscribe(self, wish: Wish, listener: Listener) -> "Deferred[Subscribed]":
        raise AssertionError("nobody listens here")

    def statistics(self) -> dict[str, Any]:
        return {}

    def close(self) -> "Deferred[None]":
        raise AssertionError("nobody closes it")


def moved(address: str, epoch: int) -> Moved:
    return Moved("it has moved", address=address, epoch=epoch)


class PursuitTests(SynchronousTestCase):
    """L{Pursuit}, between two services."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.roster = Roster(now=0.0)
        self.services = {A: Asked(), B: Asked()}
        self.members = Members(self.roster, connect=self.services.__getitem__, clock=self.clock)
        self.pursuit = Pursuit(
            self.roster, self.members, clock=self.clock, make_id=iter("123456789").__next__
        )
        self.a, self.b = self.services[A], self.services[B]
        self.announce(A, p=1)
        self.announce(B)

    def announce(self, address: str, **epochs: int) -> None:
        self.members.announce(
            Announcement(
                service=address,
                address=address,
                boot=address,
                processors=frozenset(),
                gateways=("tcp://gateway:5550",),
                lease=100.0,
                epochs=epochs,
            )
        )

    def ask(self, operation: str = "learn", processor: str = "p") -> "Deferred[Reply]":
        return self.pursuit.ask(Command.parse(operation, {}, processor))

    def test_owner(self) -> None:
        """Who is known to have a processor is asked, under a request id where it changes."""
        self.assertTrue(self.pursuit.concerns("p"))
        asked = self.ask()
        self.assertEqual(self.a.say(1).request_id, "1")
        self.assertEqual(self.successResultOf(asked).epoch, 1)
        self.ask("get_status")
        self.assertIsNone(self.a.say(1).request_id)

    def test_moved(self) -> None:
        """A command goes where it is sent, with the same request id."""
        asked = self.ask()
        first = self.a.say(moved(B, 2))
        second = self.b.say(2)
        self.assertEqual(first, second)
        self.successResultOf(asked)
        self.ask()
        self.assertEqual(len(self.b.asked), 1)

    def test_order(self) -> None:
        """Nothing overtakes: what comes after waits until all is back that went elsewhere."""
        answers = [self.ask("observe") for _ in range(2)]
        self.a.say(moved(B, 2))
        answers.append(self.ask("observe"))
        self.assertEqual(len(self.b.asked), 0)
        self.a.say(moved(B, 2))
        ids = [self.b.say(2).request_id for _ in range(3)]
        self.assertEqual(ids, ["1", "2", "3"])
        for each in answers:
            self.successResultOf(each)

    def test_announced_elsewhere(self) -> None:
        """When another service says that it has a processor, what is under way is asked there."""
        asked = self.ask()
        self.announce(B, p=2)
        self.assertEqual(self.b.say(2).request_id, "1")
        self.successResultOf(asked)

    def test_old_answer(self) -> None:
        """An answer of an older epoch is not believed."""
        asked = self.ask("get_status")
        self.roster.whereabouts.learn("p", B, 2)
        self.a.say(1)
        self.assertNoResult(asked)
        self.clock.advance(PAUSE)
        self.b.say(2)
        self.assertEqual(self.successResultOf(asked).epoch, 2)

    def test_dead(self) -> None:
        """Where a service is not there, others are asked in turn until one has the processor."""
        asked = self.ask()
        self.a.say(ProcessorUnavailable("gone", outcome_unknown=True))
        self.clock.advance(PAUSE)
        self.b.say(moved(A, 1))
        self.a.say(ProcessorUnavailable("gone: not done"))
        self.clock.advance(PAUSE)
        self.assertEqual(self.b.say(2).request_id, "1")
        self.successResultOf(asked)

    def test_given_up(self) -> None:
        """After a while it is told; a change that may have been made is unknown."""
        asked = self.ask()
        self.a.say(ProcessorUnavailable("gone", outcome_unknown=True))
        self.clock.advance(PATIENCE)
        self.b.say(ProcessorUnavailable("cut off: not done"))
        error = self.failureResultOf(asked, ProcessorUnavailable).value
        self.assertTrue(error.outcome_unknown)

    def test_nobody(self) -> None:
        """Where no service is there at all, a command waits for one, and is refused in the end."""
        for address in (A, B):
            self.members.leave(address, address)
        asked = self.ask()
        late = self.ask()
        self.clock.advance(PAUSE)
        self.announce(A, p=1)
        self.clock.advance(PAUSE)
        self.a.say(1)
        self.successResultOf(asked)
        self.a.say(1)
        self.successResultOf(late)
        self.members.leave(A, A)
        refused = self.ask()
        self.clock.pump([PAUSE] * int(PATIENCE / PAUSE + 2))
        self.failureResultOf(refused, ProcessorUnavailable)

    def test_answers(self) -> None:
        """What a service says against a command is the answer."""
        asked = self.ask("get_status", "q")
        self.assertEqual(self.roster.whereabouts.place("q"), B)
        self.b.say(ProcessorNotFound("there is none"))
        self.failureResultOf(asked, ProcessorNotFound)
        self.assertIsNone(self.roster.whereabouts.place("q"))
        asked = self.ask()
        self.a.say(InvalidRequest("no"))
        self.failureResultOf(asked, InvalidRequest)

    def test_placed(self) -> None:
        """New processors go to who has the fewest, those counted that are being made."""
        for each in "qrst":
            self.ask("observe", each)
        self.assertEqual((len(self.a.asked), len(self.b.asked)), (2, 2))

    def test_deleted(self) -> None:
        """A deleted processor is nowhere."""
        self.ask("delete_processor")
        self.a.say(1)
        self.assertIsNone(self.roster.whereabouts.place("p"))

    def test_cancelled(self) -> None:
        """What was sent has begun; what waits is taken back."""
        flying = self.ask()
        flying.cancel()
        self.failureResultOf(flying, AlreadyBegun)
        held = self.ask()
        self.a.say(ProcessorUnavailable("gone: not done"))
        held.cancel()
        self.failureResultOf(held, CancelledError)
        self.assertEqual(self.pursuit.statistics()["pursued"], 0)

    def test_too_many(self) -> None:
        """So many commands are pursued at a time."""
        self.patch(pursuit, "MAX_WAITING", 1)
        self.ask()
        self.failureResultOf(self.ask(), TooManyRequests)

    def test_closed(self) -> None:
        """At the end nobody is left waiting."""
        asked = self.ask()
        self.a.say(ProcessorUnavailable("gone: not done"))
        self.pursuit.close()
        self.failureResultOf(asked, ProcessorUnavailable)
        self.assertEqual(self.clock.getDelayedCalls(), [])
