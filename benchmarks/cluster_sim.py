"""C{python -m benchmarks cluster_sim}: 1,000 services and 1,000,000 processors in one process.

The code is that of services and gateways, from the roster and placement down to leases and shares;
time, the store and the load are simulated (L{benchmarks.cluster_world}).  All of it is determined:
the same seed gives the same numbers, but for those of this machine.
"""

import argparse
import gc
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from time import perf_counter

import psutil

from benchmarks.cluster_world import READ, TRANSACTION, Service, World
from kato.ownership import Announcement
from kato.placement import PLACEMENTS
from kato.roster import Roster
from kato.storage.shared import MAX_ORPHANS

STEP = 0.25
"""Simulated seconds between two looks at what has become of it."""

PLACED = 4_000
"""New processors that are placed by each way of placement."""

AT_A_TIME = 1_000
"""As many are placed before services announce them."""

_MIB = 2**20


@dataclass(slots=True)
class Outcome:
    """What became of something that happened; times in simulated seconds.

    @ivar taken: when everything belonged to a living service again; C{None}: not until the end.
    @ivar settled: when the gateway knew all, too, and nobody had two more than another.
    @ivar loose: the most that belonged to nobody at a time.
    """

    what: str
    least_moves: int
    moved: int = 0
    loose: int = 0
    freed: float | None = None
    taken: float | None = None
    settled: float | None = None
    seconds: float = 0.0
    transactions: int = 0
    left: int = 0
    counts: Sequence[int] = ()
    wall: float = 0.0


def happens(
    world: World, what: str, deed: Callable[[], object], *, least_moves: int, limit: float
) -> Outcome:
    """Let something happen, and time pass until all is settled, or C{limit} seconds are over."""
    outcome = Outcome(what, least_moves)
    began, wall = world.calendar.now, perf_counter()
    moved, transactions = world.table.moved, world.transactions
    world.table.loosest = 0
    deed()
    while outcome.settled is None and world.calendar.now < began + limit:
        world.calendar.run(STEP)
        _watch(world, outcome, world.calendar.now - began)
    outcome.seconds = world.calendar.now - began
    outcome.moved = world.table.moved - moved
    outcome.transactions = world.transactions - transactions
    outcome.loose = world.table.loosest
    outcome.left, outcome.counts = len(world.table.orphans), world.counts()
    outcome.wall = perf_counter() - wall
    return outcome


def _watch(world: World, outcome: Outcome, now: float) -> None:
    loose = len(world.table.orphans)
    if loose and outcome.freed is None:
        outcome.freed = now
    if outcome.freed is not None and not loose and outcome.taken is None:
        outcome.taken = now
    if world.settled:
        outcome.settled = now


def scenarios(world: World, *, seed: int, restarts: int, limit: float) -> Iterator[Outcome]:
    """What happens, one after the other; everything is given the time to settle between."""
    chance = random.Random(seed)
    run = partial(happens, world, limit=limit)
    yield run("all at rest", lambda: None, least_moves=0)
    share = len(world.table.owners) // (len(world.services) + 1)
    yield run("one joins", world.add, least_moves=share)
    leaver = chance.choice(world.living())
    yield run("one ends (SIGTERM)", leaver.leave, least_moves=len(leaver.tenancy.held))
    restarted = chance.sample(world.living(), restarts)
    deed = partial(_roll, world, list(restarted))
    yield run(f"{restarts} are restarted in turn", deed, least_moves=_had(restarted))
    for what, number in _deaths(len(world.living())):
        dying = chance.sample(world.living(), number)
        yield run(what, partial(kill, dying), least_moves=_had(dying))


def _had(services: Sequence[Service]) -> int:
    return sum(len(each.tenancy.held) for each in services)


