"""ZeroMQ's sockets, encrypted where there is a key pair (docs/zeromq.md, "Between machines")."""

from functools import partial
from pathlib import Path
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from kato.curve_files import read_clients
from kato.options import refuse
from kato.protocols.zmq.curve import BadKeys
from kato.protocols.zmq.guard import Guard
from kato.protocols.zmq.interface import CannotEncrypt, Sockets
from kato.reloading import NotReadable, Reloading
from kato.settings import Settings
from kato.threads import InThread

_log = Logger()


def make_guard(settings: Settings, reloading: Reloading, *, clock: IReactorTime) -> Guard | None:
    """Make who lets others in; C{None}: ZeroMQ is in the clear.

    @param reloading: is told of the file that names clients.
    """
    if settings.curve is None:
        return None
    guard = Guard(settings.curve, {}, clock=clock)
    if settings.curve_clients is not None:
        admit = partial(_admit, guard, settings.curve_clients)
        admit()
        reloading.add("--curve-clients", admit)
    return guard


def _admit(guard: Guard, path: Path) -> None:
    """Let in who is named now."""
    try:
        guard.admit(read_clients(path))
    except BadKeys as error:
        raise NotReadable(str(error)) from None


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
        return ZmqSockets(reactor=reactor, in_thread=in_thread, guard=guard, limits=settings.limits)
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
