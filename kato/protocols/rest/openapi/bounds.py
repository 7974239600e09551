"""How long what is sent may be on this server, as schemas tell it: what L{Limits.check} sees to."""

from collections.abc import Callable, Mapping
from typing import Any

from kato.limits import Limits
from kato.schemas import Schema

_Bound = Callable[[Schema, Limits], dict[str, Any]]


def bounded(schema: Schema, limits: Limits) -> dict[str, Any]:
    """The same object, its fields no longer than they may be.

    That strings and vectors of an observation are counted together no schema says: each of them
    alone is told.
    """
    fields = {
        name: {**shape, **_BOUNDS[name](shape, limits)} if name in _BOUNDS else shape
        for name, shape in schema["properties"].items()
    }
    return {**schema, "properties": fields}


def _text(shape: Schema, limits: Limits) -> dict[str, Any]:
    return {"maxLength": limits.string}


def _strings(shape: Schema, limits: Limits) -> dict[str, Any]:
    items = {**shape["items"], "maxLength": limits.string}
    return {"items": items, "maxItems": limits.symbols}


def _vectors(shape: Schema, limits: Limits) -> dict[str, Any]:
    items = {**shape["items"], "maxItems": limits.components}
    return {"items": items, "maxItems": limits.symbols}


def _observations(shape: Schema, limits: Limits) -> dict[str, Any]:
    return {"maxItems": limits.observations}


def _emotives(shape: Schema, limits: Limits) -> dict[str, Any]:
    """Those of an observation, or a list of those of a model."""
    if "items" in shape:
        return {"items": {**shape["items"], **_emotives(shape["items"], limits)}}
    return {"maxProperties": limits.emotives, "propertyNames": {"maxLength": limits.string}}


_BOUNDS: Mapping[str, _Bound] = {
    "strings": _strings,
    "vectors": _vectors,
    "emotives": _emotives,
    "unique_id": _text,
    "observations": _observations,
    "model_name": _text,
    "after": _text,
}
"""By the names of fields, which mean the same wherever they stand in a request."""
