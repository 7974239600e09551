"""Logging in to MongoDB with SCRAM-SHA-256 (RFC 5802, 7677), which txmongo does not know."""

import base64
import hashlib
import hmac

from pymongo.saslprep import saslprep

_LEAST_ITERATIONS = 4096
"""Fewer would let who listens guess the password."""


class Conversation:
    """What a client says, and what it must hear, to prove to each other that both know a
    password, without telling it."""

    def __init__(self, user: str, password: str, nonce: str) -> None:
        name = user.replace("=", "=3D").replace(",", "=2C")
        self._password = saslprep(password).encode()
        self._nonce = nonce
        self._bare = f"n={name},r={nonce}"
        self._signature = b""

    def first(self) -> bytes:
        """What the client says first."""
        return f"n,,{self._bare}".encode()

    def final(self, challenge: bytes) -> bytes:
        """What the client says to the server's challenge.

        @raise ValueError: where it is none to what the client said, or too weak a one.
        """
        told = _fields(challenge)
        iterations = int(told["i"])
        if not told["r"].startswith(self._nonce) or iterations < _LEAST_ITERATIONS:
            raise ValueError("a challenge that must not be answered")
        salted = hashlib.pbkdf2_hmac(
            "sha256", self._password, base64.standard_b64decode(told["s"]), iterations
        )
        without_proof = f"c=biws,r={told['r']}"
        said = ",".join((self._bare, challenge.decode(), without_proof)).encode()
        key = _hmac(salted, b"Client Key")
        mask = _hmac(hashlib.sha256(key).digest(), said)
        self._signature = _hmac(_hmac(salted, b"Server Key"), said)
        proof = bytes(a ^ b for a, b in zip(key, mask, strict=True))
        return f"{without_proof},p={base64.standard_b64encode(proof).decode()}".encode()

    def is_genuine(self, answer: bytes) -> bool:
        """Whether the server knows the password, too."""
        signature = base64.standard_b64decode(_fields(answer).get("v", ""))
        return bool(self._signature) and hmac.compare_digest(signature, self._signature)


def _fields(message: bytes) -> dict[str, str]:
    return dict(each.split("=", 1) for each in message.decode().split(","))


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, "sha256").digest()
