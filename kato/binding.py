"""Ports, bound before the reactor runs, or refused in one line (SPEC 10)."""

import re
import socket
from ipaddress import ip_address
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import SSL4ServerEndpoint, serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IStreamServerEndpoint
from twisted.python.failure import Failure
from twisted.web.server import Site

from kato.options import refuse
from kato.protocols.zmq.addresses import Address, BoundPort, bind
from kato.protocols.zmq.interface import CannotBind
from kato.reloading import NotReadable, Reloading
from kato.settings import Settings
from kato.tls_description import TlsDescription

_TCP = re.compile(r"tcp:(?P<port>\d{1,5})(?::interface=(?P<interface>[\d.]+))?", re.ASCII)
_BACKLOG = 511

_WRONG = (
    *(ValueError, TypeError, KeyError, OSError, OverflowError, ImportError, AttributeError),
    NotReadable,
)
"""What is raised for a description that is none, or at which nobody can listen."""

_EXTRA = "TLS needs more to be installed: pip install 'kato-twisted[tls]'"


def bound_endpoint(
    description: str,
    site: Site,
    settings: Settings,
    reactor: Any,
    reloading: Reloading,
    *,
    option: str = "--listen",
) -> IListeningPort:
    """Bind a port of HTTP; what is wrong with it is known now or never.

    @param reloading: is told of certificates.
    @param option: what said so.
    """
    try:
        if settings.share_port:
            port = _shared_port(description, site, reactor)
        elif TlsDescription.is_meant(description):
            port = _own_port(_tls_endpoint(description, reactor, reloading), site)
        else:
            port = _own_port(serverFromString(reactor, description), site)
    except CannotListenError as error:
        refuse(f"{option} {description}: {error.socketError}")
    except IndexError:
        refuse(f"{option} {description}: whoever started this handed no such port over")
    except _WRONG as error:
        refuse(f"{option} {description}: {error}")
    if not _is_loopback(port) and _is_shut(settings):
        port.stopListening()
        _refuse_open(option, description)
    return port


def _own_port(endpoint: IStreamServerEndpoint, site: Site) -> IListeningPort:
    """Bind a port for this process alone."""
    result: list[Any] = []
    endpoint.listen(site).addBoth(result.append)
    [bound] = result
    if isinstance(bound, Failure):
        bound.raiseException()
    port: IListeningPort = bound
    return port


def _tls_endpoint(description: str, reactor: Any, reloading: Reloading) -> SSL4ServerEndpoint:
    """Where TLS is spoken, with a certificate that is read again when others are.

    @raise ValueError: where the description is none.
    @raise NotReadable: where its files cannot be used.
    @raise ImportError: where TLS is not installed.
    """
    described = TlsDescription.parse(description)
    try:
        from kato.certificates import Certificates
    except ImportError as error:
        raise ImportError(f"{_EXTRA} ({error})") from None
    certificates = Certificates(described.files)
    reloading.add(f"--listen {description}", certificates.read_again)
    return SSL4ServerEndpoint(
        reactor,
        described.port,
        certificates,
        backlog=described.backlog,
        interface=described.interface,
    )


def _shared_port(description: str, site: Site, reactor: Any) -> IListeningPort:
    """Bind a port that others bind, too: the system spreads connections over all of them.

    @raise ValueError: where it is no plain TCP port.
    """
    written = _TCP.fullmatch(description)
    if written is None:
        raise ValueError("with --share-port, expected tcp:PORT or tcp:PORT:interface=ADDRESS")
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((written["interface"] or "", int(written["port"])))
        bound.listen(_BACKLOG)
        bound.setblocking(False)
        port: IListeningPort = reactor.adoptStreamPort(bound.fileno(), socket.AF_INET, site)
    return port


def bound_port(option: str, address: Address, settings: Settings) -> BoundPort:
    """Bind a port of ZeroMQ."""
    if not address.loopback and _is_shut(settings):
        _refuse_open(option, address)
    try:
        return bind(address)
    except CannotBind as error:
        refuse(f"{option} {error}")


def _is_shut(settings: Settings) -> bool:
    """Whether this server is for its own machine only."""
    return not settings.asks_for_keys and not settings.open


def _refuse_open(option: str, where: object) -> None:
    refuse(
        f"{option} {where}: other machines could reach this without a key; "
        "give --api-key-file or --api-keys, or --open if that is meant"
    )


def _is_loopback(port: IListeningPort) -> bool:
    address = port.getHost()
    if isinstance(address, IPv4Address | IPv6Address):
        return ip_address(address.host).is_loopback
    return True


def shown(port: IListeningPort) -> str:
    """Where a port listens, as an operator would write it."""
    address = port.getHost()
    if isinstance(address, IPv6Address):
        return f"[{address.host}]:{address.port}"
    if isinstance(address, IPv4Address):
        return f"{address.host}:{address.port}"
    return str(address)


def stopped(port: IListeningPort) -> "Deferred[Any]":
    """Stop listening."""
    stopping: Deferred[Any] | None = port.stopListening()
    if stopping is None:
        stopping = Deferred()
        stopping.callback(None)
    return stopping
