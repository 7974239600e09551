"""Values held against the schemas that a description shows."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from kato.operations import OPERATIONS
from kato.results import SHAPES
from kato.schemas import Schema


def strict(schema: Any) -> Any:
    """The same schema, in which no object has fields of which it does not tell."""
    if isinstance(schema, list | tuple):
        return [strict(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    told = {key: strict(value) for key, value in schema.items()}
    if isinstance(told.get("properties"), dict):
        told.setdefault("additionalProperties", False)
    return told


@cache
def _validator(operation: str) -> Draft202012Validator:
    schema: Schema = {**OPERATIONS[operation].answer(), "components": {"schemas": SHAPES}}
    made = strict(schema)
    Draft202012Validator.check_schema(made)
    return Draft202012Validator(made)


def misshapen(operation: str, answer: Mapping[str, Any]) -> list[str]:
    """What of an operation's answer is not as its row of the table tells, or not told there."""
    found = _validator(operation).iter_errors(dict(answer))
    return [f"{operation}: {error.json_path}: {error.message[:300]}" for error in found]
