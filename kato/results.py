"""What operations give beside the envelope, as JSON Schema (SPEC 3 and 8)."""

from collections.abc import Mapping
from typing import Any

from kato import genes
from kato.observation import OBSERVATION
from kato.schemas import (
    ANYTHING,
    BOOLEAN,
    COUNT,
    NUMBER,
    OBJECT,
    STRING,
    Schema,
    a_list,
    always,
    by_name,
    named,
    one_of,
    or_null,
    record,
    said,
)

EVENT: Schema = said("The symbols of one moment, in their order.", a_list(STRING))
EVENTS: Schema = a_list(named("Event"))
EMOTIVES: Schema = by_name(NUMBER)
_SYMBOLS = a_list(STRING)
_FREQUENCY = said("How often it was learned.", {"type": "integer", "minimum": 1})
_MEMORY: Mapping[str, Schema] = {
    "short_term_memory": said("The events after it, oldest first.", EVENTS)
}
_PREDICTIONS = said("Best first.", a_list(named("Prediction")))

NOTHING = record({})
"""The envelope says it all."""

PREDICTION = record(
    {
        "type": always("prototypical"),
        "name": said("The model's name, with its `MODEL|`.", STRING),
        "frequency": _FREQUENCY,
        "matches": said("The matched symbols, in order.", _SYMBOLS),
        "missing": said("Symbols of `present` that were not observed.", _SYMBOLS),
        "extras": said("Observed symbols that are not matched.", _SYMBOLS),
        "past": said("The model's events before `present`.", EVENTS),
        "present": said("Its events from the first matched symbol to the last one.", EVENTS),
        "future": said("Its events after `present`.", EVENTS),
        "similarity": said("2k / (symbols of the model + symbols observed).", NUMBER),
        "evidence": said("k / symbols of the model.", NUMBER),
        "confidence": said("k / symbols of `present`.", NUMBER),
        "snr": said("(2k - x) / (2k + x), where x counts `extras`.", NUMBER),
        "fragmentation": said("Matching blocks, less one.", NUMBER),
        "entropy": said("Of the symbols of `present`, by how often all models have them.", NUMBER),
        "hamiltonian": said("Of the symbols of `present`, by how often it has them.", NUMBER),
        "grand_hamiltonian": said("Of the distinct symbols of `present`, among all.", NUMBER),
        "confluence": said("How much likelier it is than by chance.", NUMBER),
        "itfdf_similarity": said("How like what is observed is, by rare symbols.", NUMBER),
        "potential": said("All of these in one number.", NUMBER),
        "emotives": said("The average of the model's emotives, by name.", EMOTIVES),
    }
)

EXPECTED = record(
    {
        "event": named("Event"),
        "share": said("Its part of all weight.", {**NUMBER, "minimum": 0, "maximum": 1}),
        "models": said("How many models vote for it.", COUNT),
        "frequency": said("The sum of their frequencies.", COUNT),
    }
)

MODEL = record(
    {
        "name": STRING,
        "sequence": said("The events that were learned.", EVENTS),
        "frequency": _FREQUENCY,
        "emotives": said("Those of its latest learnings, oldest first.", a_list(EMOTIVES)),
        "length": said("How many symbols it has.", COUNT),
    }
)

MODEL_SUMMARY = record({"name": STRING, "frequency": _FREQUENCY, "length": COUNT})

PROCESSOR_SUMMARY = record(
    {
        "id": STRING,
        "models": COUNT,
        "events": said("Those in short-term memory.", COUNT),
        "service": said("Who holds it.", STRING),
    }
)

_COUNTS: Mapping[str, Schema] = {
    "events": said("How many events were held against a forecast,", COUNT),
    "forecast": said("how many of them had one,", COUNT),
    "top_1": said("of how many its first entry was right,", COUNT),
    "top_5": said("and of how many one of its first five was.", COUNT),
}
ACCURACY = record({**_COUNTS, "recent": said("Of the latest events.", record(_COUNTS))})

_RECKONED: Mapping[str, Schema] = {
    "name": STRING,
    "formula": said("As Python reads it.", STRING),
    "numbers": said("What is put in, by name.", OBJECT),
}
_BLOCK = record(
    {
        "model_start": COUNT,
        "state_start": COUNT,
        "length": {"type": "integer", "minimum": 1},
        "symbols": _SYMBOLS,
    }
)

SHAPES: Mapping[str, Schema] = {
    "Observation": OBSERVATION,
    "Event": EVENT,
    "Genes": genes.ALL,
    "SomeGenes": genes.SOME,
    "Prediction": PREDICTION,
    "Expected": EXPECTED,
    "Model": MODEL,
    "ModelSummary": MODEL_SUMMARY,
    "ProcessorSummary": PROCESSOR_SUMMARY,
    "Accuracy": ACCURACY,
}
"""What has a name, since several speak of it."""

