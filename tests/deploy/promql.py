"""As much of PromQL as it takes to see what an expression speaks of."""

import re
from dataclasses import dataclass

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_RANGE = re.compile(r"\[[^\]]*\]")
_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)?\s*\{([^}]*)\}")
_GROUPED = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")
_NAME = re.compile(r"(?<![\w.$])[a-zA-Z_:][\w:]*(?!\w*\s*\()")
_WORDS = frozenset({"and", "or", "unless", "bool", "offset", "by", "without", "on", "inf", "nan"})
_LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")


@dataclass(frozen=True, slots=True)
class Spoken:
    """The metrics of an expression, each with the labels that it is chosen by; and the labels by
    which it is grouped."""

    metrics: frozenset[tuple[str, str]]
    names: frozenset[str]
    grouped: frozenset[str]


def spoken(expression: str) -> Spoken:
    """Read an expression."""
    plain = _RANGE.sub("", _STRING.sub('""', expression))
    metrics: set[tuple[str, str]] = set()
    for name, inside in _SELECTOR.findall(plain):
        metrics.update((name, label) for label in _LABEL.findall(inside))
    grouped = {
        each.strip() for group in _GROUPED.findall(plain) for each in group.split(",") if each
    }
    rest = _GROUPED.sub(" ", re.sub(r"\{[^}]*\}", " ", plain))
    names = {each for each in _NAME.findall(rest) if each not in _WORDS}
    return Spoken(frozenset(metrics), frozenset(names), frozenset(grouped))
