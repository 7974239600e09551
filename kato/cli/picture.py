"""What is to be seen of a processor that is watched, and what events make of it.  Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kato.cli.wording import Wording
from kato.client import FRESH, Cognition, Expected, Prediction, StreamEvent
from kato.client.results import Event

_LINES = 6


@dataclass(frozen=True, slots=True)
class Picture:
    """What is known now; C{lines} are what happened last, C{lost} why nothing more is heard."""

    short_term_memory: Sequence[Event] = ()
    predictions: Sequence[Prediction] = ()
    forecast: Sequence[Expected] = ()
    lines: Sequence[str] = ()
    lost: str | None = None

    def anew(self, cognition: Cognition, forecast: Sequence[Expected]) -> "Picture":
        """All was read anew."""
        return replace(
            self,
            short_term_memory=cognition.short_term_memory,
            predictions=cognition.predictions,
            forecast=forecast,
            lost=None,
        )

    def connected(self, lost: str | None) -> "Picture":
        """Nothing is heard, and why; or, with C{None}, it is again."""
        return replace(self, lost=lost)

    def after(self, event: StreamEvent, line: str) -> "Picture":
        """Something happened.

        @param line: which says it.
        """
        if event.topic == "observations":
            return replace(self, short_term_memory=event.data["short_term_memory"])
        if event.topic == "predictions":
            return replace(
                self,
                predictions=[Prediction.read(each) for each in event.data["predictions"]],
                forecast=[Expected.read(each) for each in event.data["forecast"]],
            )
        kept = _kept(event.topic, event.data, self.short_term_memory)
        return replace(self, short_term_memory=kept, lines=(*self.lines, line)[-_LINES:])


def _kept(topic: str, data: Mapping[str, Any], events: Sequence[Event]) -> Sequence[Event]:
    """What short-term memory has after an event of learning or memory."""
    change = data.get("change")
    if (topic, change) == ("learning", "learned"):
        return events[len(events) - data["events"] :]
    return () if (topic, change) in (("memory", "cleared"), ("memory", "deleted")) else events


def said(event: StreamEvent, word: Wording) -> str:
    """What an event tells, in one line."""
    data = event.data
    skipped = f"; {event.skipped} before it were passed over" if event.skipped else ""
    return _said(event, data, word) + skipped


def _said(event: StreamEvent, data: Mapping[str, Any], word: Wording) -> str:
    if event.topic == FRESH:
        return "listening"
    if event.topic == "observations":
        return word.sequence(data["short_term_memory"])
    if event.topic == "predictions":
        return _foreseen(data, word)
    change = data.get("change", data.get("state", ""))
    rest = {name: value for name, value in data.items() if name not in ("change", "state")}
    if "model_name" in rest:
        name = word.name(rest.pop("model_name"))
        return f"{change} {name}, {word.numbers(rest)}" if rest else f"{change} {name}"
    return f"{change} {word.numbers(rest)}".rstrip()


def _foreseen(data: Mapping[str, Any], word: Wording) -> str:
    if not data["predictions"]:
        return "nothing is predicted"
    best = Prediction.read(data["predictions"][0])
    future = word.sequence(best.future) or "its end"
    count = len(data["predictions"])
    return f"{future} next, says {word.name(best.name)}, the best of {count}"
