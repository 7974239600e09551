"""One connection to Redis, through txredisapi, which is given up whole where an answer is late."""

from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.protocol import Factory
from txredisapi import RedisProtocol, ResponseError

from kato.caching.address import Address

CONNECTING = 2.0
"""Seconds that connecting may take; nobody waits for it."""


class NoRedis(Exception):
    """It cannot be spoken to."""


Refused = ResponseError
"""It was understood, and said no: it has no room, or is not ready."""


class _Factory(Factory):
    """Makes protocols that know who asks; what goes wrong at the beginning, they tell it."""

    isLazy = False
    noisy = False

    def __init__(self, address: Address) -> None:
        self._address = address
        self.trouble: str | None = None

    def buildProtocol(self, addr: object) -> Any:
        protocol = RedisProtocol(
            charset=None,
            convertNumbers=False,
            username=self._address.user,
            password=self._address.password,
            dbid=self._address.database,
        )
        protocol.factory = self
        return protocol

    def stopTrying(self) -> None:
        """It is tried again when it is asked for."""

    def connectionError(self, why: str) -> None:
        """The beginning went wrong."""
        self.trouble = why


class Connection:
    """A connection that was made, until it is lost."""

    def __init__(self, protocol: Any, *, reactor: Any) -> None:
        self._protocol = protocol
        self._reactor = reactor

    @property
    def is_up(self) -> bool:
        """Whether it can be asked."""
        return bool(self._protocol.connected)

    def give_up(self) -> None:
        """Lose it at once: whatever waits for an answer fails."""
        self._protocol.transport.abortConnection()

    def get(self, key: str, patience: float) -> "Deferred[bytes | None]":
        """The value of a key; the connection is lost where there is no answer in time."""
        return self._in_time(patience, self._protocol.get, key)

    def put(self, key: str, value: bytes, ttl: int, patience: float) -> "Deferred[Any]":
        """Keep a value for C{ttl} milliseconds; the connection is lost where that is not answered
        in time."""
        return self._in_time(patience, self._protocol.set, key, value, pexpire=ttl)

    def _in_time(self, patience: float, ask: Any, *args: Any, **options: Any) -> "Deferred[Any]":
        """A process that was held up itself reads what has come meanwhile before it judges: who is
        late is looked at again on the next round of the reactor."""
        waiting: list[Any] = []
        late = self._reactor.callLater(patience, lambda: waiting.append(self._soon()))
        waiting.append(late)

        def over(result: object) -> object:
            if waiting[-1].active():
                waiting[-1].cancel()
            return result

        return maybeDeferred(ask, *args, **options).addBoth(over)

    def _soon(self) -> Any:
        return self._reactor.callLater(0, self.give_up)


async def connect(address: Address, *, reactor: Any) -> Connection:
    """Make a connection that was let in, and answers.

    @raise NoRedis: where none can be had, or not in time.
    """
    factory = _Factory(address)
    try:
        host = address.host.encode("idna")
        endpoint = HostnameEndpoint(reactor, host, address.port, CONNECTING)
        protocol: Any = await endpoint.connect(factory)
        late = reactor.callLater(CONNECTING, protocol.transport.abortConnection)
        try:
            await _let_in(protocol)
            await protocol.ping()
        finally:
            if late.active():
                late.cancel()
    except Exception as error:
        raise NoRedis(factory.trouble or str(error) or type(error).__name__) from None
    return Connection(protocol, reactor=reactor)


def _let_in(protocol: Any) -> "Deferred[None]":
    """Fires when it is known whether it is."""
    known: Deferred[None] = Deferred(lambda _: protocol.transport.abortConnection())

    def tell(_: object) -> None:
        if not known.called:
            known.callback(None)

    protocol.whenConnected().addCallback(tell)
    protocol.whenDisconnected().addCallback(tell)
    return known
