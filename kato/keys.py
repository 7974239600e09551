"""The keys that a server knows (SPEC 9), by their digests: what is stored opens nothing.

Keys are made of 256 random bits, which nobody guesses, so their SHA-256 needs neither salt nor many
rounds (docs/decisions/keys.md).
"""

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256
from hmac import compare_digest

from kato.allowance import Allowance
from kato.commands import Scope
from kato.policy import EVERYBODY, Key

PREFIX = "kato_"
"""What keys begin with, so that people and scanners of secrets know them for what they are."""

BYTES = 32
"""How many random bytes a key is made of."""

API_KEY = Key("api-key", frozenset(Scope))
"""What the one key may do that C{--api-key} tells: everything."""


def written(random: bytes) -> str:
    """A key as it is handed out.

    @param random: L{BYTES} of them.
    """
    return PREFIX + urlsafe_b64encode(random).decode().rstrip("=")


def digest(token: bytes) -> bytes:
    """What is kept of a key."""
    return sha256(token).digest()


class Grant:
    """What is granted to who has a key, now: another reading of the keys may change that.

    C{key} is C{None} where it was taken back.
    """

    __slots__ = ("allowance", "digest", "key")

    def __init__(self, key: Key, digest: bytes = b"") -> None:
        self.digest = digest
        self.key: Key | None = None
        self.allowance: Allowance | None = None
        self.change(key)

    def change(self, key: Key | None) -> None:
        """Grant something else from now on."""
        rate = None if key is None else key.rate
        if self.key is None or rate != self.key.rate:
            self.allowance = None if rate is None else Allowance(rate)
        self.key = key

    def holds(self, now: float) -> bool:
        """Whether anything is granted still."""
        key = self.key
        return key is not None and (key.expires is None or not key.has_expired(now))


class Keyring:
    """All keys, each with what it grants."""

    def __init__(self, keys: Mapping[bytes, Key]) -> None:
        """@param keys: what they may do, by their digests."""
        self._grants = {digest: Grant(key, digest) for digest, key in keys.items()}
        self._told: dict[bytes, Grant] = {}
        """Keys that were told and are known, so that they need not be digested each time."""

    def __len__(self) -> int:
        return len(self._grants)

    def find(self, tokens: Iterable[bytes], now: float) -> Grant | None:
        """What is granted to who brings these keys: the first that is known counts.

        @param now: the time, in Unix seconds.
        """
        for token in tokens:
            grant = self._told.get(token) or self._find(token)
            if grant is not None and grant.holds(now):
                return grant
        return None

    def _find(self, token: bytes) -> Grant | None:
        """How long this takes tells something of digests, and so nothing of keys."""
        made = digest(token)
        grant = self._grants.get(made)
        if grant is None or not compare_digest(grant.digest, made):
            return None
        self._told[token] = grant
        return grant

    def replace(self, keys: Mapping[bytes, Key]) -> None:
        """Know these keys, and no others any more; who holds one has what it grants now."""
        self._told.clear()
        for made in self._grants.keys() - keys.keys():
            self._grants.pop(made).change(None)
        for made, key in keys.items():
            grant = self._grants.get(made)
            if grant is None:
                self._grants[made] = Grant(key, made)
            else:
                grant.change(key)

    def next_end(self, now: float) -> float | None:
        """When the next key expires, in Unix seconds; C{None}: none of them ever does."""
        ends = (grant.key.expires for grant in self._grants.values() if grant.key is not None)
        return min((each for each in ends if each is not None and each > now), default=None)


FREE = Grant(EVERYBODY)
"""What is granted to all where no key is asked for."""
