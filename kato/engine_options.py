"""What an operator may say of engines: the genes of new processors, and who computes (SPEC 10)."""

from collections.abc import Mapping
from typing import Any

from twisted.python import usage

from kato.engine.arrays import KINDS as ARRAYS
from kato.engine.arrays import NoArrays
from kato.engine.arrays import provider as arrays
from kato.engine.matchers import KINDS, NotBuilt, provider
from kato.errors import InvalidRequest
from kato.genes import RANKINGS, Genes, parse_gene
from kato.option_values import Given

PARAMETERS = [
    ["classifier", None, None, "gene of new processors: CVC or DVC"],
    ["max-predictions", None, None, "gene of new processors"],
    ["persistence", None, None, "gene of new processors"],
    ["recall-threshold", None, None, "gene of new processors: 0.0 to 1.0"],
    ["max-sequence-length", None, None, "gene of new processors: 0 is off"],
    ["stm-mode", None, None, "gene of new processors: TAIL, CLEAR or ROLLING"],
    ["rank-by", None, None, f"gene of new processors: {', '.join(RANKINGS)}"],
]
"""The options, as C{usage.Options} takes them."""

FLAGS = [
    ["no-sort", None, "gene of new processors: strings keep their order"],
    ["no-predictions", None, "gene of new processors: none are pushed to subscribers"],
]
"""Those that are said or not."""

ENVIRONMENT = {"matcher": "KATO_MATCHER", "vectors": "KATO_VECTORS"}
"""What only variables say, since it changes no answer."""

_GENES = {
    "classifier": "classifier",
    "max-predictions": "max_predictions",
    "persistence": "persistence",
    "recall-threshold": "recall_threshold",
    "max-sequence-length": "max_sequence_length",
    "stm-mode": "stm_mode",
    "rank-by": "rank_by",
}


def parsed_genes(options: Mapping[str, Any]) -> Genes:
    """The genes of new processors, judged as a client's would be.

    @raise UsageError: which names the option at fault.
    """
    values: dict[str, Any] = {}
    for option, gene in _GENES.items():
        given = options[option]
        if given is None:
            continue
        try:
            values[gene] = parse_gene(gene, _plain(given))
        except InvalidRequest as error:
            raise usage.UsageError(f"--{option}: {error.message}") from None
    if options["no-sort"]:
        values["sort"] = False
    if options["no-predictions"]:
        values["process_predictions"] = False
    return Genes(**values)


def _plain(value: str) -> int | float | str:
    """A value of a gene as a client would write it in JSON."""
    for number in (int, float):
        try:
            return number(value)
        except ValueError:
            continue
    return value


def parsed_matcher(given: Given) -> str | None:
    """Who matches; C{None}: the best there is.

    @raise UsageError: where there is no such matcher, or it cannot serve here.
    """
    kind = given("matcher")
    if kind is None:
        return None
    name = ENVIRONMENT["matcher"]
    if kind not in KINDS:
        raise usage.UsageError(f"{name}: expected {' or '.join(KINDS)}, got {kind!r}")
    try:
        provider(kind, "")
    except NotBuilt as error:
        raise usage.UsageError(f"{name}: {kind} cannot serve, {error}") from None
    return kind


def parsed_vectors(given: Given) -> str:
    """Where vectors are compared.

    @raise UsageError: where there is no such place, or it cannot serve here.
    """
    kind = given("vectors") or "numpy"
    name = ENVIRONMENT["vectors"]
    if kind not in ARRAYS:
        raise usage.UsageError(f"{name}: expected {' or '.join(ARRAYS)}, got {kind!r}")
    try:
        arrays(kind)
    except NoArrays as error:
        raise usage.UsageError(f"{name}: {kind} cannot serve, {error}") from None
    return kind
