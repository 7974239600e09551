"""Emotives: gathered while observing, averaged when learned or told (SPEC 4)."""

from collections.abc import Iterable, Mapping
from fractions import Fraction

from kato.changes import Gathered
from kato.model import Emotives

_UNIT = 2**1074
"""Every float64 is a whole number of 1/_UNIT, so sums of them are exact in integers."""


def _exact(value: float) -> int:
    numerator, denominator = value.as_integer_ratio()
    return numerator * (_UNIT // denominator)


def gather(gathered: dict[str, Gathered], emotives: Mapping[str, float]) -> None:
    """Add one observation's emotives to those of the present short-term memory."""
    for name, value in emotives.items():
        count, total = gathered.get(name, (0, 0))
        gathered[name] = Gathered(count + 1, total + _exact(value))


def averages(gathered: Mapping[str, Gathered]) -> Emotives:
    """The average per name, over the observations that carried the name; names are sorted, so
    equal memories print alike."""
    return {name: _average(*gathered[name]) for name in sorted(gathered)}


def _average(count: int, total: int) -> float:
    """The correctly rounded sum, which is C{math.fsum}'s, divided by the count."""
    try:
        return total / _UNIT / count
    except OverflowError:  # the sum is beyond float64, the average never is
        return float(Fraction(total, _UNIT * count))


def average_of(entries: Iterable[Emotives]) -> Emotives:
    """A model's emotives as a prediction shows them: the average per name over its entries."""
    gathered: dict[str, Gathered] = {}
    for entry in entries:
        gather(gathered, entry)
    return averages(gathered)
