"""Certificates that are made for a test, and signed by themselves or by an authority of its own."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Identity:
    """A key, and a certificate of loopback that belongs to it."""

    key: EllipticCurvePrivateKey | RSAPrivateKey
    certificate: x509.Certificate

    @classmethod
    def make(
        cls, name: str, issuer: "Identity | None" = None, *, key: RSAPrivateKey | None = None
    ) -> "Identity":
        """Make one.

        @param issuer: the authority that signs it; without one it signs itself.
        @param key: one of another kind than usual.
        """
        return cls._signed(name, issuer, key or generate_private_key(SECP256R1()))

    @classmethod
    def _signed(
        cls, name: str, issuer: "Identity | None", key: EllipticCurvePrivateKey | RSAPrivateKey
    ) -> "Identity":
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
        unsigned = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if issuer is None else issuer.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        )
        return cls(key, unsigned.sign(key if issuer is None else issuer.key, hashes.SHA256()))

    @property
    def pem(self) -> bytes:
        """The certificate as a file holds it."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        """The certificate as a client gets it."""
        return self.certificate.public_bytes(Encoding.DER)

    def key_pem(self, passphrase: bytes | None = None) -> bytes:
        """The key as a file holds it."""
        locked: KeySerializationEncryption = NoEncryption()
        if passphrase is not None:
            locked = BestAvailableEncryption(passphrase)
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked)

    def write(self, folder: Path) -> None:
        """Write C{key.pem} and C{cert.pem}, in the place of others."""
        folder.mkdir(exist_ok=True)
        (folder / "key.pem").write_bytes(self.key_pem())
        (folder / "cert.pem").write_bytes(self.pem)
