"""Predictions and forecasts as rows of tables.  Pure."""

from collections.abc import Iterator, Sequence

from kato.cli.output import Column
from kato.cli.wording import Wording
from kato.client import Expected, Prediction

PREDICTIONS = (
    Column("model", whole=True, style="cyan"),
    Column("potential", number=True, style="bold"),
    Column("similarity", number=True, wide=True),
    Column("frequency", number=True),
    Column("present"),
    Column("future", style="green"),
    Column("missing", style="yellow"),
    Column("extras", style="red"),
    Column("emotives", wide=True),
)
EXPECTED = (
    Column("event", style="green"),
    Column("share", number=True, style="bold"),
    Column("models", number=True),
    Column("frequency", number=True),
)


def prediction_rows(predictions: Sequence[Prediction], word: Wording) -> Iterator[Sequence[str]]:
    """Predictions as rows of a table."""
    for each in predictions:
        yield (
            word.name(each.name),
            word.number(each.potential),
            word.number(each.similarity),
            str(each.frequency),
            word.sequence(each.present),
            word.sequence(each.future),
            word.event(each.missing),
            word.event(each.extras),
            word.emotives(each.emotives),
        )


def expected_rows(expected: Sequence[Expected], word: Wording) -> Iterator[Sequence[str]]:
    """A forecast as rows of a table."""
    for each in expected:
        share = word.number(each.share)
        yield word.event(each.event), share, str(each.models), str(each.frequency)
