"""Predictions and the forecast, told in symbols (SPEC 3)."""

import math
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple

from kato.engine.blocks import Block
from kato.engine.metrics import Metrics, rounded
from kato.model import Sequence as Events
from kato.observation import Event


class Match(NamedTuple):
    """A kept model: what it is, where it matches, which of its events are present, and its
    numbers."""

    name: str
    frequency: int
    sequence: Events
    blocks: tuple[Block, ...]
    first: int
    """The number of the first event of C{present},"""
    last: int
    """and of the first one after it."""
    metrics: Metrics


class Vote(NamedTuple):
    """What a kept model with a future says to the forecast."""

    frequency: int
    event: Event
    """Its first future event."""
    potential: float
    reaches_now: bool
    """Whether its last block ends at the last symbol of the state."""


def told(match: Match, state: Sequence[str]) -> dict[str, Any]:
    """The prediction that C{match} is for C{state}, without its emotives: past, present and future
    are the model's events; matches and missing are the symbols of C{present}; matches and extras
    those of C{state}."""
    first, last = match.first, match.last
    events = list(map(list, match.sequence))
    flat = list(chain.from_iterable(events))
    start = sum(map(len, events[:first]))
    end = start + sum(map(len, events[first:last]))
    in_model = {i for block in match.blocks for i in range(block.model, block.model + block.size)}
    in_state = {i for block in match.blocks for i in range(block.state, block.state + block.size)}
    return {
        "type": "prototypical",
        "name": match.name,
        "frequency": match.frequency,
        "matches": [flat[i] for i in sorted(in_model)],
        "missing": [flat[i] for i in range(start, end) if i not in in_model],
        "extras": [symbol for i, symbol in enumerate(state) if i not in in_state],
        "past": events[:first],
        "present": events[first:last],
        "future": events[last:],
        **match.metrics._asdict(),
    }


def forecast(votes: Iterable[Vote]) -> list[dict[str, Any]]:
    """What comes next, by all votes together: every entry, best first."""
    cast = list(votes)
    if any(vote.reaches_now for vote in cast):
        cast = [vote for vote in cast if vote.reaches_now]
    ballots: dict[Event, list[Vote]] = {}
    for vote in cast:
        ballots.setdefault(vote.event, []).append(vote)
    whole = math.fsum(map(_weight, cast))
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
