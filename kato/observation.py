"""An observation as a client sends it, parsed and judged once (SPEC 1)."""

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from kato.errors import InvalidRequest
from kato.fields import array, free_form, mapping, number, text, within
from kato.schemas import NUMBER, OBJECT, STRING, Schema, a_list, by_name, closed, record, said

Vector = tuple[float, ...]
"""The components of a vector."""
Event = tuple[str, ...]
"""The symbols of one observation, as short-term memory and models keep them."""

VECTOR_PREFIX = "VECTOR|"
"""How the symbols begin by which vectors stand in events."""

_SHAPES: Mapping[str, Schema] = {
    "strings": said("Symbols of the event.", a_list(STRING)),
    "vectors": said(
        "Each gives its own symbol, and those of its neighbours.",
        a_list({**a_list(NUMBER), "minItems": 1}),
    ),
    "emotives": said("What is felt now.", by_name(NUMBER)),
    "unique_id": said(
        "Makes it safe to send again; given by the server where it is missing.", STRING
    ),
    "metadata": said("Comes back with the percept data.", OBJECT),
}

KEYS = frozenset(_SHAPES)
"""What an observation may say."""

OBSERVATION: Schema = closed(record(_SHAPES, optional=_SHAPES))
"""An observation as it may be sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What is observed at one moment; every part may be empty.

    C{strings} stand as the client ordered them, C{vectors} hold float64 components, C{emotives}
    float64 values by name.  C{unique_id} is C{None} where the client gave none.
    """

    strings: tuple[str, ...] = ()
    vectors: tuple[Vector, ...] = ()
    emotives: dict[str, float] = field(default_factory=dict)
    unique_id: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, raw: object, path: str = "") -> "Observation":
        """Read an observation from decoded JSON.

        @param path: where it stands in the request, C{observations[3]} for example.
        @raise InvalidRequest: which names the field at fault.
        """
        given = mapping(raw, path or "body", KEYS)
        return cls(
            strings=_strings(given["strings"], path) if "strings" in given else (),
            vectors=_vectors(given["vectors"], path) if "vectors" in given else (),
            emotives=_emotives(given["emotives"], path) if "emotives" in given else {},
            unique_id=(
                text(given["unique_id"], within(path, "unique_id"))
                if "unique_id" in given
                else None
            ),
            metadata=_metadata(given["metadata"], path) if "metadata" in given else {},
        )

    @property
    def has_event(self) -> bool:
        """Whether this observation makes an event: one of emotives alone does not."""
        return bool(self.strings or self.vectors)

    def as_dict(self) -> dict[str, Any]:
        """The observation as accepted, in JSON's types."""
        return {
            "strings": list(self.strings),
            "vectors": [list(vector) for vector in self.vectors],
            "emotives": self.emotives,
            "unique_id": self.unique_id,
            "metadata": self.metadata,
        }

    def sent(self) -> dict[str, Any]:
        """The observation as a client would send it: what is empty is left out."""
        sent: dict[str, Any] = {}
        if self.strings:
            sent["strings"] = self.strings
        if self.vectors:
            sent["vectors"] = self.vectors
        if self.emotives:
            sent["emotives"] = self.emotives
        if self.unique_id is not None:
            sent["unique_id"] = self.unique_id
        if self.metadata:
            sent["metadata"] = self.metadata
        return sent

    def digest(self) -> str:
        """A fingerprint of the parsed observation: equal observations have equal ones."""
        return digest(self.as_dict())


def _strings(value: object, path: str) -> tuple[str, ...]:
    if _are_plain(value):
        return tuple(value)  # as nearly all are: no path is written that nobody reads
    where = within(path, "strings")
    return tuple(text(item, f"{where}[{i}]") for i, item in enumerate(array(value, where)))


def _are_plain(value: object) -> TypeGuard[list[str]]:
    """Whether this is a list of strings of which nothing needs to be judged."""
    if type(value) is not list:
        return False
    for item in value:  # noqa: SIM110  # a generator would take twice as long
        if type(item) is not str or not item.isascii():
            return False
    return True


def _vectors(value: object, path: str) -> tuple[Vector, ...]:
    where = within(path, "vectors")
    return tuple(_vector(item, f"{where}[{i}]") for i, item in enumerate(array(value, where)))


def _emotives(value: object, path: str) -> dict[str, float]:
    where = within(path, "emotives")
    return {name: number(each, within(where, name)) for name, each in mapping(value, where).items()}


def _metadata(value: object, path: str) -> dict[str, Any]:
    where = within(path, "metadata")
    judged: dict[str, Any] = free_form(mapping(value, where), where)
    return judged


def _vector(value: object, path: str) -> Vector:
    components = array(value, path)
    if not components:
        raise InvalidRequest(f"{path}: a vector needs at least one component")
    return tuple(number(item, f"{path}[{i}]") for i, item in enumerate(components))


def vector_symbol(vector: Vector) -> str:
    """A vector's own symbol: its components as little-endian float64, -0.0 as 0.0, hashed
    (SPEC 5)."""
    packed = struct.pack(f"<{len(vector)}d", *(component + 0.0 for component in vector))
    return VECTOR_PREFIX + hashlib.sha1(packed, usedforsecurity=False).hexdigest()


def digest(value: object) -> str:
    """SHA-256 of C{value} as JSON with sorted keys, in hex."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
