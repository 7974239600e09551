"""Gates for tests: in front of whatever is asked, with the keys that a test says."""

from collections.abc import Mapping
from typing import Any

from twisted.internet.task import Clock

from kato.gate import Gate
from kato.keeper import Keeper
from kato.key_reading import known_keys
from kato.keys import digest
from kato.policy import Key


def make_gate(
    asks: Any, api_key: bytes | None = None, *, clock: Any = None, keys: Any = None
) -> Gate:
    """A gate.

    @param asks: carries out commands.
    @param api_key: the one for everything, if there is to be one.
    @param keys: what others may do, by themselves.
    """
    clock = clock or Clock()
    return Gate(asks, Keeper(keys_known(api_key, keys), clock=clock), clock=clock)


def keys_known(
    api_key: bytes | None, keys: Mapping[bytes, Key] | None
) -> Mapping[bytes, Key] | None:
    """What these keys may do, by their digests."""
    one = known_keys(api_key, None)
    if keys is None:
        return one
    return {**{digest(token): key for token, key in keys.items()}, **(one or {})}
