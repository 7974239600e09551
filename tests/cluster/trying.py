"""What L{tests.cluster.judging} decides, by trying everything: slow, and too plain to be wrong."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf

from tests.cluster.history import Came, Crash, History
from tests.cluster.machine import Request, State, explains, step, was_done

_UNHEARD = 4
"""So much happens at most of which nobody hears."""


@dataclass(frozen=True)
class _World:
    """C{past}: what the processor was after each deed since the last that must last, with whether
    the deed lasts, and when it was answered."""

    past: tuple[tuple[State, bool, float], ...] = ((State(), False, inf),)
    done: frozenset[int] = frozenset()
    latest: float = -inf
    crashed: frozenset[int] = frozenset()
    unheard: int = 0

    @property
    def state(self) -> State:
        return self.past[-1][0]


def explained(history: History) -> bool:
    """Whether there is an order; only for histories of a few calls."""
    requests = [each.request(number) for number, each in enumerate(history.calls)]
    return _explained(history, requests, _World())


def _explained(history: History, requests: Sequence[Request], world: _World) -> bool:
    left = [
        number
        for number, each in enumerate(history.calls)
        if each.came is Came.TOLD and number not in world.done
    ]
    if not left:
        return True
    limit = min(history.calls[number].ended for number in left)
    ways = [
        *_answers(history, requests, world, left, limit),
        *_crashes(history.crashes, world, limit),
        *_unheard(history, requests, world, limit),
    ]
    return any(_explained(history, requests, each) for each in ways)


def _answers(
    history: History, requests: Sequence[Request], world: _World, left: list[int], limit: float
) -> Iterator[_World]:
    for number in left:
        call = history.calls[number]
        done = step(world.state, requests[number])
        if call.began > limit or not explains(done.answer, call.told()):
            continue
        past = world.past
        if done.state is not world.state:
            past = (*past, (done.state, done.lasts, call.ended))
        lasting = [place for place, (_, lasts, _) in enumerate(past) if lasts]
        yield replace(
            world,
            past=past[lasting[-1] :] if lasting else past,
            done=world.done | {number},
            latest=max(world.latest, call.began),
        )


def _crashes(crashes: Sequence[Crash], world: _World, limit: float) -> Iterator[_World]:
    for number, crash in enumerate(crashes):
        if number in world.crashed or crash.ended < world.latest or crash.began > limit:
            continue
        for kept in range(1, len(world.past)):
            if all(answered > crash.saved for _, _, answered in world.past[kept:]):
                state = world.past[kept - 1][0]
                crashed = world.crashed if crash.often else world.crashed | {number}
                yield replace(world, past=((state, False, inf),), crashed=crashed)


def _unheard(
    history: History, requests: Sequence[Request], world: _World, limit: float
) -> Iterator[_World]:
    if world.unheard == _UNHEARD:
        return
    for number, (call, request) in enumerate(zip(history.calls, requests, strict=True)):
        if number in world.done:  # what was answered is not under way any more
            continue
        shaken = any(
            call.began <= each.ended and each.began <= call.ended for each in history.crashes
        )
        may = call.came is Came.UNKNOWN or (call.came is Came.TOLD and shaken)
        if not (may and request.changes and call.began <= limit):
            continue
        done = step(world.state, request)
        if not was_done(world.state, request) and done.state is not world.state:
            past = (*world.past, (done.state, done.lasts, inf))
            yield replace(world, past=past, unheard=world.unheard + 1)
