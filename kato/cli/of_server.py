"""Commands about a server, and about processors as a whole."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from kato.cli.arguments import (
    gene_words,
    limit_option,
    maybe_processor_argument,
    processor_argument,
    read,
)
from kato.cli.asking_first import confirmed
from kato.cli.commands import Command
from kato.cli.output import Column, Output
from kato.cli.session import Session
from kato.cli.typed import genes as read_genes
from kato.client import Page, ProcessorSummary, Status
from kato.client.calls import ProcessorCalls, ServerCalls

_PROCESSORS = (
    Column("processor", style="bold"),
    Column("models", number=True),
    Column("events", number=True),
    Column("service"),
)


@click.command(cls=Command)
@maybe_processor_argument
@click.pass_obj
def ping(session: Session, processor: str | None) -> None:
    """See whether the server is up, or whether PROCESSOR exists."""
    call = ServerCalls().ping() if processor is None else ProcessorCalls(processor).ping()
    what = session.url if processor is None else processor
    session.tell(call, lambda _, output: output.note(f"{what} is there"))


@click.command(cls=Command)
@limit_option("How many to list [100].")
@click.option("--after", metavar="ID", help="List those behind this one.")
@click.pass_obj
def processors(session: Session, limit: int | None, after: str | None) -> None:
    """List processors, with how many models and events each has."""
    session.tell(ServerCalls().processors(limit, after), _show_processors)


def _show_processors(page: Page[ProcessorSummary], output: Output) -> None:
    output.table(
        _PROCESSORS,
        ((each.id, str(each.models), str(each.events), each.service) for each in page.entries),
    )
    output.more(page.total, page.next)


@click.command(cls=Command)
@processor_argument
@gene_words
@click.pass_obj
def create(session: Session, processor: str, genes: Sequence[str]) -> None:
    """Make PROCESSOR, with GENES that differ from the server's defaults, as GENE=VALUE.

    If it is there already, the genes that are given are changed.
    """
    given = read("genes", read_genes, genes)
    session.tell(
        ProcessorCalls(processor).create(given or None),
        lambda new, output: output.note(
            f"{processor}: made" if new else f"{processor}: was there already"
        ),
    )


@click.command(cls=Command)
@processor_argument
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete(session: Session, processor: str, yes: bool) -> None:
    """Delete PROCESSOR, and forget all of it."""
    confirmed(f"Delete {processor}, with all that it learned?", yes)
    session.tell(
        ProcessorCalls(processor).delete(),
        lambda _, output: output.note(f"{processor}: deleted"),
    )


@click.command(cls=Command)
@processor_argument
@click.pass_obj
def status(session: Session, processor: str) -> None:
    """Tell what there is of PROCESSOR."""
    session.tell(ProcessorCalls(processor).status(), _show_status)


def _show_status(status: Status, output: Output) -> None:
    beside = {"status", "message", "processor", "time_stamp", "genes", "name"}
    word = output.wording.value
    output.facts(
        [
            ("processor", status.name),
            *((name, word(value)) for name, value in status.told.items() if name not in beside),
        ]
    )


@click.command(cls=Command)
@processor_argument
@gene_words
@click.pass_obj
def genes(session: Session, processor: str, genes: Sequence[str]) -> None:
    """Show all genes, or change some: GENE=VALUE, all of them or none."""
    calls = ProcessorCalls(processor)
    if not genes:
        session.tell(calls.genes(), _show_genes)
        return
    given = read("genes", read_genes, genes)

    def changed(old: Mapping[str, Any], output: Output) -> None:
        word = output.wording.value
        for name, value in given.items():
            output.note(f"{name}: {word(old[name])} → {word(value)}")

    session.tell(calls.change_genes(given), changed)


def _show_genes(genes: Mapping[str, Any], output: Output) -> None:
    output.facts((name, output.wording.value(value)) for name, value in genes.items())
