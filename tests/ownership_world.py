"""Several services on one store, real from the worker down to the lease, whose clients watch what
they are told.

What is learned is one sequence, again and again, so its frequency counts how often that was done.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from kato.audit.interface import IAudit
from kato.commands import Command, Reply
from kato.dispatch import AlreadyBegun
from kato.errors import KatoError, Moved, ProcessorUnavailable
from kato.holdings import Member
from kato.membership import Membership
from kato.storage.fenced import FencedStore
from kato.tenancy import Tenancy
from kato.worker import Worker
from tests.doubles import at_once
from tests.flaky_store import FlakyStore
from tests.shared_memory import SharedMemory

STEP = 0.25
"""Seconds that pass at a time for everybody."""

ONCE_MORE = {"observations": [{"strings": ["a"]}, {"strings": ["b"]}], "learn_at_end": True}

_boots = count(1)


def make_boot() -> str:
    """A name that no tenure had before."""
    return f"boot-{next(_boots):04}"


class Service:
    """One service: a process that can crash, be stopped, and be started again."""

    def __init__(self, number: int, world: "World") -> None:
        self.number = number
        self.world = world
        self.address = f"tcp://s{number}:5555"
        self.up = False
        self.stopped = False
        self.left = False
        self.inbox: list[tuple[Command, Deferred[Reply]]] = []

    def start(self, *, checkpoint: float = 5.0) -> None:
        """Be a new process."""
        world = self.world
        self.up, self.stopped, self.left = True, False, False
        self.clock = Clock()
        self.clock.rightNow = world.now
        self.store = cast(Any, FlakyStore(world.store))
        self.tenancy = Tenancy(
            self.store,
            Member(make_boot(), self.address, f"s{self.number}"),
            monotonic=lambda: world.now,
        )
        self.worker = Worker(
            FencedStore(self.store, self.tenancy),
            clock=self.clock,
            in_thread=at_once,
            checkpoint=checkpoint,
            tenure=self.tenancy,
            audit=world.make_audit(self),
        )
        self.membership = Membership(
            self.store,
            self.tenancy,
            self.worker,
            clock=self.clock,
            monotonic=lambda: world.now,
            make_boot=make_boot,
        )
        Deferred.fromCoroutine(self.worker.start())
        Deferred.fromCoroutine(self.membership.start())

    def crash(self) -> None:
        """Be gone, with all that was not stored; what waits at the store still waits there."""
        self.up = self.stopped = False
        self.world.dead.append(self.store)
        self.inbox.clear()

    def stop(self) -> None:
        """Do nothing, until L{go_on}."""
        self.stopped = True

    def go_on(self, *, at_once: bool) -> None:
        """Wake up.

        @param at_once: what came meanwhile is looked at before any timer.
        """
        self.stopped = False
        if at_once:
            self.clock.rightNow = self.world.now
            self._read()
        self.advance()
        self._read()

    def mend(self) -> None:
        """Reach the store again; what waits there is done."""
        self.store.cut = self.store.loses_answers = False
        self.store.release()

    def leave(self) -> "Deferred[None]":
        """End as one that is asked to."""
        self.left = True
        return Deferred.fromCoroutine(self.membership.leave())

    def advance(self) -> None:
        """Let its timers run."""
        if self.up and not self.stopped:
            self.clock.advance(max(0.0, self.world.now - self.clock.seconds()))

    def ask(self, command: Command) -> "Deferred[Reply]":
        """What comes over the wire; where there is no process it is never answered."""
        answer: Deferred[Reply] = Deferred()
        if self.up:
            self.inbox.append((command, answer))
            self._read()
        return answer

    def _read(self) -> None:
        while self.inbox and self.up and not self.stopped:
            command, answer = self.inbox.pop(0)
            self.worker.ask(command).addBoth(self._answer, answer)

    def _answer(self, result: Any, answer: "Deferred[Reply]") -> None:
        """A process that is gone answers nothing."""
        if self.up and not answer.called:
            answer.errback(result) if isinstance(result, Failure) else answer.callback(result)


@dataclass(slots=True)
class Counted:
    """What clients know of one processor."""

    tried: int = 0
    done: int = 0
    epoch: int = 0
    answered_by: dict[int, int] = field(default_factory=dict)


class World:
    """All of them."""

    def __init__(self, services: int) -> None:
        self.now = 1_000.0
        self.store = SharedMemory()
        self.services = [Service(number, self) for number in range(services)]
        self.counted: dict[str, Counted] = {}
        self.dead: list[FlakyStore] = []
        self.errors: list[KatoError] = []
        self.violations: list[Failure] = []
        """What must never be."""
        self.make_audit: Callable[[Service], IAudit | None] = lambda service: None
        self._ids = count(1)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self.now < end:
            self.now += STEP
            for service in self.services:
                service.advance()

    # Clients

    def learn(self, number: int, processor: str) -> "Deferred[Any]":
        """Have a service learn the sequence once more."""
        known = self.counted.setdefault(processor, Counted())
        known.tried += 1
        command = Command.parse("observe_sequence", ONCE_MORE, processor, f"r{next(self._ids)}")
        asked = self._ask(number, command).addCallback(self._learned, known)
        return asked.addErrback(self.violations.append)

    def _learned(self, reply: Reply | None, known: Counted) -> Reply | None:
        if reply is not None:
            known.done += 1
        return reply

    def frequency(self, number: int, processor: str) -> "Deferred[Any]":
        """Ask a service how often the sequence was learned; that is judged."""
        known = self.counted.setdefault(processor, Counted())
        command = Command.parse("list_models", {}, processor)
        asked = self._ask(number, command).addCallback(self._counted, known, known.done)
        return asked.addErrback(self.violations.append)

    def _counted(self, reply: Reply | None, known: Counted, at_least: int) -> int | None:
        if reply is None:
            return None
        frequency: int = sum(each["frequency"] for each in reply.fields["models"])
        assert at_least <= frequency <= known.tried, (at_least, frequency, known)
        return frequency

    def _ask(self, number: int, command: Command) -> "Deferred[Reply | None]":
        asked = self.services[number].ask(command)
        return asked.addCallbacks(self._seen, self._refused, (number,))

    def _seen(self, reply: Reply, number: int) -> Reply:
        """Nobody answers in another's epoch, nor in one that is over."""
        known = self.counted[reply.processor or ""]
        assert reply.epoch is not None
        assert known.answered_by.setdefault(reply.epoch, number) == number, (reply.epoch, known)
        assert reply.epoch >= known.epoch, (reply.epoch, known)
        known.epoch = reply.epoch
        return reply

    def _refused(self, failure: Failure) -> None:
        failure.trap(KatoError, AlreadyBegun)
        if isinstance(failure.value, KatoError):
            self.errors.append(failure.value)

    def ask_around(self, processor: str, *, learn: bool) -> bool:
        """Ask whoever lives, and go where one is sent, as a gateway does; gives whether it was
        answered."""
        there = [each.number for each in self.services if each.up and not each.stopped]
        if not there:
            return False
        number = there[0]
        for _ in range(8):
            self.errors.clear()
            ask = self.learn if learn else self.frequency
            done: list[Any] = []
            ask(number, processor).addCallback(done.append)
            self.advance(STEP)
            if done and done[0] is not None:
                return True
            if self.errors and isinstance(self.errors[0], Moved):
                address = self.errors[0].address
                number = next(each.number for each in self.services if each.address == address)
            elif not self.errors or not isinstance(self.errors[0], ProcessorUnavailable):
                return False
        return False

    # The end

    def settle(self) -> None:
        """Let everybody be there, and reach the store."""
        for service in self.services:
            if service.up and not service.left:
                service.mend()
                if service.stopped:
                    service.go_on(at_once=True)
            else:
                if service.up:
                    service.crash()
                service.start()
        for store in self.dead:
            store.release()
        self.advance(40.0)
