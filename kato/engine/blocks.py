"""Ratcliff/Obershelp matching: which stretches of a model stand in the state (SPEC 3).

The rule is that of C{difflib.SequenceMatcher} without its junk heuristics: the longest common
stretch first, the earliest in the model among equals, then the earliest in the state; then the same
to the left and to the right of it.  C{difflib} also joins stretches that touch in both sequences,
which junk can leave behind; without junk there are none, since the longer one would have been
longer still.

Written for our case, in which one state is matched against many models: the positions of each
symbol in the state are found once, and a model is touched only where it has one of them.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Block(NamedTuple):
    """C{size} symbols from C{model} on in the model are those from C{state} on in the state."""

    model: int
    state: int
    size: int


Positions = Mapping[int, Sequence[int]]
"""For each symbol of a state, the positions where it stands, rising."""


def positions(state: Sequence[int]) -> dict[int, list[int]]:
    """Index a state for L{matching_blocks}."""
    found: dict[int, list[int]] = {}
    for position, code in enumerate(state):
        found.setdefault(code, []).append(position)
    return found


def matching_blocks(model: Sequence[int], where: Positions, length: int) -> tuple[Block, ...]:
    """The matching blocks of C{model} and the state that C{where} indexes, in order.

    @param model: the codes of the model's symbols.
    @param where: the L{positions} of the state.
    @param length: how many symbols the state has.
    """
    shared = [(i, where[code]) for i, code in enumerate(model) if code in where]
    found: list[Block] = []
    regions = [(0, len(shared), 0, length)]
    while regions:
        low, high, start, end = regions.pop()
        first, place, size = _longest(shared, low, high, start, end)
        if not size:
            continue
        found.append(Block(shared[first][0], place, size))
        if low < first and start < place:
            regions.append((low, first, start, place))
        if first + size < high and place + size < end:
            regions.append((first + size, high, place + size, end))
    return tuple(sorted(found))


def _longest(
    shared: Sequence[tuple[int, Sequence[int]]], low: int, high: int, start: int, end: int
) -> tuple[int, int, int]:
    """The longest block within C{shared[low:high]} and the state's C{[start, end)}: the index in
    C{shared} at which it begins, its first position in the state, and its size, which is 0 where
    there is none.

    C{lengths} holds, for each position of the state, how long the stretch is that ends there and
    at the model's previous position.
    """
    best_first = best_place = size = 0
    previous = -2
    lengths: dict[int, int] = {}
    for index in range(low, high):
        position, places = shared[index]
        if position != previous + 1:
            lengths = {}
        previous = position
        fresh: dict[int, int] = {}
        for place in places:
            if place < start:
                continue
            if place >= end:
                break
            fresh[place] = here = lengths.get(place - 1, 0) + 1
            if here > size:
                size = here
                best_first = index - here + 1
                best_place = place - here + 1
        lengths = fresh
    return best_first, best_place, size
