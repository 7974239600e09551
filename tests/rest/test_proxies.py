"""Who asks, where proxies ask for somebody else (SPEC 9)."""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.trial.unittest import SynchronousTestCase

from kato.protocols.rest import Access
from kato.protocols.rest.access_log import GATHERED
from kato.protocols.rest.proxies import MAX_HOPS, Caller, Network, called, parse_networks
from tests.rest.talking import Server, TlsWire, Wire, get, logged

TRUSTED = parse_networks("10.0.0.0/8, fd00::/8, 192.0.2.1")
PROXY = Caller("10.0.0.1")
STRANGER = Caller("198.51.100.7")

HEADERS = st.dictionaries(
    st.sampled_from([b"X-Forwarded-For", b"X-Forwarded-Proto", b"X-Forwarded-Host"]),
    st.lists(st.binary(max_size=30), max_size=3),
)
CHAINS = st.lists(st.binary(max_size=20).filter(lambda each: b"," not in each), max_size=5)
ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))
FOREIGN = ADDRESSES.map(str).filter(lambda each: not is_trusted(each))
PROXIES = st.one_of(st.ip_addresses(network="10.0.0.0/8"), st.ip_addresses(network="fd00::/8")).map(
    str
)
WRITTEN = st.sampled_from(["{0}", "{0}:1", "[{0}]", "[{0}]:65535", " {0}\t"])


def is_trusted(address: str, trusted: Sequence[Network] = TRUSTED) -> bool:
    """Whether an address is that of a trusted proxy, read plainly."""
    parsed = ip_address(address)
    mapped = getattr(parsed, "ipv4_mapped", None)
    return any((mapped or parsed) in each for each in trusted)


def written(address: str, form: str) -> bytes:
    """An address in one of the forms in which proxies write it."""
    if ":" in address and form == "{0}:1":
        form = "[{0}]:1"
    if ":" not in address:
        form = form.replace("[", "").replace("]", "")
    return form.format(address).encode()


def shortest(address: str) -> str:
    """An address as it is told."""
    parsed = ip_address(address)
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def through(*hops: bytes, peer: Caller = PROXY, **others: bytes) -> Caller:
    """Who asks, where the hops stand in C{X-Forwarded-For}."""
    headers = {f"X-Forwarded-{name}".encode(): [value] for name, value in others.items()}
    return called(peer, {b"X-Forwarded-For": list(hops), **headers}, TRUSTED)


class LawTests(SynchronousTestCase):
    """What holds whatever is sent."""

    @given(HEADERS, st.booleans())
    def test_strangers(self, headers: dict[bytes, list[bytes]], secure: bool) -> None:
        """Who is no trusted proxy is taken for who it is, whatever it says; so is everybody where
        no proxy is trusted, and who has no address."""
        for peer, trusted in (
            (Caller("198.51.100.7", secure), TRUSTED),
            (Caller("10.0.0.1", secure), ()),
            (Caller(None, secure), TRUSTED),
        ):
            self.assertEqual(called(peer, headers, trusted), peer)

    @given(CHAINS, FOREIGN, st.lists(PROXIES, max_size=4), WRITTEN)
    def test_spoofed(
        self, claimed: list[bytes], client: str, proxies: list[str], form: str
    ) -> None:
        """Whatever a client claims, it is known by the address that the first trusted proxy saw,
        however many trusted ones stand between, and however it is written."""
        hops = [*claimed, written(client, form), *(written(each, form) for each in proxies)]
        for headers in (hops, [b",".join(hops)], [b", ".join(hops)]):
            self.assertEqual(through(*headers).address, shortest(client))

    @given(HEADERS)
    def test_garbage(self, headers: dict[bytes, list[bytes]]) -> None:
        """Whatever is sent, the client is somewhere: at an address in its shortest form."""
        address = called(PROXY, headers, TRUSTED).address
        assert address is not None
        self.assertEqual(address, str(ip_address(address)))


