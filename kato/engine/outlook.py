"""What a state lets expect: predictions and forecast, computed when they are asked for."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from kato.engine.knowledge import Knowledge
from kato.engine.matching import Kept
from kato.engine.prediction import Prediction, forecast, prediction
from kato.genes import Genes


class Outlook:
    """Holds for one state, as long as neither memory nor genes change (SPEC 3)."""

    def __init__(self, state: Sequence[str], knowledge: Knowledge, genes: Genes) -> None:
        """@param state: the symbols of short-term memory, in order."""
        self._state = state
        self._knowledge = knowledge
        self._genes = genes

    @cached_property
    def _kept(self) -> Kept | None:
        """The kept models; C{None} where the state has too few symbols for any."""
        if len(self._state) < self._genes.min_prediction_symbols:
            return None
        return self._knowledge.kept(self._state, self._genes.recall_threshold)

    @cached_property
    def predictions(self) -> list[Prediction]:
        """The predictions, best first."""
        if self._kept is None:
            return []
        best = self._kept.best(self._genes.rank_by, self._genes.max_predictions)
        return [prediction(each, self._knowledge.get(each.name), self._state) for each in best]

    @cached_property
    def forecast(self) -> list[dict[str, Any]]:
        """Every entry of the forecast, best first."""
        return [] if self._kept is None else forecast(self._kept, self._knowledge.get)
