"""The operations of SPEC 8 as calls: what is sent over REST, and how the answer is read.  Pure; the
three faces of the client carry them out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlencode

from kato.client.given import listed, mapped, processor_id, text_of, word
from kato.client.results import (
    Answer,
    Cognition,
    Event,
    Expected,
    Explanation,
    Model,
    ModelSummary,
    Observed,
    Page,
    Percept,
    Prediction,
    ProcessorSummary,
    SequenceObserved,
    Status,
    list_of,
    page_of,
    value_of,
)

T = TypeVar("T")

Json = Mapping[str, Any]
"""An object as it is sent, or came."""


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request: C{path} with its query, and C{body} as it is encoded.

    C{changes} says that it changes something, and so needs an id to be sent again safely;
    C{read} makes the result of what a success tells.
    """

    method: str
    path: str
    read: Callable[[Answer], T]
    body: Json | None = None
    changes: bool = False
    request_id: str | None = None


def _path(*words: str, **query: object) -> str:
    """A path of these words, each escaped, with those keys of a query that have a value.

    @raise InvalidRequest: a word is none that arrives.
    """
    given = {key: _queried(value, key) for key, value in query.items() if value is not None}
    path = "/" + "/".join(quote(word(each, "name"), safe="") for each in words)
    return f"{path}?{urlencode(given)}" if given else path


def _queried(value: object, name: str) -> str:
    return str(value).lower() if isinstance(value, bool) else text_of(str(value), name)


def _given(**values: object) -> dict[str, Any]:
    """The parameters that are given."""
    return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Observation:
    """What is observed: C{strings} are symbols, C{vectors} give theirs, C{emotives} what is felt.

    With a C{unique_id} of your own it is observed once, however often it is sent.
    """

    strings: Sequence[str] = ()
    vectors: Sequence[Sequence[float]] = ()
    emotives: Mapping[str, float] = field(default_factory=dict)
    unique_id: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def sent(self, place: str = "") -> dict[str, Any]:
        """As it is sent: what is empty is left out.

        @param place: where it stands among others, for an error.
        @raise InvalidRequest: C{strings} or a vector is no list, or a string.
        """
        told = {
            "strings": listed(self.strings, f"{place}strings", "strings"),
            "vectors": [
                listed(each, f"{place}vectors[{i}]", "numbers")
                for i, each in enumerate(listed(self.vectors, f"{place}vectors", "vectors"))
            ],
            "emotives": mapped(self.emotives, f"{place}emotives"),
            "metadata": mapped(self.metadata, f"{place}metadata"),
        }
        sent: dict[str, Any] = {name: value for name, value in told.items() if value}
        return sent if self.unique_id is None else {**sent, "unique_id": self.unique_id}


class ServerCalls:
    """What a server is asked."""

    def ping(self) -> Call[None]:
        """See whether the server is up."""
        return Call("GET", "/kato-api/ping", _nothing)

    def processors(
        self, limit: int | None = None, after: str | None = None
    ) -> Call[Page[ProcessorSummary]]:
        """List processors by id, C{limit} at a time, from behind the id C{after}."""
        path = _path("processors", limit=limit, after=after)
        return Call("GET", path, page_of("processors", ProcessorSummary.read))

    def statistics(self) -> Call[Answer]:
        """Ask for the counters of C{/stats}."""
        return Call("GET", "/stats", _all)


