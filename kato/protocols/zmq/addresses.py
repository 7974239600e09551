"""Addresses of ZeroMQ as an operator writes them, and ports that are bound before ZeroMQ runs.

libzmq's own threads would not survive the fork of C{twistd}, and it would tell of a port that is in
use too late.  So a port is bound as a plain socket, which libzmq takes over when the reactor runs.
"""

import re
import socket
from dataclasses import dataclass
from ipaddress import ip_address

from kato.fields import shown
from kato.protocols.zmq.interface import CannotBind

_WRITTEN = re.compile(
    r"(?:tcp://)?(?P<host>\[[0-9a-f:.]+(?:%\w+)?\]|[^:\[\]/\s]+):(?P<port>\d{1,5})", re.ASCII | re.I
)
_ANYWHERE = frozenset({"*", "0.0.0.0", "::"})
_BACKLOG = 511
MAX_PORT = 65535


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port; C{host} is written without brackets, and is C{*} for every address."""

    host: str
    port: int

    @classmethod
    def parse(cls, written: str) -> "Address":
        """Read C{tcp://host:port} or C{host:port}, with brackets around an address of IPv6.

        @raise ValueError: where it is none, with what is wrong.
        """
        found = _WRITTEN.fullmatch(written)
        if found is None or int(found["port"]) > MAX_PORT:
            raise ValueError(f"expected tcp://host:port, got {shown(written)}")
        return cls(found["host"].strip("[]"), int(found["port"]))

    @property
    def anywhere(self) -> bool:
        """Whether this is every address of the machine."""
        return self.host in _ANYWHERE

    @property
    def loopback(self) -> bool:
        """Whether only this machine itself can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def name(self) -> str:
        """C{host:port}, as people know it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"tcp://{self.name}"


def reachable(address: Address) -> Address:
    """Where others reach what listens at an address: by the machine's name, if it is every one."""
    return Address(socket.gethostname(), address.port) if address.anywhere else address


class BoundPort:
    """A port that is bound, and that ZeroMQ or nobody takes over."""

    def __init__(self, address: Address, bound: socket.socket) -> None:
        self.where = address
        self._socket = bound

    @property
    def address(self) -> str:
        """Where it was bound, with the port that was given."""
        return str(self.where)

    def detach(self) -> int:
        """Give the descriptor away: who takes it closes it."""
        return self._socket.detach()

    def close(self) -> None:
        """Let go of the port, if nobody took it over."""
        self._socket.close()


def bind(address: Address) -> BoundPort:
    """Listen at an address; what comes waits until ZeroMQ takes over.

    @raise CannotBind: where that is not possible, with the reason.
    """
    host = "" if address.host == "*" else address.host
    try:
        found = socket.getaddrinfo(
            host or None, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, number, _, where = min(found, key=lambda each: each[0])  # IPv4 goes first
        bound = socket.socket(family, kind, number)
    except OSError as error:
        raise CannotBind(f"{address}: {error.strerror or error}") from None
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setblocking(False)
        bound.bind(where)
        bound.listen(_BACKLOG)
    except OSError as error:
        bound.close()
        raise CannotBind(f"{address}: {error.strerror or error}") from None
    return BoundPort(Address(address.host, bound.getsockname()[1]), bound)
