"""What a request says, on HTTP and on a WebSocket: a document, its variables, and which of its
operations is meant."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kato.errors import InvalidRequest
from kato.fields import free_form, mapping, text

KEYS = frozenset({"query", "variables", "operationName", "extensions"})
"""What a request may say; nobody heeds C{extensions}."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of which only the frame is judged."""

    query: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    operation: str | None = None

    @classmethod
    def parse(cls, raw: object) -> "Asked":
        """Judge the frame of a request.

        @raise InvalidRequest: which names the key at fault.
        """
        given = mapping(raw, "body", KEYS)
        if given.get("query") is None:
            raise InvalidRequest("query: missing")
        variables, operation = given.get("variables"), given.get("operationName")
        if given.get("extensions") is not None:
            mapping(given["extensions"], "extensions")
        return cls(
            text(given["query"], "query"),
            {} if variables is None else free_form(mapping(variables, "variables"), "variables"),
            None if operation is None else text(operation, "operationName"),
        )
