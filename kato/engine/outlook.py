"""What a state lets expect: predictions and forecast, computed when they are asked for."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from kato.codec import SelfWriting
from kato.engine.explanation import explain
from kato.engine.knowledge import Knowledge
from kato.engine.matching import Kept
from kato.engine.predictions import Predictions
from kato.engine.python_kept import PythonRanking
from kato.genes import Genes
from kato.model import Model


class Outlook:
    """Holds for one state, as long as neither memory nor genes change (SPEC 3)."""

    def __init__(self, state: Sequence[str], knowledge: Knowledge, genes: Genes) -> None:
        """@param state: the symbols of short-term memory, in order."""
        self.state = state
        self.genes = genes
        self._knowledge = knowledge
        self._predictions: SelfWriting | None = None
        self._forecast: list[dict[str, Any]] = []
        self._forecast_limit = 0

    @cached_property
    def _kept(self) -> Kept | None:
        """The kept models; C{None} where the state has too few symbols for any."""
        if len(self.state) < self.genes.min_prediction_symbols:
            return None
        return self._knowledge.kept(self.state, self.genes.recall_threshold)

    @property
    def fingerprint(self) -> bytes | None:
        """That of the models, where they have one."""
        return self._knowledge.fingerprint

    @property
    def has_predictions(self) -> bool:
        """Whether the predictions have been computed."""
        return self._predictions is not None

    def predictions(self) -> SelfWriting:
        """The predictions, best first."""
        if self._predictions is None:
            self._predictions = self._predict()
        return self._predictions

    def take_predictions(self, known: SelfWriting) -> None:
        """Have the predictions from one who computed them for the same state, models and genes."""
        self._predictions = known

    def _predict(self) -> Predictions:
        if self._kept is None:
            return Predictions(PythonRanking([], ()), {})
        ranking = self._kept.best(self.genes.rank_by, self.genes.max_predictions)
        return Predictions(ranking, self._knowledge.emotives(ranking))

    def explain(self, model: Model) -> dict[str, Any]:
        """Why a model of this memory is among the predictions, or is not."""
        return explain(
            model, self.state, kept=self._kept, knowledge=self._knowledge, genes=self.genes
        )

    def has_forecast(self, limit: int) -> bool:
        """Whether as many entries of the forecast have been computed, or all there are."""
        return len(self._forecast) < self._forecast_limit or limit <= self._forecast_limit

    def forecast(self, limit: int) -> list[dict[str, Any]]:
        """The best C{limit} entries of the forecast, best first."""
        if not self.has_forecast(limit):
            self.take_forecast([] if self._kept is None else self._kept.forecast(limit), limit)
        return self._forecast[:limit]

    def take_forecast(self, known: list[dict[str, Any]], limit: int) -> None:
        """Have the best C{limit} entries of the forecast from one who computed them for the
        same state, models and genes."""
        self._forecast, self._forecast_limit = known, limit