class ProcessorCalls:
    """What a processor is asked, by its id."""

    def __init__(self, processor: str) -> None:
        """
        @raise InvalidRequest: no processor has such an id.
        """
        self.processor = processor_id(processor)

    def _get(self, read: Callable[[Answer], T], *words: str, **query: object) -> Call[T]:
        return Call("GET", _path(self.processor, *words, **query), read)

    def _change(
        self,
        read: Callable[[Answer], T],
        *words: str,
        method: str = "POST",
        body: Json | None = None,
        request_id: str | None = None,
        **query: object,
    ) -> Call[T]:
        path = _path(self.processor, *words, **query)
        return Call(method, path, read, body, changes=True, request_id=request_id)

    # The processor

    def create(self, genes: Json | None = None, *, request_id: str | None = None) -> Call[bool]:
        """Make the processor, with these genes beside the server's defaults.

        Gives whether it is new; if it is not, the genes that are given are changed.
        """
        body = None if genes is None else {"genes": mapped(genes, "genes")}
        return self._change(value_of("created"), method="PUT", body=body, request_id=request_id)

    def delete(self, *, request_id: str | None = None) -> Call[None]:
        """Delete the processor, and forget all of it."""
        return self._change(_nothing, method="DELETE", request_id=request_id)

    def ping(self) -> Call[None]:
        """See whether the processor exists."""
        return self._get(_nothing, "ping")

    def status(self) -> Call[Status]:
        """Ask what there is of it."""
        return self._get(Status.read, "status")

    # Observing and learning

    def observe(
        self,
        strings: Iterable[str] = (),
        *,
        vectors: Iterable[Sequence[float]] = (),
        emotives: Mapping[str, float] | None = None,
        unique_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        brief: bool = False,
        request_id: str | None = None,
    ) -> Call[Observed]:
        """Observe one event.

        @param unique_id: under which it is observed once, however often it is sent.
        @param brief: answer with the length of short-term memory in its place.
        """
        seen = Observation(
            listed(strings, "strings", "strings"),
            listed(vectors, "vectors", "vectors"),
            {} if emotives is None else emotives,
            unique_id,
            {} if metadata is None else metadata,
        )
        return self._change(
            Observed.read, "observe", body=seen.sent(), request_id=request_id, brief=brief or None
        )

    def observe_sequence(
        self,
        observations: Iterable[Observation | Sequence[str]],
        *,
        learn_after_each: bool = False,
        learn_at_end: bool = False,
        brief: bool = False,
        request_id: str | None = None,
    ) -> Call[SequenceObserved]:
        """Observe several events as one operation, all of them or none.

        @param observations: each one an L{Observation}, or its strings alone.
        """
        given = listed(observations, "observations", "observations")
        body = {"observations": [_sent(each, f"observations[{i}]") for i, each in enumerate(given)]}
        flags = {"learn_after_each": learn_after_each, "learn_at_end": learn_at_end}
        return self._change(
            SequenceObserved.read,
            "observe-sequence",
            body={**body, **{name: True for name, value in flags.items() if value}},
            request_id=request_id,
            brief=brief or None,
        )

    def learn(self, *, request_id: str | None = None) -> Call[str]:
        """Make a model of short-term memory, and empty it.

        Gives the name of the model; C{""} where there were fewer than two symbols.
        """
        return self._change(value_of("model_name"), "learn", request_id=request_id)

    # Predictions

    def predictions(self, unique_id: str | None = None) -> Call[Sequence[Prediction]]:
        """Ask what the models say to short-term memory, best first; with C{unique_id} to what it
        was right after that observation."""
        read = list_of("predictions", Prediction.read)
        return self._get(read, "predictions", unique_id=unique_id)

    def forecast(self, limit: int | None = None) -> Call[Sequence[Expected]]:
        """Ask what comes next, by the vote of all models that match."""
        return self._get(list_of("forecast", Expected.read), "forecast", limit=limit)

    def explain(self, name: str) -> Call[Explanation]:
        """Ask why a model is predicted now, or not, with every number put into its formula."""
        return self._get(Explanation.read, "explain", name)

    # Memory

    def short_term_memory(self) -> Call[Sequence[Event]]:
        """Ask for the events since it was last emptied, oldest first."""
        return self._get(value_of("short_term_memory"), "short-term-memory")

    def clear_short_term_memory(self, *, request_id: str | None = None) -> Call[None]:
        """Empty short-term memory."""
        return self._change(_nothing, "clear-short-term-memory", request_id=request_id)

    def clear_all_memory(self, *, request_id: str | None = None) -> Call[None]:
        """Forget short-term memory, every model and every vector; genes stay."""
        return self._change(_nothing, "clear-all-memory", request_id=request_id)

    def percept(self) -> Call[Percept]:
        """Ask for the last observation, as it was accepted."""
        return self._get(Percept.read, "percept-data")

    def cognition(self) -> Call[Cognition]:
        """Ask for predictions, emotives, the last event and short-term memory at once."""
        return self._get(Cognition.read, "cognition-data")

    # Genes

    def genes(self) -> Call[Mapping[str, Any]]:
        """Ask for all genes."""
        return self._get(value_of("genes"), "genes")

    def gene(self, name: str) -> Call[Any]:
        """Ask for the value of one gene."""
        return self._get(value_of("value"), "gene", name)

    def change_genes(
        self, genes: Json, *, request_id: str | None = None
    ) -> Call[Mapping[str, Any]]:
        """Change several genes, all or none; gives the old values."""
        return self._change(
            value_of("old_values"),
            "genes",
            "change",
            body={"genes": mapped(genes, "genes")},
            request_id=request_id,
        )

    # Models

    def models(
        self, limit: int | None = None, after: str | None = None
    ) -> Call[Page[ModelSummary]]:
        """List models by name, C{limit} at a time, from behind the name C{after}."""
        read = page_of("models", ModelSummary.read)
        return self._get(read, "models", limit=limit, after=after)

    def model(self, name: str) -> Call[Model]:
        """Ask for a model; the prefix C{MODEL|} may be left out."""
        return self._get(_model, "model", name)

    def update_model(
        self,
        name: str,
        *,
        frequency: int | None = None,
        emotives: Sequence[Mapping[str, float]] | None = None,
        request_id: str | None = None,
    ) -> Call[Model]:
        """Change a model's frequency, its emotives, or both."""
        body = _given(frequency=frequency, emotives=emotives)
        return self._change(_model, "model", name, method="PUT", body=body, request_id=request_id)

    def delete_model(self, name: str, *, request_id: str | None = None) -> Call[None]:
        """Forget one model."""
        return self._change(_nothing, "model", name, method="DELETE", request_id=request_id)


def _sent(given: Observation | Sequence[str], place: str) -> dict[str, Any]:
    if isinstance(given, Observation):
        return given.sent(f"{place}.")
    return Observation(listed(given, place, "strings, or an Observation")).sent()


def _model(told: Answer) -> Model:
    return Model.read(told["model"])


def _nothing(told: Answer) -> None:
    return None


def _all(told: Answer) -> Answer:
    return told
