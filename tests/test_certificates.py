"""TLS: descriptions, files, and what comes of them in handshakes in memory (SPEC 10)."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.dsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from OpenSSL import SSL
from OpenSSL.crypto import X509
from twisted.trial.unittest import SynchronousTestCase

from kato.certificates import Certificates
from kato.reloading import NotReadable
from kato.tls_description import CertificateFiles, TlsDescription
from tests.certificates import Identity
from tests.rest.talking import Server

Client = SSL.Connection


def shaken(certificates: Certificates, context: SSL.Context, *protocols: bytes) -> Client:
    """A client that has shaken hands with a server that has these certificates."""
    factory = SimpleNamespace(wrappedFactory=Server().site)
    protocol: Any = SimpleNamespace(factory=factory)  # all that Twisted asks of a real one here
    server = certificates.serverConnectionForTLS(protocol)
    server.set_app_data(protocol)
    client = SSL.Connection(context)
    if protocols:
        client.set_alpn_protos(list(protocols))
    client.set_connect_state()
    server.set_accept_state()
    for _ in range(4):
        for one, other in ((client, server), (server, client)):
            try:
                one.do_handshake()
            except SSL.WantReadError:
                hand_over(one, other)
            else:
                hand_over(one, other)
    return client


def hand_over(one: SSL.Connection, other: SSL.Connection) -> None:
    """Bring what one has said to the other."""
    try:
        other.bio_write(one.bio_read(1 << 16))
    except SSL.WantReadError:
        return


def any_client() -> SSL.Context:
    """One that trusts everybody."""
    return SSL.Context(SSL.TLS_METHOD)


def knowing(authority: Identity) -> SSL.Context:
    """A client that trusts this authority alone."""
    context = SSL.Context(SSL.TLS_METHOD)
    store = context.get_cert_store()
    assert store is not None
    store.add_cert(X509.from_cryptography(authority.certificate))
    context.set_verify(SSL.VERIFY_PEER)
    return context


class CertificatesTests(SynchronousTestCase):
    """L{Certificates} of files."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.identity = Identity.make("first")
        self.identity.write(self.folder)
        self.files = CertificateFiles(self.folder / "key.pem", self.folder / "cert.pem")

    def made(self) -> Certificates:
        return Certificates(self.files)

    def refused(self, *said: str) -> None:
        """The files are refused in one line."""
        why = str(self.assertRaises(NotReadable, self.made))
        for each in said:
            self.assertIn(each, why)
        self.assertNotIn("\n", why)

    def seen(self, certificates: Certificates) -> bytes:
        """The certificate that a client sees."""
        got = shaken(certificates, any_client()).get_peer_certificate(as_cryptography=True)
        assert got is not None
        return got.public_bytes(Encoding.DER)

    def test_seen(self) -> None:
        """A client sees the certificate, and agrees on the newest TLS."""
        certificates = self.made()
        self.assertEqual(self.seen(certificates), self.identity.der)
        client = shaken(certificates, any_client(), b"h2", b"http/1.1")
        self.assertEqual(client.get_protocol_version_name(), "TLSv1.3")
        self.assertEqual(client.get_alpn_proto_negotiated(), b"http/1.1")

    def test_old_versions(self) -> None:
        """TLS 1.2 is spoken, with forward secrecy and authenticated encryption alone; nothing
        older is."""
        context = any_client()
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
        client = shaken(self.made(), context)
        self.assertEqual(client.get_protocol_version_name(), "TLSv1.2")
        self.assertRegex(client.get_cipher_name() or "", "^ECDHE-.*(GCM|CHACHA20)")
        weak = any_client()
        weak.set_max_proto_version(SSL.TLS1_2_VERSION)
        weak.set_cipher_list(b"ECDHE+AES256+SHA384:!AESGCM:RSA")
        self.assertRaises(SSL.Error, shaken, self.made(), weak)
        old = any_client()
        old.set_max_proto_version(SSL.TLS1_1_VERSION)
        old.set_cipher_list(b"ALL:@SECLEVEL=0")
        self.assertRaises(SSL.Error, shaken, self.made(), old)

    def test_chain(self) -> None:
        """The certificates between this one and the authority are sent, from a file of their own or
        from behind the certificate itself: who knows the authority alone is content."""
        root = Identity.make("root")
        between = Identity.make("between", root)
        leaf = Identity.make("leaf", between)
        leaf.write(self.folder)
        self.assertRaises(SSL.Error, shaken, self.made(), knowing(root))
        (self.folder / "chain.pem").write_bytes(between.pem)
        behind = CertificateFiles(
            self.folder / "key.pem", self.folder / "cert.pem", self.folder / "chain.pem"
        )
        shaken(Certificates(behind), knowing(root))
        (self.folder / "cert.pem").write_bytes(leaf.pem + between.pem)
        shaken(self.made(), knowing(root))

    def test_read_again(self) -> None:
        """New files are used for new connections; those that cannot be used change nothing."""
        certificates = self.made()
        other = Identity.make("second")
        (self.folder / "cert.pem").write_bytes(other.pem)
        self.assertRaises(NotReadable, certificates.read_again)
        self.assertEqual(self.seen(certificates), self.identity.der)
        other.write(self.folder)
        certificates.read_again()
        self.assertEqual(self.seen(certificates), other.der)

    def test_one_file(self) -> None:
        """Key and certificate may lie in one file."""
        both = self.folder / "both.pem"
        both.write_bytes(self.identity.key_pem() + self.identity.pem)
        certificates = Certificates(CertificateFiles(both, both))
        self.assertEqual(self.seen(certificates), self.identity.der)

    def test_missing(self) -> None:
        """A file that is not there is named, with what it was to be."""
        (self.folder / "cert.pem").unlink()
        self.refused("certKey=", "cert.pem", "No such file")
        (self.folder / "key.pem").unlink()
        self.refused("privateKey=", "key.pem", "No such file")

    def test_nothing_in_it(self) -> None:
        """A file that holds something else is named, too."""
        for content in (b"", b"hello", b"\xff\x00", self.identity.pem):
            (self.folder / "key.pem").write_bytes(content)
            self.refused("privateKey=", "no private key in PEM")
        self.identity.write(self.folder)
        broken = self.identity.pem.replace(b"MII", b"MIX", 1)
        for content in (b"", b"hello", broken, self.identity.key_pem()):
            (self.folder / "cert.pem").write_bytes(content)
            self.refused("certKey=", "no certificate in PEM")

    def test_mismatch(self) -> None:
        """A key of another certificate is told as that."""
        (self.folder / "key.pem").write_bytes(Identity.make("other").key_pem())
        self.refused("privateKey=", "is not the key of certKey=")

    def test_locked(self) -> None:
        """A key behind a passphrase is refused, and nobody is asked for one."""
        (self.folder / "key.pem").write_bytes(self.identity.key_pem(b"sesame"))
        self.refused("privateKey=", "passphrase")

    def test_weak(self) -> None:
        """A key that OpenSSL takes for too weak is refused in its words; a strong one of RSA is as
        good as others."""
        Identity.make("weak", key=rsa.generate_private_key(65537, 1024)).write(self.folder)
        self.refused("certKey=", "key too small")
        strong = Identity.make("strong", key=rsa.generate_private_key(65537, 2048))
        strong.write(self.folder)
        self.assertEqual(self.seen(self.made()), strong.der)

    def test_other_kind(self) -> None:
        """A key that TLS has no use for is refused."""
        key = generate_private_key(1024)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (self.folder / "key.pem").write_bytes(pem)
        self.refused("privateKey=", "RSA, ECDSA or EdDSA")


