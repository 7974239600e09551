"""How many processors each of several services shall have (SPEC 10): all of them compute the same
from what they see, and each does only its own part of it."""

from collections import deque
from collections.abc import Iterable, Mapping
from heapq import heapify, heapreplace
from itertools import pairwise
from typing import NamedTuple


class Move(NamedTuple):
    """Some processors go from one service to another."""

    source: str
    sink: str
    number: int


def assigned(orphans: Iterable[str], counts: Mapping[str, int]) -> dict[str, list[str]]:
    """Who takes which processors that nobody has: each goes to who has the fewest by then, of
    several to the first by name.

    @param counts: how many processors each service has; where there is none, nobody takes any.
    """
    shares: dict[str, list[str]] = {boot: [] for boot in counts}
    heap = [(count, boot) for boot, count in counts.items()]
    heapify(heap)
    for processor in orphans if heap else ():
        count, boot = heap[0]
        shares[boot].append(processor)
        heapreplace(heap, (count + 1, boot))
    return shares


def targets(counts: Mapping[str, int]) -> dict[str, int]:
    """How many each shall have, so that no two differ by more than one, and the fewest move: who
    has more keeps the one more."""
    if not counts:
        return {}
    share, over = divmod(sum(counts.values()), len(counts))
    ranked = sorted(counts, key=lambda boot: (-counts[boot], boot))
    return {boot: share + (rank < over) for rank, boot in enumerate(ranked)}


def moves(counts: Mapping[str, int]) -> list[Move]:
    """What has to move so that all have their targets."""
    if not counts or max(counts.values()) - min(counts.values()) < 2:
        return []
    wanted = targets(counts)
    order = sorted(counts)
    sinks = deque(_spans((boot, wanted[boot] - counts[boot]) for boot in order))
    found = []
    done = 0
    for source, _, last in _spans((boot, counts[boot] - wanted[boot]) for boot in order):
        while done < last:
            sink, _, end = sinks[0]
            until = min(last, end)
            found.append(Move(source, sink, until - done))
            if until == end:
                sinks.popleft()
            done = until
    return found


def emptied(counts: Mapping[str, int], number: int) -> dict[str, int]:
    """How many of a service that leaves go to each of the others, the fewest first."""
    shares = assigned(map(str, range(number)), counts)
    return {boot: len(share) for boot, share in shares.items() if share}


def _spans(surplus: Iterable[tuple[str, int]]) -> list[tuple[str, int, int]]:
    """Who has how many too many, end to end on one line."""
    given = [(boot, number) for boot, number in surplus if number > 0]
    ends = [0]
    for _, number in given:
        ends.append(ends[-1] + number)
    return [(boot, *span) for (boot, _), span in zip(given, pairwise(ends), strict=True)]
