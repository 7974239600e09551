"""Where a request came in, as it is known from the edge to the service that carries it out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kato.errors import InvalidRequest
from kato.fields import mapping, text

MAX_ID = 128
"""How many characters the id of a request at its edge may have."""

MAX_NAME = 64
"""How many characters a name may have: of a transport, or of a key."""

_KNOWN = frozenset({"transport", "id", "key"})


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asked, and how.

    C{transport} is C{rest}, C{websocket}, C{graphql} or C{zmq}; C{id} is that of the request at
    this edge, by which logs know it; C{key} is the name of the key it came with, C{None} where none
    is asked for; C{client} the address of who asked, C{None} where it has none or is not known: it
    stays at this edge.
    """

    transport: str
    id: str
    key: str | None = None
    client: str | None = None

    def sent(self) -> dict[str, str]:
        """As one of ours tells another."""
        told = {"transport": self.transport, "id": self.id}
        if self.key is not None:
            told["key"] = self.key
        return told

    @classmethod
    def parse(cls, raw: object, path: str = "origin") -> "Origin":
        """Judge what one of ours told.

        @raise InvalidRequest: which names the field at fault.
        """
        given = mapping(raw, path, _KNOWN)
        transport, key = _word(given, "transport", path, MAX_NAME), None
        if given.get("key") is not None:
            key = _word(given, "key", path, MAX_NAME)
        return cls(transport, _word(given, "id", path, MAX_ID), key)


def _word(given: Mapping[str, Any], name: str, path: str, most: int) -> str:
    word = text(given.get(name), f"{path}.{name}")
    if not (1 <= len(word) <= most and word.isprintable()):
        raise InvalidRequest(f"{path}.{name}: expected 1 to {most} printable characters")
    return word
