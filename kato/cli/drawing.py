"""How a processor that is watched looks on a terminal."""

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from kato.cli.expectations import EXPECTED, PREDICTIONS, expected_rows, prediction_rows
from kato.cli.output import drawn
from kato.cli.picture import Picture
from kato.cli.wording import Wording

_AROUND = 28
"""Lines that all but the predictions takes."""

_EXPECTED = 4
_EVENTS = 12


def draw(title: str, picture: Picture, word: Wording, width: int, height: int) -> RenderableType:
    """The picture, with as much as fits."""
    room = max(1, height - _AROUND)
    rows = prediction_rows(picture.predictions[:room], word)
    return Group(
        _state(picture),
        Panel(
            Text(_memory(picture, word)), title=f"{title}: short-term memory", title_align="left"
        ),
        drawn(PREDICTIONS, rows, width),
        drawn(EXPECTED, expected_rows(picture.forecast[:_EXPECTED], word), width),
        Panel(Text("\n".join(picture.lines)), title="what happened", title_align="left"),
    )


def _memory(picture: Picture, word: Wording) -> str:
    events = picture.short_term_memory
    before = "… → " if len(events) > _EVENTS else ""
    return before + word.sequence(events[-_EVENTS:]) or "(empty)"


def _state(picture: Picture) -> Text:
    if picture.lost is None:
        return Text("live; Ctrl-C ends", style="green")
    return Text(f"cut off, and trying again: {picture.lost}", style="bold red")
