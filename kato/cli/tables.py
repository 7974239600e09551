"""Files of comma-separated values, an event a row (docs/cli.md).  Pure."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kato.cli.documents import Unfit
from kato.cli.items import Bad, Broken, End, Item, Seen, lines_of
from kato.cli.typed import number
from kato.client import Observation


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a table are what.

    C{strings} become symbols C{column=value}; C{None}: all that are nothing else.  C{emotives} hold
    numbers.  Where the value of C{learn} changes, a sequence is whole.
    """

    strings: Sequence[str] | None = None
    emotives: Sequence[str] = ()
    learn: str | None = None

    def among(self, titles: Sequence[str]) -> "Columns":
        """The same, with all columns that are meant.

        @param titles: those that are there.
        @raise Unfit: one that is named is not there, or one that is there stands twice.
        """
        if not titles:
            raise Unfit("the first row names the columns, and there is none")
        other = [] if self.learn is None else [self.learn]
        for name in (*(self.strings or ()), *self.emotives, *other):
            if name not in titles:
                raise Unfit(f"there is no column {name!r} among {', '.join(titles)}")
        if len(set(titles)) < len(titles):
            raise Unfit(f"a column stands twice in {', '.join(titles)}")
        if self.strings is not None:
            return self
        strings = [each for each in titles if each not in (*self.emotives, *other)]
        return Columns(strings, self.emotives, self.learn)


def table_items(file: Iterable[bytes], columns: Columns) -> Iterator[Item]:
    """What a file says: its first row names the columns, each other one is an event.

    An empty cell says nothing.
    """
    rows = _rows(file)
    try:
        line, titles = next(rows, (1, []))
        yield from _items(rows, titles, columns.among(titles))
    except Broken as error:
        yield error.bad
    except Unfit as error:
        yield Bad(line, str(error))


def _rows(file: Iterable[bytes]) -> Iterator[tuple[int, Sequence[str]]]:
    """Rows, each with the line that it begins in."""
    rows = csv.reader(lines_of(file), strict=True)
    while True:
        begin = rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise Broken(begin, str(error)) from None
        if row:
            yield begin, row


def _items(
    rows: Iterable[tuple[int, Sequence[str]]], titles: Sequence[str], columns: Columns
) -> Iterator[Item]:
    last: str | None = None
    for line, row in rows:
        try:
            cells = _cells(titles, row)
            seen = Seen(line, _observation(cells, columns))
        except Unfit as error:
            yield Bad(line, str(error))
            continue
        case = None if columns.learn is None else cells[columns.learn]
        if last not in (None, case):
            yield End()
        last = case
        yield seen


def _cells(titles: Sequence[str], row: Sequence[str]) -> dict[str, str]:
    if len(row) != len(titles):
        raise Unfit(f"expected {len(titles)} cells, got {len(row)}")
    return dict(zip(titles, row, strict=True))


def _observation(cells: dict[str, str], columns: Columns) -> Observation:
    return Observation(
        [f"{name}={cells[name]}" for name in columns.strings or () if cells[name]],
        emotives={name: _felt(name, cells[name]) for name in columns.emotives if cells[name]},
    )


def _felt(name: str, cell: str) -> float:
    try:
        return number(cell)
    except Unfit as error:
        raise Unfit(f"{name}: {error}") from None
