"""The event that an observation makes (SPEC 1, 5)."""

from kato.engine.vectors import VectorMemory
from kato.genes import Genes
from kato.observation import Event, Observation


def event_of(observation: Observation, vectors: VectorMemory, genes: Genes) -> tuple[Event, bool]:
    """The symbols of an observation, none where it makes no event, and whether a search for some
    of them gave up."""
    strings = observation.strings
    if genes.sort and len(strings) > 1:
        strings = tuple(sorted(strings))
    if not observation.vectors:
        return strings, False
    found = [vectors.classify(vector, genes) for vector in observation.vectors]
    symbols = {symbol for each in found for symbol in each.symbols}
    return (*sorted(symbols), *strings), any(each.bounded for each in found)
