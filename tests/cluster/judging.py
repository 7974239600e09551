"""Decides whether one processor, which does one thing at a time, could have said what clients were
told (SPEC 8, 11).

It looks for an order of all requests in which each comes after those that were answered before it
was sent, and every answer is what a machine says there (the search of Wing and Gong, which
remembers where it has been).  What nobody knows may have happened, once.  In a crash the processor
goes back to what it was after one of its operations, not further than to what must last; a request
that was under way then may be done once more, by whoever asks the next owner.

What must last (SPEC 11): learn, also an automatic one that made a model, observe_sequence with any
of them, change_gene, change_genes, create_processor, delete_processor, update_model, delete_model
and clear_all_memory, once they are answered, or anything that was answered after they were done.
Not observe, nor clear_short_term_memory.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from math import inf
from pathlib import Path
from typing import NamedTuple

from tests.cluster.history import Call, Came, Crash, History
from tests.cluster.machine import Answer, Request, State, Step, explains, step, was_done

MOST = 400_000
"""So many points are looked at for one processor; beyond, nothing is said."""
_UNHEARD = (0, 1, 2, 4, inf)
"""So many things of which nobody heard may have happened in an order: few did in most, and an order
with few is found soon."""
_SHOWN = 8
"""So many calls are told of where there is no explanation."""


class Found(Enum):
    """What is found of one processor."""

    EXPLAINED = "there is an order that explains all answers"
    NOT_EXPLAINED = "no order explains all answers"
    UNDECIDED = "there are too many orders to try"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is found of one processor, with how much was looked at, and why not, in words."""

    processor: str
    found: Found
    points: int
    calls: int
    why: str = ""

    @property
    def good(self) -> bool:
        return self.found is Found.EXPLAINED


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """What a processor is, and was since the last that must last.

    C{lasts}: what led here must last, once anything is answered that saw it.  C{answered}: when
    what led here was answered.  C{open}: here or before is something that lasts so.  C{unseen}:
    what led here was never answered, and nothing was since.
    """

    state: State
    before: "Past | None" = None
    lasts: bool = False
    answered: float = inf
    open: bool = False
    unseen: bool = False
    key: int = 0

    def then(self, done: Step, answered: float) -> "Past":
        """It, after something more."""
        return Past(
            done.state,
            self,
            done.lasts,
            answered,
            self.open or done.lasts,
            answered == inf,
            hash((self.key, done.state.key, done.lasts, answered)),
        )

    @property
    def clock(self) -> int:
        """The least that the clock of the processor can be again."""
        here = self
        while here.before is not None:
            here = here.before
        return min(here.state.interval, self.state.interval)

    def alone(self) -> "Past":
        """Without what was before."""
        return self if self.before is None else Past(self.state, key=self.state.key)

    def seen(self) -> "Past":
        """It, once an answer was given that saw it: nothing before what lasts can come back."""
        if not self.open:
            return replace(self, unseen=False) if self.unseen else self
        if self.lasts or self.before is None:
            return self.alone()
        before = self.before.seen()
        key = hash((before.key, self.state.key, False, self.answered))
        return replace(self, before=before, open=False, unseen=False, key=key)

    def returns(self, saved: float) -> "Iterator[Past]":
        """What it may be after a crash, the latest first.

        @param saved: what was answered before must not be lost.
        """
        here = self
        while here.before is not None and here.answered > saved:
            here = here.before
            yield here.alone()


Key = tuple[int, frozenset[int], frozenset[int], int, bool, str | None]


class Order(NamedTuple):
    """Calls one after the other, the last one first."""

    number: int
    before: "Order | None"


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """A part of the calls in an order: the first C{first} and those C{beyond} are done.

    C{latest} is when the last of them was sent; C{crashed} has the crashes that happened;
    C{unheard} is what was done last, where nobody heard of it, as of C{unheards} in all.
    """

    past: Past
    first: int = 0
    beyond: frozenset[int] = frozenset()
    latest: float = -inf
    crashed: frozenset[int] = frozenset()
    order: Order | None = None
    unheard: Request | None = None
    unheards: int = 0

    @property
    def key(self) -> "Key":
        """Two points with the same have the same future."""
        unheard = None if self.unheard is None else self.unheard.id
        past = self.past
        return self.first, self.beyond, self.crashed, past.key, past.unseen, unheard

    @property
    def done(self) -> int:
        """How many calls are done."""
        return self.first + len(self.beyond)


