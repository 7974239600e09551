"""Connections of libzmq's, looked at from outside: it tells their descriptors, and no more of them.

A descriptor may have been closed, and given to something else, before anybody hears of it.  So it
is copied first, and the copy believed only if both its ends are what they should be.
"""

import ctypes
import os
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from kato.protocols.zmq.visitors import Peer, Traffic, Visitor

_COUNTS = struct.Struct("=120xQQ")
"""Where Linux tells in C{struct tcp_info} how many bytes were taken, and how many have come: before
4.1 it does not."""

_connect = ctypes.CDLL(None).connect
_NOBODY = bytes(16)
"""The address of the family C{AF_UNSPEC}, which Python's own C{connect} does not take."""


@contextmanager
def _copied(descriptor: int) -> Iterator[socket.socket]:
    """The connection of a descriptor, as it is now.

    @raise OSError: where it is none.
    """
    copy = os.dup(descriptor)
    try:
        connection = socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise
    with connection:
        yield connection


def peer_of(descriptor: int, port: int) -> Peer | None:
    """The other side of a connection that was made to C{port}; C{None}: it is none any more."""
    with suppress(OSError), _copied(descriptor) as connection:
        if _is_ip(connection) and connection.getsockname()[1] == port:
            return _peer(connection)
    return None


def traffic(visitor: Visitor) -> Traffic | None:
    """What has come and gone; C{None}: the connection is over, or this system does not tell."""
    if sys.platform != "linux":
        return None
    with suppress(OSError), _copied(visitor.descriptor) as connection:
        if _is_ip(connection) and _peer(connection) == visitor.peer:
            told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _COUNTS.size)
            if len(told) == _COUNTS.size:
                taken, came = _COUNTS.unpack(told)
                return Traffic(came, taken)
    return None


def end(visitor: Visitor) -> None:
    """Have libzmq find that a connection is over.

    On Linux what has come and was not read is thrown away with it; elsewhere it is read.
    """
    with suppress(OSError), _copied(visitor.descriptor) as connection:
        if (
            _is_ip(connection)
            and _peer(connection) == visitor.peer
            and _connect(connection.fileno(), _NOBODY, len(_NOBODY))
        ):
            connection.shutdown(socket.SHUT_RDWR)


def _is_ip(connection: socket.socket) -> bool:
    return connection.family in (socket.AF_INET, socket.AF_INET6)


def _peer(connection: socket.socket) -> Peer:
    host, port = connection.getpeername()[:2]
    return str(host), int(port)
