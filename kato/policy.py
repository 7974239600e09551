"""Who may do what: one rule for every transport, and a pure one (SPEC 8 and 9).

What a request asks for and the key that it brings are all that counts.  What exists is not looked
at, so that a refusal tells nothing about it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from functools import lru_cache
from typing import Any

from kato.commands import MAX_ID, OPERATIONS, Scope
from kato.errors import Forbidden, Unauthorized
from kato.fields import shown

EVERY = "*"
"""The pattern that all processors fit."""

SUBSCRIBE = "subscribe"
"""What is asked for by who wants to be told events: no operation, since there are many answers."""

NEEDS: Mapping[str, Scope] = {
    **{name: row.scope for name, row in OPERATIONS.items()},
    SUBSCRIBE: Scope.READ,
}
"""The scope that a key must have for each operation."""

NO_KEY = "this is not a key of this server"
"""What is said of a key that is wrong or has expired: nobody learns which."""


@dataclass(frozen=True, slots=True)
class Key:
    """What a key may do, the key itself left out.

    C{processors} are ids, and patterns in which C{*} stands for any part of one; C{expires} is in
    Unix seconds, C{rate} in requests a second, C{None} where there is no such limit.
    """

    name: str
    scopes: frozenset[Scope]
    processors: tuple[str, ...] = (EVERY,)
    expires: float | None = None
    rate: float | None = None
    whole: bool = field(init=False, repr=False, compare=False)
    """Whether it is for all processors, and so for the server itself."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "whole", EVERY in self.processors)

    def sees(self, processor: object) -> bool:
        """Whether it is for this processor; what can be no id is nobody's."""
        return self.whole or (
            isinstance(processor, str)
            and len(processor) <= MAX_ID
            and _fitting(self.processors).fullmatch(processor) is not None
        )

    def as_map(self) -> dict[str, Any]:
        """What one is told who has it."""
        return {
            "scopes": [each.value for each in Scope if each in self.scopes],
            "processors": list(self.processors),
        }

    def has_expired(self, now: float) -> bool:
        """@param now: the time, in Unix seconds."""
        return self.expires is not None and now >= self.expires


@lru_cache(maxsize=1024)
def _fitting(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(translate, patterns)))


EVERYBODY = Key("", frozenset(Scope))
"""Stands for the key of a server that has none."""

GUEST = Key("", frozenset(), ())
"""Stands for that of one who has told none."""


def is_open(operation: object, processor: object) -> bool:
    """Whether a request needs no key: a plain C{ping} of the server."""
    return processor is None and isinstance(operation, str) and operation == "ping"


def judge(key: Key, operation: object, processor: object, now: float) -> None:
    """See that a key may do this.

    What is no operation, or no processor's id, is judged as far as it can be: it is refused later
    for what it is, to all alike.

    @param operation: one of the table, or L{SUBSCRIBE}.
    @param processor: whom it is about; C{None}: the server, of which a key sees its own part alone.
    @param now: the time, in Unix seconds.
    @raise Unauthorized: where the key has expired.
    @raise Forbidden: where it may not.
    """
    if processor is None and is_open(operation, processor):
        return
    if key.expires is not None and key.has_expired(now):
        raise Unauthorized(NO_KEY)
    if not key.whole and processor is not None and not key.sees(processor):
        raise Forbidden(f"processor: this key is not for {shown(processor)}")
    needed = NEEDS.get(operation) if isinstance(operation, str) else None
    if needed is not None and needed not in key.scopes:
        raise Forbidden(f"method: this key may not {operation}, it lacks the scope {needed.value}")


def judge_server(key: Key, what: str, now: float) -> None:
    """See that a key may do what concerns all of the server: it must be for all processors, and
    have the scope C{admin}.

    @param what: this, for people.
    @raise Unauthorized: where the key has expired.
    @raise Forbidden: where it may not.
    """
    if key.has_expired(now):
        raise Unauthorized(NO_KEY)
    if not key.whole or Scope.ADMIN not in key.scopes:
        raise Forbidden(
            f"{what}: this is for keys with the scope admin and for all processors alone"
        )
