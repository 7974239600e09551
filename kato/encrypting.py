"""ZeroMQ's sockets, encrypted where there is a key pair (docs/zeromq.md, "Between machines")."""

from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from kato.curve_files import read_clients
from kato.options import refuse
from kato.protocols.zmq.curve import BadKeys
from kato.protocols.zmq.guard import Guard
from kato.protocols.zmq.interface import CannotEncrypt, Sockets
from kato.settings import Settings
from kato.worker import InThread

_log = Logger()


def make_guard(settings: Settings, clock: IReactorTime) -> Guard | None:
    """Make who lets others in; C{None}: ZeroMQ is in the clear."""
    if settings.curve is None:
        return None
    clients = {} if settings.curve_clients is None else read_clients(settings.curve_clients)
    return Guard(settings.curve, clients, clock=clock)


def make_sockets(
    settings: Settings, guard: Guard | None, *, reactor: Any, in_thread: InThread
) -> Sockets:
    """Make who opens sockets, or refuse to start."""
    from kato.protocols.zmq.sockets import ZmqSockets

    open_to_others = _heard_in_the_clear(settings)
    if open_to_others:
        _log.warn(
            "{options}: other machines speak to this in the clear, keys included; --curve encrypts "
            "it",
            options=", ".join(open_to_others),
        )
    try:
        return ZmqSockets(reactor=reactor, in_thread=in_thread, guard=guard)
    except CannotEncrypt as error:
        refuse(f"--curve: {error}")


def _heard_in_the_clear(settings: Settings) -> list[str]:
    """The options by which other machines are heard without encryption."""
    if settings.curve is not None:
        return []
    told = {"--zmq": settings.zmq, "--registry": settings.registry}
    return [
        f"{option} {address}"
        for option, address in told.items()
        if address is not None and not address.loopback
    ]


def admit_again(settings: Settings, guard: Guard) -> None:
    """Read again who may connect beside the cluster; where that is of no use, all stays."""
    if settings.curve_clients is None:
        return
    try:
        clients = read_clients(settings.curve_clients)
    except BadKeys as error:
        _log.error("--curve-clients: {error}; those who were let in still are", error=error)
    else:
        guard.admit(clients)
        _log.info("{number} clients may connect over ZeroMQ", number=len(clients))
