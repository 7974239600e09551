"""What operations take, give and need: the one table that every transport uses (SPEC 8)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from kato import parameters, results
from kato.errors import (
    KatoError,
    LimitReached,
    ModelNotFound,
    ObservationNotFound,
    UnknownGene,
    UnknownOperation,
)
from kato.fields import shown, text
from kato.parameters import Params
from kato.schemas import NUMBER, Schema, always, record, said


class About(Enum):
    """Whom an operation speaks to."""

    SERVER = "server"
    PROCESSOR = "processor"
    EITHER = "either"


class Topic(Enum):
    """What an operation is about: a word for it, and what is found there."""

    PROCESSORS = "processors", "Processors are made, told of and forgotten."
    OBSERVING = "observing", "Events are observed, and learned."
    MEMORY = "memory", "What was observed lately."
    PREDICTIONS = "predictions", "What is expected, and why."
    GENES = "genes", "How a processor goes about it."
    MODELS = "models", "The sequences that were learned."
    SERVER = "server", "The server itself."

    def __init__(self, word: str, says: str) -> None:
        self.word = word
        self.says = says


class Scope(Enum):
    """What a key may do; none of them holds another."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A row of the table.

    C{says} is what it does, C{topic} what it is about; C{gives} its result beside the envelope, a
    schema; C{message} is the word in its answer; C{scope} what a key must have for it; C{changes}
    says that it changes something, and so takes a request id; C{creates} that it makes a processor
    that does not exist yet; C{fails} names the errors that are its own.
    """

    says: str
    topic: Topic
    params: type[Params] = Params
    gives: Schema = field(default_factory=lambda: results.NOTHING)
    message: str
    scope: Scope
    changes: bool = False
    creates: bool = False
    about: About = About.PROCESSOR
    fails: tuple[type[KatoError], ...] = ()

    def answer(self) -> Schema:
        """What a success looks like on every transport: the envelope and the result."""
        envelope = {
            "status": always("okay"),
            "message": always(self.message),
            "processor": said("Its id.", {"type": "string"}),
            "interval": said("Its logical clock.", {"type": "integer", "minimum": 0}),
            "time_stamp": said("Unix seconds.", NUMBER),
        }
        if self.about is About.SERVER:
            del envelope["processor"], envelope["interval"]
        optional = ("processor", "interval") if self.about is About.EITHER else ()
        made = record(envelope, optional=optional)
        return {
            **self.gives,
            "properties": {**made["properties"], **self.gives["properties"]},
            "required": [*made["required"], *self.gives.get("required", ())],
        }


OPERATIONS: Mapping[str, Operation] = {
    "ping": Operation(
        says="The server, or the processor, is there.",
        topic=Topic.SERVER,
        message="pong",
        scope=Scope.READ,
        about=About.EITHER,
    ),
    "get_status": Operation(
        says="What there is of a processor: counts, genes, and how often its forecasts came true.",
        topic=Topic.PROCESSORS,
        gives=results.STATUS,
        message="status",
        scope=Scope.READ,
    ),
    "create_processor": Operation(
        says="Makes a processor; of one that is there, the genes that are given are changed.",
        topic=Topic.PROCESSORS,
        params=parameters.CreateProcessor,
        gives=results.CREATED,
        message="ready",
        scope=Scope.WRITE,
        changes=True,
        creates=True,
    ),
    "delete_processor": Operation(
        says="Forgets all of a processor.",
        topic=Topic.PROCESSORS,
        message="deleted",
        scope=Scope.ADMIN,
        changes=True,
    ),
    "list_processors": Operation(
        says="The processors, by id.",
        topic=Topic.PROCESSORS,
        params=parameters.ListProcessors,
        gives=results.PROCESSORS,
        message="processors",
        scope=Scope.READ,
        about=About.SERVER,
    ),
    "observe": Operation(
        says="Observes one event; learns by itself where gene `max_sequence_length` says so.",
        topic=Topic.OBSERVING,
        params=parameters.Observe,
        gives=results.OBSERVED,
        message="observed",
        scope=Scope.WRITE,
        changes=True,
        creates=True,
        fails=(LimitReached,),
    ),
    "observe_sequence": Operation(
        says="The same as so many `observe` and `learn` one by one, but whole or not at all.",
        topic=Topic.OBSERVING,
        params=parameters.ObserveSequence,
        gives=results.SEQUENCE_OBSERVED,
        message="observed",
        scope=Scope.WRITE,
        changes=True,
        creates=True,
        fails=(LimitReached,),
    ),
    "learn": Operation(
        says="Makes a model of short-term memory, and empties it.",
        topic=Topic.OBSERVING,
        gives=results.LEARNED,
        message="learned",
        scope=Scope.WRITE,
        changes=True,
        fails=(LimitReached,),
    ),
    "get_predictions": Operation(
        says="What each known model says to short-term memory as it is now.",
        topic=Topic.PREDICTIONS,
        params=parameters.GetPredictions,
        gives=results.PREDICTED,
        message="predictions",
        scope=Scope.READ,
        fails=(ObservationNotFound,),
    ),
    "get_forecast": Operation(
        says="What comes next, by all models that match together.",
        topic=Topic.PREDICTIONS,
        params=parameters.GetForecast,
        gives=results.FORECAST,
        message="forecast",
        scope=Scope.READ,
    ),
    "explain": Operation(
        says="Why a model is among the predictions, or is not, with every number as a formula.",
        topic=Topic.PREDICTIONS,
        params=parameters.NamedModel,
        gives=results.EXPLANATION,
        message="explanation",
        scope=Scope.READ,
        fails=(ModelNotFound,),
    ),
    "get_short_term_memory": Operation(
        says="The events observed since it was last emptied, oldest first.",
        topic=Topic.MEMORY,
        gives=results.REMEMBERED,
        message="short_term_memory",
        scope=Scope.READ,
    ),
    "clear_short_term_memory": Operation(
        says="Empties short-term memory, and forgets the emotives gathered with it.",
        topic=Topic.MEMORY,
        gives=results.REMEMBERED,
        message="cleared",
        scope=Scope.WRITE,
        changes=True,
    ),
    "clear_all_memory": Operation(
        says="Forgets short-term memory, every model and every vector; the genes stay.",
        topic=Topic.MEMORY,
        gives=results.REMEMBERED,
        message="cleared",
        scope=Scope.ADMIN,
        changes=True,
    ),
    "get_gene": Operation(
        says="One gene.",
        topic=Topic.GENES,
        params=parameters.GetGene,
        gives=results.GENE,
        message="gene",
        scope=Scope.READ,
        fails=(UnknownGene,),
    ),
    "get_genes": Operation(
        says="All genes.",
        topic=Topic.GENES,
        gives=results.ALL_GENES,
        message="genes",
        scope=Scope.READ,
    ),
    "change_gene": Operation(
        says="Changes one gene.",
        topic=Topic.GENES,
        params=parameters.ChangeGene,
        gives=results.GENE_CHANGED,
        message="changed",
        scope=Scope.WRITE,
        changes=True,
        creates=True,
        fails=(UnknownGene,),
    ),
    "change_genes": Operation(
        says="Changes several genes, all or none of them.",
        topic=Topic.GENES,
        params=parameters.ChangeGenes,
        gives=results.GENES_CHANGED,
        message="changed",
        scope=Scope.WRITE,
        changes=True,
        creates=True,
    ),
    "get_model": Operation(
        says="The sequence that was learned, how often, and with which emotives.",
        topic=Topic.MODELS,
        params=parameters.NamedModel,
        gives=results.ONE_MODEL,
        message="model",
        scope=Scope.READ,
        fails=(ModelNotFound,),
    ),
    "list_models": Operation(
        says="The models, by name.",
        topic=Topic.MODELS,
        params=parameters.ListModels,
        gives=results.MODELS,
        message="models",
        scope=Scope.READ,
    ),
    "update_model": Operation(
        says="Changes a model's frequency, its emotives, or both.",
        topic=Topic.MODELS,
        params=parameters.UpdateModel,
        gives=results.ONE_MODEL,
        message="updated",
        scope=Scope.WRITE,
        changes=True,
        fails=(ModelNotFound,),
    ),
    "delete_model": Operation(
        says="Forgets one model.",
        topic=Topic.MODELS,
        params=parameters.NamedModel,
        message="deleted",
        scope=Scope.WRITE,
        changes=True,
        fails=(ModelNotFound,),
    ),
    "get_percept_data": Operation(
        says="The last observation, as it was accepted.",
        topic=Topic.MEMORY,
        gives=results.PERCEPT,
        message="percept",
        scope=Scope.READ,
    ),
    "get_cognition_data": Operation(
        says="Predictions, emotives, last event and short-term memory in one answer.",
        topic=Topic.MEMORY,
        gives=results.COGNITION,
        message="cognition",
        scope=Scope.READ,
    ),
}


def known_operation(operation: object) -> Operation:
    """The row of the table for this name.

    @raise UnknownOperation: where there is none.
    """
    name = text(operation, "method")
    row = OPERATIONS.get(name)
    if row is None:
        raise UnknownOperation(f"method: no operation is called {shown(name)}")
    return row
