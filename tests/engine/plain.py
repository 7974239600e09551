"""SPEC 1, 2, 4, 5 and 8 read plainly: a processor that keeps everything it was told in lists, and
copies all of itself before a sequence.

Nothing here is taken from the engine, so the two can be held against each other.
"""

import hashlib
import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from tests.engine import plain_vectors
from tests.engine.oracle import Known, Oracle, averages, flattened

Answer = dict[str, Any]

GENES: dict[str, Any] = {
    "classifier": "CVC",
    "max_predictions": 100,
    "recall_threshold": 0.1,
    "min_prediction_symbols": 2,
    "rank_by": "potential",
    "max_sequence_length": 0,
    "stm_mode": "TAIL",
    "persistence": 5,
    "sort": True,
    "process_predictions": True,
    "vector_neighbors": 3,
    "vector_max_distance": None,
    "search_depth": 10,
    "track_accuracy": False,
}


class Refused(Exception):
    """An operation that is not done; its argument is the C{error_code}."""


class PlainProcessor:
    """Carries out operations that are well formed, and answers the fields of SPEC 8."""

    def __init__(
        self,
        *,
        remembers: int,
        max_events: int,
        max_models: int,
        subtractions: int,
        recent: int = 1_000,
    ) -> None:
        self.remembers = remembers
        self.max_events = max_events
        self.max_models = max_models
        self.subtractions = subtractions
        self.recent = recent
        self.genes = dict(GENES)
        self.memory: list[list[str]] = []
        self.felt: list[dict[str, float]] = []
        self.seen: list[list[float]] = []
        self.learned: dict[str, list[float]] = {}
        self.models: dict[str, dict[str, Any]] = {}
        self.interval = 0
        self.held: list[tuple[bool, bool, bool]] = []
        self.percept: Answer = _percept({}, None)
        self.event: list[str] = []
        self.observed: dict[str, tuple[str, Answer]] = {}
        self.answered: dict[str, tuple[str, Answer]] = {}

    def carry_out(self, operation: str, params: Answer, request_id: str | None = None) -> Answer:
        """Do it, unless it was done before or is refused."""
        try:
            return self._once(operation, params, request_id)
        except Refused as refused:
            return {"error_code": str(refused)}

    def _once(self, operation: str, params: Answer, request_id: str | None) -> Answer:
        request = _canonical([operation, _meant(operation, params)])
        if request_id is None:
            return self._do(operation, params)
        known = _known(self.answered, request_id, request)
        if known is None:
            known = self._do(operation, params)
            self._remember(self.answered, request_id, request, known)
        return known

    def _do(self, operation: str, params: Answer) -> Answer:
        method: Callable[..., Answer] = getattr(self, operation)
        before = deepcopy(self.__dict__)
        try:
            answer = method(**params)
        except Refused:
            self.__dict__ = before
            raise
        return deepcopy({"interval": self.interval, **answer})

    def _remember(
        self, kept: dict[str, tuple[str, Answer]], key: str, asked: str, answer: Answer
    ) -> None:
        kept[key] = (asked, answer)
        if len(kept) > self.remembers:
            del kept[next(iter(kept))]

    def _told(self, **fields: Any) -> Answer:
        return {**fields, "short_term_memory": self.memory}

    # Observing and learning

    def observe(self, **observation: Any) -> Answer:
        key = observation.get("unique_id")
        asked = _canonical(_percept(observation, key))
        if key is not None:
            known = _known(self.observed, key, asked)
            if known is not None:
                return known
        answer = self._observe(observation)
        if key is not None:
            self._remember(self.observed, key, asked, deepcopy(answer))
        return answer

    def _observe(self, observation: Answer) -> Answer:
        event, bounded = self._event(observation)
        if event and len(self.memory) >= self.max_events:
            raise Refused("LIMIT_REACHED")
        if event and self.genes["track_accuracy"]:
            forecast = [entry["event"] for entry in self.get_forecast()["forecast"]]
            self.held.append((bool(forecast), event in forecast[:1], event in forecast[:5]))
        self.interval += 1
        self.felt.append(observation.get("emotives", {}))
        self.seen += observation.get("vectors", [])
        learned = None
        if event:
            self.memory.append(event)
            self.event = event
            learned = self._learn_by_itself()
        self.percept = _percept(observation, observation.get("unique_id", "made"))
        answer = self._told(
            unique_id=self.percept["unique_id"],
            auto_learned_model=learned or None,
            interval=self.interval,
        )
        return {**answer, "classifier_bounded": True} if bounded else answer

    def _event(self, observation: Answer) -> tuple[list[str], bool]:
        found = [self._symbols(vector) for vector in observation.get("vectors", [])]
        strings = observation.get("strings", [])
        if self.genes["sort"]:
            strings = sorted(strings)
        symbols = {symbol for each, _ in found for symbol in each}
        return sorted(symbols) + list(strings), any(bounded for _, bounded in found)

    def _symbols(self, vector: list[float]) -> tuple[set[str], bool]:
        own, learned = plain_vectors.symbol(vector), self.learned.values()
        if self.genes["classifier"] == "CVC":
            farthest, count = self.genes["vector_max_distance"], self.genes["vector_neighbors"]
            return {own, *plain_vectors.nearest(learned, vector, count, farthest)}, False
        search = plain_vectors.Components(learned, vector, self.subtractions)
        parts, gave_up = search.shortest(self.genes["search_depth"])
        return ({own} if parts is None else set(map(plain_vectors.symbol, parts))), gave_up

    def _learn_by_itself(self) -> str | None:
        limit = self.genes["max_sequence_length"]
        if limit == 0 or len(self.memory) < limit:
            return None
        before = list(self.memory)
        name: str = self.learn()["model_name"]
        if limit > 1:
            self.memory = {"TAIL": before[-1:], "CLEAR": [], "ROLLING": before[1:]}[
                self.genes["stm_mode"]
            ]
        return name

    def observe_sequence(
        self,
        observations: list[Answer],
        learn_after_each: bool = False,
        learn_at_end: bool = False,
    ) -> Answer:
        names: list[str] = []
        count, bounded = 0, False
        for observation in observations:
            before = self.interval
            answer = self.observe(**observation)
            if self.interval > before:
                count += 1
                names.append(answer["auto_learned_model"] or "")
                bounded = bounded or "classifier_bounded" in answer
            if learn_after_each:
                names.append(self.learn()["model_name"])
        if learn_at_end:
            names.append(self.learn()["model_name"])
        told = self._told(observed=count, learned_models=[name for name in names if name])
        return {**told, "classifier_bounded": True} if bounded else told

    def learn(self) -> Answer:
        name = ""
        if len(flattened(self.memory)) >= 2:
            name = "MODEL|" + hashlib.sha1(str(self.memory).encode()).hexdigest()
            if name not in self.models and len(self.models) >= self.max_models:
                raise Refused("LIMIT_REACHED")
            new = {"name": name, "sequence": self.memory, "frequency": 0, "emotives": []}
            model = self.models.setdefault(name, new)
            model["frequency"] += 1
            felt = averages(self.felt)
            model["emotives"] = [*model["emotives"], *([felt] if felt else [])]
            model["emotives"] = model["emotives"][-self.genes["persistence"] :]
        self.learned.update((plain_vectors.symbol(vector), vector) for vector in self.seen)
        self._empty()
        return self._told(model_name=name)

    def _empty(self) -> None:
        self.memory, self.felt, self.seen = [], [], []

    def clear_short_term_memory(self) -> Answer:
        self._empty()
        self.event = []
        return self._told()

    def clear_all_memory(self) -> Answer:
        self.clear_short_term_memory()
        self.models, self.learned = {}, {}
        self.percept, self.interval = _percept({}, None), 0
        self.held = []
        return self._told()

    # Genes and models

    def change_genes(self, genes: Answer) -> Answer:
        old = {name: self.genes[name] for name in genes}
        self.genes.update(genes)
        return {"old_values": old, "new_values": genes}

    def update_model(self, model_name: str, **values: Any) -> Answer:
        self._model(model_name).update(values)
        return {"model": self.model(model_name)}

    def delete_model(self, model_name: str) -> Answer:
        self._model(model_name)
        del self.models[model_name]
        return {}

    def _model(self, name: str) -> dict[str, Any]:
        if name not in self.models:
            raise Refused("MODEL_NOT_FOUND")
        return self.models[name]

    def model(self, name: str) -> Answer:
        """A model as C{get_model} shows it."""
        model = self._model(name)
        return {**model, "length": len(flattened(model["sequence"]))}

    # What it is now

    def get_status(self) -> Answer:
        symbols = {s for model in self.models.values() for s in flattened(model["sequence"])}
        return {
            "models": len(self.models),
            "symbols": len(symbols),
            "vectors": len(self.learned),
            "events": len(self.memory),
            "genes": self.genes,
            "accuracy": self._accuracy(),
        }

    def _accuracy(self) -> Answer | None:
        """How many events were held against a forecast, and what became of them."""
        if not self.held and not self.genes["track_accuracy"]:
            return None
        return {**_counts(self.held), "recent": _counts(self.held[-self.recent :])}

    def get_predictions(self, unique_id: str | None = None) -> Answer:
        memory = self.memory
        if unique_id is not None:
            if unique_id not in self.observed:
                raise Refused("OBSERVATION_NOT_FOUND")
            memory = self.observed[unique_id][1]["short_term_memory"]
        return {"predictions": self._predictions(memory)}

    def _predictions(self, memory: list[list[str]]) -> list[Answer]:
        oracle = self._oracle(memory)
        if oracle is None:
            return []
        return oracle.predictions(self.genes["rank_by"], self.genes["max_predictions"])

    def _oracle(self, memory: list[list[str]]) -> Oracle | None:
        state = flattened(memory)
        if len(state) < self.genes["min_prediction_symbols"]:
            return None
        known = [Known(**model) for model in self.models.values()]
        return Oracle(known, state, self.genes["recall_threshold"])

    def get_forecast(self) -> Answer:
        oracle = self._oracle(self.memory)
        return {"forecast": [] if oracle is None else oracle.forecast()[:10]}

    def get_short_term_memory(self) -> Answer:
        return self._told()

    def get_percept_data(self) -> Answer:
        return self.percept

    def get_cognition_data(self) -> Answer:
        return self._told(
            predictions=self._predictions(self.memory),
            emotives=averages(self.felt),
            symbols=self.event,
        )

    def get_genes(self) -> Answer:
        return {"genes": self.genes}

    def list_models(self) -> Answer:
        models = [self.model(name) for name in sorted(self.models)]
        shown = [{key: each[key] for key in ("name", "frequency", "length")} for each in models]
        return {"models": shown, "total": len(shown), "next": None}


def _counts(held: list[tuple[bool, bool, bool]]) -> Answer:
    sums = [sum(each) for each in zip(*held, strict=True)] or [0, 0, 0]
    return dict(zip(("events", "forecast", "top_1", "top_5"), (len(held), *sums), strict=True))


def _percept(observation: Answer, unique_id: str | None) -> Answer:
    empty: Answer = {"strings": [], "vectors": [], "emotives": {}, "metadata": {}}
    return {**empty, **observation, "unique_id": unique_id}


def _meant(operation: str, params: Answer) -> Answer:
    """The parameters with what is left out written out."""
    if operation == "observe":
        return _percept(params, params.get("unique_id"))
    if operation == "observe_sequence":
        every = [_percept(each, each.get("unique_id")) for each in params["observations"]]
        flags = {"learn_after_each": False, "learn_at_end": False}
        return {**flags, **params, "observations": every}
    return params


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def _known(kept: dict[str, tuple[str, Answer]], key: str, asked: str) -> Answer | None:
    if key not in kept:
        return None
    before, answer = kept[key]
    if before != asked:
        raise Refused("CONFLICT")
    return answer
