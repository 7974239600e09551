"""Predictions and the forecast, told in symbols (SPEC 3)."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from kato.engine.emotives import average_of
from kato.engine.matching import Kept, Match, Vote
from kato.engine.metrics import rounded
from kato.model import Model
from kato.observation import Event

Prediction = dict[str, Any]
"""A prediction with the fields of SPEC 3, in JSON's types."""


def prediction(match: Match, model: Model, state: Sequence[str]) -> Prediction:
    """Tell what C{match} found in C{model} for C{state}: past, present and future are the model's
    events; matches and missing are the symbols of C{present}; matches and extras those of
    C{state}."""
    sequence = model.sequence
    flat = [symbol for event in sequence for symbol in event]
    start = sum(map(len, sequence[: match.first]))
    end = start + sum(map(len, sequence[match.first : match.last]))
    in_model = {i for block in match.blocks for i in range(block.model, block.model + block.size)}
    in_state = {i for block in match.blocks for i in range(block.state, block.state + block.size)}
    return {
        "type": "prototypical",
        "name": model.name,
        "frequency": model.frequency,
        "matches": [flat[i] for i in sorted(in_model)],
        "missing": [flat[i] for i in range(start, end) if i not in in_model],
        "extras": [symbol for i, symbol in enumerate(state) if i not in in_state],
        "past": _events(sequence[: match.first]),
        "present": _events(sequence[match.first : match.last]),
        "future": _events(sequence[match.last :]),
        **match.metrics._asdict(),
        "emotives": {name: rounded(value) for name, value in average_of(model.emotives).items()},
    }


def _events(events: Sequence[Event]) -> list[list[str]]:
    return [list(event) for event in events]


def forecast(kept: Kept, model: Callable[[str], Model]) -> list[dict[str, Any]]:
    """What comes next, from all kept models together: every entry, best first.

    @param model: gives the model of a name.
    """
    votes = kept.votes()
    if any(vote.reaches_now for vote in votes):
        votes = [vote for vote in votes if vote.reaches_now]
    ballots: dict[Event, list[Vote]] = {}
    for vote in votes:
        ballots.setdefault(model(vote.name).sequence[vote.event], []).append(vote)
    whole = math.fsum(map(_weight, votes))
    if not whole:
        return []
    entries: list[dict[str, Any]] = [
        {
            "event": list(event),
            "share": rounded(math.fsum(map(_weight, ballot)) / whole),
            "models": len(ballot),
            "frequency": sum(vote.frequency for vote in ballot),
        }
        for event, ballot in ballots.items()
    ]
    entries.sort(key=lambda entry: (-entry["share"], entry["event"]))
    return entries


def _weight(vote: Vote) -> float:
    """frequency x max(potential, 0)^8."""
    return float(vote.frequency * max(vote.potential, 0.0) ** 8)
