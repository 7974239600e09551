"""Requests and answers of HTTP as the specification GraphQL over HTTP has them: media types and
statuses."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from kato.codec import decode_json
from kato.errors import (
    InvalidRequest,
    KatoError,
    MethodNotAllowed,
    UnsupportedMediaType,
)
from kato.fields import shown
from kato.protocols.graphql.requests import Asked
from kato.protocols.graphql.telling import Result, refused_whole
from kato.steady_json import decode_steadily

Headers = Mapping[bytes, Sequence[bytes]]
"""The values of headers by name, names written C{Like-This}."""


class Media(Enum):
    """What an answer is declared as."""

    GRAPHQL = "application/graphql-response+json"
    """Its status tells whether the document could be executed."""
    JSON = "application/json"
    """Its status tells only whether there was one: for clients that know no more."""


def media(headers: Headers) -> Media:
    """What the client takes; who says nothing of it takes what is usual today."""
    words = b",".join(headers.get(b"Accept", ())).decode("latin-1").lower().split(",")
    accepted = {each.partition(";")[0].strip() for each in words}
    if Media.JSON.value in accepted and Media.GRAPHQL.value not in accepted:
        return Media.JSON
    return Media.GRAPHQL


class Answer(NamedTuple):
    """An answer: its status, what its body says, and the headers that say what it is."""

    status: int
    body: Result
    kind: bytes

    @classmethod
    def of(cls, status: int, body: Result, says: Media, extra: str = "") -> "Answer":
        """@param extra: more headers, each with its line end."""
        kind = f"Content-Type: {says.value}; charset=utf-8\r\nCache-Control: no-store\r\n{extra}"
        return cls(status, body, kind.encode("ascii"))

    @classmethod
    def well(cls, result: Result, says: Media) -> "Answer":
        """It was executed, whatever came of its fields."""
        return cls.of(200, result, says)

    @classmethod
    def malformed(cls, result: Result, says: Media) -> "Answer":
        """There was a document, which could not be executed."""
        return cls.of(400 if says is Media.GRAPHQL else 200, result, says)

    @classmethod
    def refused(cls, error: KatoError, says: Media) -> "Answer":
        """There was no document, or none that could be looked at."""
        extra = f"Retry-After: {error.retry_after}\r\n" if error.retry_after is not None else ""
        return cls.of(error.http_status, refused_whole(error), says, extra)

    @classmethod
    def by_post(cls, says: Media) -> "Answer":
        """A mutation came by an address, which nobody must follow twice."""
        error = MethodNotAllowed("query: a mutation is sent by POST")
        return cls.of(error.http_status, refused_whole(error), says, "Allow: POST\r\n")

    @classmethod
    def elsewhere(cls, says: Media) -> "Answer":
        """A subscription has more than one answer."""
        error = InvalidRequest(
            "query: subscriptions are told over WebSocket, sub-protocol graphql-transport-ws"
        )
        return cls.malformed(refused_whole(error), says)


def read_body(body: bytes, headers: Headers, max_values: int) -> Asked:
    """What a POST says.

    It must be declared as JSON: a page of a foreign site can send any other body without asking.

    @raise UnsupportedMediaType: where it is declared otherwise.
    @raise InvalidRequest: which names what is at fault.
    @raise PayloadTooLarge: where it holds more than C{max_values}.
    """
    declared = headers.get(b"Content-Type", ())
    if len(declared) != 1 or _media_type(declared[0]) != Media.JSON.value:
        got = shown(b", ".join(declared).decode("latin-1")) if declared else "nothing"
        raise UnsupportedMediaType(f"Content-Type: expected application/json, got {got}")
    return Asked.parse(decode_steadily(body, max_values=max_values))


def _media_type(value: bytes) -> str:
    return value.partition(b";")[0].strip().lower().decode("latin-1")


def read_query(query: Mapping[str, str]) -> Asked:
    """What the address of a GET says: C{variables} and C{extensions} are JSON there.

    @raise InvalidRequest: which names what is at fault.
    """
    return Asked.parse({key: _decoded(key, value) for key, value in query.items()})


def _decoded(key: str, value: str) -> object:
    if key not in ("variables", "extensions"):
        return value
    try:
        return decode_json(value.encode())
    except InvalidRequest as error:
        raise InvalidRequest(f"{key}: {error.message.removeprefix('body: ')}") from None
