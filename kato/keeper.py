"""Who has a key: told to all transports by one keeper of them (SPEC 9)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from kato.errors import Unauthorized
from kato.keys import FREE, Grant, Keyring
from kato.policy import NO_KEY, Key
from kato.suspicion import Suspicion, Verdict, network

_LONGEST = 3600.0
"""Seconds after which is looked again when a key expires: no system waits for years at once."""


class WrongKey(Unauthorized):
    """A key that is none.

    Its answer waits C{delay} seconds; or C{closes} says that it is given at once, and the
    connection closed.
    """

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(NO_KEY)
        self.delay = verdict.delay
        self.closes = verdict.closes


class Keeper:
    """Knows keys, tells who has one, and slows down those who guess."""

    log = Logger()

    def __init__(self, keys: Mapping[bytes, Key] | None, *, clock: IReactorTime) -> None:
        """@param keys: what they may do, by their digests; C{None}: nobody is asked for one."""
        self._keyring = None if keys is None else Keyring(keys)
        self._clock = clock
        self._suspicion = Suspicion()
        self._watching: list[Callable[[], None]] = []
        self._expiring: IDelayedCall | None = None
        self._refused = 0
        self.forbidden = 0
        """How many requests were refused that their key may not make."""
        self.over_rate = 0
        """How many were refused since there were too many of them."""
        self._wait_for_expiry()

    @property
    def is_open(self) -> bool:
        """Whether nobody is asked for a key."""
        return self._keyring is None

    def identify(self, given: Sequence[bytes], *, how: str, peer: str | None) -> Grant:
        """What is granted to one who brings these keys; one of them must be known.

        @param how: tells one who brought none how to send it.
        @param peer: the address of who brings them, as far as it is known.
        @raise Unauthorized: where none is brought.
        @raise WrongKey: where none of them is known, any more or at all.
        """
        if self._keyring is None:
            return FREE
        if not given:
            raise Unauthorized(f"no key: {how}")
        grant = self._keyring.find(given, self._clock.seconds())
        if grant is None:
            raise self._suspected(network(peer))
        return grant

    def _suspected(self, address: str) -> WrongKey:
        self._refused += 1
        verdict = self._suspicion.failed(address, self._clock.seconds())
        if verdict.tell:
            self.log.warn(
                "a wrong key came from {address}, {failures} so far",
                address=address,
                failures=verdict.failures,
            )
        return WrongKey(verdict)

    # What changes

    def watch(self, changed: Callable[[], None]) -> None:
        """Have C{changed} called whenever a key has expired, or grants something else."""
        self._watching.append(changed)

    def replace(self, keys: Mapping[bytes, Key]) -> None:
        """Know these keys from now on, and no others."""
        assert self._keyring is not None, "a server without keys has none to replace"
        self._keyring.replace(keys)
        self._changed()

    def _changed(self) -> None:
        for each in self._watching:
            each()
        self._wait_for_expiry()

    def _wait_for_expiry(self) -> None:
        if self._expiring is not None and self._expiring.active():
            self._expiring.cancel()
        now = self._clock.seconds()
        end = None if self._keyring is None else self._keyring.next_end(now)
        if end is not None:
            self._expiring = self._clock.callLater(min(end - now, _LONGEST), self._changed)

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of keys."""
        return {
            "known": 0 if self._keyring is None else len(self._keyring),
            "refused_keys": self._refused,
            "forbidden": self.forbidden,
            "over_rate": self.over_rate,
            **self._suspicion.statistics(self._clock.seconds()),
        }
