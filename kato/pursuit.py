"""Commands to processors that may move while they are asked (SPEC 8 and 10).

A command goes to who has its processor, and after it where it moves; it is carried out once,
however often it is sent, since it keeps its request id.  Those of one processor keep their order:
nothing is sent to another service before all that was sent to the one before has come back.
"""

from bisect import insort
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import count
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from kato.commands import Command, Reply
from kato.dispatch import AlreadyBegun
from kato.errors import (
    KatoError,
    Moved,
    ProcessorNotFound,
    ProcessorUnavailable,
    TooManyRequests,
)
from kato.members import Members
from kato.placement import Candidate
from kato.roster import Roster

PATIENCE = 10.0
"""Seconds for which a command waits for a service that has its processor."""

PAUSE = 0.2
"""Seconds before it is asked again who has a processor, where that was of no use."""

MAX_WAITING = 10_000
"""How many commands may be pursued at a time."""


class _Wanted:
    """A command on its way.

    C{doubtful} says that it may have been carried out already, where nobody heard of it.
    """

    __slots__ = (
        "address",
        "answer",
        "command",
        "doubtful",
        "flight",
        "given_up",
        "number",
        "until",
    )

    def __init__(
        self, number: int, command: Command, until: float, cancelled: "Callable[[_Wanted], None]"
    ) -> None:
        self.number = number
        self.command = command
        self.until = until
        self.address = ""
        self.flight: Deferred[Reply] | None = None
        self.doubtful = self.given_up = False
        self.answer: Deferred[Reply] = Deferred(lambda _: cancelled(self))


class _Lane:
    """The commands of one processor: those that were sent, all to one service, and those that wait,
    in their order.  C{avoids} is a service that was of no use when it was asked last."""

    __slots__ = ("address", "avoids", "flying", "processor", "rest", "waiting")

    def __init__(self, processor: str) -> None:
        self.processor = processor
        self.flying: dict[int, _Wanted] = {}
        self.waiting: list[_Wanted] = []
        self.address = self.avoids = ""
        self.rest: IDelayedCall | None = None


