"""Which providers of the matching seam there are, and which serves."""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from kato.engine.matching import Matcher
from kato.engine.python_matcher import PythonMatcher

KINDS = ("native", "python")
"""What a provider can be called, the better first."""


class Provider(NamedTuple):
    """A provider of the matching seam."""

    kind: str
    make: Callable[[], Matcher]
    """Makes an empty matcher."""
    why: str
    """Why it is this one, for people."""


class NotBuilt(Exception):
    """The provider that was asked for is not there; one line says why."""


def provider(kind: str, why: str) -> Provider:
    """The provider of this kind, one of L{KINDS}.

    @raise NotBuilt: where it was not compiled for the Python that runs.
    """
    if kind == "python":
        return Provider(kind, PythonMatcher, why)
    try:
        from kato.engine.native_matcher import NativeMatcher
    except ImportError as error:
        raise NotBuilt(f"the matching kernel was not built ({error})") from error
    return Provider(kind, NativeMatcher, why)


@cache
def best_provider() -> Provider:
    """The best there is."""
    try:
        return provider("native", "it is the best there is")
    except NotBuilt as error:
        return provider("python", str(error))


def best_matcher() -> Matcher:
    """An empty matcher of the best provider there is."""
    return best_provider().make()
