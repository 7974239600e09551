"""The command that loads files."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import click

from kato.cli.arguments import processor_argument, reading
from kato.cli.batches import DIVISION
from kato.cli.commands import Command
from kato.cli.exits import Trouble
from kato.cli.items import Bad, Entry, Item, ended_every, entries_of
from kato.cli.json_lines import json_items
from kato.cli.loading import Load
from kato.cli.notes import Note, NoteBook, fingerprint, loads_folder
from kato.cli.output import Output
from kato.cli.progress import progress
from kato.cli.resuming import anew, beginning
from kato.cli.session import Session
from kato.cli.source_files import Reader, Source, opened
from kato.cli.tables import Columns, table_items
from kato.cli.wording import times
from kato.client import KatoError, Patience
from kato.client.calls import ServerCalls

_KINDS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_PATIENCE = Patience(again=14)
"""About a minute: a server that starts again is waited for."""


def _names(text: str) -> list[str]:
    return [each.strip() for each in text.split(",")]


@click.command(cls=Command)
@processor_argument
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@click.option(
    "--format",
    "kind",
    type=click.Choice(["jsonl", "csv"]),
    help="What FILE is, if its name does not say so; standard input is jsonl.",
)
@click.option(
    "--columns", callback=reading(_names), metavar="A,B", help="Columns that become symbols [all]."
)
@click.option(
    "--emotive-columns", callback=reading(_names), metavar="A,B", help="Columns of emotives."
)
@click.option("--learn-column", metavar="NAME", help="Learn where the value of this changes.")
@click.option(
    "--learn-every", type=click.IntRange(min=1), metavar="N", help="Learn after N observations."
)
@click.option("--learn-at-end", is_flag=True, help="Learn at the end of FILE.")
@click.option("--again", is_flag=True, help="From its beginning, whatever was loaded before.")
@click.pass_obj
def load(
    session: Session,
    processor: str,
    file: str,
    kind: str | None,
    columns: list[str] | None,
    emotive_columns: list[str] | None,
    learn_column: str | None,
    learn_every: int | None,
    learn_at_end: bool,
    again: bool,
) -> None:
    """Observe all that FILE says, and learn where it says so; - is standard input.

    If it was interrupted, the same command goes on where it was, and does nothing twice.
    """
    chosen = Columns(columns, emotive_columns or (), learn_column)
    kind = kind or _kind(file)
    if kind != "csv" and chosen != Columns():
        raise click.UsageError("columns are those of a table: FILE is no csv")
    ends = learn_at_end or learn_column is not None or learn_every is not None
    parse = partial(table_items, columns=chosen) if kind == "csv" else json_items
    how = repr((DIVISION, kind, chosen, learn_every, ends))
    with opened(file) as opened_file:
        source = Source(opened_file, file, _reader(parse, learn_every, ends))
        _load(session, processor, source, how, again)


def _kind(file: str) -> str:
    if file == "-":
        return "jsonl"
    try:
        return _KINDS[Path(file).suffix.lower()]
    except KeyError:
        raise click.UsageError(f"{file}: is it jsonl or csv? --format says so") from None


def _reader(
    parse: Callable[[Iterator[bytes]], Iterator[Item]], every: int | None, ends: bool
) -> Reader:
    def read(lines: Iterator[bytes]) -> Iterator[Entry | Bad]:
        return entries_of(ended_every(parse(lines), every), learn_at_end=ends)

    return read


def _load(session: Session, processor: str, source: Source, how: str, again: bool) -> None:
    survey = source.survey()
    contents = fingerprint(survey.digest, how)
    place = contents if source.name == "-" else str(Path(source.name).resolve())
    notes = NoteBook(loads_folder(), session.url, processor, place)
    session.rely_on(ServerCalls().ping(), _PATIENCE)
    asked = session.client.processor(processor)
    note = anew(contents) if again else beginning(asked, source.name, contents, notes.read())
    with progress(session.output, source.name, survey.observations) as told:
        load = Load(asked, source, note, keep=_keeping(notes, session.output), told=told)
        if not note.finished:
            _run(load, again)
    _tell(session, load, began=note)


def _keeping(notes: NoteBook, output: Output) -> Callable[[Note], object]:
    """Keep notes as long as they can be kept."""
    able = [True]

    def keep(note: Note) -> None:
        if not able[0]:
            return
        try:
            notes.write(note)
        except OSError as error:
            able[0] = False
            output.note(f"cannot note how far it comes, in case it is interrupted: {error}")

    return keep


def _run(load: Load, again: bool) -> None:
    try:
        load.run()
    except (KatoError, KeyboardInterrupt, Trouble):
        if not load.note.finished and load.note.done:
            how = "the same command" + (", without --again," if again else "")
            where = f"after line {load.note.line}; {how} goes on there"
            click.echo(f"kato: the load stopped {where}", err=True)
        raise


def _tell(session: Session, load: Load, began: Note) -> None:
    observed, learned, name = load.loaded.observed, load.loaded.learned, load.name
    if session.as_json:
        session.print_json(
            {"observed": observed, "learned": learned, "after_line": began.line, "file": name}
        )
    elif began.finished:
        session.output.note(f"{name} was loaded already; --again loads it once more")
    else:
        since = f" after line {began.line}" if began.done else ""
        session.output.note(f"{name}{since}: observed {observed:,}, learned {times(learned)}")