class Search:
    """The search for one processor."""

    def __init__(self, history: History, most: int = MOST) -> None:
        """
        @param history: of one processor, in order.
        """
        asked = [(each, each.request(number)) for number, each in enumerate(history.calls)]
        told = [each for each in asked if each[0].came is Came.TOLD]
        self.calls: Sequence[Call] = [call for call, _ in told]
        self.requests: Sequence[Request] = [request for _, request in told]
        self._told: Sequence[Answer] = [call.told() for call in self.calls]
        self._crashes: Sequence[Crash] = history.crashes
        self._last_crash = max((each.ended for each in self._crashes), default=-inf)
        self._open = _unknown(asked)
        self._heard = {request.id for request in self.requests}
        self._again = [self._may_be_done_twice(number) for number in range(len(self.calls))]
        self._needs = [_needed(*each) for each in zip(self.requests, self._told, strict=True)]
        self._resets = [
            number for number, request in enumerate(self.requests) if request.operation in _RESETS
        ]
        self._clock_falls = any(request.operation in _RESETS for _, request in self._open)
        self._most = most
        self._most_unheard: float = inf
        self._is_cut = False
        self.points = 0
        self.furthest = Point(Past(State(), key=State().key))

    def _may_be_done_twice(self, number: int) -> bool:
        """Whether it was under way in a crash."""
        call = self.calls[number]
        return self.requests[number].changes and any(
            each.began <= call.ended and call.began <= each.ended for each in self._crashes
        )

    def run(self) -> Found:
        """Look for an order, first for those in which nearly all was heard of."""
        begin = self.furthest
        for self._most_unheard in _UNHEARD:
            left = self._most - self.points
            found = self._run(begin, left if self._most_unheard == inf else left // 4)
            if found is Found.EXPLAINED or not (self._is_cut or found is Found.UNDECIDED):
                return found
        return found

    def _run(self, begin: Point, most: int) -> Found:
        """Look at so many points."""
        most += self.points
        self._is_cut = False
        been = {begin.key}
        ways = [iter((begin,))]
        while ways:
            point = next(ways[-1], None)
            if point is None:
                ways.pop()
                continue
            if point.done == len(self.calls):
                return Found.EXPLAINED
            if self.points >= most:
                return Found.UNDECIDED
            self.points += 1
            if point.done > self.furthest.done:
                self.furthest = point
            ways.append(each for each in self._next(point) if _is_new(each, been))
        return Found.NOT_EXPLAINED

    def candidates(self, point: Point) -> list[int]:
        """The calls that may come next: no other was answered before they were sent."""
        found: list[int] = []
        limit = inf
        for number in range(point.first, len(self.calls)):
            call = self.calls[number]
            if call.began > limit:
                break
            if number not in point.beyond:
                found.append(number)
                limit = min(limit, call.ended)
        return [number for number in found if self.calls[number].began <= limit]

    def _next(self, point: Point) -> Iterator[Point]:
        candidates = self.candidates(point)
        limit = min(self.calls[number].ended for number in candidates)
        candidates.sort(key=partial(self._usual, point.past.state.interval))
        if self._is_over(point, candidates):
            return
        if point.past.unseen and not self._may_be_seen(point, candidates):
            return
        ways: list[Point] = []
        for number in candidates:
            after = self._answered(point, number)
            if after is None or self._came_before(point, number, after):
                continue
            if self._is_free(point, after):
                yield after
                return
            ways.append(after)
        yield from ways
        if not point.past.unseen:  # or the same would come of it if what is unseen had not been
            yield from self._crashed(point, limit)
        yield from self._unanswered(point, candidates, limit)

    def _usual(self, now: int, number: int) -> tuple[int, float, float]:
        """Puts calls into the order in which they mostly happened: as the clock rises, then what
        puts it back, then what has a lower clock."""
        began = self.calls[number].began
        if self.requests[number].operation in _RESETS:
            return 1, 0, began
        needs = self._needs[number]
        if needs is None:
            return 0, now, began
        return (0 if needs >= now else 2), needs, began

    def _is_over(self, point: Point, candidates: Sequence[int]) -> bool:
        """Whether some answer can not be true any more, since the clock was lower."""
        if self._clock_falls:
            return False
        past = point.past
        lost = past.before is not None and any(True for _ in self._possible(point))
        clock = past.clock if lost else past.state.interval
        late = [number for number in candidates if self._needs_less(number, clock)]
        return any(
            not was_done(past.state, self.requests[number]) and not self._may_fall(point, number)
            for number in late
        )

    def _needs_less(self, number: int, clock: int) -> bool:
        needs = self._needs[number]
        return needs is not None and needs < clock

    def _may_fall(self, point: Point, number: int) -> bool:
        """Whether something that puts the clock back may come before a call."""
        return any(
            self.calls[each].began <= self.calls[number].ended
            for each in self._resets
            if each >= point.first and each not in point.beyond
        )

    def _may_be_seen(self, point: Point, candidates: Sequence[int]) -> bool:
        """Whether an answer may still tell of what nobody was told of: the clock only rises."""
        now = point.past.state.interval
        return self._clock_falls or any(
            self._told[number].get("interval", inf) >= now
            or was_done(point.past.state, self.requests[number])
            or self.requests[number].operation in _RESETS
            or "unique_id" in self.requests[number].params
            for number in candidates
        )

    def _came_before(self, point: Point, number: int, after: Point) -> bool:
        """Whether the same comes of it if what nobody heard of just before happens after it."""
        first, before = point.unheard, point.past.before
        if first is None or before is None:
            return False
        done = step(before.state, self.requests[number])
        return explains(done.answer, self._told[number]) and (
            step(done.state, first).state.key == after.past.state.key
        )

    def _is_free(self, point: Point, after: Point) -> bool:
        """Whether a call changes nothing, nor what may be lost: then it may as well be now as
        later, and nothing else need be tried."""
        if after.past.key != point.past.key:
            return False
        lost = [] if point.past.before is None else list(self._possible(point))
        return all(crash.ended >= after.latest for _, crash in lost)

    def _answered(self, point: Point, number: int) -> Point | None:
        """A call is done here, if that explains its answer."""
        request, told = self.requests[number], self._told[number]
        if not request.changes and told.get("interval", now := point.past.state.interval) != now:
            return None  # a list need not be made to see that it is another one
        done = step(point.past.state, request)
        if not explains(done.answer, told):
            return None
        call, past = self.calls[number], point.past
        if done.state is not past.state:
            past = past.then(done, call.ended)
        past = past.seen()
        latest = max(point.latest, call.began)
        if latest > self._last_crash:
            past = past.alone()
        first, beyond = _more(point, number)
        order = Order(number, point.order)
        return Point(past, first, beyond, latest, point.crashed, order, unheards=point.unheards)

    def _crashed(self, point: Point, limit: float) -> Iterator[Point]:
        """What was done is lost from somewhere on."""
        for number, crash in self._possible(point):
            if crash.began <= limit:
                crashed = point.crashed if crash.often else point.crashed | {number}
                for past in point.past.returns(crash.saved):
                    yield replace(point, past=past, crashed=crashed, unheard=None)

    def _possible(self, point: Point) -> Iterator[tuple[int, Crash]]:
        """The crashes that may happen yet."""
        for number, crash in enumerate(self._crashes):
            if crash.ended >= point.latest and number not in point.crashed:
                yield number, crash

    def _unanswered(self, point: Point, candidates: Sequence[int], limit: float) -> Iterator[Point]:
        """Something happens of which nobody hears: its answer is lost, or given later when it is
        asked for again after a crash."""
        for request in self._asked(point, candidates, limit):
            past = self._after(point, request)
            if past is None:
                continue
            if point.unheards >= self._most_unheard:
                self._is_cut = True
                return
            yield replace(point, past=past, unheard=request, unheards=point.unheards + 1)

    def _asked(self, point: Point, candidates: Sequence[int], limit: float) -> Iterator[Request]:
        """What may happen now without anybody hearing of it."""
        yield from (request for began, request in self._open if began <= limit)
        crashes = [crash for _, crash in self._possible(point)]
        for number in candidates:
            ended = self.calls[number].ended
            if self._again[number] and any(each.began <= ended for each in crashes):
                yield self.requests[number]

    def _after(self, point: Point, request: Request) -> Past | None:
        """What a request makes of a processor, if it makes anything that may matter."""
        state = point.past.state
        if was_done(state, request):
            return None
        done = step(state, request)
        if done.state is state:
            return None
        if request.id not in self._heard and _is_the_same(state, done.state):
            return None
        past = point.past.then(done, inf)
        if self._is_later_than_itself(point, request, past):
            return None
        return past.alone() if point.latest > self._last_crash else past

    def _is_later_than_itself(self, point: Point, request: Request, past: Past) -> bool:
        """Whether the same comes of it if what nobody heard of before it happens after it: of two
        such ways one is enough."""
        first, before = point.unheard, point.past.before
        if first is None or before is None or first.id < request.id:
            return False
        done = step(before.state, request)
        return done.state is not before.state and (
            step(done.state, first).state.key == past.state.key
        )


def _needed(request: Request, told: Answer) -> int | None:
    """What the clock must be for an answer, where it is that of the moment."""
    if request.operation in _RESETS or "unique_id" in request.params:
        return None
    needed: int | None = told.get("interval")
    return needed


def _is_the_same(one: State, other: State) -> bool:
    """Whether two states differ at most in what is remembered of requests."""
    return one.key == replace(other, answered=one.answered, deletions=one.deletions).key


_RESETS = frozenset({"clear_all_memory", "delete_processor"})
"""Operations that put the clock back."""


def _is_new(point: Point, been: set[Key]) -> bool:
    if point.key in been:
        return False
    been.add(point.key)
    return True


def _unknown(asked: Sequence[tuple[Call, Request]]) -> list[tuple[float, Request]]:
    """What may have happened, and since when; what was sent again under the same id is one."""
    found: dict[str, tuple[float, Request]] = {}
    for call, request in asked:
        if call.came is Came.UNKNOWN and request.changes:
            found.setdefault(request.id, (call.began, request))
    return list(found.values())


def _more(point: Point, number: int) -> tuple[int, frozenset[int]]:
    """What is done with one more."""
    if number != point.first:
        return point.first, point.beyond | {number}
    first, beyond = point.first + 1, point.beyond
    while first in beyond:
        beyond -= {first}
        first += 1
    return first, beyond


def judge(history: History, most: int = MOST) -> list[Verdict]:
    """Look at each processor by itself."""
    return [_judged(history.of(each), each, most) for each in history.processors]


def _judged(history: History, processor: str, most: int) -> Verdict:
    search = Search(history, most)
    found = search.run()
    why = "" if found is Found.EXPLAINED else _why(search)
    return Verdict(processor, found, search.points, len(search.calls), why)


def _why(search: Search) -> str:
    """The longest order that was found, and what cannot follow it."""
    point = search.furthest
    before: list[int] = []
    order = point.order
    while order is not None and len(before) < _SHOWN:
        before.append(order.number)
        order = order.before
    lines = [f"after {point.done} calls of {len(search.calls)}, the last of them"]
    lines += [f"  {_told(search.calls[number])}" for number in reversed(before)]
    lines.append("none of these can follow")
    for number in search.candidates(point)[:_SHOWN]:
        said = step(point.past.state, search.requests[number]).answer
        lines.append(f"  {_told(search.calls[number])}\n    where {_short(said)} is true")
    return "\n".join(lines)


def _told(call: Call) -> str:
    answer = {k: v for k, v in (call.answer or {}).items() if k not in _VARYING}
    return (
        f"{call.began:.3f} to {call.ended:.3f} s {call.client}: {call.operation} "
        f"{_short(dict(call.params))} [{call.request_id}] -> {_short(answer)}"
    )


_VARYING = frozenset({"status", "processor", "time_stamp"})
_LONGEST = 600


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ... ({len(text)} characters)"


def main(paths: Sequence[str]) -> int:
    """Judge histories that were left behind; gives 0 where all are explained."""
    verdicts = [each for path in paths for each in judge(History.load(Path(path)))]
    for each in verdicts:
        sys.stdout.write(f"{each.processor}: {each.found.value} ({each.points}) {each.why}\n")
    return 0 if all(each.good for each in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
