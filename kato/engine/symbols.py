"""The symbols of all models, each with a small number, and what is known of it (SPEC 3)."""

import sys
from collections.abc import Iterable, Sequence

UNKNOWN = -1
"""The code of a symbol that stands in no model: it is matched by nothing."""

_STRING = sys.getsizeof("")
_NUMBER = sys.getsizeof(1)


class SymbolTable:
    """Interns symbols as codes, and keeps the sums from which p(s) is made.

    A symbol whose last model is forgotten is forgotten with it, so the table is always as if only
    the present models had ever been learned; its code is given to a later symbol.
    """

    __slots__ = ("_characters", "_codes", "_free", "_symbols", "_weights", "mass", "total")

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._symbols: list[str] = []
        self._free: list[int] = []
        self._weights: list[int] = []
        self._characters = 0
        self.mass = 0
        """The sum over all models of frequency times number of distinct symbols."""
        self.total = 0
        """The sum of the frequencies of all models."""

    def __len__(self) -> int:
        """N: how many distinct symbols all models have."""
        return len(self._codes)

    def code(self, symbol: str) -> int:
        """The code of C{symbol}, or L{UNKNOWN}."""
        return self._codes.get(symbol, UNKNOWN)

    def strings(self) -> int:
        """How many bytes the symbols take, about: a character is reckoned as one byte."""
        return len(self._codes) * _STRING + self._characters

    def size(self) -> int:
        """How many bytes all this takes."""
        tables = (self._codes, self._symbols, self._weights, self._free)
        numbers = 2 * len(self._codes) * _NUMBER
        return sum(map(sys.getsizeof, tables)) + numbers + self.strings()

    def add(self, symbols: Sequence[str], frequency: int) -> tuple[int, ...]:
        """Count a model with these symbols in, and give their codes, in order."""
        known = self._codes
        try:
            codes = tuple(map(known.__getitem__, symbols))
        except KeyError:
            codes = tuple(
                self._new(symbol) if (code := known.get(symbol)) is None else code
                for symbol in symbols
            )
        self.reweigh(codes, frequency)
        return codes

    def _new(self, symbol: str) -> int:
        if self._free:
            code = self._free.pop()
            self._symbols[code] = symbol
        else:
            code = len(self._symbols)
            self._symbols.append(symbol)
            self._weights.append(0)
        self._codes[symbol] = code
        self._characters += len(symbol)
        return code

    def reweigh(self, codes: Iterable[int], difference: int) -> None:
        """A model with these codes gained C{difference} in frequency."""
        distinct, weights = set(codes), self._weights
        for code in distinct:
            weights[code] += difference
        self.mass += difference * len(distinct)
        self.total += difference

    def remove(self, codes: Iterable[int], frequency: int) -> None:
        """Count a model with these codes out, which had this frequency."""
        distinct = set(codes)
        self.reweigh(distinct, -frequency)
        for code in distinct:
            if not self._weights[code]:
                symbol = self._symbols[code]
                del self._codes[symbol]
                self._characters -= len(symbol)
                self._symbols[code] = ""
                self._free.append(code)

    def weight(self, code: int) -> int:
        """The frequencies of the models with this symbol, together; 0 for L{UNKNOWN}."""
        return self._weights[code] if code != UNKNOWN else 0

    def probability(self, code: int) -> float:
        """p(s): the share of the symbol with this code in all models, 0 for L{UNKNOWN}."""
        return self._weights[code] / self.mass if code != UNKNOWN else 0.0


Occurrence = int | tuple[int, int]
"""The first time that a code stands in a sequence is the code itself, each later time the code with
the number of times it stood before."""


def occurrences(codes: Sequence[int]) -> Sequence[Occurrence]:
    """Tell the times that a code stands in a sequence from each other: equal ones of two
    sequences are as many as their multisets have in common."""
    if len(set(codes)) == len(codes):
        return codes
    seen: dict[int, int] = {}
    found: list[Occurrence] = []
    for code in codes:
        before = seen.get(code, 0)
        found.append((code, before) if before else code)
        seen[code] = before + 1
    return found
