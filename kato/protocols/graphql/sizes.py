"""How much values take: how many there are, as in the limit of a message, and one more for each
key of an object, and for each eight characters of all strings together.

What writes itself counts as one, since whoever made it keeps it.
"""

from collections.abc import Iterable
from itertools import chain
from typing import Any

SHIFT = 3
"""How many characters count as one value, as a power of two."""

NOTABLE = 64
"""Lists that count more than this are not gone over twice."""

_STEP = 4096
"""So many entries are counted at a time: others may run between."""

Known = dict[int, int]
"""What lists count, by their C{id}: it holds as long as they are kept."""


_SINGLE = frozenset({bool, float, int, type(None)})
_STRINGS = {str}
_LISTS = {list}


def size_of_list(values: Any) -> int:
    """What a list counts whose entries are all of one kind: what is short is counted at once."""
    if type(values) is not list or len(values) > _STEP:
        return size_of(values)
    count = 1 + len(values)
    if values and type(values[0]) is list:
        values = list(chain.from_iterable(values))
        count += len(values)
    if not values or type(values[0]) in _SINGLE:
        return count
    if type(values[0]) is str:
        return count + (_characters(values) >> SHIFT)
    return size_of(values)


def size_of(value: object, known: Known | None = None) -> int:
    """What a value of JSON's types counts.

    @param known: is told the lists that are long.
    """
    if type(value) in _SINGLE:
        return 1
    if type(value) is str:
        return 1 + (len(value) >> SHIFT)
    count = characters = 0
    waiting: list[Any] = [value]
    while waiting:
        each = waiting.pop()
        kind = type(each)
        count += 1
        if kind in _SINGLE:
            continue
        if kind is str:
            characters += len(each)
        elif kind is dict:
            count += len(each)
            characters += _characters(each)
            for member in each.values():
                if type(member) in _SINGLE:
                    count += 1
                else:
                    waiting.append(member)
        elif kind is list and each:
            plain = _plain(each)
            if plain is None:
                waiting.extend(each)
                continue
            entries, more = plain
            count += entries
            characters += more
            if known is not None and entries > NOTABLE:
                known[id(each)] = 1 + entries + (more >> SHIFT)
    return count + (characters >> SHIFT)


def _plain(values: list[Any]) -> tuple[int, int] | None:
    """How many values lie in a list of strings or in one of lists of them, and how many characters
    they have; C{None}: it is another."""
    count = characters = 0
    for start in range(0, len(values), _STEP):
        some = values[start : start + _STEP]
        kinds = set(map(type, some))
        if kinds == _LISTS:
            count += len(some)
            some = list(chain.from_iterable(some))
            kinds = set(map(type, some))
        if kinds and kinds != _STRINGS:
            return None
        count += len(some)
        characters += _characters(some)
    return count, characters


def _characters(strings: Iterable[str]) -> int:
    return sum(map(len, strings))
