"""How values are written for people: symbols, events, sequences, numbers and names.  Pure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

_MODEL, _VECTOR = "MODEL|", "VECTOR|"
_DIGITS = 12
_THEN = " → "


class Wording:
    """Writes values, in short for a terminal, or whole for a program that cuts and compares."""

    def __init__(self, *, short: bool) -> None:
        """
        @param short: write numbers with four digits, and hashes with twelve.
        """
        self._short = short

    def symbol(self, symbol: str) -> str:
        """A symbol; in quotes, with escapes, where it would be taken for something else."""
        if symbol.startswith(_VECTOR) and self._short:
            return printable(symbol[: len(_VECTOR) + _DIGITS])
        if symbol and symbol.isprintable() and not set(' "\\→').intersection(symbol):
            return symbol
        return printable(json.dumps(symbol, ensure_ascii=False))

    def event(self, event: Iterable[str]) -> str:
        """The symbols of an event, C{a b}."""
        return " ".join(map(self.symbol, event))

    def sequence(self, events: Iterable[Iterable[str]]) -> str:
        """Events one after the other, C{a b → c}."""
        return _THEN.join(self.event(each) or '""' for each in events)

    def number(self, number: float | None) -> str:
        """A number."""
        if isinstance(number, float) and self._short:
            return f"{number:.4g}"
        return json.dumps(number)

    def name(self, name: str) -> str:
        """The name of a model: in short, its first digits, by which every command knows it."""
        return name.removeprefix(_MODEL)[:_DIGITS] if self._short else name

    def emotives(self, emotives: Mapping[str, float]) -> str:
        """Emotives, C{joy=0.8}."""
        return " ".join(
            f"{self.symbol(name)}={self.number(value)}" for name, value in emotives.items()
        )

    def numbers(self, numbers: Mapping[str, Any]) -> str:
        """What is put into a formula, C{k = 2, p = {a: 0.5}}."""
        return ", ".join(f"{name} = {self.value(value)}" for name, value in numbers.items())

    def time(self, seconds: float) -> str:
        """A time of Unix, as it is here."""
        return datetime.fromtimestamp(seconds).isoformat(sep=" ", timespec="seconds")

    def value(self, value: object) -> str:
        """Any value out of JSON."""
        if isinstance(value, str):
            return self.symbol(value)
        if isinstance(value, Mapping):
            inside = (f"{self.symbol(key)}: {self.value(each)}" for key, each in value.items())
            return "{" + ", ".join(inside) + "}"
        if isinstance(value, Sequence):
            return "[" + ", ".join(map(self.value, value)) + "]"
        if isinstance(value, float):
            return self.number(value)
        return json.dumps(value)


def times(number: int) -> str:
    """How often, C{1 time}, C{2 times}."""
    return f"{number:,} time{'' if number == 1 else 's'}"


def one_line(text: str) -> str:
    """What a server said, on one line of a terminal."""
    return printable(" ".join(text.split()))


def printable(text: str) -> str:
    """The text, with all escaped that would move a terminal's cursor or colour what follows."""
    return "".join(each if each.isprintable() else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode()
