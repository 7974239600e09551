"""JSON Schema (draft 2020-12) in a few words: what values look like, told to others."""

from collections.abc import Iterable, Mapping
from typing import Any

Schema = Mapping[str, Any]

STRING: Schema = {"type": "string"}
BOOLEAN: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "number", "format": "double"}
COUNT: Schema = {"type": "integer", "minimum": 0}
ANYTHING: Schema = {}
OBJECT: Schema = {"type": "object"}

SHAPES = "#/components/schemas/"
"""Where a description keeps what has a name."""


def named(name: str) -> Schema:
    """What a description shows once, under this name."""
    return {"$ref": f"{SHAPES}{name}"}


def a_list(items: Schema) -> Schema:
    """A list of such items."""
    return {"type": "array", "items": items}


def by_name(values: Schema) -> Schema:
    """An object with any keys and such values."""
    return {"type": "object", "additionalProperties": values}


def or_null(schema: Schema) -> Schema:
    """The same, or null."""
    if isinstance(schema.get("type"), str) and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def always(value: Any) -> Schema:
    """This value alone."""
    return {"const": value}


def one_of(values: Iterable[str]) -> Schema:
    """One of these words."""
    return {"type": "string", "enum": list(values)}


def said(says: str, schema: Schema) -> Schema:
    """The same, with what it means."""
    return {**schema, "description": says}


def record(fields: Mapping[str, Schema], *, optional: Iterable[str] = ()) -> Schema:
    """An object with these fields, all of them there but those that are C{optional}; a reader shall
    pass over fields that it does not know."""
    left_out = set(optional)
    required = [name for name in fields if name not in left_out]
    made: dict[str, Any] = {"type": "object", "properties": dict(fields)}
    if required:
        made["required"] = required
    return made


def closed(schema: Schema) -> Schema:
    """The same object, in which other fields are refused."""
    return {**schema, "additionalProperties": False}
