"""The schema as graphql-core knows it: C{schema.graphql} with what its fields do."""

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
)

from kato.events import (
    LEARNING,
    MEMORY,
    OBSERVATIONS,
    PREDICTIONS,
    PROCESSORS,
    STATUS,
)
from kato.protocols.graphql.naming import ours
from kato.protocols.graphql.resolving import RESOLVERS
from kato.protocols.graphql.wishing import SUBSCRIBED, WISHES

_LOWER = frozenset({"Gene", "Ranking", "Topic"})
"""The words of these are written in capitals here, and small everywhere else."""

_EVENTS: Mapping[str, str] = {
    SUBSCRIBED: "Subscribed",
    OBSERVATIONS: "ObservedEvent",
    LEARNING: "LearningEvent",
    MEMORY: "MemoryEvent",
    PREDICTIONS: "PredictionsEvent",
    STATUS: "StatusEvent",
    PROCESSORS: "ProcessorEvent",
}
"""The types of events by their topics."""


def read_sdl() -> str:
    """The schema as people read it."""
    return (files("kato.protocols.graphql") / "schema.graphql").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def make_schema() -> GraphQLSchema:
    """The schema, which is made once and does not change."""
    schema = build_schema(read_sdl())
    for each in schema.type_map.values():
        if isinstance(each, GraphQLEnumType) and each.name in _LOWER:
            _lower(each)
        elif isinstance(each, GraphQLInputObjectType):
            for name, field in each.fields.items():
                field.out_name = ours(name)
        elif isinstance(each, GraphQLObjectType) and not each.name.startswith("__"):
            _join(each)
    event = schema.type_map["Event"]
    assert isinstance(event, GraphQLInterfaceType)
    event.resolve_type = _type_of_event
    return schema


def _lower(enum: GraphQLEnumType) -> None:
    for name, value in enum.values.items():
        value.value = name.lower()


def _join(kind: GraphQLObjectType) -> None:
    """Give the fields of a type what they do, and their arguments our names."""
    resolvers = {**RESOLVERS, **WISHES}.get(kind.name, {})
    assert resolvers.keys() <= kind.fields.keys(), kind.name
    for name, field in kind.fields.items():
        field.resolve = resolvers.get(name)
        for argument, each in field.args.items():
            each.out_name = ours(argument)


def _type_of_event(event: Mapping[str, Any], *_: object) -> str:
    return _EVENTS[event["topic"]]
