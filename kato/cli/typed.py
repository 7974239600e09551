"""What is typed: numbers, vectors, genes, and emotives, which are options of any name.  Pure."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from kato.cli.documents import Unfit, decoded


def number(text: str) -> float:
    """A number.

    @raise Unfit: it is none, or no finite one.
    """
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise Unfit(f"expected a number, got {text!r}")
    return value


def vector(text: str) -> list[float]:
    """A vector, C{1,2.5,3}.

    @raise Unfit: it is none.
    """
    return [number(each) for each in text.split(",")]


def named_number(text: str) -> tuple[str, float]:
    """An emotive, C{joy=0.8}.

    @raise Unfit: it is none.
    """
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise Unfit(f"expected NAME=NUMBER, got {text!r}")
    return name, number(value)


def genes(words: Sequence[str]) -> dict[str, Any]:
    """Genes with their values, C{recall_threshold=0.2}: JSON, or else a word.

    @raise Unfit: one has no name, or stands twice.
    """
    read: dict[str, Any] = {}
    for each in words:
        name, equals, value = each.partition("=")
        if not (name and equals):
            raise Unfit(f"expected GENE=VALUE, got {each!r}")
        if name in read:
            raise Unfit(f"gene {name} stands twice")
        read[name] = _value(value)
    return read


def _value(text: str) -> Any:
    try:
        return decoded(text)
    except Unfit:
        return text


def split_emotives(
    words: Sequence[str], options: Mapping[str, bool]
) -> tuple[list[str], dict[str, float]]:
    """Take emotives, C{--joy 0.8} or C{--joy=0.8}, out of a command line.

    @param options: those that are no emotives, each with whether a value follows it.
    @raise Unfit: an option that nobody knows has no number.
    """
    left: list[str] = []
    emotives: dict[str, float] = {}
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if word == "--":
            left += [word, *rest]
        elif name in options or not word.startswith("--"):
            left.append(word)
            if options.get(name) and not equals:
                left += [each for each in (next(rest, None),) if each is not None]
        else:
            emotives[name[2:]] = _felt(name, value if equals else next(rest, None))
    return left, emotives


def _felt(name: str, value: str | None) -> float:
    try:
        return number(value or "")
    except Unfit:
        what = "nothing" if value is None else repr(value)
        raise Unfit(
            f"no such option: {name} (an emotive {name} would need a number, got {what})"
        ) from None
