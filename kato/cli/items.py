"""What a file says, line by line, before it is known what is sent of it together.  Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kato.client import Observation


@dataclass(frozen=True, slots=True)
class Seen:
    """An observation, and the line that it stands in, from 1."""

    line: int
    observation: Observation


@dataclass(frozen=True, slots=True)
class End:
    """The sequence before it is whole, and is to be learned."""


@dataclass(frozen=True, slots=True)
class Bad:
    """A line that cannot be read, and why."""

    line: int
    why: str


Item = Seen | End | Bad


@dataclass(frozen=True, slots=True)
class Entry:
    """An observation with whether something is learned right after it."""

    line: int
    observation: Observation
    learn: bool = False


class Broken(Exception):
    """A file cannot be read on: where, and why."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")
        self.bad = Bad(line, why)


def lines_of(file: Iterable[bytes]) -> Iterator[str]:
    """The lines of a file as text, with their ends; a mark of byte order at its beginning is none.

    @raise Broken: a line is no UTF-8.
    """
    encoding = "utf-8-sig"
    for number, line in enumerate(file, 1):
        try:
            yield line.decode(encoding)
        except UnicodeDecodeError as error:
            raise Broken(number, f"not UTF-8 at byte {error.start + 1}") from None
        encoding = "utf-8"


def ended_every(items: Iterable[Item], length: int | None) -> Iterator[Item]:
    """The same items, with an end after every C{length} observations, if there is one."""
    since = 0
    for item in items:
        yield item
        since = since + isinstance(item, Seen) if not isinstance(item, End) else 0
        if since == length:
            yield End()
            since = 0


def entries_of(items: Iterable[Item], *, learn_at_end: bool) -> Iterator[Entry | Bad]:
    """Observations with what is learned after them; an end without a sequence before it is none.

    @param learn_at_end: the last sequence is whole, too.
    """
    last: Seen | None = None
    for item in items:
        if isinstance(item, Bad):
            yield item
            continue
        if last is not None:
            yield Entry(last.line, last.observation, isinstance(item, End))
        last = item if isinstance(item, Seen) else None
    if last is not None:
        yield Entry(last.line, last.observation, learn_at_end)
