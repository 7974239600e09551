"""Connections beyond those that there may be: told so in one answer, whatever they ask, and closed
(SPEC 8)."""

from typing import Any

from twisted.internet.interfaces import IAddress, IDelayedCall, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from kato.errors import TooManyRequests
from kato.protocols.rest.answers import CLOSE, error_body, extra_headers, head
from kato.seldom import Seldom

LINGER = 1.0
"""Seconds in which one who is turned away may read why."""

PAUSE = 60.0
"""Seconds for which the log says no more of those who are turned away."""


class TurnedAway(Protocol):
    """One connection that is not served.

    What the client sends is read once, and thrown away: its system would forget the answer if it
    were closed upon with something unread.
    """

    transport: Any

    def __init__(
        self, error: TooManyRequests, *, date: bytes, request_id: bytes, clock: IReactorTime
    ) -> None:
        self._error = error
        self._date = date
        self._request_id = request_id
        self._clock = clock
        self._leaving: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Say why."""
        error = self._error
        body = error_body(error, time_stamp=self._clock.seconds(), processor=None)
        start = head(
            error.http_status,
            len(body),
            date=self._date,
            request_id=self._request_id,
            extra=extra_headers(error) + CLOSE,
        )
        self.transport.writeSequence([start, body])
        self._leaving = self._clock.callLater(LINGER, self._leave)

    def dataReceived(self, data: bytes) -> None:
        """What is asked makes no difference."""
        self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """It is gone."""
        if self._leaving is not None and self._leaving.active():
            self._leaving.cancel()

    def _leave(self) -> None:
        self.transport.loseConnection()


class TurningAway:
    """Counts those who are turned away, and tells the log of it now and then: it must not grow by a
    line for each of a flood."""

    log = Logger()

    def __init__(self, *, clock: IReactorTime) -> None:
        self._clock = clock
        self._seldom = Seldom(PAUSE, most=1)
        self.number = 0
        """How many were turned away so far."""

    def turn_away(
        self, error: TooManyRequests, address: IAddress | None, *, date: bytes, request_id: bytes
    ) -> TurnedAway:
        """Make what answers one connection.

        @param error: why it is not served.
        @param address: where it comes from.
        """
        self.number += 1
        if self._seldom.is_due("turned away", now=self._clock.seconds()):
            self.log.warn(
                "a connection from {client} was turned away, {number} so far: {reason}",
                client=getattr(address, "host", None) or "-",
                number=self.number,
                reason=error.message,
                request_id=request_id.decode("ascii"),
            )
        return TurnedAway(error, date=date, request_id=request_id, clock=self._clock)