REMEMBERED = record(_MEMORY)

STATUS = record(
    {
        "name": STRING,
        "models": COUNT,
        "symbols": said("Distinct ones, in all models.", COUNT),
        "vectors": said("Those that are remembered.", COUNT),
        "events": said("Those in short-term memory.", COUNT),
        "genes": named("Genes"),
        "revision": said("How many operations have changed it.", COUNT),
        "accuracy": or_null(named("Accuracy")),
        "matcher": said("Who matches its models.", one_of(("native", "python"))),
        "memory": said(
            "Bytes that its models take.",
            record({"models": COUNT, "index": COUNT, "symbols": COUNT}),
        ),
        "version": said("The server's.", STRING),
    }
)

CREATED = record({"created": said("False: it was there already.", BOOLEAN)})

PROCESSORS = record(
    {
        "processors": a_list(named("ProcessorSummary")),
        "total": said("How many there are.", COUNT),
        "next": said("What `after` gives the next page; null: this is the last.", or_null(STRING)),
        "unavailable": said(
            "Those of services that do not answer.",
            a_list(record({"id": STRING, "service": STRING})),
        ),
    },
    optional=("unavailable",),
)


def _brief(fields: Mapping[str, Schema]) -> Schema:
    """What was observed, with short-term memory, or its length in its place."""
    either: Mapping[str, Schema] = {
        **_MEMORY,
        "events": said("How many events are in short-term memory; when brief.", COUNT),
        "classifier_bounded": said(
            "The search for a vector's symbols was given up (classifier DVC).", always(True)
        ),
    }
    made: dict[str, Any] = {**record({**fields, **either}, optional=either)}
    made["oneOf"] = [{"required": ["short_term_memory"]}, {"required": ["events"]}]
    return made


OBSERVED = _brief(
    {
        "unique_id": STRING,
        "auto_learned_model": said("The model that was learned at once.", or_null(STRING)),
    }
)

SEQUENCE_OBSERVED = _brief(
    {
        "observed": said("How many were new.", COUNT),
        "learned_models": said("The models that were learned, in order.", a_list(STRING)),
    }
)

LEARNED = record({"model_name": said("Empty: there was too little to learn.", STRING), **_MEMORY})

PREDICTED = record({"predictions": _PREDICTIONS})

FORECAST = record({"forecast": said("Highest share first.", a_list(named("Expected")))})

EXPLANATION = record(
    {
        "model": named("Model"),
        "state": said("All symbols of short-term memory, in order.", _SYMBOLS),
        "blocks": said("Where both match, in order.", a_list(_BLOCK)),
        "kept": said("Whether it matches well enough to vote in the forecast.", BOOLEAN),
        "predicted": said("Whether it is among the predictions.", BOOLEAN),
        "rank": said("Its place among the kept models, from 1.", or_null(COUNT)),
        "kept_models": said("How many there are of them.", COUNT),
        "reason": one_of(
            (
                "too_few_symbols",
                "no_block",
                "below_threshold",
                "beyond_max_predictions",
                "predicted",
            )
        ),
        "because": said("The same as a sentence, with numbers.", STRING),
        "terms": said(
            "What the metrics are made of, not rounded.",
            a_list(record({**_RECKONED, "value": ANYTHING})),
        ),
        "metrics": said(
            "The numbers of the prediction, rounded.",
            a_list(record({**_RECKONED, "value": NUMBER})),
        ),
        "prediction": or_null(named("Prediction")),
        "learned": said(
            "When, and by which observations, where the server keeps a log of that.",
            or_null(OBJECT),
        ),
    }
)

GENE = record({"gene": STRING, "value": ANYTHING})

ALL_GENES = record({"genes": named("Genes")})

GENE_CHANGED = record({"gene": STRING, "old_value": ANYTHING, "new_value": ANYTHING})

GENES_CHANGED = record({"old_values": named("SomeGenes"), "new_values": named("SomeGenes")})

ONE_MODEL = record({"model": named("Model")})

MODELS = record(
    {
        "models": a_list(named("ModelSummary")),
        "total": said("How many there are.", COUNT),
        "next": said("What `after` gives the next page; null: this is the last.", or_null(STRING)),
    }
)

PERCEPT = record({**OBSERVATION["properties"], "unique_id": or_null(STRING)})

COGNITION = record(
    {
        "predictions": _PREDICTIONS,
        "emotives": said("The average of those gathered since the last learning.", EMOTIVES),
        "symbols": said("Those of the last event.", _SYMBOLS),
        **_MEMORY,
    }
)
