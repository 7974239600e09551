"""The pages of the documentation, as tests read them: tables, and what stands there as code."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.source import ROOT

DOCS = ROOT / "docs"


def page(name: str) -> str:
    """A page, by its name below C{docs}."""
    return (DOCS / name).read_text(encoding="utf-8")


def pages() -> list[Path]:
    """All of them, also those that lie elsewhere and are read there."""
    others = ("README.md", "PACKAGE.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md")
    written = {path for path in DOCS.rglob("*.md") if path.parent != DOCS / "reference"}
    return sorted({*written, *(ROOT / each for each in others)})


def section(text: str, heading: str) -> str:
    """What stands below a heading, which begins with its C{#}s, up to the next of its level."""
    level = heading.partition(" ")[0]
    _, found, rest = text.partition(f"\n{heading}\n")
    assert found, f"there is no {heading!r}"
    return re.split(rf"\n#{{1,{len(level)}}} ", rest)[0]


def rows(text: str) -> Iterator[list[str]]:
    """The rows of all tables, as cells."""
    for line in re.findall(r"^\| (.*) \|$", text.replace("\\|", "¦"), re.MULTILINE):
        yield re.split(r" *\| ?", line)


def names(cells: Iterable[str]) -> list[str]:
    """What stands as code in these cells."""
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def told(text: str) -> Counter[str]:
    """What the rows are about: the code in their first cells."""
    return Counter(names(row[0] for row in rows(text)))


def options(words: Iterable[str]) -> Counter[str]:
    """The options among what stands as code: of C{--limit N} it is C{--limit}."""
    return Counter(
        option for each in words for option in re.findall(r"(?<!\S)--?[A-Za-z][A-Za-z-]*", each)
    )


def faults(known: Iterable[str], found: Counter[str]) -> list[str]:
    """All that is wrong with what is told: what is missing, what is told more than once, and what
    is told and does not exist."""
    there = {*known}
    return [
        *(f"not told: {name}" for name in sorted(there - found.keys())),
        *(f"told {times} times: {name}" for name, times in sorted(found.items()) if times > 1),
        *(f"there is no {name}" for name in sorted(found.keys() - there)),
    ]


def anchors(text: str) -> set[str]:
    """By which words links lead to the headings of a page, as GitHub and the site make them."""
    found: Counter[str] = Counter()
    for heading in re.findall(r"^#+ (.*)$", re.sub(r"(?ms)^```.*?^```", "", text), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        found[re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")] += 1
    again = {f"{slug}-{time}" for slug, times in found.items() for time in range(1, times)}
    return {*found, *again}
