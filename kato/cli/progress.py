"""How far something is, on a terminal; nothing where standard error is none."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from kato.cli.output import Output


@contextmanager
def progress(output: Output, what: str, total: int) -> Iterator[Callable[[int], object]]:
    """A bar; gives what is to be told of how much more was done."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    hidden = output.quiet or not output.notes.is_terminal
    with Progress(*columns, console=output.notes, transient=True, disable=hidden) as shown:
        task = shown.add_task(what, total=total)
        yield lambda more: shown.advance(task, more)
