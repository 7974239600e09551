"""A wire to a server that breaks when it is told to."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.protocols import portforward


class _ToServer(portforward.ProxyClient):
    """What the server says goes to the client, if the wire lets it."""

    peer: "_FromClient"

    def dataReceived(self, data: bytes) -> None:
        if self.peer.wire.lets_back(self.peer):
            super().dataReceived(data)


class _ToServerFactory(portforward.ProxyClientFactory):
    protocol = _ToServer
    noisy = False


class _FromClient(portforward.ProxyServer):
    """What the client says goes to the server, if the wire lets it."""

    clientProtocolFactory = _ToServerFactory
    factory: "_Factory"

    @property
    def wire(self) -> "Wire":
        return self.factory.wire

    def connectionMade(self) -> None:
        self.wire.ends.append(self)
        super().connectionMade()

    def dataReceived(self, data: bytes) -> None:
        if self.wire.lets_through(self, data):
            super().dataReceived(data)

    def connectionLost(self, reason: Any = None) -> None:
        self.wire.ends.remove(self)
        super().connectionLost(reason)

    def cut(self) -> None:
        """Break it on both sides."""
        for end in (self, self.peer):
            if end is not None and end.transport is not None:
                end.transport.abortConnection()  # type: ignore[attr-defined]


class _Factory(portforward.ProxyFactory):
    protocol = _FromClient
    noisy = False

    def __init__(self, wire: "Wire", port: int) -> None:
        super().__init__("127.0.0.1", port)
        self.wire = wire


class Wire:
    """Listens on C{port}, and passes on all that is said there to a server and back."""

    def __init__(self, reactor: Any, server_port: int) -> None:
        self.ends: list[_FromClient] = []
        self.is_dead = False
        """Nobody gets through."""
        self._listening = reactor.listenTCP(0, _Factory(self, server_port), interface="127.0.0.1")
        self.port: int = self._listening.getHost().port
        self._traps: list[tuple[bytes, str, Callable[[], None]]] = []
        self._waiting: dict[_FromClient, str] = {}

    def trap(self, said: bytes, what: str, then: Callable[[], None] = lambda: None) -> None:
        """Once C{said} is said, C{what} happens to it: it is C{cut} off before it arrives, it
        arrives and is C{unanswered}, the wire being cut in the place of the answer, or it is
        C{swallowed}, and nothing happens at all."""
        self._traps.append((said, what, then))

    def lets_through(self, end: _FromClient, data: bytes) -> bool:
        """Whether what a client says may pass."""
        if self.is_dead:
            end.cut()
            return False
        for trap in self._traps:
            said, what, then = trap
            if said in data:
                self._traps.remove(trap)
                return self._spring(end, what, then)
        return True

    def _spring(self, end: _FromClient, what: str, then: Callable[[], None]) -> bool:
        if what == "unanswered":
            self._waiting[end] = what
            self._then = then
            return True
        then()
        if what == "cut":
            end.cut()
        return False

    def lets_back(self, end: _FromClient) -> bool:
        """Whether an answer may pass."""
        if self._waiting.pop(end, None) is None:
            return True
        self._then()
        end.cut()
        return False

    def die(self) -> None:
        """Break all connections, now and from now on."""
        self.is_dead = True
        for end in list(self.ends):
            end.cut()

    def revive(self) -> None:
        """Let everybody through again."""
        self.is_dead = False

    def close(self) -> "Deferred[None]":
        """Let go of the port."""
        for end in list(self.ends):
            end.cut()
        stopped: Deferred[None] = self._listening.stopListening()
        return stopped
