"""The connection on which the events of one service come, made anew for as long as somebody
listens (SPEC 9).

Where the events are published, and under which secret, the service is asked before each connection:
it draws another secret at every start.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from itertools import count
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from kato.errors import InvalidRequest, KatoError, ProcessorUnavailable
from kato.fields import integer, text
from kato.protocols.zmq.addresses import MAX_PORT, Address
from kato.protocols.zmq.interface import Sockets, Subscriber
from kato.protocols.zmq.prefixes import Place, echo

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 0.8
"""Seconds before it is tried again to connect: they double, and each is drawn anew around that."""

PATIENCE = 5.0
"""Seconds for a connection to come about, and for an echo to come back."""

Control = Callable[[dict[str, Any]], "Deferred[dict[str, Any]]"]
"""Asks the service what is no operation."""


class State(Enum):
    """How the connection is."""

    IDLE = "nobody listens"
    CONNECTING = "connecting"
    UP = "connected"
    AWAY = "lost"


class EventLine:
    """One SUB socket, and who waits until what was asked for comes on it."""

    def __init__(
        self,
        address: str,
        *,
        sockets: Sockets,
        clock: IReactorTime,
        random: Callable[[], float],
        control: Control,
        received: Callable[[Place, bytes], None],
        up: Callable[[], None],
        down: Callable[[str], None],
    ) -> None:
        """
        @param address: the service's ROUTER.
        @param random: draws from 0 to 1, for pauses.
        @param received: is told what came, and of what.
        @param up: is told that there is a connection again, and that all that is wanted comes.
        @param down: is told that there is none any more, and why.
        """
        self._host = Address.parse(address).host
        self._address = address
        self._sockets = sockets
        self._clock = clock
        self._random = random
        self._control = control
        self._received = received
        self._up = up
        self._down = down
        self._wanted: Counter[Place] = Counter()
        self._words = count(1)
        self._echoes: dict[bytes, list[Deferred[None]]] = {}
        self._waiting: list[Deferred[None]] = []
        self._connected = False
        self._current = False
        self._secret = b""
        self._socket: Subscriber | None = None
        self._timer: IDelayedCall | None = None
        self._attempt = 0
        self._pause = FIRST_PAUSE
        self.state = State.IDLE

    # What is wanted

    def want(self, places: Iterable[Place]) -> None:
        """Ask for what comes of some places; each is asked for once, however many want it."""
        for place in places:
            self._wanted[place] += 1
            if self._wanted[place] == 1 and self._socket is not None and self._secret:
                self._socket.subscribe(place.prefix(self._secret))
                self._current = False

    def unwant(self, places: Iterable[Place]) -> None:
        """Take that back; without any wish left the connection is closed."""
        for place in places:
            self._wanted[place] -= 1
            if not self._wanted[place]:
                del self._wanted[place]
                if self._socket is not None:
                    self._socket.unsubscribe(place.prefix(self._secret))
        if not self._wanted:
            self.close()

    def ready(self) -> "Deferred[None]":
        """When all that is wanted comes.

        @raise ProcessorUnavailable: (the Deferred fails) at once where the service is gone.
        """
        if self.state is State.UP and self._current and not self._echoes:
            return succeed(None)
        waiter: Deferred[None] = Deferred()
        if self.state is State.AWAY:
            waiter.errback(self._unavailable())
        elif self._connected:
            self._ask_for_echo([waiter])
        else:
            self._waiting.append(waiter)
            if self.state is State.IDLE:
                self._connect()
        return waiter

    def _unavailable(self) -> ProcessorUnavailable:
        return ProcessorUnavailable(
            f"the events of the service at {self._address} do not come", retry_after=1
        )

    # The connection

    def _connect(self) -> None:
        """Ask where the events are, then connect there."""
        self._timer = None
        if self.state is State.IDLE:
            self.state = State.CONNECTING
        self._attempt += 1
        self._watch()
        asked = self._control({"type": "hello"})
        asked.addCallback(self._told, self._attempt)
        asked.addErrback(self._not_told, self._attempt)

    def _told(self, told: Mapping[str, Any], attempt: int) -> None:
        if attempt != self._attempt:
            return
        if told.get("events") is None:
            raise InvalidRequest("the service publishes no events")
        port = integer(told["events"], "events", least=1, most=MAX_PORT)
        self._secret = text(told.get("secret"), "secret").encode()
        self._socket = self._sockets.subscriber(
            str(Address(self._host, port)),
            received=self._came,
            up=self._joined,
            down=self.lose,
        )
        for place in self._wanted:
            self._socket.subscribe(place.prefix(self._secret))

    def _not_told(self, failure: Failure, attempt: int) -> None:
        if attempt == self._attempt:
            why = failure.value.message if isinstance(failure.value, KatoError) else failure
            self.lose(f"where its events are, it does not tell: {why}")

    def _joined(self) -> None:
        self._connected = True
        waiting, self._waiting = self._waiting, []
        self._ask_for_echo(waiting)

    def _ask_for_echo(self, waiting: "list[Deferred[None]]") -> None:
        """What was subscribed to before comes from when the echo does."""
        assert self._socket is not None, "there is a connection"
        prefix = echo(self._secret, f"{next(self._words):x}")
        self._echoes[prefix] = waiting
        self._current = True
        self._watch()
        self._socket.subscribe(prefix)

    def _came(self, frames: list[bytes]) -> None:
        prefix = frames[0]
        waiting = self._echoes.pop(prefix, None)
        if waiting is not None:
            self._echoed(prefix, waiting)
            return
        place = Place.parse(prefix, self._secret)
        if place is not None and self.state is State.UP:
            self._received(place, frames[-1])

    def _echoed(self, prefix: bytes, waiting: "list[Deferred[None]]") -> None:
        if self._socket is not None:
            self._socket.unsubscribe(prefix)
        if not self._echoes:
            self._stop_timer()
        if self.state is not State.UP:
            self.state, self._pause = State.UP, FIRST_PAUSE
            self._up()
        for waiter in waiting:
            waiter.callback(None)

    def _watch(self) -> None:
        """What is awaited comes in time, or the connection is lost."""
        self._stop_timer()
        self._timer = self._clock.callLater(PATIENCE, self.lose, "no answer")

    def _stop_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def lose(self, why: str) -> None:
        """There is no connection, or none that is of use: another one is tried."""
        if self.state is State.IDLE:
            return
        self.state = State.AWAY
        self._let_go()
        if not self._wanted:
            return
        self._timer = self._clock.callLater(self._pause * (0.5 + self._random() / 2), self._connect)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        self._down(why)

    def _let_go(self) -> None:
        """Close the socket; who waits for it hears that, and may want nothing any more."""
        self._attempt += 1
        self._stop_timer()
        socket, self._socket = self._socket, None
        self._secret, self._connected = b"", False
        if socket is not None:
            socket.close()
        waiting = [each for echoed in self._echoes.values() for each in echoed]
        waiting += self._waiting
        self._echoes, self._waiting = {}, []
        for waiter in waiting:
            waiter.errback(self._unavailable())

    def close(self) -> None:
        """Nobody listens any more."""
        self.state = State.IDLE
        self._pause = FIRST_PAUSE
        self._let_go()
