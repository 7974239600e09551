"""The limits that an operator may set (SPEC 10)."""

from collections.abc import Mapping
from dataclasses import fields

from twisted.python import usage

from kato.codec import MAX_MESSAGE
from kato.limits import Limits
from kato.option_values import Given, whole

_SAYS: Mapping[str, str] = {
    "message": f"bytes of a message, {MAX_MESSAGE} at most",
    "values": "values in a message",
    "symbols": "strings and vectors of an observation",
    "components": "components of a vector",
    "emotives": "emotives of an observation",
    "observations": "observations in a request",
    "string": "characters of a string",
    "connections": "connections to REST, WebSockets among them, and to each port of ZeroMQ",
    "requests": "requests under way",
    "waiting": "requests that wait for one processor",
    "subscriptions": "subscriptions of a WebSocket",
    "buffered": "bytes of requests that are not whole, or not read yet",
    "idle": "seconds without a byte on a connection of HTTP",
    "arrival": "seconds in which a request comes whole over HTTP",
    "greeting": "seconds in which a WebSocket tells its key",
}

_DEFAULTS = Limits()

PARAMETERS = [
    [f"max-{name}", None, None, f"{says}; {getattr(_DEFAULTS, name)} if left out"]
    for name, says in _SAYS.items()
]
"""The options, as C{usage.Options} takes them."""

ENVIRONMENT = {f"max-{name}": f"KATO_MAX_{name.upper()}" for name in _SAYS}
"""The variables that say the same."""


def parsed_limits(given: Given) -> Limits:
    """What was said of limits.

    @raise UsageError: which names the option at fault.
    """
    said = {each.name: given(f"max-{each.name}") for each in fields(Limits)}
    limits = Limits(
        **{name: whole(f"max-{name}", value, least=1) for name, value in said.items() if value}
    )
    if limits.message > MAX_MESSAGE:
        raise usage.UsageError(
            f"--max-message: expected {MAX_MESSAGE} at most, got {limits.message}"
        )
    if limits.buffered < limits.message:
        raise usage.UsageError(
            f"--max-buffered: expected room for one message, which may have {limits.message} "
            f"bytes, got {limits.buffered}"
        )
    return limits
