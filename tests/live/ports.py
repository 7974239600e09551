"""Ports that processes can be told before they run."""

import random
import socket
import sys

_RANGE = (10_240, 32_767)
"""Below those that the system gives to connections: nobody gets one of these by chance."""


class HeldPort:
    """A port of loopback, and those after it, that no other test takes: they are bound, but nobody
    listens there until the one who is told does."""

    def __init__(self, number: int = 1) -> None:
        """@param number: how many that follow each other."""
        self._held: list[socket.socket] = []
        while len(self._held) < number:
            self.close()
            self.port = random.randrange(_RANGE[0], _RANGE[1] - number)
            for port in range(self.port, self.port + number):
                if not _is_nobodys(port):
                    break
                self._held.append(_bound(port, reuse=True))
        if sys.platform != "linux":  # elsewhere nobody else could listen there then
            self.close()

    def close(self) -> None:
        """Let go of it."""
        while self._held:
            self._held.pop().close()


def _is_nobodys(port: int) -> bool:
    try:
        _bound(port, reuse=False).close()
    except OSError:
        return False
    return True


def _bound(port: int, *, reuse: bool) -> socket.socket:
    bound = socket.socket()
    try:
        if reuse:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", port))
    except OSError:
        bound.close()
        raise
    return bound
