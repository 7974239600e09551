"""A cache in Redis, which nobody waits for longer than a moment (docs/decisions/cache.md)."""

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from kato.caching.address import Address
from kato.caching.breaker import Breaker
from kato.caching.connection import Connection, NoRedis, Refused, connect
from kato.counting import Histogram

PATIENCE = 0.02
"""Seconds in which it has to tell what it has.  One that needs longer is not asked for a while."""

WRITING = 1.0
"""Seconds in which it has to keep something, for which nobody waits."""

MAX_WRITING = 2**23
"""Bytes that are on their way there, at most; what comes meanwhile is not kept."""


class RedisCache:
    """Provides L{kato.caching.Cache}."""

    log = Logger()

    def __init__(self, address: Address, *, ttl: float, reactor: Any) -> None:
        """@param ttl: seconds for which a value is kept."""
        self.seconds = Histogram()
        self._address = address
        self._ttl = max(1, round(ttl * 1000))
        self._reactor = reactor
        self._breaker = Breaker()
        self._connection: Connection | None = None
        self._connecting: Deferred[Connection] | None = None
        self._closed = False
        self._is_away = self._is_full = False
        self._writing = 0
        self._found = self._misses = self._errors = self._skipped = 0
        self._written = self._unwritten = 0

    def start(self) -> None:
        """Look for it, and tell in the log where it is not there."""
        self._connect()

    def close(self) -> "Deferred[Any]":
        """Let go of it; what is on its way there is not waited for."""
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
        if self._connection is not None:
            self._connection.give_up()
        return succeed(None)

    # Asking

    def get(self, key: str) -> "Deferred[bytes | None]":
        """The value of a key; C{None}: it is not known, or not known in time."""
        connection = self._ready()
        if connection is None:
            self._skipped += 1
            return succeed(None)
        began = self._reactor.seconds()
        asked = connection.get(key, PATIENCE)
        return asked.addCallbacks(self._got, self._not_got).addCallback(self._timed, began)

    def _got(self, value: bytes | None) -> bytes | None:
        self._succeeded()
        if value is None:
            self._misses += 1
        else:
            self._found += 1
        return value

    def _not_got(self, failure: Failure) -> None:
        self._errors += 1
        self._failed(failure.value)

    def _timed(self, value: bytes | None, began: float) -> bytes | None:
        self.seconds.add(max(0.0, self._reactor.seconds() - began))
        return value

    # Keeping

    def put(self, key: str, value: bytes) -> None:
        """Keep a value, if it is there and has time."""
        connection = self._ready()
        if connection is None or self._writing + len(value) > MAX_WRITING:
            self._unwritten += 1
            return
        self._writing += len(value)
        writing = connection.put(key, value, self._ttl, WRITING)
        writing.addCallbacks(self._put, self._not_put)
        writing.addCallback(self._put_over, len(value))

    def _put(self, _: object) -> None:
        self._written += 1

    def _not_put(self, failure: Failure) -> None:
        """One that is full may still be asked."""
        self._unwritten += 1
        if not failure.check(Refused):
            self._failed(failure.value)
        elif not self._is_full:
            self._is_full = True
            self.log.warn(
                "the cache at {address} keeps nothing more: {error}",
                address=str(self._address),
                error=failure.value,
            )

    def _put_over(self, _: None, size: int) -> None:
        self._writing -= size

    # How it is

    def _failed(self, error: BaseException | None) -> None:
        """It is left alone for a while.  Who reads the log is told once, and not of an answer that
        was late: whether more is wrong than that, the next connection shows."""
        self._breaker.failed(self._reactor.seconds())
        if isinstance(error, NoRedis | Refused) and not (self._is_away or self._closed):
            self._is_away = True
            self.log.warn(
                "the cache at {address} is not there, answers are computed without it: {error}",
                address=str(self._address),
                error=error,
            )

    def _succeeded(self) -> None:
        self._breaker.succeeded()
        if self._is_away:
            self._is_away = False
            self.log.info("the cache at {address} answers again", address=str(self._address))

    # Connecting

    def _ready(self) -> Connection | None:
        """Where it can be asked now; if it cannot, and was left alone for long enough, it is
        connected to, for whoever asks later."""
        if self._closed or not self._breaker.allows(self._reactor.seconds()):
            return None
        if self._is_up:
            return self._connection
        self._connect()
        return None

    @property
    def _is_up(self) -> bool:
        return self._connection is not None and self._connection.is_up

    def _connect(self) -> None:
        if self._connecting is not None:
            return
        connecting = Deferred.fromCoroutine(connect(self._address, reactor=self._reactor))
        self._connecting = connecting
        connecting.addCallbacks(self._connected, self._not_connected)

    def _connected(self, connection: Connection) -> None:
        self._connecting = None
        self._connection = connection
        self._succeeded()

    def _not_connected(self, failure: Failure) -> None:
        self._connecting = None
        self._failed(failure.value)

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of it."""
        return {
            "address": str(self._address),
            "answers": self._is_up and not self._is_away,
            "found": self._found,
            "misses": self._misses,
            "errors": self._errors,
            "skipped": self._skipped,
            "written": self._written,
            "unwritten": self._unwritten,
        }
