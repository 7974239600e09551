"""Who has the server's key (SPEC 9): one rule for every transport."""

from collections.abc import Sequence
from hmac import compare_digest

from kato.errors import Unauthorized


def check_key(given: Sequence[bytes], key: bytes | None, *, how: str) -> None:
    """See that the key is among those that were given.

    @param key: the server's; C{None}: it has none, and asks nobody.
    @param how: tells one who gave none how to send it.
    @raise Unauthorized: where it is not.
    """
    if key is None:
        return
    if not given:
        raise Unauthorized(f"no key: {how}")
    if not any(compare_digest(each, key) for each in given):
        raise Unauthorized("this is not the server's key")
