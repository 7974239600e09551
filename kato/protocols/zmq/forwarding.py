"""Large requests that a gateway passes on (SPEC 9).

What a client says in 16 MiB of JSON may take more in MessagePack: C{0,} is a float64 of nine bytes
there.  A gateway has judged it already, so it marks such a request, and the service takes it.
"""

from collections.abc import Sequence

from kato.codec import MAX_MESSAGE

MARK = b"forwarded"
"""The frame that goes before the gateway's own, and before a large request."""

FORWARDED = 5
"""How many times as many bytes such a request may have; none that was read as JSON needs more."""


def marks(request: bytes) -> list[bytes]:
    """The frames that go before a request, beside the gateway's own."""
    return [MARK] if len(request) > MAX_MESSAGE else []


def is_marked(envelope: Sequence[bytes]) -> bool:
    """Whether a request is said to come from a gateway."""
    return MARK in envelope[1:2]


def limit(envelope: Sequence[bytes], most: int = MAX_MESSAGE) -> int:
    """How many bytes a request may have, where those of clients may have C{most}.

    @param envelope: the frames before it, with the identity of its sender.
    """
    return FORWARDED * most if is_marked(envelope) else most
