"""Processors held against others that should be equal, model by model (docs/audit.md)."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from kato.auditing.living import Living

MOST = 10
"""So many differences of a processor are told."""


@dataclass(slots=True)
class Compared:
    """What came of one processor: how many models were alike, and the first differences."""

    processor: str
    models: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def full(self) -> bool:
        """Whether enough differences were found."""
        return len(self.differences) >= MOST


def compare(
    built: Living,
    living: Living,
    processors: Collection[str],
    *,
    told: Callable[[int], object] = lambda _: None,
) -> Iterator[Compared]:
    """Hold processors that were built again against the living ones.

    @param processors: which; those that only one side has differ.
    @param told: is told of models that were compared, as a number.
    """
    mine, theirs = set(built.processors()), set(living.processors())
    for processor in sorted(processors):
        found = Compared(processor)
        if processor not in mine or processor not in theirs:
            there = "the log ends with it" if processor in mine else "it is there"
            gone = "it is not there" if processor in mine else "no log ends with it"
            found.differences.append(f"{there}, and {gone}")
        else:
            _compare_one(found, built, living, told)
        yield found


def _compare_one(
    found: Compared, built: Living, living: Living, told: Callable[[int], object]
) -> None:
    processor = found.processor
    expected, state = built.state(processor), living.state(processor)
    for name, value in expected.items():
        if state[name] != value and not found.full:
            found.differences.append(f"{name}: {_short(value)} by the log, {_short(state[name])}")
    _compare_models(found, built.models(processor), living.models(processor), told)
    after = living.state(processor)["revision"]
    if after != state["revision"]:
        found.differences[:] = [
            f"it changes while it is looked at: revision {state['revision']}, then {after}"
        ]


def _compare_models(
    found: Compared,
    mine: Iterator[dict[str, Any]],
    theirs: Iterator[dict[str, Any]],
    told: Callable[[int], object],
) -> None:
    """Go through both lists, which are in the order of the names."""
    model, other = next(mine, None), next(theirs, None)
    while (model or other) and not found.full:
        if other is None or (model is not None and model["name"] < other["name"]):
            assert model is not None, "one of them is there"
            found.differences.append(f"{model['name']}: by the log it is there, and it is not")
            model = next(mine, None)
        elif model is None or other["name"] < model["name"]:
            found.differences.append(f"{other['name']}: it is there, and by the log it is not")
            other = next(theirs, None)
        else:
            _compare_model(found, model, other)
            told(1)
            model, other = next(mine, None), next(theirs, None)


def _compare_model(found: Compared, model: dict[str, Any], other: dict[str, Any]) -> None:
    differs = [name for name in model if model[name] != other.get(name)]
    found.models += not differs
    for name in differs:
        found.differences.append(
            f"{model['name']}: {name} {_short(model[name])} by the log, {_short(other.get(name))}"
        )


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
