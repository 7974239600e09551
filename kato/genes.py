"""The genes of a processor: the table of SPEC 6, and values judged by it."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from kato.errors import InvalidRequest, UnknownGene
from kato.fields import boolean, integer, mapping, number, shown, text, within

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

_Judge = Callable[[object, str], Any]


def _choice(*choices: str) -> _Judge:
    def judge(value: object, path: str) -> str:
        word = text(value, path)
        if word not in choices:
            raise InvalidRequest(f"{path}: expected one of {', '.join(choices)}, got {shown(word)}")
        return word

    return judge


def _integer(least: int, most: int | None = None) -> _Judge:
    def judge(value: object, path: str) -> int:
        if most is None:
            return integer(value, path, least=least)
        return integer(value, path, least=least, most=most)

    return judge


def _number(least: float, most: float | None = None) -> _Judge:
    def judge(value: object, path: str) -> float:
        result = number(value, path)
        if result < least or (most is not None and result > most):
            bounds = f"from {least} to {most}" if most is not None else f"from {least} up"
            raise InvalidRequest(f"{path}: expected a number {bounds}, got {shown(value)}")
        return result

    return judge


def _or_null(judge: _Judge) -> _Judge:
    return lambda value, path: None if value is None else judge(value, path)


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


_JUDGES: Mapping[str, _Judge] = {
    "classifier": _choice("CVC", "DVC"),
    "max_predictions": _integer(1, 10_000),
    "recall_threshold": _number(0.0, 1.0),
    "min_prediction_symbols": _integer(1),
    "rank_by": _choice(*RANKINGS),
    "max_sequence_length": _integer(0),
    "stm_mode": _choice("TAIL", "CLEAR", "ROLLING"),
    "persistence": _integer(1),
    "sort": boolean,
    "process_predictions": boolean,
    "vector_neighbors": _integer(0),
    "vector_max_distance": _or_null(_number(0.0)),
    "search_depth": _integer(1, 100),
    "track_accuracy": boolean,
}

NAMES = tuple(field.name for field in fields(Genes))


def known_gene(value: object, path: str = "gene") -> str:
    """Take the name of a gene.

    @raise UnknownGene: where no gene has this name.
    """
    name = text(value, path)
    if name not in _JUDGES:
        raise UnknownGene(f"{path}: no gene is called {shown(name)}, known are {', '.join(NAMES)}")
    return name


def parse_gene(name: str, value: object, path: str = "value") -> Any:
    """Judge a value for the known gene C{name}.

    @raise InvalidRequest: where the gene does not accept it.
    """
    return _JUDGES[name](value, f"{path} of gene {name}")


def parse_genes(value: object, path: str = "genes") -> dict[str, Any]:
    """Judge a change of several genes, all or nothing.

    @raise InvalidRequest: for the first unknown gene or unfit value.
    """
    known = frozenset(_JUDGES)
    return {
        name: _JUDGES[name](each, within(path, name))
        for name, each in mapping(value, path, known).items()
    }
