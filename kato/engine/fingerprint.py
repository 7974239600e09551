"""What a memory holds as one number, which two memories have in common only where they hold the
same models (docs/decisions/cache.md)."""

import json
from hashlib import shake_128

from kato.model import Model

SIZE = 256
"""Bytes of a fingerprint.  A sum is easier to meet than a hash: 256 bits are met by 2^32 models
that somebody makes up, 2,048 bits by no number of them that anybody can learn."""

_MODULUS = 1 << 8 * SIZE

_encode = json.JSONEncoder(separators=(",", ":")).encode


class Fingerprint:
    """The sum of a long hash of each model: it knows no order, and a model is taken out of it as
    fast as in."""

    __slots__ = ("_sum",)

    def __init__(self, told: bytes = bytes(SIZE)) -> None:
        """@param told: what another one told; that of no models, where none is given."""
        self._sum = int.from_bytes(told)

    def __bytes__(self) -> bytes:
        return self._sum.to_bytes(SIZE)

    def add(self, model: Model) -> None:
        """A model came."""
        self._sum = (self._sum + _hash(model)) % _MODULUS

    def remove(self, model: Model) -> None:
        """A model that was added is no more."""
        self._sum = (self._sum - _hash(model)) % _MODULUS


def _hash(model: Model) -> int:
    """All of it: a name need not be that of its sequence where somebody edited what is stored, and
    emotives are told in the order in which they stand."""
    written = _encode((model.name, model.sequence, model.frequency, model.emotives))
    return int.from_bytes(shake_128(written.encode()).digest(SIZE))