class DescriptionTests(SynchronousTestCase):
    """L{TlsDescription} of an endpoint."""

    def test_whole(self) -> None:
        """Every word is read, and paths are made absolute."""
        got = TlsDescription.parse(
            "ssl:8443:privateKey=k.pem:certKey=/c.pem:extraCertChain=a\\:b.pem"
            ":interface=127.0.0.1:backlog=5"
        )
        files = CertificateFiles(
            Path("k.pem").absolute(), Path("/c.pem"), Path("a:b.pem").absolute()
        )
        self.assertEqual(got, TlsDescription(8443, files, "127.0.0.1", 5))

    def test_short(self) -> None:
        """Without a certificate it is in the key's file; without an interface it is every one."""
        got = TlsDescription.parse("ssl:port=0:privateKey=/k.pem")
        self.assertEqual(got.files, CertificateFiles(Path("/k.pem"), Path("/k.pem")))
        self.assertEqual((got.port, got.interface), (0, ""))
        self.assertEqual(
            TlsDescription.parse("ssl:1:privateKey=k:interface=\\:\\:1").interface, "::1"
        )

    def test_wrong(self) -> None:
        """What is missing, unknown, twice or no number is named."""
        for description, said in (
            ("ssl", "privateKey: missing"),
            ("ssl:8443", "privateKey: missing"),
            ("ssl:8443:privateKey=", "privateKey: missing"),
            ("ssl:privateKey=k", "port: expected a number up to 65535, got ''"),
            ("ssl:x:privateKey=k", "port: expected a number up to 65535, got 'x'"),
            ("ssl:65536:privateKey=k", "'65536'"),
            ("ssl:1:privateKey=k:backlog=-1", "backlog: expected"),
            ("ssl:1:privateKey=k:sslmethod=SSLv3_METHOD", "sslmethod: unknown, known are"),
            ("ssl:1:privateKey=k:privateKey=l", "privateKey: given twice"),
            ("ssl:1:2:privateKey=k", "2: unknown"),
        ):
            error = self.assertRaises(ValueError, TlsDescription.parse, description)
            self.assertIn(said, str(error), description)

    def test_is_meant(self) -> None:
        """Descriptions of other kinds are none."""
        self.assertTrue(TlsDescription.is_meant("ssl:1"))
        for other in ("tcp:1", "sslx:1", "unix:ssl:1", ""):
            self.assertFalse(TlsDescription.is_meant(other))