class Pursuit:
    """Asks whoever has a processor, wherever it goes."""

    def __init__(
        self,
        roster: Roster,
        members: Members,
        *,
        clock: IReactorTime,
        make_id: Callable[[], str],
    ) -> None:
        """@param make_id: makes request ids, none of them ever twice."""
        self._roster = roster
        self._places = roster.whereabouts
        self._members = members
        self._clock = clock
        self._make_id = make_id
        self._numbers = count()
        self._lanes: dict[str, _Lane] = {}
        self._pursued = 0
        self.again = 0
        members.moved = self.moved

    def concerns(self, processor: str) -> bool:
        """Whether a processor is, or would be, that of services that share a store."""
        return self._roster.claim(processor) is None and self._roster.shares

    def ask(self, command: Command) -> "Deferred[Reply]":
        """Have whoever has the processor carry out a command."""
        processor = command.processor
        assert processor is not None
        if self._pursued >= MAX_WAITING:
            return fail(TooManyRequests(f"{MAX_WAITING} requests are under way", retry_after=1))
        if command.row.changes and command.request_id is None:
            command = replace(command, request_id=self._make_id())
        until = self._clock.seconds() + PATIENCE
        wanted = _Wanted(next(self._numbers), command, until, self._cancelled)
        lane = self._lanes.setdefault(processor, _Lane(processor))
        lane.waiting.append(wanted)
        self._pursued += 1
        self._pump(lane)
        return wanted.answer

    def _cancelled(self, wanted: _Wanted) -> None:
        """Nobody waits for it any more."""
        lane = self._lanes[wanted.command.processor or ""]
        wanted.given_up = True
        if wanted.flight is not None:
            wanted.flight.cancel()
            wanted.answer.errback(AlreadyBegun())
            return
        lane.waiting.remove(wanted)
        self._pursued -= 1
        wanted.answer.errback(AlreadyBegun() if wanted.doubtful else CancelledError())
        self._tidy(lane)

    # Sending

    def _pump(self, lane: _Lane) -> None:
        while lane.waiting and lane.rest is None:
            address = self._whom(lane)
            if address is None:
                self._pause(lane)
                return
            if lane.flying and lane.address != address:
                return
            lane.address = address
            self._send(lane, lane.waiting.pop(0))
        self._tidy(lane)

    def _tidy(self, lane: _Lane) -> None:
        if not lane.waiting and not lane.flying and self._lanes.get(lane.processor) is lane:
            del self._lanes[lane.processor]
            if lane.rest is not None:
                lane.rest.cancel()
                lane.rest = None

    def _send(self, lane: _Lane, wanted: _Wanted) -> None:
        provider = self._members.provider(self._roster.services[lane.address])
        assert provider is not None, "it was looked at just now"
        wanted.address = lane.address
        lane.flying[wanted.number] = wanted
        wanted.flight = provider.ask(wanted.command)
        wanted.flight.addBoth(self._landed, lane, wanted)

    def _whom(self, lane: _Lane) -> str | None:
        """Who has a processor; where nobody knows, who would get it; C{None}: nobody is there."""
        known = self._places.place(lane.processor)
        if known is not None and known != lane.avoids and self._is_there(known):
            return known
        there = [each for each in self._roster.sharing() if self._is_there(each.address)]
        loads = self._members.loads()
        useful = [each for each in there if each.address != lane.avoids and each.address in loads]
        candidates = useful or [each for each in there if each.address in loads] or there
        if not candidates:
            return None
        chosen = self._roster.placement.choose(
            Candidate(each.address, len(each.held), loads.get(each.address, 0))
            for each in candidates
        )
        self._places.guess(lane.processor, chosen)
        return chosen

    def _is_there(self, address: str) -> bool:
        service = self._roster.services.get(address)
        if service is None or not (service.shares and service.leased):
            return False
        return self._members.provider(service) is not None

    # What comes back

    def _landed(self, result: Reply | Failure, lane: _Lane, wanted: _Wanted) -> None:
        del lane.flying[wanted.number]
        wanted.flight = None
        if wanted.given_up:
            self._pursued -= 1
        elif isinstance(result, Reply):
            self._replied(result, lane, wanted)
        else:
            self._failed(result, lane, wanted)
        self._pump(lane)

    def _replied(self, reply: Reply, lane: _Lane, wanted: _Wanted) -> None:
        """An answer of an older epoch than is known is that of who has lost the processor."""
        lane.avoids = ""
        if reply.epoch is not None:
            if reply.epoch < self._places.epoch(lane.processor):
                wanted.doubtful = wanted.command.row.changes
                old = ProcessorUnavailable("a service answered that has lost the processor")
                self._once_more(lane, wanted, error=old, pause=True)
                return
            self._places.confirm(lane.processor, wanted.address, reply.epoch)
        if wanted.command.operation == "delete_processor":
            self._places.forget(lane.processor)
        self._pursued -= 1
        wanted.answer.callback(reply)

    def _failed(self, failure: Failure, lane: _Lane, wanted: _Wanted) -> None:
        error = failure.value
        changes = wanted.command.row.changes
        if isinstance(error, Moved):
            lane.avoids = ""
            self._places.learn(lane.processor, error.address, error.epoch)
            nowhere_else = self._places.place(lane.processor) == wanted.address
            self._once_more(lane, wanted, error=error, pause=nowhere_else)
        elif isinstance(error, AlreadyBegun | CancelledError):
            wanted.doubtful |= changes and isinstance(error, AlreadyBegun)
            self._once_more(lane, wanted)
        elif isinstance(error, ProcessorUnavailable):
            wanted.doubtful |= error.outcome_unknown
            lane.avoids = wanted.address
            self._once_more(lane, wanted, error=error, pause=True)
        else:
            if isinstance(error, ProcessorNotFound):
                self._places.forget(lane.processor)
            self._give_up(wanted, error)

    def _once_more(
        self, lane: _Lane, wanted: _Wanted, *, error: KatoError | None = None, pause: bool = False
    ) -> None:
        if error is not None and self._clock.seconds() >= wanted.until:
            self._give_up(wanted, error)
            return
        self.again += 1
        insort(lane.waiting, wanted, key=_number)
        if pause:
            self._pause(lane)

    def _give_up(self, wanted: _Wanted, error: Any) -> None:
        """Tell what was said last; what was tried before may have been done."""
        unavailable = isinstance(error, ProcessorUnavailable)
        if unavailable and wanted.doubtful and not error.outcome_unknown:
            error = ProcessorUnavailable(error.message, retry_after=1, outcome_unknown=True)
        self._pursued -= 1
        wanted.answer.errback(error)

    def _pause(self, lane: _Lane) -> None:
        if lane.rest is None:
            lane.rest = self._clock.callLater(PAUSE, self._go_on, lane)

    def _go_on(self, lane: _Lane) -> None:
        lane.rest = None
        now = self._clock.seconds()
        if self._whom(lane) is None:
            late = [each for each in lane.waiting if now >= each.until]
            lane.waiting = [each for each in lane.waiting if now < each.until]
            for each in late:
                error = ProcessorUnavailable("no service is there", retry_after=1)
                self._give_up(each, error)
        self._pump(lane)

    def moved(self, processors: Iterable[str]) -> None:
        """Others have these now: what is under way to who had them before is asked again."""
        for processor in processors:
            lane = self._lanes.get(processor)
            if lane is None:
                continue
            lane.avoids = ""
            place = self._places.place(processor)
            for wanted in list(lane.flying.values()):
                if wanted.address != place and wanted.flight is not None:
                    wanted.flight.cancel()

    def close(self) -> None:
        """Pursue nothing any more."""
        for lane in list(self._lanes.values()):
            waiting, lane.waiting = lane.waiting, []
            for each in waiting:
                self._give_up(each, ProcessorUnavailable("the server is stopping", retry_after=1))
            self._tidy(lane)

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of commands that follow their processors."""
        return {"pursued": self._pursued, "asked_again": self.again}


def _number(wanted: _Wanted) -> int:
    return wanted.number
