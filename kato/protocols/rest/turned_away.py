"""Connections beyond those that there may be: told so in one answer, whatever they ask, and closed
(SPEC 8)."""

from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from kato.errors import TooManyRequests
from kato.protocols.rest.answers import CLOSE, error_body, extra_headers, head

LINGER = 1.0
"""Seconds in which one who is turned away may read why."""


class TurnedAway(Protocol):
    """One connection that is not served.

    What the client sends is read once, and thrown away: its system would forget the answer if it
    were closed upon with something unread.
    """

    transport: Any

    def __init__(self, error: TooManyRequests, *, date: bytes, clock: IReactorTime) -> None:
        self._error = error
        self._date = date
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
            request_id=b"-",
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
