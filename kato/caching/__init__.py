"""Where services keep answers for each other: the URL by which an operator chooses it (SPEC 10).

It is only a cache: whatever becomes of it, answers are those without it.
"""

from typing import Any

from kato.caching.address import Address, BadAddress
from kato.caching.interface import Cache

__all__ = ["Address", "BadAddress", "Cache", "make_cache"]


def make_cache(address: Address, *, ttl: float, reactor: Any) -> Cache:
    """The cache at an address, not connected yet.

    Its library is loaded where it is needed alone: it installs the reactor.

    @param ttl: seconds for which it keeps an answer.
    """
    from kato.caching.redis import RedisCache

    return RedisCache(address, ttl=ttl, reactor=reactor)
