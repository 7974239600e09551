"""What is said in C{graphql-transport-ws}, and what may be said when: pure
(docs/graphql.md#subscriptions)."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from kato.errors import InvalidRequest, KatoError
from kato.fields import free_form, mapping, shown, text
from kato.limits import Limits
from kato.protocols.websocket.frames import Codec

MALFORMED = 4400
NOT_ACKNOWLEDGED = 4401
WRONG_KEY = 4403
TOO_LATE = 4408
TWICE = 4409
BEGAN_TWICE = 4429
"""Why a connection is closed, by the protocol."""

MAX_ID = 128
"""How many characters the id of an operation may have."""

_KNOWN = frozenset({"type", "id", "payload"})
_MAX_REASON = 120
_KEY = "apiKey"

HOW = "send connection_init with the payload {apiKey}"
"""How a key is told on an open connection."""


class Kind(Enum):
    """What a client says."""

    INIT = "connection_init"
    PING = "ping"
    PONG = "pong"
    SUBSCRIBE = "subscribe"
    COMPLETE = "complete"


_KINDS = {each.value: each for each in Kind}
_WITH_ID = frozenset({Kind.SUBSCRIBE, Kind.COMPLETE})


class State(Enum):
    """How far a conversation is."""

    NEW = "has said nothing yet"
    ACKNOWLEDGED = "may ask"
    ENDING = "is heard no more"


class Closing(Exception):
    """The connection is to be closed, and why."""

    def __init__(self, code: int, reason: str) -> None:
        """@param reason: cut to what a closing frame holds."""
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:_MAX_REASON].decode(errors="ignore")


@dataclass(frozen=True, slots=True)
class Heard:
    """A message that was judged; C{id} is that of an operation, or empty."""

    kind: Kind
    id: str = ""
    payload: Any = None
    size: int = 0

    @classmethod
    def judge(cls, payload: bytes, limits: Limits) -> "Heard | Exception":
        """Judge a message, in a thread where that takes long: nothing is raised."""
        try:
            return cls._parse(Codec.GRAPHQL.decode(payload, max_values=limits.values), len(payload))
        except KatoError as error:
            return Closing(MALFORMED, error.message)
        except Exception as defect:
            return defect

    @classmethod
    def _parse(cls, raw: object, size: int) -> "Heard":
        given = mapping(raw, "message", _KNOWN)
        kind = _KINDS.get(text(given.get("type"), "type"))
        if kind is None:
            raise InvalidRequest(f"type: {shown(given['type'])} is none that a client says")
        name = text(given.get("id"), "id") if kind in _WITH_ID else ""
        if kind in _WITH_ID and not 1 <= len(name) <= MAX_ID:
            raise InvalidRequest(f"id: expected 1 to {MAX_ID} characters, got {len(name)}")
        payload = given.get("payload")
        if kind is Kind.SUBSCRIBE or payload is not None:
            payload = mapping(payload, "payload")
        return cls(kind, name, payload if kind is Kind.SUBSCRIBE else _plain(payload), size)

    @property
    def key(self) -> bytes | None:
        """The key that C{connection_init} tells, if it does.

        @raise InvalidRequest: where it is no string.
        """
        key = (self.payload or {}).get(_KEY)
        return None if key is None else text(key, f"payload.{_KEY}").encode()


def _plain(payload: object) -> object:
    return None if payload is None else free_form(payload, "payload")


def following(state: State, kind: Kind) -> State:
    """The state after something was said.

    @raise Closing: where it may not be said now.
    """
    if kind is Kind.INIT:
        if state is not State.NEW:
            raise Closing(BEGAN_TWICE, "Too many initialisation requests")
        return State.ACKNOWLEDGED
    if kind is Kind.SUBSCRIBE and state is State.NEW:
        raise Closing(NOT_ACKNOWLEDGED, "Unauthorized: say connection_init first")
    return state
