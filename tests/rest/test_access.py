"""Who may pass (SPEC 9)."""

from typing import ClassVar

from twisted.trial.unittest import SynchronousTestCase

from kato.errors import Forbidden, InvalidRequest, KatoError, Unauthorized
from kato.gate import Gate
from kato.limits import Limits
from kato.protocols.rest.access import Access, Headers, is_open, parse_authority
from kato.protocols.rest.intent import Head, Intent, judge
from kato.protocols.rest.routes import Route
from tests.gates import make_gate

LOCAL = "192.0.2.7"


def verdict(access: Access, *, version: bytes = b"HTTP/1.1", **headers: bytes) -> type | None:
    """How a request with these headers fares: the class of its error, or C{None}."""
    named = {name.encode(): [value] for name, value in headers.items()}
    try:
        access.check_host(named, version=version, local=LOCAL)
    except KatoError as error:
        return type(error)
    return None


class HostTests(SynchronousTestCase):
    """By which names the server may be called."""

    KNOWN: ClassVar = [
        b"localhost",
        b"localhost:8000",
        b"LOCALHOST:1",
        b"localhost.",
        b"127.0.0.1",
        b"127.0.0.1:8000",
        b"127.255.3.4:80",
        b"[::1]",
        b"[::1]:8000",
        b"[0:0:0:0:0:0:0:1]:8000",
        b"192.0.2.7",
        b"192.0.2.7:8000",
        b"kato.example:443",
        b"KATO.example",
        b"localhost:",
    ]
    UNKNOWN: ClassVar = [
        b"example.com",
        b"localhost.example.com",
        b"127.0.0.1.example.com",
        b"192.0.2.8",
        b"[::2]:8000",
        b"0.0.0.0",
        b"128.0.0.1",
        b"other.kato.example",
        b"2130706433",
        b"127.1",
    ]
    MALFORMED: ClassVar = [
        b"",
        b":8000",
        b"localhost:80a0",
        b"localhost:-1",
        b"localhost:999999",
        b"local host",
        b"user@localhost",
        b"localhost/path",
        b"[::1",
        b"[localhost]",
        b"::1",
        b"localh\xc3\xb6st",
        b"a,b",
    ]

    def test_known(self) -> None:
        """Loopback by its names, the address the connection came to, and the names that were
        given are known, with any port and in any case."""
        access = Access(hosts=frozenset({"kato.example"}))
        for host in self.KNOWN:
            self.assertIsNone(verdict(access, Host=host), host)

    def test_unknown(self) -> None:
        """Every other host is refused: a name that was bent to point here is one."""
        access = Access(hosts=frozenset({"kato.example"}))
        for host in self.UNKNOWN:
            self.assertIs(verdict(access, Host=host), Forbidden, host)

    def test_malformed(self) -> None:
        """What is no host is an invalid request."""
        for host in self.MALFORMED:
            self.assertIs(verdict(Access(), Host=host), InvalidRequest, host)

    def test_mapped_local_address(self) -> None:
        """A connection that IPv6 took for IPv4 is known by its address of IPv4."""
        headers = {b"Host": [b"192.0.2.7:8000"]}
        Access().check_host(headers, version=b"HTTP/1.1", local="::ffff:192.0.2.7")
        with self.assertRaises(Forbidden):
            Access().check_host(headers, version=b"HTTP/1.1", local=None)

    def test_missing(self) -> None:
        """HTTP/1.1 must name a host, HTTP/1.0 need not."""
        self.assertIs(verdict(Access()), InvalidRequest)
        self.assertIsNone(verdict(Access(), version=b"HTTP/1.0"))

    def test_twice(self) -> None:
        """A host that is given twice is an invalid request, in every version."""
        headers = {b"Host": [b"localhost", b"localhost"]}
        for version in (b"HTTP/1.1", b"HTTP/1.0"):
            with self.assertRaises(InvalidRequest):
                Access().check_host(headers, version=version, local=LOCAL)


