"""When a model was learned, and of what was observed: read from an audit log (docs/audit.md)."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kato.audit.backwards import Backwards, Found, Spot
from kato.model import PREFIX

MOST = 2**27
"""How many bytes of a log are looked at for one answer."""

LATEST = 5
"""So many of the latest learnings are told, and the first one."""

_MANY = 100
"""So many of the observations of a learning are told, the latest."""

_TURNS = (b'"restored"', b'"adopted"', b'"created":{', b'"delete_processor"', b'"clear_all_memory"')
"""Words by which lines are found that tell what is void, or where a memory began."""

_VECTOR = "VECTOR|"

Events = Sequence[Sequence[str]]
"""The events of a model."""


def learned(
    folder: Path, processor: str, name: str, events: Events, *, most: int = MOST
) -> dict[str, Any]:
    """When a model was learned, in JSON's types (docs/explain.md).

    @param name: the model's.
    @param most: how many bytes of the log are looked at.
    @raise OSError: where the log cannot be read.
    @raise ValueError: where it is not what a log is.
    """
    learnings = _Learnings(Backwards(folder, most=most), processor, name)
    times = 0
    latest: list[Found] = []
    first: Found | None = None
    for each in learnings:
        times, first = times + 1, each
        if len(latest) < LATEST:
            latest.append(each)
    observed = Backwards(folder, most=most)

    def tell(each: Found) -> dict[str, Any]:
        return _told(each, _observations(observed, processor, each, events))

    return {
        "times": times,
        "first": tell(first) if learnings.whole and first is not None else None,
        "latest": list(map(tell, latest)),
        "searched": {"bytes": learnings.read + observed.read, "whole": learnings.whole},
    }


class _Learnings:
    """The learnings of a model that hold, the latest first, back to where its memory began."""

    def __init__(self, backwards: Backwards, processor: str, name: str) -> None:
        self._backwards = backwards
        self._processor = processor
        self._name = name
        self._gap = False
        self._began = False

    @property
    def read(self) -> int:
        """How many bytes were looked at."""
        return self._backwards.read

    @property
    def whole(self) -> bool:
        """Whether there are no others."""
        return (self._began or self._backwards.whole) and not self._gap

    def __iter__(self) -> Iterator[Found]:
        short = self._name.removeprefix(PREFIX).encode()
        holds_to = sys.maxsize
        for found in self._backwards.lines(self._processor, (short, *_TURNS)):
            told, revision = found.told, found.told.get("revision")
            if told.get("read"):
                continue
            if "event" in told:
                self._gap = self._gap or told["event"] == "adopted"
                self._began = revision is None
                holds_to = holds_to if revision is None else min(holds_to, revision)
            elif revision is not None and revision <= holds_to:
                if self._name in _names(told):
                    yield found
                self._began = _begins(told, self._name)
            if self._began:
                return


def _names(told: Mapping[str, Any]) -> list[str]:
    """The models that an operation has learned."""
    result = told.get("result", {})
    one = (result.get("model_name"), result.get("auto_learned_model"))
    return [*result.get("learned_models", ()), *(each for each in one if each)]


def _begins(told: Mapping[str, Any], name: str) -> bool:
    """Whether nothing was known of a model before this."""
    operation, params = told["operation"], told["params"]
    if operation == "delete_model":
        return bool(name.removeprefix(PREFIX) == params["model_name"].removeprefix(PREFIX))
    return "created" in told or operation in ("delete_processor", "clear_all_memory")


def _told(found: Found, observations: list[dict[str, Any]]) -> dict[str, Any]:
    told = found.told
    kept = {name: told[name] for name in _SHOWN if name in told}
    return {
        **kept,
        "line": told["n"],
        "observations": observations[-_MANY:],
        "more": max(len(observations) - _MANY, 0),
    }


_SHOWN = ("time", "operation", "revision", "interval", "request_id", "origin")


# What it was made of


def _observations(
    backwards: Backwards, processor: str, found: Found, events: Events
) -> list[dict[str, Any]]:
    """The observations that made the events of a learning, in their order; none where that cannot
    be told."""
    lines: Iterator[Mapping[str, Any]] = _before(backwards, processor, found)
    observed = _of_line(found.told)
    for told in lines:
        if len(observed) - len(_of_line(found.told)) >= len(events):
            break
        if told["operation"] in ("learn", "clear_short_term_memory", "clear_all_memory"):
            break
        observed = [*_of_line(told), *observed]
    return _made(observed, events)


def _before(backwards: Backwards, processor: str, found: Found) -> Iterator[dict[str, Any]]:
    """The operations before a line that led to it, the latest first: each is the newest of its
    revision."""
    revision = found.told["revision"]
    spot: Spot = found.spot
    for each in backwards.lines(processor, (b'"revision":',), before=spot):
        told = each.told
        if "event" not in told and not told.get("read") and told.get("revision") == revision - 1:
            revision -= 1
            yield told
            if "created" in told:
                return


def _of_line(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The observations of a line that made events."""
    params, result = told["params"], told.get("result", {})
    if told["operation"] == "observe":
        given = [{**params, "unique_id": result.get("unique_id")}]
    elif told["operation"] == "observe_sequence":
        given = params["observations"]
    else:
        given = []
    where = {name: told[name] for name in ("time", "revision", "interval") if name in told}
    return [
        {**{name: each[name] for name in _OBSERVED if each.get(name)}, **where}
        for each in given
        if each.get("strings") or each.get("vectors")
    ]


_OBSERVED = ("unique_id", "strings", "vectors", "emotives", "metadata")


def _made(observed: list[dict[str, Any]], events: Events) -> list[dict[str, Any]]:
    """The latest observations of which these events can have come."""
    count = len(events)
    for last in range(len(observed), count - 1, -1):
        latest = observed[last - count : last]
        if all(map(_may_make, latest, events)):
            return latest
    return []


def _may_make(observed: Mapping[str, Any], event: Sequence[str]) -> bool:
    """Whether an observation can have made an event: its strings stand in it, beside the symbols
    of vectors."""
    strings = sorted(observed.get("strings", ()))
    if not observed.get("vectors"):
        return strings == sorted(event)
    return strings == sorted(each for each in event if not each.startswith(_VECTOR))
