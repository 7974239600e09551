"""Commands that observe, learn, look at what was learned, and forget."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from kato.cli.arguments import (
    limit_option,
    model_argument,
    processor_argument,
    reading,
    whole_name,
)
from kato.cli.asking_first import confirmed
from kato.cli.commands import Command
from kato.cli.documents import Unfit, decoded, mapping, observation
from kato.cli.output import Column, Output
from kato.cli.session import Session
from kato.cli.typed import named_number, split_emotives, vector
from kato.client import Model, ModelSummary, Observation, Observed, Page
from kato.client.calls import ProcessorCalls
from kato.client.results import Event

_FELT = "kato.emotives"
_MODELS = (
    Column("model", whole=True, style="cyan"),
    Column("frequency", number=True),
    Column("length", number=True),
)


class Observing(Command):
    """A command for which an option that it does not know is an emotive."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the emotives, and then all else."""
        options = {
            name: not (param.is_flag or param.count)
            for param in self.get_params(ctx)
            if isinstance(param, click.Option)
            for name in param.opts
        }
        try:
            left, ctx.meta[_FELT] = split_emotives(args, options)
        except Unfit as error:
            raise click.UsageError(str(error), ctx) from None
        return super().parse_args(ctx, left)


@click.command(cls=Observing, options_metavar="[--EMOTIVE NUMBER]... [OPTIONS]")
@processor_argument
@click.argument("strings", nargs=-1)
@click.option(
    "--vector",
    "vectors",
    callback=reading(vector),
    multiple=True,
    metavar="1,2,3",
    help="A vector; may stand several times.",
)
@click.option(
    "--emotive",
    "named",
    callback=reading(named_number),
    multiple=True,
    metavar="NAME=NUMBER",
    help="An emotive whose name is an option's; others as --joy 0.8.",
)
@click.option("--unique-id", metavar="ID", help="Observe it once, however often it is sent.")
@click.option(
    "--metadata",
    callback=reading(lambda text: mapping(decoded(text), "metadata")),
    metavar="JSON",
    help="An object that is kept with it.",
)
@click.pass_context
def observe(
    ctx: click.Context,
    processor: str,
    strings: Sequence[str],
    vectors: Sequence[Sequence[float]],
    named: Sequence[tuple[str, float]],
    unique_id: str | None,
    metadata: Mapping[str, Any] | None,
) -> None:
    """Observe one event, made of STRINGS; - reads an observation as JSON from standard input."""
    session = ctx.ensure_object(Session)
    emotives = {**ctx.meta[_FELT], **dict(named)}
    seen = Observation(strings, vectors, emotives, unique_id, metadata or {})
    if seen.strings == ("-",):
        seen = _from_standard_input(seen)
    elif not (strings or vectors or emotives):
        raise click.UsageError("what was observed? Give strings, a vector or an emotive", ctx)
    session.tell(
        ProcessorCalls(processor).observe(
            seen.strings,
            vectors=seen.vectors,
            emotives=seen.emotives,
            unique_id=seen.unique_id,
            metadata=seen.metadata,
            brief=session.quiet,
        ),
        _show_observed,
    )


def _from_standard_input(typed: Observation) -> Observation:
    if typed.sent() != {"strings": ["-"]}:
        raise click.UsageError("-: all of the observation comes from standard input")
    try:
        return observation(decoded(sys.stdin.buffer.read().decode("utf-8-sig")))
    except (Unfit, UnicodeDecodeError) as error:
        raise click.UsageError(f"standard input: {error}") from None


def _show_observed(observed: Observed, output: Output) -> None:
    if observed.auto_learned_model:
        output.note(f"learned {observed.auto_learned_model}")
    if observed.short_term_memory is not None:
        _show_events(observed.short_term_memory, output)


def _show_events(events: Sequence[Event], output: Output) -> None:
    if output.terminal:
        output.line(output.wording.sequence(events) or "(short-term memory is empty)")
        return
    for event in events:
        output.line("\t".join(map(output.wording.symbol, event)))


@click.command(cls=Command)
@processor_argument
@click.pass_obj
def stm(session: Session, processor: str) -> None:
    """Show short-term memory: the events since it was last emptied."""
    session.tell(ProcessorCalls(processor).short_term_memory(), _show_events)


@click.command(cls=Command)
@processor_argument
@click.pass_obj
def learn(session: Session, processor: str) -> None:
    """Make a model of short-term memory, and empty it; prints the model's name."""
    session.tell(ProcessorCalls(processor).learn(), _show_learned)


def _show_learned(name: str, output: Output) -> None:
    if name:
        output.line(name)
    else:
        output.note("nothing was learned: there were fewer than two symbols")


@click.command(cls=Command)
@processor_argument
@click.pass_obj
def clear(session: Session, processor: str) -> None:
    """Empty short-term memory, without learning."""
    session.tell(
        ProcessorCalls(processor).clear_short_term_memory(),
        lambda _, output: output.note(f"{processor}: short-term memory is empty"),
    )


@click.command(cls=Command)
@processor_argument
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.pass_obj
def forget(session: Session, processor: str, yes: bool) -> None:
    """Forget short-term memory, every model and every vector; genes stay."""
    confirmed(f"Forget all that {processor} learned?", yes)
    session.tell(
        ProcessorCalls(processor).clear_all_memory(),
        lambda _, output: output.note(f"{processor}: all is forgotten"),
    )


@click.command(cls=Command)
@processor_argument
@limit_option("How many to list [100].")
@click.option("--after", metavar="NAME", help="List those behind this one.")
@click.pass_obj
def models(session: Session, processor: str, limit: int | None, after: str | None) -> None:
    """List models by name, with how often each was learned, and how many symbols it has."""
    session.tell(ProcessorCalls(processor).models(limit, after), _show_models)


def _show_models(page: Page[ModelSummary], output: Output) -> None:
    name = output.wording.name
    output.table(
        _MODELS,
        ((name(each.name), str(each.frequency), str(each.length)) for each in page.entries),
    )
    output.more(page.total, page.next)


@click.command(cls=Command)
@processor_argument
@model_argument
@click.pass_obj
def model(session: Session, processor: str, model: str) -> None:
    """Show MODEL, by its name, or as much of it as is its alone."""
    name = whole_name(session, processor, model)
    session.tell(ProcessorCalls(processor).model(name), _show_model)


def _show_model(model: Model, output: Output) -> None:
    word = output.wording
    output.facts(
        [
            ("model", model.name),
            ("sequence", word.sequence(model.sequence)),
            ("frequency", str(model.frequency)),
            ("length", str(model.length)),
            *(("emotives", word.emotives(each)) for each in model.emotives),
        ]
    )
