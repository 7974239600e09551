"""Why a model is among the predictions, or is not, with all numbers (SPEC 3)."""

from collections.abc import Sequence
from itertools import accumulate, chain
from typing import Any, NamedTuple

from kato.engine.blocks import matching_blocks, positions
from kato.engine.knowledge import Knowledge
from kato.engine.matching import Kept, Standing
from kato.engine.metrics import Metrics, similarity
from kato.engine.prediction import Match, told
from kato.engine.predictions import felt
from kato.engine.python_kept import Candidate, Entry
from kato.engine.reckoning import Reckoned, Reckoning, distinct
from kato.genes import Genes
from kato.model import Model


class Verdict(NamedTuple):
    """Whether a model is predicted: a word for it, and a sentence."""

    reason: str
    because: str


def explain(
    model: Model,
    state: Sequence[str],
    *,
    kept: Kept | None,
    knowledge: Knowledge,
    genes: Genes,
) -> dict[str, Any]:
    """All that there is to say of C{model} before C{state}, in JSON's types (docs/explain.md).

    @param kept: the models that the state keeps; C{None}: it has too few symbols for any.
    """
    standing = Standing(0, 0, None)
    if kept is not None:
        standing = kept.standing(model.name, genes.rank_by)
    candidate = _compared(model, state)
    verdict = _verdict(candidate, len(state), standing, genes)
    explained: dict[str, Any] = {
        "model": model.as_dict(),
        "state": list(state),
        "blocks": [],
        "kept": standing.rank is not None,
        "predicted": verdict.reason == "predicted",
        "rank": standing.rank,
        "kept_models": standing.kept,
        "reason": verdict.reason,
        "because": verdict.because,
        "terms": [],
        "metrics": [],
        "prediction": None,
    }
    if candidate is not None:
        reckoning = _reckoned(candidate, state, standing, knowledge)
        explained["blocks"] = [
            {
                "model_start": block.model,
                "state_start": block.state,
                "length": block.size,
                "symbols": list(state[block.state : block.state + block.size]),
            }
            for block in candidate.blocks
        ]
        explained["terms"] = list(map(Reckoned._asdict, reckoning.terms))
        explained["metrics"] = list(map(Reckoned._asdict, reckoning.metrics))
        explained["prediction"] = _prediction(candidate, reckoning, state, model)
    return explained


def _compared(model: Model, state: Sequence[str]) -> Candidate | None:
    """Where the model matches; C{None}: nowhere."""
    flat = tuple(chain.from_iterable(model.sequence))
    codes: dict[str, int] = {}
    for symbol in chain(flat, state):
        codes.setdefault(symbol, len(codes))
    own = tuple(codes[symbol] for symbol in flat)
    where = positions([codes[symbol] for symbol in state])
    blocks = matching_blocks(own, where, len(state))
    if not blocks:
        return None
    starts = tuple(accumulate(map(len, model.sequence), initial=0))
    entry = Entry(model.name, model.frequency, own, starts, model.sequence)
    return Candidate(entry, blocks, len(state))


def _verdict(
    candidate: Candidate | None, symbols: int, standing: Standing, genes: Genes
) -> Verdict:
    if symbols < genes.min_prediction_symbols:
        return Verdict(
            "too_few_symbols",
            f"the state has {symbols} symbols and min_prediction_symbols is "
            f"{genes.min_prediction_symbols}",
        )
    if candidate is None:
        return Verdict("no_block", "no symbol of the model stands in the state")
    if standing.rank is None:
        return Verdict(
            "below_threshold",
            f"similarity {similarity(candidate.counts)} is below recall_threshold "
            f"{genes.recall_threshold}",
        )
    place = f"rank {standing.rank} of {standing.kept} by {genes.rank_by}"
    if standing.rank > genes.max_predictions:
        return Verdict(
            "beyond_max_predictions", f"{place} and max_predictions is {genes.max_predictions}"
        )
    return Verdict("predicted", place)


def _present(candidate: Candidate) -> list[str]:
    """The symbols of the present events."""
    events = candidate.entry.sequence[candidate.first : candidate.last]
    return list(chain.from_iterable(events))


def _reckoned(
    candidate: Candidate, state: Sequence[str], standing: Standing, knowledge: Knowledge
) -> Reckoning:
    """The numbers; a model that is not kept has those that it would have if it were, beside those
    that are."""
    own = candidate.frequency if standing.rank is None else 0
    present = _present(candidate)
    return Reckoning(
        candidate.counts,
        present=present,
        state=state,
        frequency=candidate.frequency,
        kept_frequency=standing.frequency + own,
        symbols=knowledge.symbols,
        weights=knowledge.weigh(distinct(present, state)),
    )


def _prediction(
    candidate: Candidate, reckoning: Reckoning, state: Sequence[str], model: Model
) -> dict[str, Any]:
    match = Match(
        name=model.name,
        frequency=model.frequency,
        sequence=model.sequence,
        blocks=candidate.blocks,
        first=candidate.first,
        last=candidate.last,
        metrics=Metrics(**{each.name: each.value for each in reckoning.metrics}),
    )
    return {**told(match, state), "emotives": felt(model.emotives)}