class ForwardedTests(SynchronousTestCase):
    """What the headers of a trusted proxy say."""

    def test_clients(self) -> None:
        """The client is the last that is no trusted proxy."""
        for hops, client in (
            ((b"8.8.8.8",), "8.8.8.8"),
            ((b"1.1.1.1, 8.8.8.8, 10.1.1.1",), "8.8.8.8"),
            ((b"1.1.1.1", b"8.8.8.8, 10.1.1.1", b"192.0.2.1"), "8.8.8.8"),
            ((b"8.8.8.8:4711",), "8.8.8.8"),
            ((b"2001:DB8:0::1",), "2001:db8::1"),
            ((b"[2001:db8::1]:443, fd00::7",), "2001:db8::1"),
            ((b"::ffff:8.8.8.8",), "8.8.8.8"),
            ((b"::ffff:10.9.9.9",), "10.9.9.9"),
        ):
            self.assertEqual(through(*hops).address, client, hops)

    def test_all_trusted(self) -> None:
        """Where all are trusted, the client is the first; where nothing is told, the proxy."""
        self.assertEqual(through(b"10.0.0.9, 10.0.0.8").address, "10.0.0.9")
        self.assertEqual(through().address, "10.0.0.1")

    def test_no_address(self) -> None:
        """Behind what is no address nobody is looked for: the client is the proxy next to it."""
        for garbage in (
            *(b"", b"unknown", b"_hidden", b"8.8.8", b"8.8.8.8:", b"8.8.8.8:x", b"8.8.8.8:\xb2"),
            *(b"[8.8.8.8]", b"[::1", b"[::1]x", b"[::1]:", b"::1]", b"fe80::1%eth0", b"\xff"),
            *(b"[::1" + b"0" * 60 + b"]", b"1" * 10000),
            *(b"010.0.0.1", b"8.8.8.8 9.9.9.9", b"0x08080808", b"8.8.8.8\x00"),
        ):
            self.assertEqual(through(b"1.1.1.1, " + garbage).address, "10.0.0.1", garbage)
            got = through(b"1.1.1.1, " + garbage + b", 10.0.0.2").address
            self.assertEqual(got, "10.0.0.2", garbage)

    def test_many(self) -> None:
        """A row of proxies without end is looked at to a bound."""
        hops = b",".join([b"10.0.0.3"] * MAX_HOPS)
        self.assertEqual(through(b"8.8.8.8," + hops).address, "8.8.8.8")
        self.assertEqual(through(b"8.8.8.8,10.0.0.4,10.0.0.5," + hops).address, "10.0.0.3")

    def test_schemes(self) -> None:
        """The last word of the scheme counts; what is none says nothing."""
        for scheme, secure in (
            (b"https", True),
            (b"HTTPS", True),
            (b"wss", True),
            (b"http, https", True),
            (b"http", False),
            (b"https,http", False),
            (b"https,ftp", False),
            (b"", False),
        ):
            self.assertIs(through(Proto=scheme).secure, secure, scheme)
        self.assertTrue(through(Proto=b"ftp", peer=Caller("10.0.0.1", True)).secure)
        self.assertFalse(through(Proto=b"http", peer=Caller("10.0.0.1", True)).secure)

    def test_hosts(self) -> None:
        """The last host counts; none is none."""
        self.assertEqual(through(Host=b"a.example, b.example").host, b"b.example")
        for nothing in (b"", b" ", b"a.example,"):
            self.assertIsNone(through(Host=nothing).host)
        self.assertIsNone(through(b"8.8.8.8").host)

    def test_peers(self) -> None:
        """A peer is known by its shortest address; one of IPv4 that came by IPv6 by that of
        IPv4."""
        for host, address in (
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("2001:DB8:0::1", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1%eth0"),
            (None, None),
        ):
            self.assertEqual(Caller.at(host, secure=False), Caller(address))


class NetworksTests(SynchronousTestCase):
    """L{parse_networks}."""

    def test_read(self) -> None:
        """Addresses and networks stand beside each other."""
        expected = tuple(map(ip_network, ("10.0.0.0/8", "192.0.2.1/32", "::1/128")))
        self.assertEqual(parse_networks(" 10.0.0.0/8,192.0.2.1, ::1,"), expected)
        self.assertEqual(parse_networks(""), ())

    def test_wrong(self) -> None:
        """What is no network is named: one with bits of a host is none."""
        for wrong in ("nginx", "10.0.0.1/8", "10.0.0.0/33", "*", "10.0.0.0-10.0.0.9"):
            error = self.assertRaises(ValueError, parse_networks, f"::1,{wrong}")
            self.assertIn(repr(wrong), str(error))


class ServerTests(SynchronousTestCase):
    """A server behind a proxy at C{PEER}, and others."""

    def setUp(self) -> None:
        hosts = frozenset({"kato.example"})
        self.server = Server(access=Access(hosts=hosts, proxies=parse_networks("192.0.2.99")))

    def client_of(self, raw: bytes, wire: Wire | None = None) -> str | None:
        """The client that the log names for a request."""
        events = logged(self)
        self.server.ask(raw, wire)
        self.server.clock.advance(GATHERED)
        [line] = [line for event in events if "lines" in event for line in event["lines"]]
        return str(line.client) if line.client is not None else None

    def test_log(self) -> None:
        """The log names the client behind the proxy, for requests of every kind."""
        forwarded = "X-Forwarded-For: 8.8.8.8"
        stranger = IPv4Address("TCP", "203.0.113.1", 1)
        for raw, wire, client in (
            (get("/p1/ping", forwarded), None, "8.8.8.8"),
            (get("/p1/ping"), None, "192.0.2.99"),
            (get("/p1/ping", "Connection: close", forwarded), None, "8.8.8.8"),
            (get("/p1/nowhere", forwarded), None, "8.8.8.8"),
            (get("/p1/ping", forwarded), Wire(peer=stranger), "203.0.113.1"),
            (get("/p1/ping", forwarded), Wire(peer=UNIXAddress("/run/kato")), None),
            (b"nonsense\r\n", None, "192.0.2.99"),
        ):
            self.assertEqual(self.client_of(raw, wire), client, raw)

    def test_streams(self) -> None:
        """Who makes streams is told the same address."""
        self.server.ask(get("/ws", "X-Forwarded-For: 8.8.8.8"))
        self.assertEqual(self.server.streams.clients, ["8.8.8.8"])

    def test_hosts(self) -> None:
        """The host by which the proxy was called is judged in the place of its own call, and pages
        of it are the server's own."""
        for told, origin, status in (
            ("kato.example", None, 200),
            ("KATO.example:8443", "https://kato.example:8443", 200),
            ("kato.example", "https://kato.example", 200),
            ("kato.example", "https://evil.example", 403),
            ("evil.example", None, 403),
            ("evil.example", "https://evil.example", 403),
            ("e vil", None, 400),
        ):
            headers = [f"X-Forwarded-Host: {told}", *([f"Origin: {origin}"] if origin else [])]
            raw = get("/p1/ping", *headers).replace(b"Host: localhost", b"Host: kato:8000", 1)
            self.assertEqual(self.server.ask(raw).status, status, headers)
        answer = self.server.ask(get("/p1/ping", "X-Forwarded-Host: evil.example"))
        self.assertIn("X-Forwarded-Host: 'evil.example'", answer.json["message"])
        raw = get("/p1/ping", "X-Forwarded-Host: kato.example", "Host: localhost")
        self.assertEqual(self.server.ask(raw).json["message"], "Host: expected once, given 2 times")
        stranger = Wire(peer=IPv4Address("TCP", "203.0.113.1", 1))
        raw = get("/p1/ping", "X-Forwarded-Host: kato.example").replace(b"localhost", b"evil")
        self.assertEqual(self.server.ask(raw, stranger).status, 403)

    def test_strict(self) -> None:
        """Who came by TLS is told to come so again, where it called the server by a name that is
        not just its own machine's."""
        name, https = "X-Forwarded-Host: kato.example", "X-Forwarded-Proto: https"
        for wire, headers, strict in (
            (Wire(), [name, https], True),
            (Wire(), [name], False),
            (Wire(), [https], False),
            (Wire(), [name, "X-Forwarded-Proto: http"], False),
            (TlsWire(), [name], True),
            (TlsWire(), [], False),
            (TlsWire(peer=IPv4Address("TCP", "203.0.113.1", 1)), [name], False),
            (Wire(peer=IPv4Address("TCP", "203.0.113.1", 1)), [name, https], False),
        ):
            told = self.server.ask(get("/p1/ping", *headers), wire).headers
            self.assertEqual("strict-transport-security" in told, strict, headers)
        raw = get("/p1/nowhere").replace(b"localhost", b"kato.example")
        answer = self.server.ask(raw, TlsWire())
        self.assertEqual(answer.status, 404)
        self.assertEqual(answer.headers["strict-transport-security"], "max-age=31536000")