class OriginTests(SynchronousTestCase):
    """From which pages a request may come."""

    def test_own(self) -> None:
        """A page of this server may ask it; the usual ports may be written or not."""
        for host, origin in [
            (b"localhost:8000", b"http://localhost:8000"),
            (b"LocalHost:8000", b"http://localhost:8000"),
            (b"localhost", b"http://localhost"),
            (b"localhost", b"http://localhost:80"),
            (b"localhost:80", b"http://localhost"),
            (b"localhost", b"https://localhost"),
            (b"localhost:443", b"https://localhost"),
            (b"[::1]:8000", b"http://[::1]:8000"),
            (b"127.0.0.1:8000", b"http://127.0.0.1:8000"),
        ]:
            self.assertIsNone(verdict(Access(), Host=host, Origin=origin), (host, origin))

    def test_foreign(self) -> None:
        """Any other page may not, even one of another port of this machine."""
        for origin in [
            b"http://example.com",
            b"http://localhost",
            b"http://localhost:8001",
            b"https://localhost",
            b"http://127.0.0.1:8000",
            b"http://localhost.example.com:8000",
            b"file://localhost:8000",
            b"localhost:8000",
            b"null",
            b"",
            b"http://",
        ]:
            got = verdict(Access(), Host=b"localhost:8000", Origin=origin)
            self.assertIs(got, Forbidden, origin)

    def test_one_of_two_is_foreign(self) -> None:
        """All origins must be this server's."""
        headers = {
            b"Host": [b"localhost"],
            b"Origin": [b"http://localhost", b"http://evil.example"],
        }
        with self.assertRaises(Forbidden):
            Access().check_host(headers, version=b"HTTP/1.1", local=LOCAL)

    def test_without_host(self) -> None:
        """An origin without a host to compare it with is foreign."""
        got = verdict(Access(), version=b"HTTP/1.0", Origin=b"http://localhost")
        self.assertIs(got, Forbidden)


class Taken:
    """Takes what is known of a request."""

    key: str | None = None
    route: Route | None = None


class KeyTests(SynchronousTestCase):
    """Who has the key."""

    GATE = make_gate(None, b"s3cret")

    def judge(
        self, headers: Headers, path: bytes = b"/p1/status", gate: Gate | None = None
    ) -> Intent:
        named = {b"Host": [b"localhost"], **headers}
        head = Head(b"GET", path, b"HTTP/1.1", named, 0, LOCAL)
        return judge(head, Access(), gate or self.GATE, Limits(), Taken())

    def test_no_key_is_asked_for(self) -> None:
        """A server without a key takes whatever comes."""
        gate = make_gate(None)
        self.assertIsNone(self.judge({}, gate=gate).bearer.name)
        self.judge({b"X-Api-Key": [b"anything"]}, gate=gate)

    def test_right(self) -> None:
        """The key is taken from either header, the scheme in any case."""
        for headers in [
            {b"X-Api-Key": [b"s3cret"]},
            {b"Authorization": [b"Bearer s3cret"]},
            {b"Authorization": [b"bearer  s3cret"]},
            {b"Authorization": [b"Basic abc"], b"X-Api-Key": [b"s3cret"]},
        ]:
            self.assertEqual(self.judge(headers).bearer.name, "api-key")

    def test_wrong_or_missing(self) -> None:
        """Without it, or with another one, nothing is told: not even whether there is such a
        path."""
        for headers in [
            {},
            {b"X-Api-Key": [b""]},
            {b"X-Api-Key": [b"s3cre"]},
            {b"X-Api-Key": [b"s3cret "]},
            {b"X-Api-Key": [b"S3CRET"]},
            {b"X-Api-Key": [b"\xff"]},
            {b"Authorization": [b"s3cret"]},
            {b"Authorization": [b"Basic s3cret"]},
            {b"Authorization": [b"Bearer"]},
        ]:
            for path in (b"/p1/status", b"/p1/nothing", b"/stats", b"/connect"):
                with self.assertRaises(Unauthorized):
                    self.judge(headers, path)

    def test_open_paths(self) -> None:
        """These paths are open to all, and nothing beside."""
        for segments in [("",), ("static", "a.js"), ("live",), ("ready",), ("kato-api", "ping")]:
            self.assertTrue(is_open(segments), segments)
            self.assertIsNone(self.judge({}, f"/{'/'.join(segments)}".encode()).bearer.name)
        for segments in [
            ("kato-api",),
            ("kato-api", "x"),
            ("p1", "ping"),
            ("stats",),
            ("connect",),
            ("live", "status"),
            ("ready", "gene", "sort"),
            ("", "static"),
        ]:
            self.assertFalse(is_open(segments), segments)

    def test_not_shown(self) -> None:
        """The key is not in what is printed of who knows it."""
        self.assertNotIn("s3cret", repr(vars(self.GATE.keeper)))


class AuthorityTests(SynchronousTestCase):
    """Reading a host."""

    def test_parts(self) -> None:
        """A host has a name in lower case, and a port where one is written."""
        got = parse_authority(b"Kato.Example:8000")
        assert got is not None
        self.assertEqual((got.name, got.port, got.address), ("kato.example", 8000, None))
