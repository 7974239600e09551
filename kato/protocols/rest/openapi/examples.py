"""Examples of requests and their answers: one session with a fresh server, an operation a line."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Example:
    """What an operation was asked, and what it answered."""

    operation: str
    params: dict[str, Any]
    answer: dict[str, Any]
    processor: str | None = None


@cache
def session() -> tuple[Example, ...]:
    """All of them, in the order in which they were asked."""
    written = (files(__package__) / "examples.jsonl").read_text(encoding="utf-8")
    return tuple(Example(**json.loads(line)) for line in written.splitlines())


def example_of(operation: str, *, processor: bool) -> Example:
    """The example of an operation, asked of a processor or of the server."""
    return next(
        each
        for each in session()
        if each.operation == operation and (each.processor is not None) == processor
    )
