"""Who may pass: by which name the server was called, and from where (SPEC 9).

A web page must not reach a server on its reader's machine.  A page on a foreign site is known by
its C{Origin}; one whose name was bent to point here is known by the C{Host} it asks for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from string import ascii_lowercase, digits

from kato.errors import Forbidden, InvalidRequest
from kato.fields import shown
from kato.protocols.rest.proxies import Caller, Network, called

Headers = Mapping[bytes, Sequence[bytes]]
"""The values of headers by name, names written C{Like-This}."""

Segments = tuple[str, ...]
"""The words of a path, decoded."""

_OPEN: frozenset[Segments] = frozenset({("",), ("live",), ("ready",), ("kato-api", "ping")})
_FILES = "static"

_LOCALHOST = "localhost"
_PORTS = {"http": 80, "https": 443}
_NAME = frozenset(ascii_lowercase + digits + "-_.")
_PORT_DIGITS = 5


@dataclass(frozen=True, slots=True)
class Authority:
    """The host of a C{Host} header or an origin, with its port where one was written."""

    name: str
    port: int | None
    address: IPv4Address | IPv6Address | None

    @property
    def loopback(self) -> bool:
        """Whether this can only mean the machine itself."""
        return self.name == _LOCALHOST or (self.address is not None and self.address.is_loopback)


@dataclass(frozen=True, slots=True)
class Access:
    """What is asked of every request.

    C{hosts} are names of this server in lower case, without a port; the names of loopback and the
    address on which a connection came in are known without being named here.  C{origins} are the
    foreign origins whose pages may speak to this server, as browsers write them.  C{proxies} are
    believed when they say for whom they ask.
    """

    hosts: frozenset[str] = frozenset()
    origins: frozenset[bytes] = frozenset()
    proxies: tuple[Network, ...] = ()

    def called(self, peer: Caller, headers: Headers) -> Caller:
        """Who asks in truth, where the other end of the connection may be a proxy."""
        return called(peer, headers, self.proxies)

    def page(self, headers: Headers) -> bytes | None:
        """The foreign origin that asks, where it may; C{None}: there is none."""
        origins = headers.get(b"Origin", ())
        return origins[0] if len(origins) == 1 and origins[0] in self.origins else None

    def check_host(
        self, headers: Headers, *, version: bytes, local: str | None, told: bytes | None = None
    ) -> None:
        """See that the server was called by a name of its own, and by no foreign page.

        @param version: of HTTP; only C{HTTP/1.0} may leave C{Host} out.
        @param local: the address on which the connection came in, where it has one.
        @param told: the host by which a proxy was called, which counts in the place of C{Host}.
        @raise InvalidRequest: where C{Host} is missing, given twice or no host.
        @raise Forbidden: where it is unknown, or an C{Origin} is another one that nobody allowed.
        """
        hosts = headers.get(b"Host", ())
        if len(hosts) != 1 and (hosts or version != b"HTTP/1.0"):
            raise InvalidRequest(f"Host: expected once, given {len(hosts)} times")
        host = None
        if told is not None:
            host = self.known_host(told, local, "X-Forwarded-Host")
        elif hosts:
            host = self.known_host(hosts[0], local)
        origins = headers.get(b"Origin")
        if origins and not all(self._allows(each, host) for each in origins):
            raise Forbidden(f"Origin: {shown(_plain(origins[0]))} may not speak to this server")

    def _allows(self, origin: bytes, host: Authority | None) -> bool:
        return origin in self.origins or (host is not None and _is_origin(origin, host))

    def known_host(self, value: bytes, local: str | None, header: str = "Host") -> Authority:
        """Take a host by which this server is known.

        @param header: who says so.
        @raise InvalidRequest: where C{value} is no host.
        @raise Forbidden: where it is unknown.
        """
        host = parse_authority(value)
        if host is None:
            raise InvalidRequest(f"{header}: {shown(_plain(value))} is no host")
        if not (host.loopback or host.name in self.hosts or _is_local(host, local)):
            raise Forbidden(f"{header}: {shown(_plain(value))} is not a name of this server")
        return host


def is_open(segments: Segments) -> bool:
    """Whether a path is open to all without a key."""
    return segments in _OPEN or segments[0] == _FILES


def given_keys(headers: Headers) -> list[bytes]:
    """The keys that a request brings."""
    keys = list(headers.get(b"X-Api-Key", ()))
    for value in headers.get(b"Authorization", ()):
        scheme, _, key = value.partition(b" ")
        if scheme.lower() == b"bearer":
            keys.append(key.strip(b" "))
    return keys


@lru_cache(maxsize=256)
def parse_authority(value: bytes) -> Authority | None:
    """Read C{host}, C{host:port} or C{[address]:port}; C{None}: it is none of them."""
    written = _plain(value).lower()
    name, port = _split_port(written)
    number = _port(port) if port else None
    if port and number is None:
        return None
    if name.startswith("["):
        return _address(name[1:-1], number) if name.endswith("]") else None
    name = name.removesuffix(".")
    if not name or not _NAME.issuperset(name):
        return None
    return _address(name, number) or Authority(name, number, None)


def _split_port(written: str) -> tuple[str, str]:
    if written.endswith("]") or ":" not in written:
        return written, ""
    name, _, port = written.rpartition(":")
    return name, port


def _port(written: str) -> int | None:
    if not written.isdecimal() or len(written) > _PORT_DIGITS:
        return None
    return int(written)


def _address(name: str, port: int | None) -> Authority | None:
    try:
        return Authority(name, port, ip_address(name))
    except ValueError:
        return None


def _is_local(host: Authority, local: str | None) -> bool:
    return host.address is not None and local is not None and host.address == _local(local)


@lru_cache(maxsize=256)
def _local(address: str) -> IPv4Address | IPv6Address | None:
    """The address of this end; one that listens to IPv6 may write IPv4's in the longer way."""
    parsed = _address(address, None)
    written = None if parsed is None else parsed.address
    if not isinstance(written, IPv6Address):
        return written
    return written.ipv4_mapped or written


def _is_origin(value: bytes, host: Authority) -> bool:
    """Whether a page from this origin was loaded from C{host} itself."""
    scheme, _, rest = _plain(value).partition("://")
    default = _PORTS.get(scheme)
    origin = parse_authority(rest.encode())
    if default is None or origin is None:
        return False
    return origin.name == host.name and (origin.port or default) == (host.port or default)


def _plain(value: bytes) -> str:
    return value.decode("ascii", "backslashreplace")
