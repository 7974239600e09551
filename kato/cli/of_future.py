"""Commands that tell what is to be expected, and why."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from kato.cli.alignment import aligned, places
from kato.cli.arguments import limit_option, model_argument, processor_argument, whole_name
from kato.cli.commands import Command
from kato.cli.expectations import EXPECTED, PREDICTIONS, expected_rows, prediction_rows
from kato.cli.output import Column, Output
from kato.cli.session import Session, with_answer
from kato.cli.wording import Wording, times
from kato.client import Expected, Explanation, Prediction
from kato.client.calls import ProcessorCalls
from kato.client.results import Answer


@click.command(cls=Command)
@processor_argument
@click.option("--unique-id", metavar="ID", help="Ask as of right after this observation.")
@limit_option("Show no more than the best N.")
@click.pass_obj
def predict(session: Session, processor: str, unique_id: str | None, limit: int | None) -> None:
    """Show what the models say to short-term memory, best first."""
    told, best = session.ask(with_answer(ProcessorCalls(processor).predictions(unique_id)))
    if session.as_json:
        session.print_json({**told, "predictions": told["predictions"][:limit]})
    else:
        _show_predictions(best[:limit], session.output)


def _show_predictions(predictions: Sequence[Prediction], output: Output) -> None:
    rows = prediction_rows(predictions, output.wording)
    output.table(PREDICTIONS, rows, empty="nothing is predicted")


@click.command(cls=Command)
@processor_argument
@limit_option("Show no more than the likeliest N.")
@click.pass_obj
def forecast(session: Session, processor: str, limit: int | None) -> None:
    """Show what comes next, by the vote of all models that match."""
    session.tell(ProcessorCalls(processor).forecast(limit), _show_forecast)


def _show_forecast(expected: Sequence[Expected], output: Output) -> None:
    rows = expected_rows(expected, output.wording)
    output.table(EXPECTED, rows, empty="nothing is expected")


@click.command(cls=Command)
@processor_argument
@model_argument
@click.pass_obj
def explain(session: Session, processor: str, model: str) -> None:
    """Show why MODEL is predicted now, or not: where it matches, and how each number is made."""
    name = whole_name(session, processor, model)
    session.tell(ProcessorCalls(processor).explain(name), _show_explanation)


def _show_explanation(told: Explanation, output: Output) -> None:
    word = output.wording
    output.facts(
        [
            ("model", told.model["name"]),
            ("sequence", word.sequence(told.model["sequence"])),
            ("frequency", str(told.model["frequency"])),
            ("predicted", f"{'yes' if told.predicted else 'no'}: {told.because}"),
            *_learned(told.learned, word),
        ]
    )
    if told.blocks:
        _show_blocks(told, output)
        _show_formulas("metric", told.metrics, output)
        _show_formulas("term", told.terms, output)


def _learned(learned: Answer | None, word: Wording) -> Iterator[tuple[str, str]]:
    """When it was learned, where the server has a log of that: first, and most of late."""
    if learned is None:
        return
    first = [learned["first"]] if learned["first"] else []
    yield "learned", f"{times(learned['times'])}, as far as the log tells"
    for name, told in (("first", first), ("latest", learned["latest"])):
        for each in told:
            seen = word.sequence(seen.get("strings", ()) for seen in each["observations"])
            yield name, f"{word.time(each['time'])} of {seen}"


def _show_blocks(told: Explanation, output: Output) -> None:
    word = output.wording
    symbols = [word.symbol(each) for event in told.model["sequence"] for each in event]
    state = [word.symbol(each) for each in told.state]
    width = output.console.width if output.terminal else None
    for lines in aligned(list(places(symbols, state, told.blocks)), width):
        output.line()
        for line in lines:
            output.line(line)


def _show_formulas(title: str, entries: Sequence[Mapping[str, Any]], output: Output) -> None:
    """Print numbers, each with its formula, and below it, on a terminal, with what is put in."""
    word = output.wording
    rows = (
        (each["name"], word.value(each["value"]), each["formula"], word.numbers(each["numbers"]))
        for each in entries
    )
    output.line()
    if output.terminal:
        columns = (Column(title, style="cyan"), Column("value", style="bold"), Column("formula"))
        output.table(columns, ((*row[:2], "\n".join(row[2:])) for row in rows))
    else:
        output.table((), rows)
