"""Replies that a peer does not take as fast as they are made."""

from collections import deque
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from kato.protocols.zmq.interface import Socket
from kato.seldom import Seldom

MAX_BYTES = 64 * 2**20
"""How many bytes are kept for one peer; what is over is lost, and counted."""

_SELDOM = 60.0
"""Seconds for which that is not said again."""

PAUSE = 0.02
"""Seconds until it is tried again."""


class _Waiting:
    """What waits for one peer."""

    __slots__ = ("bytes", "messages")

    def __init__(self) -> None:
        self.messages: deque[list[bytes]] = deque()
        self.bytes = 0


class Backlog:
    """Hands replies to a ROUTER; those that a peer cannot take now wait, in order and bounded."""

    log = Logger()

    def __init__(self, *, clock: IReactorTime) -> None:
        self._clock = clock
        self._socket: Socket | None = None
        self._waiting: dict[bytes, _Waiting] = {}
        self._again: IDelayedCall | None = None
        self._lost = 0
        self._seldom = Seldom(_SELDOM, most=1)
        self._gathers = False
        self._gathered: list[list[bytes]] = []

    def open(self, socket: Socket) -> None:
        """Begin to send there."""
        self._socket = socket

    def close(self) -> None:
        """Send no more."""
        self._socket = None
        if self._again is not None:
            self._again.cancel()
            self._again = None

    def gather(self) -> None:
        """Send nothing until L{flush}: to send one by one wakes ZeroMQ's thread for each."""
        self._gathers = True

    def flush(self) -> None:
        """Send what was gathered."""
        self._gathers = False
        gathered, self._gathered = self._gathered, []
        for message in gathered:
            self._send(message)

    def send(self, envelope: list[bytes], body: bytes) -> None:
        """Send a reply to the peer that is the envelope's first frame."""
        message = [*envelope, body]
        if self._gathers:
            self._gathered.append(message)
        else:
            self._send(message)

    def _send(self, message: list[bytes]) -> None:
        if self._socket is None:
            return
        waiting = self._waiting.get(message[0])
        if waiting is None:
            if self._socket.send(message):
                return
            waiting = self._waiting[message[0]] = _Waiting()
            self._try_soon()
        self._keep(waiting, message)

    def _keep(self, waiting: _Waiting, message: list[bytes]) -> None:
        size = sum(map(len, message))
        if waiting.bytes + size > MAX_BYTES:
            self._lost += 1
            if self._seldom.is_due("lost", now=self._clock.seconds()):
                self.log.warn(
                    "a client reads too slowly: more than {bytes} bytes of replies wait for it, "
                    "and replies are lost",
                    bytes=MAX_BYTES,
                )
            return
        waiting.messages.append(message)
        waiting.bytes += size

    def _try_soon(self) -> None:
        if self._again is None:
            self._again = self._clock.callLater(PAUSE, self._try)

    def _try(self) -> None:
        self._again = None
        for peer, waiting in list(self._waiting.items()):
            self._send_on(waiting)
            if not waiting.messages:
                del self._waiting[peer]
        if self._waiting:
            self._try_soon()

    def _send_on(self, waiting: _Waiting) -> None:
        while waiting.messages and self._socket is not None:
            if not self._socket.send(waiting.messages[0]):
                return
            waiting.bytes -= sum(map(len, waiting.messages.popleft()))

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of replies that are not taken."""
        return {
            "unsent": sum(len(each.messages) for each in self._waiting.values()),
            "lost": self._lost,
        }
