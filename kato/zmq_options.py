"""What an operator may say of ZeroMQ: where it listens, and who may connect (SPEC 10)."""

from pathlib import Path
from typing import Any

from twisted.python import usage

from kato.curve_files import read_clients, read_pair
from kato.option_values import Given
from kato.protocols.zmq.addresses import MAX_PORT, Address
from kato.protocols.zmq.curve import BadKeys
from kato.settings import ZMQ

PARAMETERS = [
    ["zmq", None, None, "tcp://host:port of the ROUTER socket for clients of ZeroMQ"],
    ["events", None, None, "tcp://host:port of the PUB socket; the port after --zmq's"],
    ["curve", None, None, "the file with the key pair of this cluster: ZeroMQ is encrypted"],
    ["curve-clients", None, None, "a file with public keys of other clients of ZeroMQ"],
]
"""The options, as C{usage.Options} takes them."""

ENVIRONMENT = {
    "zmq": "KATO_ZMQ",
    "events": "KATO_EVENTS",
    "curve": "KATO_CURVE",
    "curve-clients": "KATO_CURVE_CLIENTS",
}
"""The variables that say the same."""


def parsed_address(option: str, value: str) -> Address:
    """Where something listens, or is reached.

    @raise UsageError: which names the option.
    """
    try:
        return Address.parse(value)
    except ValueError as error:
        raise usage.UsageError(f"--{option}: {error}") from None


def parsed_sockets(
    given: Given, port: str | None, *, default: Address | None = None
) -> dict[str, Any]:
    """Where the ROUTER and the PUB socket listen, as L{Settings} take them.

    @param port: what the environment says of the ROUTER's port alone.
    @param default: where the ROUTER listens if nothing is said; C{None}: nowhere.
    @raise UsageError: which names the option at fault.
    """
    zmq = _router(given, port) or default
    return {"zmq": zmq, "events": _events(given, zmq)}


def _router(given: Given, port: str | None) -> Address | None:
    value = given("zmq")
    if value is not None:
        return parsed_address("zmq", value)
    if not port:
        return None
    if not port.isdecimal():
        raise usage.UsageError(f"ZMQ_PORT: expected a port, got {port!r}")
    return parsed_address("zmq", f"{ZMQ.host}:{port}")


def _events(given: Given, zmq: Address | None) -> Address | None:
    """Beside the ROUTER, if nothing else was said."""
    value = given("events")
    events = None if value is None else parsed_address("events", value)
    if zmq is None and events is not None:
        raise usage.UsageError("--events: there is no --zmq to go with it")
    if events is not None or zmq is None:
        return events
    if zmq.port == MAX_PORT:
        raise usage.UsageError(f"--events: there is no port after {zmq.port}; name one")
    return Address(zmq.host, zmq.port and zmq.port + 1)


def parsed_curve(given: Given) -> dict[str, Any]:
    """The key pair of this cluster, and where public keys of others are told: as L{Settings} take
    them; what is wrong with either is known now.

    @raise UsageError: which names the option at fault.
    """
    pair, clients = given("curve"), given("curve-clients")
    try:
        curve = None if pair is None else read_pair(pair)
    except BadKeys as error:
        raise usage.UsageError(f"--curve: {error}") from None
    if clients is None:
        return {"curve": curve}
    if curve is None:
        raise usage.UsageError("--curve-clients: there is no --curve to go with it")
    try:
        read_clients(clients)
    except BadKeys as error:
        raise usage.UsageError(f"--curve-clients: {error}") from None
    return {"curve": curve, "curve_clients": Path(clients).absolute()}
