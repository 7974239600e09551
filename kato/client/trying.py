"""How a call is carried out, without any I/O: what is sent, waited for, and sent again.

Each face of the client runs L{trying}: it sends what a L{Request} says and gives the L{Response},
or waits as long as a L{Pause} says.  Nothing is sent again that might be done twice: what changes
something goes under an C{Idempotency-Key}, by which the server knows it.
"""

import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from kato.client.calls import Call
from kato.client.encoding import encoded
from kato.client.given import request_id, shown
from kato.errors import BY_CODE, KatoError, ProcessorUnavailable

T = TypeVar("T")

AGAIN = frozenset({429, 503, 504})
"""The statuses after which the same request may succeed."""

CONNECTING = 5.0
"""Seconds until a server that says nothing counts as not reached: an answer may take its time, a
connection does not.  A server without TLS that is asked by HTTPS is such a one."""

_IN_BETWEEN = frozenset({500, 502, 504})
_LONGEST = 8.0
_DIGITS = frozenset("0123456789")


class NoAnswer(ProcessorUnavailable):
    """There was no answer: the server cannot be reached, or the connection was lost."""

    error_code = "NO_ANSWER"


class ForeignAnswer(ProcessorUnavailable):
    """What answers is no server of KATO's: a proxy between says so, or the address is wrong."""

    error_code = "FOREIGN_ANSWER"


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be sent."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Response:
    """What came; C{headers} by their names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Lost:
    """Nothing came, and why; C{sent} says that the request may have arrived."""

    why: str
    sent: bool = True


@dataclass(frozen=True, slots=True)
class Pause:
    """How many seconds to wait, and after which error."""

    seconds: float
    why: KatoError


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a call is sent again, and how long the pauses are.

    C{first} seconds, twice as many each time up to 8, half of each being chance; where the server
    says C{Retry-After}, that long at least; if it is longer than C{longest}, that is an error.
    """

    again: int = 6
    first: float = 0.1
    longest: float = 30.0

    def pause(self, times: int, retry_after: float | None, chance: float) -> float | None:
        """Seconds until the next try, having tried C{times}; C{None}: no more."""
        if times > self.again or (retry_after or 0) > self.longest:
            return None
        usual = min(_LONGEST, self.first * 2.0 ** (times - 1))
        return max(retry_after or 0, usual / 2 + usual / 2 * chance)


Trying = Generator[Request | Pause, Response | Lost | None, T]
"""Says what to send, or how long to wait, is told what came of it, and returns the answer."""


def trying(
    call: Call[T],
    *,
    key: str | None,
    patience: Patience,
    random: Callable[[], float],
    make_id: Callable[[], str],
) -> Trying[T]:
    """Carry out a call: yields what is to be done, is sent what came of it, and returns the result.

    @param key: the API key, if the server wants one.
    @param random: draws from 0 to 1, for pauses.
    @param make_id: makes an id for what changes something.
    @raise KatoError: what the server said against it, or L{NoAnswer}.
    """
    request = _request(call, key, make_id)
    times, doubt = 0, False
    while True:
        came = yield request
        times += 1
        assert came is not None, "a request is followed by what came of it"
        error = _judge(came)
        if error is None and isinstance(came, Response):
            return _read(call, came)
        assert error is not None
        if not _again(came):
            raise error
        doubt = error.outcome_unknown = call.changes and (doubt or error.outcome_unknown)
        seconds = patience.pause(times, error.retry_after, random())
        if seconds is None:
            raise error
        yield Pause(seconds, error)


def _request(call: Call[Any], key: str | None, make_id: Callable[[], str]) -> Request:
    headers = {"Accept": "application/json"}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    if call.changes:
        own = call.request_id
        headers["Idempotency-Key"] = make_id() if own is None else request_id(own)
    if call.body is None:
        return Request(call.method, call.path, headers, None)
    headers["Content-Type"] = "application/json"
    return Request(call.method, call.path, headers, encoded(call.body))


def _read(call: Call[T], came: Response) -> T:
    told = _decoded(came)
    try:
        if told["status"] == "okay":
            return call.read(told)
    except (KeyError, TypeError):
        raise _foreign(came) from None
    raise _foreign(came)


def _again(came: Response | Lost) -> bool:
    return isinstance(came, Lost) or came.status in AGAIN


def _judge(came: Response | Lost) -> KatoError | None:
    """What is wrong with what came, if anything is."""
    if isinstance(came, Lost):
        return NoAnswer(came.why, outcome_unknown=came.sent)
    if came.status < 400:
        return None
    try:
        return error_of(_decoded(came), retry_after=_retry_after(came))
    except (ForeignAnswer, KeyError, TypeError):
        return _foreign(came)


def error_of(told: Mapping[str, Any], *, retry_after: int | None = None) -> KatoError:
    """The error that an answer tells; one of a newer server, of no class here, has its code.

    @raise KeyError, TypeError: it tells none in KATO's way.
    """
    code, message = told["error_code"], told["message"]
    if not (isinstance(code, str) and isinstance(message, str)):
        raise TypeError("code and message are strings")
    error = BY_CODE.get(code, KatoError)(
        message,
        retry_after=told.get("retry_after", retry_after),
        outcome_unknown=told.get("outcome") == "unknown",
    )
    error.error_code = code
    return error


def foreign(status: int, kind: str) -> ForeignAnswer:
    """The error for what no server of ours says.

    @param kind: what came, as its C{Content-Type} tells.
    """
    what = shown(kind) if kind else "a body of no type"
    return ForeignAnswer(
        f"what answers is no server of KATO's: HTTP {status} with {what}",
        outcome_unknown=status in _IN_BETWEEN,
    )


def _foreign(came: Response) -> ForeignAnswer:
    return foreign(came.status, came.headers.get("content-type", ""))


def _decoded(came: Response) -> Mapping[str, Any]:
    try:
        told = json.loads(came.body)
    except ValueError:
        raise _foreign(came) from None
    if not isinstance(told, dict):
        raise _foreign(came)
    return told


def _retry_after(came: Response) -> int | None:
    value = came.headers.get("retry-after", "")
    return int(value) if value and _DIGITS.issuperset(value) else None
