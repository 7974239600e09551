"""What may be said when on a connection, and what is said (SPEC 9): pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from kato.commands import Command, parse_processor_id
from kato.errors import InvalidRequest, ProcessorUnavailable, Unauthorized
from kato.fields import free_form, mapping, text
from kato.letting_go import let_go
from kato.limits import Limits
from kato.requests import KEYS, Request, named_processor
from kato.steady_json import SHORT

MAX_ID = 1_024
"""How many values and characters an id may have together."""

Decode = Callable[..., object]
"""Reads a message of no more than C{max_values}; raises L{KatoError} where it is none."""

_KNOWN = KEYS | {"id"}
_KEY = frozenset({"api_key"})

HOW = "authenticate, with params {api_key}"
"""How a key is told on an open connection."""


class Kind(Enum):
    """What is said: an operation of SPEC 8, or something about this connection."""

    PING = "ping"
    AUTHENTICATE = "authenticate"
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    OPERATION = "operation"


_KINDS = {each.value: each for each in (Kind.AUTHENTICATE, Kind.SUBSCRIBE, Kind.UNSUBSCRIBE)}


OPERATIONS = frozenset({Kind.PING, Kind.OPERATION})
"""What is carried out by a processor, or by the server."""


JUDGED = OPERATIONS | {Kind.SUBSCRIBE}
"""What a key must be for."""


class State(Enum):
    """How far a conversation is."""

    GUEST = "has told no key yet"
    MEMBER = "may say everything"
    ENDING = "is heard no more"


NEXT: Mapping[tuple[State, Kind], State] = {
    (State.GUEST, Kind.PING): State.GUEST,
    (State.GUEST, Kind.AUTHENTICATE): State.MEMBER,
    **{(State.MEMBER, kind): State.MEMBER for kind in Kind},
}
"""What may be said in which state, and the state after it; what is not here is refused."""


class Conversation:
    """Where a conversation stands."""

    def __init__(self, *, member: bool) -> None:
        """@param member: whether the key was told already, or none is asked for."""
        self.state = State.MEMBER if member else State.GUEST

    def hear(self, kind: Kind) -> State:
        """See that something may be said now; gives the state once it is done.

        @raise Unauthorized: where a key must be told before.
        @raise ProcessorUnavailable: where nothing is heard any more.
        """
        following = NEXT.get((self.state, kind))
        if following is not None:
            return following
        if self.state is State.GUEST:
            raise Unauthorized(f"no key: {HOW}")
        raise ProcessorUnavailable("the server is stopping", retry_after=1)

    def end(self) -> None:
        """Hear no more."""
        self.state = State.ENDING


@dataclass(frozen=True, slots=True)
class Saying:
    """A request of which the frame is judged; C{tag} is its C{id}, where it has one, as it is
    given back."""

    kind: Kind
    request: Request
    tag: Mapping[str, Any]

    @classmethod
    def parse(cls, raw: object) -> "Saying":
        """Judge the frame of a request.

        @raise InvalidRequest: which names the key at fault.
        """
        given = mapping(raw, "body", _KNOWN)
        tag = {"id": _id(given["id"])} if "id" in given else {}
        request = Request.parse(raw, _KNOWN)
        return cls(_kind(request), request, tag)

    @property
    def named(self) -> str | None:
        """What is asked for, if there is anything of that name."""
        return self.request.named if self.kind is Kind.OPERATION else self.kind.value

    def command(self, limits: Limits) -> Command:
        """What an operation asks for.

        @raise KatoError: which names the field at fault.
        """
        return self.request.command(_nobody, limits)

    @property
    def subject(self) -> str | None:
        """The processor whose events are meant; C{None}: all that come and go.

        @raise InvalidRequest: where it is no id.
        """
        processor = self.request.processor
        return None if processor is None else parse_processor_id(processor)

    @property
    def key(self) -> bytes:
        """The key that C{authenticate} tells.

        @raise InvalidRequest: where it tells none.
        """
        given = mapping(self.request.params, "params", _KEY)
        if "api_key" not in given:
            raise InvalidRequest("api_key: missing")
        return text(given["api_key"], "api_key").encode()


def _kind(request: Request) -> Kind:
    method = request.method
    if not isinstance(method, str):
        return Kind.OPERATION
    if method == Kind.PING.value and request.processor is None:
        return Kind.PING
    return _KINDS.get(method, Kind.OPERATION)


def _nobody() -> str | None:
    """Who is meant where no processor is named."""
    return None


def _id(value: object) -> object:
    """Take an id: any value, if it is not larger than an id should be."""
    left, deeper = MAX_ID, [value]
    while deeper:
        each = deeper.pop()
        parts = each.items() if isinstance(each, dict) else each if isinstance(each, list) else ()
        left -= 1 + (len(each) if isinstance(each, str) else len(parts))
        if left < 0:
            raise InvalidRequest(f"id: more than {MAX_ID} values and characters")
        for part in parts:
            deeper += part if isinstance(part, tuple) else (part,)
    return free_form(value, "id")


def _tag(raw: object) -> Mapping[str, Any]:
    """The C{id} of what may be no request otherwise, so that its error can be told from others."""
    if not isinstance(raw, dict) or "id" not in raw:
        return {}
    try:
        return {"id": _id(raw["id"])}
    except InvalidRequest:
        return {}


@dataclass(frozen=True, slots=True)
class Heard:
    """A message, judged as far as it can be without knowing who says it.

    C{saying} is missing where it is no request; C{command} where it is none of an operation; and
    both may be where C{failure} says what is wrong.
    """

    tag: Mapping[str, Any]
    processor: str | None
    saying: Saying | None = None
    command: Command | None = None
    failure: Exception | None = None

    @classmethod
    def judge(cls, payload: bytes, decode: Decode, limits: Limits) -> "Heard":
        """Judge a message, in a thread where that takes long: nothing is raised."""
        raw: object = None
        saying = None
        try:
            raw = decode(payload, max_values=limits.values)
            saying = Saying.parse(raw)
            command = saying.command(limits) if saying.kind in OPERATIONS else None
        except Exception as error:
            heard = cls(_tag(raw), named_processor(raw), saying, failure=error)
        else:
            heard = cls(saying.tag, named_processor(raw), saying, command)
        if len(payload) > SHORT and (heard.command or heard.failure):
            let_go(raw)
        return heard
