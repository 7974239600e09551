"""Who asks, where proxies ask for somebody else (C{X-Forwarded-For}, C{-Proto} and C{-Host}).

Anybody can write these headers, so they are believed from trusted proxies alone, and of what a
proxy hands on only what was written by another one: each adds the address of who asked it behind
those that it was told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
"""A proxy's address, or a network of proxies."""

Headers = Mapping[bytes, Sequence[bytes]]
"""The values of headers by name, names written C{Like-This}."""

MAX_HOPS = 32
"""How many proxies in a row are looked at."""

_LONGEST = 64
"""How many bytes an address has at most, with brackets and a port."""

_SECURE = {b"https": True, b"wss": True, b"http": False, b"ws": False}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: C{address} is the client's, C{None} where it has none, as on a Unix socket;
    C{secure} says that it speaks TLS; C{host} is by which name it called, as a proxy tells that."""

    address: str | None
    secure: bool = False
    host: bytes | None = None

    @classmethod
    def at(cls, host: str | None, *, secure: bool) -> "Caller":
        """The other end of a connection.

        @param host: its address as the system writes it.
        """
        parsed = None if host is None else _parsed(host)
        return cls(host if parsed is None else str(parsed), secure)


def parse_networks(written: str) -> tuple[Network, ...]:
    """Read addresses and networks with commas between.

    @raise ValueError: which names the one that is none.
    """
    return tuple(_network(each) for each in map(str.strip, written.split(",")) if each)


def called(peer: Caller, headers: Headers, trusted: Sequence[Network]) -> Caller:
    """Who asks in truth.

    The client is the last in C{X-Forwarded-For} that is no trusted proxy; the first of all, if all
    are; and the proxy next to one that is no address.  Of the other headers the last word counts,
    and one that is no scheme is as good as none.

    @param peer: who made the connection, which is all that counts where it is no trusted proxy.
    """
    if not trusted or not _is_trusted(peer.address, tuple(trusted)):
        return peer
    secure = _SECURE.get(_last(headers, b"X-Forwarded-Proto").lower())
    return Caller(
        _client(peer.address, _joined(headers, b"X-Forwarded-For"), tuple(trusted)),
        peer.secure if secure is None else secure,
        _last(headers, b"X-Forwarded-Host") or None,
    )


def _client(nearest: str | None, hops: bytes, trusted: tuple[Network, ...]) -> str | None:
    for hop in reversed(hops.rsplit(b",", MAX_HOPS)):
        address = _hop(hop.strip(b" \t")) if len(hop) <= _LONGEST else None
        if address is None:
            break
        nearest = address
        if not _is_trusted(address, trusted):
            break
    return nearest


def _joined(headers: Headers, name: bytes) -> bytes:
    return b",".join(headers.get(name, ()))


def _last(headers: Headers, name: bytes) -> bytes:
    return _joined(headers, name).rpartition(b",")[2].strip(b" \t")


@lru_cache(maxsize=1024)
def _is_trusted(address: str | None, trusted: tuple[Network, ...]) -> bool:
    parsed = None if address is None else _parsed(address)
    return parsed is not None and any(parsed in each for each in trusted)


@lru_cache(maxsize=1024)
def _hop(written: bytes) -> str | None:
    """The address that stands there, with or without a port; C{None}: there is none."""
    text = written.decode("ascii", "replace")
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        well = bracket and ":" in host and (not port or _is_port(port))
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
        well = _is_port(f":{port}")
    else:
        host, well = text, True
    parsed = _parsed(host) if well else None
    return None if parsed is None else str(parsed)


def _is_port(written: str) -> bool:
    digits = written.removeprefix(":")
    return written != digits and digits.isascii() and digits.isdecimal()


def _parsed(written: str) -> IPv4Address | IPv6Address | None:
    """An address; one of IPv4 in the clothes of IPv6 is one of IPv4; one of a link, which means
    nothing elsewhere, is none."""
    try:
        address = ip_address(written)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    return None if address.scope_id is not None else address.ipv4_mapped or address


def _network(written: str) -> Network:
    try:
        return ip_network(written)
    except ValueError:
        raise ValueError(
            f"expected an address or a network such as 10.0.0.0/8, got {written!r}"
        ) from None
