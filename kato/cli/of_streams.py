"""The command that watches a processor, live."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import click
from rich.live import Live

from kato.cli.arguments import maybe_processor_argument
from kato.cli.commands import Command
from kato.cli.drawing import draw
from kato.cli.listening import ToldStream
from kato.cli.output import Output
from kato.cli.picture import Picture, said
from kato.cli.session import Session
from kato.client import FRESH, Client, Patience, StreamEvent
from kato.client.blocking import Events
from kato.client.calls import ProcessorCalls, ServerCalls

TOPICS = ("observations", "learning", "memory", "predictions")
_PATIENCE = Patience(again=10_000)


class Show(Protocol):
    """Where events are shown."""

    def happened(self, event: StreamEvent) -> None:
        """Show an event."""

    def cut(self, why: str | None) -> None:
        """Say that nothing is heard, or, with C{None}, that it is again."""


class Lines:
    """Shows events as lines, of JSON or of text."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def happened(self, event: StreamEvent) -> None:
        """Print an event."""
        output = self._session.output
        if self._session.as_json:
            self._session.print_json(_as_told(event))
        else:
            when, what = output.wording.time(event.time_stamp), said(event, output.wording)
            output.line(f"{when}\t{event.topic}\t{what}")

    def cut(self, why: str | None) -> None:
        """Say it on standard error."""
        self._session.output.note(
            "listening again" if why is None else f"cut off, and trying again: {why}"
        )


class Board:
    """Shows a processor as a picture that changes."""

    def __init__(self, client: Client, processor: str, output: Output) -> None:
        self._processor = client.processor(processor)
        self._output = output
        self._picture = Picture()

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show it, until the end."""
        with Live(
            get_renderable=self._draw,
            console=self._output.console,
            screen=True,
            refresh_per_second=8,
        ):
            yield

    def _draw(self) -> Any:
        console = self._output.console
        return draw(self._processor.id, self._picture, self._output.wording, *console.size)

    def happened(self, event: StreamEvent) -> None:
        """Change the picture."""
        if event.topic == FRESH:
            self._picture = self._picture.anew(
                self._processor.cognition(), self._processor.forecast()
            )
        else:
            self._picture = self._picture.after(event, said(event, self._output.wording))

    def cut(self, why: str | None) -> None:
        """Say it above the picture."""
        self._picture = self._picture.connected(why)


def _as_told(event: StreamEvent) -> dict[str, Any]:
    told = {
        "event": event.topic,
        "processor": event.processor,
        "offset": event.offset,
        "time_stamp": event.time_stamp,
        "data": event.data,
    }
    return {**told, "skipped": event.skipped} if event.skipped else told


@click.command(cls=Command)
@maybe_processor_argument
@click.option(
    "--topic",
    "topics",
    type=click.Choice(TOPICS),
    multiple=True,
    help="What is told [all]; may stand several times.",
)
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after so many events.")
@click.pass_obj
def watch(
    session: Session, processor: str | None, topics: Sequence[str], count: int | None
) -> None:
    """Show PROCESSOR as it is, live; without one, tell which processors come and go.

    On a terminal it is a picture that changes; with --topic, --count or --json, and elsewhere, it
    is a line for each event.
    """
    if processor is None and topics:
        raise click.UsageError("--topic: topics are those of a processor")
    there = ServerCalls().processors(1) if processor is None else ProcessorCalls(processor).ping()
    session.rely_on(there, _PATIENCE)
    plain = bool(topics or count or session.as_json or not session.output.terminal)
    if plain or processor is None:
        _listen(session, processor, topics, count, Lines(session))
        return
    board = Board(session.client, processor, session.output)
    with board.shown():
        _listen(session, processor, topics, None, board)


def _listen(
    session: Session, processor: str | None, topics: Sequence[str], count: int | None, show: Show
) -> None:
    stream = ToldStream(processor, topics or None, show.cut)
    heard = 0
    with Events(session.url, session.key, stream) as events:
        while count is None or heard < count:
            event = next(events)
            show.happened(event)
            heard += event.topic != FRESH
