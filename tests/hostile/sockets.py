"""What hostile clients have in common: sockets, many of them, and little regard for protocols."""

import resource
import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Event

from tests.live.server import PATIENCE

_ABORTS = struct.pack("ii", 1, 0)


def many_files() -> None:
    """Let this process have as many connections as the system allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def connect(port: int) -> socket.socket:
    """A connection."""
    return socket.create_connection(("127.0.0.1", port), PATIENCE)


@contextmanager
def connections(port: int, number: int) -> Iterator[list[socket.socket]]:
    """So many connections at a time."""
    many_files()
    made: list[socket.socket] = []
    try:
        while len(made) < number:
            made.append(connect(port))
        yield made
    finally:
        for each in made:
            each.close()


def drip(made: Sequence[socket.socket], message: bytes, over: Event, pause: float = 0.02) -> None:
    """Send a message to all, a byte at a time; whoever is closed is let be."""
    place = 0
    while not over.wait(pause):
        piece = message[place % len(message) :][:1]
        place += 1
        for each in made:
            with suppress(OSError):
                each.sendall(piece)


def pour(connection: socket.socket, message: bytes, over: Event) -> None:
    """Send a message again and again, and read nothing, as long as it is taken: once at least."""
    connection.settimeout(0.2)
    reached = over.is_set()
    left = memoryview(message)
    with suppress(OSError):
        while not over.is_set():
            try:
                left = left[connection.send(left) :] or memoryview(message)
                reached = True
            except TimeoutError:
                over.wait(0.05)
    if not reached:
        raise AssertionError("the server took nothing of it")


def abort(connection: socket.socket) -> None:
    """End a connection without a word."""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORTS)
    connection.close()


def exchanged(port: int, raw: bytes, *, quiet: float = PATIENCE, first: float = PATIENCE) -> bytes:
    """All that comes back for some bytes, until the server closes.

    @param quiet: for so many seconds it may say no more, once it has begun to answer.
    @param first: in so many seconds it must have begun.
    """
    with connect(port) as connection:
        with suppress(OSError):
            connection.sendall(raw)
        connection.settimeout(first)
        said = b""
        with suppress(OSError):
            while piece := connection.recv(65536):
                said += piece
                connection.settimeout(quiet)
    return said
