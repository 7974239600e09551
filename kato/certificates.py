"""TLS as it is spoken to clients: a key and its certificates, from files that may be read again.

What this needs beside Twisted is in the extra C{tls}, so only who listens on TLS imports it.
"""

from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import Certificate, load_pem_x509_certificates
from OpenSSL.SSL import Connection, Error
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.internet.ssl import AcceptableCiphers, CertificateOptions, TLSVersion
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from kato.reloading import NotReadable
from kato.tls_description import CertificateFiles

_CIPHERS = AcceptableCiphers.fromOpenSSLCipherString("ECDHE+AESGCM:ECDHE+CHACHA20")
"""Those of TLS 1.2 with forward secrecy and authenticated encryption; all of TLS 1.3 have both."""

_PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey | Ed448PrivateKey


@implementer(IOpenSSLServerConnectionCreator)
class Certificates:
    """Makes connections with the certificate that was read last; those that there are keep
    theirs."""

    def __init__(self, files: CertificateFiles) -> None:
        """@raise NotReadable: where the files cannot be used."""
        self._files = files
        self.read_again()

    def read_again(self) -> None:
        """Read the files, and use what they hold for connections from now on.

        @raise NotReadable: where they cannot be used; what was read before stays in use.
        """
        self._options = self._read()

    def serverConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> Connection:
        """Make what encrypts a new connection."""
        return self._options.serverConnectionForTLS(protocol)

    def _read(self) -> CertificateOptions:
        files = self._files
        key = _private_key(files.private_key)
        own, *others = _certificates("certKey", files.certificate)
        if files.chain is not None:
            others += _certificates("extraCertChain", files.chain)
        if own.public_key() != key.public_key():
            raise NotReadable(
                f"privateKey={files.private_key} is not the key of certKey={files.certificate}"
            )
        # Twisted hands these on to pyOpenSSL, which wants them as they are, and not as Twisted
        # still declares them.
        told: dict[str, Any] = {"privateKey": key, "certificate": own, "extraCertChain": others}
        options = CertificateOptions(
            **told,
            raiseMinimumTo=TLSVersion.TLSv1_2,
            acceptableCiphers=_CIPHERS,
        )
        try:
            options.getContext()
        except Error as error:
            raise NotReadable(f"certKey={files.certificate}: {_reasons(error)}") from None
        return options


def _private_key(path: Path) -> _PrivateKey:
    raw = _content("privateKey", path)
    try:
        key = load_pem_private_key(raw, None)
    except TypeError:
        why = "it is locked by a passphrase, which nobody could type here"
    except (ValueError, UnsupportedAlgorithm):
        why = "it holds no private key in PEM"
    else:
        if isinstance(key, _PrivateKey):
            return key
        why = "expected a key of RSA, ECDSA or EdDSA"
    raise NotReadable(f"privateKey={path}: {why}")


def _certificates(word: str, path: Path) -> list[Certificate]:
    raw = _content(word, path)
    try:
        return load_pem_x509_certificates(raw)
    except (ValueError, UnsupportedAlgorithm):
        raise NotReadable(f"{word}={path}: it holds no certificate in PEM") from None


def _content(word: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotReadable(f"{word}={path}: {error.strerror}") from None


def _reasons(error: Error) -> str:
    """What OpenSSL has to say."""
    [reasons] = error.args or ([],)
    return ", ".join(reason for *_, reason in reasons) or "OpenSSL does not take it"