def _deaths(services: int) -> Iterator[tuple[str, int]]:
    yield "one is killed", 1
    yield f"{max(2, services // 200)} are killed at once", max(2, services // 200)
    yield f"a rack, {services // 10} of them, is killed", services // 10


def kill(services: Sequence[Service]) -> None:
    """Have some be gone."""
    for each in services:
        each.crash()


def _roll(world: World, services: list[Service]) -> None:
    """End one, start it again, and go on with the next when it is a member."""
    if services:
        first, *others = services
        leaving = first.leave().addCallback(lambda _: first.create())
        leaving.addCallback(lambda _: _roll(world, others))


# Placement


def placed(services: int, way: str) -> tuple[list[int], float]:
    """How many new processors each service gets whose store is its own, and the seconds that it
    takes to place one."""
    roster = Roster(placement=PLACEMENTS[way](), now=0.0)
    held: dict[str, set[str]] = {f"tcp://s{number:04}:5555": set() for number in range(services)}
    _announce(roster, held)
    taken, loads = 0.0, dict.fromkeys(held, 0)
    for number in range(PLACED):
        began = perf_counter()
        claim = roster.place(f"p{number}", now=10.0, loads=loads)
        taken += perf_counter() - began
        held[claim.service.address].add(f"p{number}")
        if number % AT_A_TIME == AT_A_TIME - 1:
            _announce(roster, held)
    return [len(each) for each in held.values()], taken / PLACED


def _announce(roster: Roster, held: dict[str, set[str]]) -> None:
    for address, processors in held.items():
        told = Announcement(
            service=address,
            address=address,
            boot=address,
            processors=frozenset(processors),
            gateways=("tcp://gateway:5550",),
            lease=10.0,
        )
        roster.announce(told, now=10.0)


# What is printed


def main(arguments: Sequence[str] = ()) -> None:
    """Run all, and print tables."""
    options = _parser().parse_args(list(arguments))
    before = psutil.Process().memory_info().rss
    began = perf_counter()
    world = World(
        options.services,
        options.processors,
        read=options.read / 1e3,
        transaction=options.transaction / 1e3,
        window=options.orphans,
    )
    world.calendar.run(2.0)
    gc.collect()
    gc.freeze()
    grown = (psutil.Process().memory_info().rss - before) / _MIB
    print(f"{options.services:,} services, {options.processors:,} processors,", end=" ")
    print(f"made in {perf_counter() - began:.1f} s, {grown:,.0f} MiB\n")
    print("| | moved | the least | loose | freed s | taken s | settled s | changes | least", end="")
    print(" | median | most | wall s |\n|---|---|---|---|---|---|---|---|---|---|---|---|")
    limit = options.limit
    for each in scenarios(world, seed=options.seed, restarts=options.restarts, limit=limit):
        print(_row(each), flush=True)
    print("\n| placement | least | median | most | µs each |\n|---|---|---|---|---|")
    for way in PLACEMENTS:
        counts, taken = placed(options.services, way)
        print(f"| {way} | {_spread(counts)} | {taken * 1e6:,.0f} |", flush=True)


def _row(outcome: Outcome) -> str:
    taken = _when(outcome.taken)
    if outcome.left and outcome.freed is not None:
        taken = f"{outcome.left:,} left after {outcome.seconds:.0f} s"
    cells = (
        *(outcome.what, f"{outcome.moved:,}", f"{outcome.least_moves:,}", f"{outcome.loose:,}"),
        *(_when(outcome.freed), taken, _when(outcome.settled), f"{outcome.transactions:,}"),
        *(_spread(outcome.counts), f"{outcome.wall:.1f}"),
    )
    return f"| {' | '.join(cells)} |"


def _when(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.2f}"


def _spread(counts: Sequence[int]) -> str:
    return f"{min(counts):,} | {median(counts):,.0f} | {max(counts):,}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks cluster_sim", description=__doc__)
    parser.add_argument("--services", type=int, default=1_000)
    parser.add_argument("--processors", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--restarts", type=int, default=3)
    parser.add_argument("--orphans", type=int, default=MAX_ORPHANS, help="told in one look")
    parser.add_argument("--limit", type=float, default=30.0, help="simulated seconds to settle in")
    parser.add_argument("--read", type=float, default=READ * 1e3, help="ms of a read of the store")
    parser.add_argument(
        "--transaction", type=float, default=TRANSACTION * 1e3, help="ms of a change of owners"
    )
    return parser
