"""Where the program prints: tables with colours on a terminal, lines with tabs elsewhere."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kato.cli.wording import Wording, printable

_WIDE = 100


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; C{style} is rich's.

    C{number} puts it to the right; C{whole} keeps its cells in one line; C{wide} leaves it out
    where a terminal is narrow.
    """

    title: str
    number: bool = False
    whole: bool = False
    wide: bool = False
    style: str = ""


class Output:
    """Prints results on standard output, and notes on standard error."""

    def __init__(
        self,
        *,
        quiet: bool = False,
        out: TextIO | None = None,
        err: TextIO | None = None,
        width: int | None = None,
    ) -> None:
        """
        @param quiet: print no notes.
        @param width: columns of the terminal, if not those that it tells.
        """
        self.console = Console(
            file=out or sys.stdout, width=width, highlight=False, markup=False, emoji=False
        )
        self.notes = Console(
            file=err or sys.stderr, highlight=False, markup=False, emoji=False, soft_wrap=True
        )
        self.quiet = quiet
        self.terminal = self.console.is_terminal
        self.wording = Wording(short=self.terminal)

    def table(
        self, columns: Sequence[Column], rows: Iterable[Sequence[str]], *, empty: str = "none"
    ) -> None:
        """Print a table; away from a terminal, a line for each row, and no titles.

        @param empty: what is noted where there are no rows.
        """
        rows = list(rows)
        if not rows:
            self.note(empty)
        elif self.terminal:
            self.console.print(drawn(columns, rows, self.console.width))
        else:
            self.line("\n".join("\t".join(row) for row in rows))

    def facts(self, facts: Iterable[tuple[str, str]]) -> None:
        """Print names, each with its value."""
        if not self.terminal:
            self.table((), facts)
            return
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="bold")
        for name, value in facts:
            grid.add_row(Text(name), Text(value))
        self.console.print(grid)

    def more(self, total: int, after: str | None) -> None:
        """Note that a list is longer than what was printed of it, if it is."""
        if after is not None:
            self.note(f"of {total:,}; more: --after '{after}'")

    def line(self, line: str = "") -> None:
        """Print a line as it is."""
        print(line, file=self.console.file, flush=True)

    def note(self, note: str) -> None:
        """Say something beside the result, on standard error."""
        if not self.quiet:
            print(printable(note), file=self.notes.file, flush=True)


def drawn(columns: Sequence[Column], rows: Iterable[Sequence[str]], width: int) -> Table:
    """A table as a terminal of C{width} columns shows it."""
    shown = [i for i, each in enumerate(columns) if width >= _WIDE or not each.wide]
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True, header_style="bold")
    for column in (columns[i] for i in shown):
        table.add_column(
            column.title,
            justify="right" if column.number else "left",
            style=column.style,
            overflow="fold",
            no_wrap=column.number or column.whole,
        )
    for row in rows:
        table.add_row(*(Text(row[i]) for i in shown))
    return table
