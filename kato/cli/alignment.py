"""A model and short-term memory under each other, blocks below blocks.  Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len

Lines = tuple[str, str, str]
"""What stands in the model, bars where it matches, and what stands in the state."""

_LABELS = ("model  ", "       ", "state  ")
_NARROWEST = 20


@dataclass(frozen=True, slots=True)
class Place:
    """A symbol of the model, of the state, or of both, where it lies in the block C{block}."""

    model: str = ""
    state: str = ""
    block: int | None = None

    @property
    def width(self) -> int:
        """How many cells of a terminal it takes."""
        return max(cell_len(self.model), cell_len(self.state))


def places(
    model: Sequence[str], state: Sequence[str], blocks: Sequence[Mapping[str, Any]]
) -> Iterator[Place]:
    """Where each symbol stands: in order, what is only one's beside, what matches below the other.

    @param blocks: those of an explanation, in order.
    """
    at_model = at_state = 0
    end = {"model_start": len(model), "state_start": len(state), "length": 0}
    for number, block in enumerate((*blocks, end)):
        start_model, start_state = block["model_start"], block["state_start"]
        yield from (Place(model=each) for each in model[at_model:start_model])
        yield from (Place(state=each) for each in state[at_state:start_state])
        at_model, at_state = start_model + block["length"], start_state + block["length"]
        yield from (Place(each, each, number) for each in model[start_model:at_model])


def aligned(places: Sequence[Place], width: int | None) -> list[Lines]:
    """Lines in threes, broken where they would be wider than C{width}; C{None}: not at all."""
    groups: list[list[Place]] = [[]]
    room = left = max(_NARROWEST, (width or 10**9) - len(_LABELS[0]))
    for place in places:
        if groups[-1] and place.width > left:
            groups.append([])
            left = room
        groups[-1].append(place)
        left -= place.width + 1
    return [_lines(group) for group in groups if group]


def _lines(places: Sequence[Place]) -> Lines:
    model, bars, state = _LABELS
    for place, following in zip(places, (*places[1:], Place()), strict=True):
        inside = place.block is not None
        goes_on = inside and following.block == place.block
        model += _padded(place.model, place.width)
        bars += ("=" if inside else " ") * place.width + ("=" if goes_on else " ")
        state += _padded(place.state, place.width)
    return model.rstrip(), bars.rstrip(), state.rstrip()


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text) + 1)
