"""The genes of a processor: the table of SPEC 6, and values judged by it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from kato.errors import UnknownGene
from kato.fields import mapping, shown, text, within
from kato.kinds import FLAG, Kind, choice, decimal, or_null, whole
from kato.schemas import Schema, closed, named, one_of, record

RANKINGS = (
    "potential",
    "similarity",
    "evidence",
    "confidence",
    "snr",
    "frequency",
    "confluence",
    "itfdf_similarity",
    "fragmentation",
)
"""What C{rank_by} accepts; all rank highest first but C{fragmentation}, lowest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Genes:
    """One processor's genes; the defaults are those of SPEC 6, to which C{track_accuracy} is
    added (docs/accuracy.md)."""

    classifier: str = "CVC"
    max_predictions: int = 100
    recall_threshold: float = 0.1
    min_prediction_symbols: int = 2
    rank_by: str = "potential"
    max_sequence_length: int = 0
    stm_mode: str = "TAIL"
    persistence: int = 5
    sort: bool = True
    process_predictions: bool = True
    vector_neighbors: int = 3
    vector_max_distance: float | None = None
    search_depth: int = 10
    track_accuracy: bool = False

    def changed(self, values: Mapping[str, Any]) -> "Genes":
        """The genes with C{values}, which L{parse_genes} or L{parse_gene} has judged."""
        return replace(self, **values)

    def as_dict(self) -> dict[str, Any]:
        """All genes by name, in the order of SPEC 6."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Gene:
    """What a gene accepts, and what it does."""

    kind: Kind
    says: str


GENES: Mapping[str, Gene] = {
    "classifier": Gene(choice("CVC", "DVC"), "How a vector becomes symbols."),
    "max_predictions": Gene(whole(1, 10_000), "How many predictions are told at most."),
    "recall_threshold": Gene(
        decimal(0.0, 1.0), "How similar a model must be to what is observed to be predicted."
    ),
    "min_prediction_symbols": Gene(
        whole(1), "With fewer symbols in short-term memory nothing is predicted."
    ),
    "rank_by": Gene(
        choice(*RANKINGS),
        "By what predictions are ranked: highest first, only fragmentation lowest first.",
    ),
    "max_sequence_length": Gene(
        whole(0), "With so many events in short-term memory a model is learned by itself; 0: never."
    ),
    "stm_mode": Gene(
        choice("TAIL", "CLEAR", "ROLLING"),
        "What such a learning leaves of short-term memory: the last event, nothing, or all but the "
        "oldest event.",
    ),
    "persistence": Gene(whole(1), "How many of a model's latest emotives are kept."),
    "sort": Gene(FLAG, "Whether the strings of an event are sorted."),
    "process_predictions": Gene(FLAG, "Whether predictions are sent to who subscribes."),
    "vector_neighbors": Gene(whole(0), "How many of the nearest vectors give their symbols, too."),
    "vector_max_distance": Gene(
        or_null(decimal(0.0)), "How far away such a vector may be; null: as far as it is."
    ),
    "search_depth": Gene(
        whole(1, 100), "Of how many remembered vectors classifier DVC makes one at most."
    ),
    "track_accuracy": Gene(FLAG, "Whether each event is held against the forecast before it."),
}
"""The table of SPEC 6."""

NAMES = tuple(field.name for field in fields(Genes))
"""The names of all genes, in the order in which they are told."""

_DEFAULTS = Genes().as_dict()

_EACH: Mapping[str, Schema] = {
    name: {**gene.kind.schema, "default": _DEFAULTS[name], "description": gene.says}
    for name, gene in GENES.items()
}

ALL: Schema = record(_EACH)
"""All genes with their values, as they are told."""

SOME: Schema = closed(record(_EACH, optional=_EACH))
"""Genes with values that they shall have."""


def known_gene(value: object, path: str = "gene") -> str:
    """Take the name of a gene.

    @raise UnknownGene: where no gene has this name.
    """
    name = text(value, path)
    if name not in GENES:
        raise UnknownGene(f"{path}: no gene is called {shown(name)}, known are {', '.join(NAMES)}")
    return name


def parse_gene(name: str, value: object, path: str = "value") -> Any:
    """Judge a value for the known gene C{name}.

    @raise InvalidRequest: where the gene does not accept it.
    """
    return GENES[name].kind.judge(value, f"{path} of gene {name}")


def parse_genes(value: object, path: str = "genes") -> dict[str, Any]:
    """Judge a change of several genes, all or nothing.

    @raise InvalidRequest: for the first unknown gene or unfit value.
    """
    known = frozenset(GENES)
    return {
        name: GENES[name].kind.judge(each, within(path, name))
        for name, each in mapping(value, path, known).items()
    }


A_GENE = Kind(known_gene, one_of(NAMES))
"""The name of a gene."""

A_CHANGE = Kind(parse_genes, named("SomeGenes"))
"""Genes with the values that they shall have."""
